"""`.pt` and `.bin` files: read in a process of their own, with limits, so that no pickle is loaded in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from scenewright_server.importers import unpickle
from scenewright_server.importers.refusal import ImportRefused

SPARE_BYTES = 2**30
"""Memory that the process may have beyond twice the file's size."""
TIMEOUT_S = 900.0


def read_pickle(
    path: Path, keep: Sequence[str] = (), stand_ins: Sequence[str] = (), timeout_s: float = TIMEOUT_S
) -> dict[str, Any]:
    """What torch.save wrote: dicts, lists, plain values and tensors; an argparse.Namespace as a dict, sets as lists.

    keep: top-level keys to keep; none: all. stand_ins: packages whose classes may be named in the file; None comes in
    their place, and in that of whatever else is not plain.
    Works where the `resource` module is (Linux, macOS). Raises ImportRefused for a file that wants code to be run, is
    damaged, or passes a limit: twice its size + SPARE_BYTES of memory, `timeout_s` of time.
    """
    if not path.is_file():
        raise ImportRefused(path, "file", "to be there", "nothing")
    return _read_elsewhere(path, path.stat().st_size, keep, stand_ins, timeout_s)


def read_distributed(directory: Path, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """The tensors that torch.distributed.checkpoint wrote into a directory, whole, by name, but for an optimizer's.

    Raises ImportRefused as `read_pickle` does.
    """
    if not (directory / ".metadata").is_file():
        raise ImportRefused(directory / ".metadata", "file", "to be there", "nothing")
    size = sum(file.stat().st_size for file in directory.iterdir() if file.is_file())
    return _read_elsewhere(directory, size, (), (), timeout_s)


def _read_elsewhere(
    path: Path, size: int, keep: Sequence[str], stand_ins: Sequence[str], timeout_s: float
) -> dict[str, Any]:
    options = {
        "memory_bytes": 2 * size + SPARE_BYTES,
        "cpu_s": max(1, int(timeout_s)),
        "out_bytes": size + SPARE_BYTES,
        "keep": list(keep),
        "stand_ins": list(stand_ins),
    }
    with tempfile.TemporaryDirectory(prefix="scenewright-import-") as scratch:
        out = Path(scratch)
        command = [sys.executable, "-I", unpickle.__file__, str(path.absolute()), scratch, json.dumps(options)]
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout_s,
                cwd=scratch,
                env={"PATH": os.defpath, "OMP_NUM_THREADS": "1"},
            )
        except subprocess.TimeoutExpired:
            raise ImportRefused(path, "reading", f"at most {timeout_s:g} s", "no end") from None
        reason = out / "refused.json"
        if reason.is_file() and (said := reason.read_text()):
            raise ImportRefused(path, "content", "tensors and plain values only", json.loads(said))
        if ended.returncode:
            raise ImportRefused(path, "reading", "to stay within memory and time", f"exit status {ended.returncode}")
        tensors = load_file(out / "tensors.safetensors")
        values = _rebuild(json.loads((out / "values.json").read_text()), tensors)
    if not isinstance(values, dict):
        raise ImportRefused(path, "content", "a dict", type(values).__name__)
    return values


def _rebuild(value: Any, tensors: dict[str, Any]) -> Any:
    """The values as they were, with their tensors."""
    if isinstance(value, list):
        return [_rebuild(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return {key: _rebuild(item, tensors) for key, item in value["dict"].items()}
