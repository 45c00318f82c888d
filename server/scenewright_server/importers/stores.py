"""Weights on disk: safetensors, in one file or in shards with an index; or pytorch_model.bin, read elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from scenewright_server.importers.fields import read_json
from scenewright_server.importers.pickles import read_pickle
from scenewright_server.importers.refusal import ImportRefused


class SafetensorsStore(Mapping[str, Tensor]):
    """The tensors of some safetensors files, read when they are asked for.

    Raises ImportRefused for a file that is missing, truncated, or whose offsets overlap or lie outside of it.
    """

    def __init__(self, files: list[Path]) -> None:
        self._where: dict[str, tuple[Path, Any]] = {}
        for file in files:
            if not file.is_file():
                raise ImportRefused(file, "file", "to be there", "nothing")
            try:
                handle = safe_open(file, "pt")
            except (SafetensorError, OSError) as error:
                raise ImportRefused(file, "header", "a whole safetensors file", error) from None
            for name in handle.keys():  # noqa: SIM118, the handle is no mapping
                if name in self._where:
                    raise ImportRefused(file, name, f"once, and it is in {self._where[name][0].name}", "again")
                self._where[name] = (file, handle)

    def __getitem__(self, name: str) -> Tensor:
        file, handle = self._where[name]
        try:
            return handle.get_tensor(name)
        except (SafetensorError, ValueError, RuntimeError) as error:
            raise ImportRefused(file, name, "a tensor that can be read", error) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def file_of(self, name: str) -> Path:
        """Where a tensor is."""
        return self._where[name][0]


def open_weights(directory: Path) -> Mapping[str, Tensor]:
    """A directory's model.safetensors, the shards that model.safetensors.index.json names, or pytorch_model.bin."""
    whole, index = directory / "model.safetensors", directory / "model.safetensors.index.json"
    pickled = directory / "pytorch_model.bin"
    if pickled.is_file() and not whole.is_file() and not index.is_file():
        return {name: value for name, value in read_pickle(pickled).items() if isinstance(value, Tensor)}
    if whole.is_file() or not index.is_file():
        return SafetensorsStore([whole])
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ImportRefused(index, "weight_map", "names of tensors and their files", type(places).__name__)
    for shard in places.values():
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise ImportRefused(index, "weight_map", "names of safetensors files beside it", repr(shard))
    store = SafetensorsStore([directory / shard for shard in sorted(set(places.values()))])
    for name, shard in places.items():
        if name not in store or store.file_of(name).name != shard:
            raise ImportRefused(directory / shard, name, "a tensor, as the index says", "none")
    return store
