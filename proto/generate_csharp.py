"""Generate the C# of the contract, for unity_client: internal messages and client stubs.

It takes protoc and grpc_csharp_plugin of the NuGet package Grpc.Tools (grpcio-tools has no C# generator): from the
folder that GRPC_TOOLS names, from NuGet's packages, or from PATH.
"""

from __future__ import annotations

import filecmp
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools

PROTO = Path(__file__).resolve().parent
OUT = PROTO.parent / "unity_client" / "Runtime" / "Generated"
PACKAGE = Path("scenewright/v1")
_TOOLS = ("protoc", "grpc_csharp_plugin")
_PLATFORMS = {"Linux": "linux", "Darwin": "macosx", "Windows": "windows"}


def find_tools() -> tuple[str, str] | None:
    """The paths of protoc and grpc_csharp_plugin; None where one is missing."""
    folders = [os.environ["GRPC_TOOLS"]] if "GRPC_TOOLS" in os.environ else []
    packages = Path(os.environ.get("NUGET_PACKAGES", Path.home() / ".nuget" / "packages"))
    system = _PLATFORMS.get(platform.system(), "linux")
    folders += [str(path) for path in sorted(packages.glob(f"grpc.tools/*/tools/{system}_x64"), reverse=True)]
    for path in [*folders, None]:
        found = [shutil.which(tool, path=path) for tool in _TOOLS]
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def generate(out: Path, tools: tuple[str, str]) -> None:
    """Write one file a proto and one a service below `out`; raises CalledProcessError if protoc refuses them."""
    protoc, plugin = tools
    arguments = [
        protoc,
        f"-I{PROTO}",
        f"-I{Path(grpc_tools.__file__).parent / '_proto'}",
        f"--plugin=protoc-gen-grpc={plugin}",
        f"--csharp_out={out}",
        "--csharp_opt=internal_access",
        f"--grpc_out={out}",
        "--grpc_opt=internal_access,no_server",
        *(str(path) for path in sorted((PROTO / PACKAGE).glob("*.proto"))),
    ]
    subprocess.run(arguments, check=True)
    for path in out.glob("*.cs"):  # protoc's trailing spaces, and its line ends on Windows
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        path.write_text("".join(line.rstrip() + "\n" for line in lines), encoding="utf-8", newline="\n")


def main() -> None:
    """Generate anew, or with `--check` exit with 1 and the names of the files that are not current."""
    tools = find_tools()
    if tools is None:
        print("C# not generated: Grpc.Tools' protoc and grpc_csharp_plugin are not at hand (set GRPC_TOOLS)")
        return
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        generate(fresh, tools)
        names = {path.name for folder in (fresh, OUT) for path in folder.glob("*.cs")}
        _, mismatched, missing = filecmp.cmpfiles(fresh, OUT, names, shallow=False)
        if "--check" in sys.argv[1:]:
            if mismatched + missing:
                sys.exit(f"generated C# is not current, run `make proto`: {', '.join(sorted(mismatched + missing))}")
            return
        for name in sorted(mismatched + missing):
            if (fresh / name).exists():
                shutil.copyfile(fresh / name, OUT / name)
            else:
                (OUT / name).unlink()


if __name__ == "__main__":
    main()
