"""Adapters, of planners and others: safetensors of low-rank pairs, whose metadata names the languages that they were
trained on."""

from __future__ import annotations

import math
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from scenewright_server.importers.parts import PlannerPart
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.adapters import unpack_pairs

SHIPPED = Path(__file__).resolve().parents[1] / "bundles" / "planners"
"""The adapters that come with the package, each called as the part of the catalogue that it is for."""


def shipped_planner(part: str) -> Path | None:
    """The adapter for a language model of the catalogue, if one comes with the package."""
    path = SHIPPED / f"{part}.safetensors"
    return path if path.is_file() else None


def kind_of(path: Path) -> str:
    """What an adapter's file says that it is for: "plan" or "speech", "" where it tells nothing."""
    with safe_open(path, "pt") as file:
        return (file.metadata() or {}).get("kind", "")


def read_planner(path: Path) -> PlannerPart:
    """An adapter out of a file; metadata "languages": "en,zh", "en" where it tells none, and of a planner "sure":
    "-0.5,-3", see `families.chat.storage.SURE`. Raises ImportRefused."""
    try:
        state = unpack_pairs(load_file(path))
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ImportRefused(path, "content", "safetensors of an adapter", error) from None
    except ValueError as error:
        raise ImportRefused(path, "content", "int8 pairs with a scale each", error) from None
    ranks = {tensor.shape[0] for name, tensor in state.items() if name.endswith(".A") and tensor.dim() == 2}
    if len(ranks) != 1:
        raise ImportRefused(path, "rank", "one, of all pairs A (rank, in) and B (out, rank)", sorted(ranks) or "none")
    languages = tuple(filter(None, metadata.get("languages", "en").split(",")))
    told = metadata.get("sure", "")
    try:
        sure = tuple(map(float, told.split(","))) if told else ()
    except ValueError:
        sure = (math.nan,)
    if sure and not (len(sure) == 2 and -math.inf < sure[1] <= sure[0] <= 0):
        raise ImportRefused(path, "sure", "two scores of at most 0, the second no higher, as -0.5,-3", told)
    return PlannerPart(state, ranks.pop(), languages, sure)
