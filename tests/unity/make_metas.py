"""Write a `.meta` beside every file and folder of unity_client that Unity imports, with a GUID made of its path.

`--check` writes nothing and exits with 1 where one is missing or left over. A GUID never changes once it is there.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "unity_client"
_IMPORTERS = {
    ".cs": "MonoImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  defaultReferences: []\n"
    "  executionOrder: 0\n  icon: {instanceID: 0}\n",
    ".asmdef": "AssemblyDefinitionImporter:\n  externalObjects: {}\n",
    ".asmref": "AssemblyDefinitionReferenceImporter:\n  externalObjects: {}\n",
    ".json": "PackageManifestImporter:\n  externalObjects: {}\n",
    ".md": "TextScriptImporter:\n  externalObjects: {}\n",
    ".xml": "TextScriptImporter:\n  externalObjects: {}\n",
}
_TAIL = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"


def imported(root: Path) -> list[Path]:
    """What Unity imports: no hidden name, none that ends in a tilde, and nothing below such a folder."""
    found = []
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~") or path.suffix == ".meta":
            continue
        found.append(path)
        if path.is_dir():
            found += imported(path)
    return found


def meta(path: Path) -> str:
    """The text of a path's `.meta`."""
    name = path.relative_to(PACKAGE).as_posix()
    guid = hashlib.sha256(f"com.scenewright.client/{name}".encode()).hexdigest()[:32]
    if path.is_dir():
        importer = "folderAsset: yes\nDefaultImporter:\n  externalObjects: {}\n"
    else:
        importer = _IMPORTERS.get(path.suffix, "DefaultImporter:\n  externalObjects: {}\n")
    return f"fileFormatVersion: 2\nguid: {guid}\n{importer}{_TAIL}"


def main() -> None:
    """Write what is missing and delete what is left over, or with `--check` say it."""
    wanted = {path.with_name(path.name + ".meta"): meta(path) for path in imported(PACKAGE)}
    there = {path for path in PACKAGE.rglob("*.meta") if not any(part.endswith("~") for part in path.parts)}
    missing, surplus = sorted(wanted.keys() - there), sorted(there - wanted.keys())
    guids = [
        line for path in wanted.keys() & there for line in path.read_text().splitlines() if line.startswith("guid")
    ]
    if len(set(guids)) != len(guids):
        sys.exit("two .meta files have one GUID")
    if "--check" in sys.argv[1:]:
        if missing or surplus:
            names = [str(path.relative_to(PACKAGE)) for path in missing + surplus]
            sys.exit(f".meta files are missing or left over, run tests/unity/make_metas.py: {', '.join(names)}")
        return
    for path in missing:
        path.write_text(wanted[path], encoding="utf-8", newline="\n")
    for path in surplus:
        path.unlink()


if __name__ == "__main__":
    main()
