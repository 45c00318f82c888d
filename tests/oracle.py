"""The slow generate that the engine must equal, and what its tests share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scenewright_server.engine.decoding import Decoding
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.engine.request import Event, Sampling
from scenewright_server.engine.sampler import sample
from scenewright_server.engine.session import Session
from scenewright_server.families.family import Decoder, Pass, Script, TextDelta


@torch.inference_mode()
def naive(decoder: Decoder, script: Script, sampling: Sampling) -> list[int]:
    """The tokens of all passes; every one runs the whole context again."""
    generator = torch.Generator().manual_seed(sampling.seed or 0)
    outcome, all_ids = script.begin(), []
    while (passing := outcome.next) is not None:
        ids: list[int] = []
        while True:
            forced = passing.constraint.forced
            token, probability = (forced[0], 1.0) if forced else _choose(decoder, passing, ids, sampling, generator)
            outcome = script.take(token, probability)
            ids.append(token)
            if outcome.next is not None or outcome.over is not None or len(ids) == passing.max_new_tokens:
                break
        all_ids += ids
    script.finish()
    return all_ids


def _choose(
    decoder: Decoder, passing: Pass, ids: list[int], sampling: Sampling, generator: torch.Generator
) -> tuple[int, float]:
    rows = [decoder.embed(span.rows) if isinstance(span.rows, tuple) else span.rows for span in passing.spans]
    first = passing.spans[0]
    logits = decoder.forward(
        torch.cat([*rows, decoder.embed(ids)])[None],
        [KVCache(decoder.shape)],
        prefix_len=len(first) if first.is_whole else 0,
        adapter=passing.adapter,
    )
    chosen_by = Sampling() if passing.greedy else sampling
    return sample(passing.constraint.mask(logits[0]), chosen_by, passing.constraint.said, generator)


def finish(
    engine: Engine, *scripts: Script, sampling: Sampling, session: Session | None = None
) -> list[tuple[Decoding, list[Event]]]:
    """Decoding scripts together to their ends."""
    runs = [engine.add(script, sampling, session) for script in scripts]
    events: dict[Decoding, list[Event]] = {run: [] for run in runs}
    while engine.has_work:
        for run, event in engine.step():
            events[run].append(event)
    return [(run, events[run]) for run in runs]


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
