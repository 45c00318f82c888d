"""What the engine's tests share: made-up scenes, and the slow generate that the engine must equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Event, Request, Sampling, TextDelta
from scenewright_server.engine.sampler import sample
from scenewright_server.engine.sequence import Sequence as Run
from scenewright_server.families.diorama.audio import Heard
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.script import Script
from scenewright_server.scene.entries import Detections, GraphObject
from scenewright_server.scene.words import normalise
from torch import Tensor

ATTRIBUTES = {"colour": ("red", "blue"), "kind": ("chair", "mug", "lamp")}
N_CTX = 200


def detections(seed: int, n: int = 3) -> Detections:
    """As if seen in a frame."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 0.5, (n, 2))
    return Detections(
        boxes=np.hstack([corner, corner + rng.uniform(0.1, 0.5, (n, 2))]).astype(np.float32),
        scores=rng.uniform(0.4, 1, n).astype(np.float32),
        depth=rng.uniform(1, 5, n).astype(np.float32),
        attributes={
            name: rng.dirichlet(np.ones(len(values)), n).astype(np.float32) for name, values in ATTRIBUTES.items()
        },
    )


def graph(*labels: str) -> tuple[GraphObject, ...]:
    return tuple(
        GraphObject(f"object-{k}", label, (k - 1.0, 0.5, 2.0 + k), (0.5, 1.0, 0.5)) for k, label in enumerate(labels)
    )


def naive_ids(
    model: FusedModel,
    seen: Detections | None,
    known: Sequence[GraphObject],
    turns: Sequence[Tensor],
    asked: str | Heard | None,
    sampling: Sampling,
) -> list[int]:
    """The oracle: every token runs the whole context again. `asked` is None for a description."""
    scene = model.read(seen, known)
    words = model.tokenizer.words(normalise(asked)) if isinstance(asked, str) else asked.ids if asked else None
    script = Script(model, scene.entries, seen, asked=words)
    generator = torch.Generator().manual_seed(sampling.seed or 0)
    ids: list[int] = []
    with torch.inference_mode():
        before = torch.cat([model.prefix(scene), *turns, prompt(model, asked)])
        while len(ids) < sampling.max_new_tokens and (not ids or ids[-1] != model.tokenizer.eot):
            if script.forced:
                token = script.forced[0]
            else:
                context = torch.cat([before, model.embed(ids)])
                logits = model.gpt.logits(model.gpt(context[None], prefix_len=len(scene)))[0, -1]
                spoken = [id for id in ids if id >= model.tokenizer.n_specials]
                token, _ = sample(script.mask(logits), sampling, spoken, generator)
            script.feed(token)
            ids.append(token)
    return ids


def prompt(model: FusedModel, asked: str | Heard | None) -> Tensor:
    if asked is None:
        return model.prompt_describe()
    return model.prompt_question(asked) if isinstance(asked, str) else model.prompt_voice(asked)


def said(model: FusedModel, asked: str, ids: list[int]) -> Tensor:
    """A complete turn, as later turns see it."""
    spoken = [id for id in ids if id != model.tokenizer.eot]
    return torch.cat([prompt(model, asked), model.embed([*spoken, model.tokenizer.eot])])


def finish(engine: Engine, *requests: Request) -> list[tuple[Run, list[Event]]]:
    """Run requests together to their ends."""
    runs = [engine.add(request) for request in requests]
    events: dict[Run, list[Event]] = {run: [] for run in runs}
    while engine.has_work:
        for run, event in engine.step():
            events[run].append(event)
    return [(run, events[run]) for run in runs]


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
