"""How good a bundle is, on fresh seeded scenes that no training drew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jiwer
import numpy as np
import torch

from scenewright_server.diorama.kinds import ATTRIBUTES, COLOURS
from scenewright_server.diorama.renderer import Rendered, render
from scenewright_server.diorama.scene import Box, Scene, sample
from scenewright_server.diorama.speech import TEST_VOICES, draw_delivery, record, speak
from scenewright_server.diorama.text import Thing, Turn, dialogue, in_view, plain
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Failed, Mentioned, Request, Transcript
from scenewright_server.engine.session import Session
from scenewright_server.model.fusion import FusedModel
from scenewright_server.model.markup import TextDelta
from scenewright_server.model.scene import iou
from scenewright_server.model.tokenizer import normalise

MIN_PIXELS = 24
"""An object of which less is seen is not asked for: a person would not name it."""

N_QUESTIONS = 4
RENDER_BATCH = 16
SEED_SPAN = 1_000_000


@dataclass
class Reply:
    """All that one request gave."""

    text: str = ""
    heard: str = ""
    mentions: list[Mentioned] = field(default_factory=list)


@dataclass(frozen=True)
class Sight:
    """One evaluated scene: its pixels (S, S, 3) and what is truly seen, left to right."""

    scene: Scene
    pixels: np.ndarray
    things: list[Thing]


def visible_boxes(rendered: Rendered, index: int, n_objects: int, min_pixels: int = MIN_PIXELS) -> list[Box | None]:
    """The true boxes of one rendered scene's objects; None for those of which less than `min_pixels` is seen."""
    ids = rendered.ids[index]
    boxes = rendered.boxes(index, n_objects).tolist()
    return [tuple(box) if int((ids == i).sum()) >= min_pixels else None for i, box in enumerate(boxes)]


def sights(n: int, seed: int, split: str, size: int = 160) -> Iterator[Sight]:
    """`n` rendered scenes of a split."""
    for start in range(0, n, RENDER_BATCH):
        scenes = [sample(seed * SEED_SPAN + i, split) for i in range(start, min(start + RENDER_BATCH, n))]
        rendered = render(scenes, (size, size))
        for i, scene in enumerate(scenes):
            boxes = visible_boxes(rendered, i, len(scene.objects))
            yield Sight(scene, rendered.images[i].cpu().numpy(), in_view(scene, boxes))


def run(engine: Engine, request: Request) -> Reply:
    """One request through the engine, greedy, to its end."""
    engine.add(request)
    reply = Reply()
    while engine.has_work:
        for _, event in engine.step():
            if isinstance(event, TextDelta):
                reply.text += event.text
            elif isinstance(event, Transcript):
                reply.heard = event.text
            elif isinstance(event, Mentioned):
                reply.mentions.append(event)
            elif isinstance(event, Failed):
                raise event.error
            elif isinstance(event, Done):
                return reply
    raise RuntimeError("the engine ended without Done")


def evaluate(
    model: FusedModel, n: int, seed: int, report: Callable[[str, int, int], None] = lambda split, done, n: None
) -> dict[str, Any]:
    """The scores of a model on `n` scenes a split: every rate in 0..1.

    description_f1: kind and colour of what the description names. grounding_iou50: share of the objects seen that
    the description points at with the right noun and a box of IoU >= 0.5. qa: share of right answers, word for
    word. wer: of the transcripts of spoken questions. `report(split, done, n)` is told of the progress.
    """
    torch.manual_seed(seed)
    engine = Engine(model)
    splits = {
        "test": _frames(engine, n, seed, "test", report),
        "compositional": _frames(engine, n, seed, "compositional", report),
        "voice": _voices(engine, n, seed, report),
    }
    return {"n": n, "seed": seed, "splits": splits}


def _frames(engine: Engine, n: int, seed: int, split: str, report: Callable[[str, int, int], None]) -> dict[str, Any]:
    named, hits = Counter[str](), Counter[str]()
    right: dict[str, list[bool]] = {}
    for done, sight in enumerate(sights(n, seed, split)):
        seen = engine.see(sight.pixels)
        described = run(engine, Request("describe", frame=seen))
        named.update(described_counts(described, sight.things))
        hits.update(grounded_counts(described, sight.things))
        for turn, session in questions(sight, np.random.default_rng([seed, done])):
            reply = run(engine, Request("ask", frame=seen, question=turn.question, session=session))
            right.setdefault(turn.type, []).append(is_right(reply, turn))
        report(split, done + 1, n)
    return {
        "description_f1": 2 * named["both"] / max(named["said"] + named["true"], 1),
        "grounding_iou50": hits["grounded"] / max(hits["true"], 1),
        "qa": _rates(right),
    }


def _voices(engine: Engine, n: int, seed: int, report: Callable[[str, int, int], None]) -> dict[str, Any]:
    """One spoken question a scene, by speakers that no training heard."""
    right: dict[str, list[bool]] = {}
    said, heard = [], []
    for done, sight in enumerate(sights(n, seed, "test")):
        rng = np.random.default_rng([seed, done])
        turn, session = next((t, s) for t, s in questions(sight, rng) if t.type != "follow_up")
        wave, _ = record(speak(turn.question, draw_delivery(rng, TEST_VOICES)), rng)
        reply = run(engine, Request("ask", frame=sight.pixels, audio=wave, session=session))
        right.setdefault(turn.type, []).append(is_right(reply, turn))
        said.append(normalise(turn.question))
        heard.append(reply.heard)
        report("voice", done + 1, n)
    return {"qa": _rates(right), "wer": float(jiwer.wer(said, heard))}


def questions(sight: Sight, rng: np.random.Generator) -> Iterator[tuple[Turn, Session]]:
    """Questions about a sight, each in a session of its own; a follow-up stays in its forerunner's."""
    session = Session()
    for turn in dialogue(sight.things, rng, N_QUESTIONS, ATTRIBUTES["kind"]):
        if turn.type != "follow_up":
            session = Session()
        yield turn, session


def is_right(reply: Reply, turn: Turn) -> bool:
    """Whether the answer is the true one word for word; a list may come in any order."""

    def items(text: str) -> list[str]:
        return sorted(text.split(" and "))

    return items(reply.text) == items(plain(turn.answer))


def described_counts(reply: Reply, things: Sequence[Thing]) -> Counter[str]:
    """How many (colour, kind) pairs were said, are true, and both."""
    said = Counter(_looks(mention.words) for mention in reply.mentions)
    true = Counter(_looks(thing.phrase) for thing in things)
    return Counter(said=said.total(), true=true.total(), both=(said & true).total())


def grounded_counts(reply: Reply, things: Sequence[Thing]) -> Counter[str]:
    """How many things there are, and how many were pointed at by their noun with a box of IoU >= 0.5."""
    free = [m for m in reply.mentions if m.entry.box is not None]
    grounded = 0
    for thing in things:
        for mention in free:
            if _looks(mention.words)[1] == thing.name and iou(mention.entry.box or (), thing.box or ()) >= 0.5:
                free.remove(mention)
                grounded += 1
                break
    return Counter(true=len(things), grounded=grounded)


def _looks(words: str) -> tuple[str, str]:
    split = words.split()
    colour = next((word for word in split if word in COLOURS), "")
    return colour, split[-1] if split else ""


def _rates(right: dict[str, list[bool]]) -> dict[str, float]:
    overall = [ok for oks in right.values() for ok in oks]
    return {"overall": float(np.mean(overall)), **{type: float(np.mean(oks)) for type, oks in sorted(right.items())}}


