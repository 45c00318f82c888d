"""Write every C# snippet of the pages into files of their own, to be compiled: snippets.py OUT PAGE..."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def main() -> None:
    """Each snippet is a whole file; exits with 1 if there is none."""
    out, *pages = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.cs"):
        old.unlink()
    n = 0
    for page in pages:
        for code in re.findall(r"^```csharp\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            n += 1
            (out / f"{page.stem}{n}.cs").write_text(code, encoding="utf-8")
    if n == 0:
        sys.exit("no snippet was found")
    print(f"{n} snippets")


if __name__ == "__main__":
    main()
