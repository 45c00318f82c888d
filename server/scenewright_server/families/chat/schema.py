"""Text that is JSON of a given schema: which tokens may come next, by llguidance."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenewright_server.families.family import ModelError

MAX_DEPTH = 32
_SHAPE: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class SchemaGuide:
    """One text's guide. Raises ModelError FIELD_INVALID for a schema that it cannot hold to."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher
        self._check()

    def mask(self, logits: Tensor) -> Tensor:
        """logits (V,), those that the schema does not allow now at -inf."""
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        self._check()
        allowed = torch.zeros(len(logits), dtype=torch.bool)
        n = min(len(bits), len(logits))
        allowed[:n] = torch.from_numpy(bits[:n].astype(bool))
        return logits.masked_fill(~allowed.to(logits.device), float("-inf"))

    def take(self, token: int) -> bool:
        """Whether the text is whole with this token, and nothing can follow."""
        self._matcher.consume_token(token)
        self._check()
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            raise _refused(self._matcher.get_error().splitlines()[0][:200])


def make_guides(tokenizer: str, n_logits: int, stops: frozenset[int]) -> Callable[[str], SchemaGuide]:
    """What makes a guide of a JSON schema, for the tokenizer of a tokenizer.json.

    Raises ModelError CAPABILITY_MISSING where llguidance is not installed; a guide FIELD_INVALID.
    """
    try:
        from llguidance import LLMatcher, LLTokenizer
    except ModuleNotFoundError:
        raise ModelError(
            "CAPABILITY_MISSING",
            "json_schema needs the Python package 'llguidance': pip install 'scenewright[json]' where the server runs",
            field="json_schema",
        ) from None
    known = LLTokenizer(tokenizer, n_vocab=n_logits, eos_token=sorted(stops) or None)

    def guide(schema: str) -> SchemaGuide:
        try:
            grammar = LLMatcher.grammar_from_json_schema(read_schema(schema), overrides=_SHAPE)
        except ValueError as error:
            raise _refused(str(error).splitlines()[0][:200]) from None
        return SchemaGuide(LLMatcher(known, grammar, log_level=0))

    return guide


def read_schema(schema: str) -> dict[str, Any]:
    """A JSON schema's object. Raises ModelError FIELD_INVALID for none, or one that is nested too deep."""
    try:
        read = json.loads(schema)
        depth = _depth(read)
    except (ValueError, RecursionError) as error:
        raise _refused(f"it is no JSON: {error}") from None
    if not isinstance(read, dict):
        raise _refused(f"it is a {type(read).__name__}, needs to be an object")
    if depth > MAX_DEPTH:
        raise ModelError(
            "FIELD_INVALID",
            f"json_schema is nested {depth} deep, needs at most {MAX_DEPTH}",
            field="json_schema", value=depth, bound=MAX_DEPTH,
        )  # fmt: skip
    return read


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, dict | list) else 0


def _refused(why: str) -> ModelError:
    return ModelError("FIELD_INVALID", f"json_schema cannot be held to: {why}", field="json_schema")
