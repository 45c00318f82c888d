"""A checkpoint's named tensors, taken by name with the shape that they must have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from torch import Tensor

from scenewright_server.importers.refusal import ImportRefused

_FLOATS = ("torch.float32", "torch.float16", "torch.bfloat16")


class Tensors:
    """The tensors of one checkpoint. Each is taken once; `finish` refuses what nobody asked for.

    rename: what the file calls a tensor of the name that is asked for. skipped: names in the file to leave out.
    """

    def __init__(
        self,
        file: Path | str,
        tensors: Mapping[str, Tensor],
        rename: Callable[[str], str] = lambda name: name,
        skipped: Iterable[str] = (),
    ) -> None:
        self.file, self._tensors, self._rename = file, tensors, rename
        self._left = set(tensors) - set(skipped)

    def __contains__(self, name: str) -> bool:
        return self._rename(name) in self._left

    def take(self, name: str, *shape: int) -> Tensor:
        """The tensor of that name, which must be of that shape and hold float32, float16 or bfloat16."""
        name = self._rename(name)
        if name not in self._left:
            raise ImportRefused(self.file, name, f"a tensor {list(shape)}", "none")
        self._left.remove(name)
        tensor = self._tensors[name]
        if tensor.shape != shape:
            raise ImportRefused(self.file, name, f"shape {list(shape)}", list(tensor.shape))
        if str(tensor.dtype) not in _FLOATS:
            raise ImportRefused(self.file, name, "floating point numbers", tensor.dtype)
        return tensor

    def refuse(self, name: str, expected: object, found: object) -> NoReturn:
        """Raises ImportRefused about a tensor, under the name that the file has for it."""
        raise ImportRefused(self.file, self._rename(name), expected, found)

    def skip(self, pattern: str) -> None:
        """Leave out every tensor whose whole name in the file fits the regular expression."""
        self._left = {name for name in self._left if not re.fullmatch(pattern, name)}

    def finish(self) -> None:
        """Raises ImportRefused when a tensor is left that was neither taken nor skipped."""
        if self._left:
            raise ImportRefused(self.file, min(self._left), "no such tensor", f"{len(self._left)} that have no place")
