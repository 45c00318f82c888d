"""Generate the Python of the contract: messages, gRPC stubs and their types.

Run by `make proto`. With `--check` nothing is written; the exit status says whether the code is current.
"""

from __future__ import annotations

import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
SDK = PROTO.parent / "sdk"
PACKAGES = [Path("scenewright/v1"), Path("scenewright/v1alpha")]


def generate(out: Path) -> None:
    """Write `scenewright/*/*_pb2*` below `out`; raises RuntimeError if protoc refuses the contract."""
    protos = [path for package in PACKAGES for path in sorted((PROTO / package).glob("*.proto"))]
    services = [path for path in protos if "\nservice " in path.read_text(encoding="utf-8")]
    run_protoc(protos, f"--python_out={out}", f"--mypy_out=quiet:{out}")
    run_protoc(services, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}")


def run_protoc(protos: list[Path], *outputs: str) -> None:
    bin_dir = Path(sys.executable).parent
    arguments = [
        "protoc",
        f"-I{PROTO}",
        f"-I{Path(grpc_tools.__file__).parent / '_proto'}",
        f"--plugin=protoc-gen-mypy={bin_dir / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={bin_dir / 'protoc-gen-mypy_grpc'}",
        *outputs,
        *(str(path) for path in protos),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc failed; its message is above")


def generated(root: Path) -> set[Path]:
    """The generated files below `root`, relative to it."""
    return {path.relative_to(root) for package in PACKAGES for path in (root / package).glob("*_pb2*.py*")}


def differences(root: Path = SDK) -> list[str]:
    """Names of files below `root` that differ from what the contract generates now."""
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        generate(fresh)
        names = [str(path) for path in generated(fresh) | generated(root)]
        _, mismatched, missing = filecmp.cmpfiles(fresh, root, names, shallow=False)
        return sorted(mismatched + missing)


def main() -> None:
    if "--check" in sys.argv[1:]:
        stale = differences()
        if stale:
            sys.exit(f"generated code is not current, run `make proto`: {', '.join(stale)}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        generate(fresh)
        for path in generated(SDK) - generated(fresh):
            (SDK / path).unlink()
        for path in generated(fresh):
            shutil.copyfile(fresh / path, SDK / path)


if __name__ == "__main__":
    main()
