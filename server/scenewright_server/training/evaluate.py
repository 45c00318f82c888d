"""How good a bundle is, on fresh seeded scenes that no training drew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
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
from scenewright_server.engine.request import Failed, Mentioned, Request
from scenewright_server.engine.session import Session
from scenewright_server.model.bundle import load_bundle
from scenewright_server.model.fusion import FusedModel
from scenewright_server.model.markup import TextDelta
from scenewright_server.model.scene import iou
from scenewright_server.model.tokenizer import normalise
from scenewright_server.training.detected import MIN_PIXELS

EMBEDDED = Path(__file__).resolve().parents[1] / "bundles" / "diorama"
Report = Callable[[str, int, int], None]
"""Told of the progress: the split, how many scenes of it are done, and of how many."""

N_QUESTIONS = 4
RENDER_BATCH = SCENES_AT_ONCE = 16
SEED_SPAN = 1_000_000


@dataclass
class Reply:
    """All that one request gave."""

    text: str = ""
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


def ask_all(engine: Engine, requests: Sequence[Request]) -> list[Reply]:
    """Requests through the engine, greedy, to their ends; a session's keep their order."""
    replies = {engine.add(request): Reply() for request in requests}
    while engine.has_work:
        for sequence, event in engine.step():
            reply = replies[sequence]
            if isinstance(event, TextDelta):
                reply.text += event.text
            elif isinstance(event, Mentioned):
                reply.mentions.append(event)
            elif isinstance(event, Failed):
                raise event.error
    return list(replies.values())


def evaluate(model: FusedModel, n: int, seed: int, report: Report) -> dict[str, Any]:
    """The scores of a model on `n` scenes a split: every rate in 0..1.

    description_f1: kind and colour of what the description names. grounding_iou50: share of the objects seen that
    the description points at with the right noun and a box of IoU >= 0.5. qa: share of right answers, word for
    word. wer: of the transcripts of spoken questions.
    """
    torch.manual_seed(seed)
    engine = Engine(model, n_slots=SCENES_AT_ONCE)
    splits = {
        "test": _frames(engine, n, seed, "test", report),
        "compositional": _frames(engine, n, seed, "compositional", report),
        "voice": _voices(engine, n, seed, report),
    }
    return {"n": n, "seed": seed, "splits": splits}


def _frames(engine: Engine, n: int, seed: int, split: str, report: Report) -> dict[str, Any]:
    named, hits = Counter[str](), Counter[str]()
    right: dict[str, list[bool]] = {}
    for done, some in _batched(sights(n, seed, split), SCENES_AT_ONCE):
        seen = [engine.see(sight.pixels) for sight in some]
        asked = [
            (i, turn, session)
            for i, sight in enumerate(some)
            for turn, session in questions(sight, np.random.default_rng([seed, done + i]))
        ]
        described = ask_all(engine, [Request("describe", frame=frame) for frame in seen])
        for reply, sight in zip(described, some, strict=True):
            named.update(described_counts(reply, sight.things))
            hits.update(grounded_counts(reply, sight.things))
        requests = [Request("ask", frame=seen[i], question=t.question, session=session) for i, t, session in asked]
        for reply, (_, turn, _) in zip(ask_all(engine, requests), asked, strict=True):
            right.setdefault(turn.type, []).append(is_right(reply, turn))
        report(split, done + len(some), n)
    return {
        "description_f1": 2 * named["both"] / max(named["said"] + named["true"], 1),
        "grounding_iou50": hits["grounded"] / max(hits["true"], 1),
        "qa": _rates(right),
    }


def _voices(engine: Engine, n: int, seed: int, report: Report) -> dict[str, Any]:
    """One spoken question a scene, by speakers that no training heard."""
    right: dict[str, list[bool]] = {}
    said: list[str] = []
    heard: list[str] = []
    for done, some in _batched(sights(n, seed, "test"), SCENES_AT_ONCE):
        turns, requests = [], []
        for i, sight in enumerate(some):
            rng = np.random.default_rng([seed, done + i])
            turn = next(turn for turn, _ in questions(sight, rng) if turn.type != "follow_up")
            wave, _ = record(speak(turn.question, draw_delivery(rng, TEST_VOICES)), rng)
            turns.append(turn)
            requests.append(Request("ask", frame=sight.pixels, audio=wave))
            said.append(normalise(turn.question))
            heard.append(engine.transcribe(wave).text)
        for reply, turn in zip(ask_all(engine, requests), turns, strict=True):
            right.setdefault(turn.type, []).append(is_right(reply, turn))
        report("voice", done + len(some), n)
    return {"qa": _rates(right), "wer": float(jiwer.wer(said, heard))}


def _batched(sights: Iterator[Sight], size: int) -> Iterator[tuple[int, list[Sight]]]:
    """Lists of `size` sights, each with the number of those before it."""
    done = 0
    while some := list(islice(sights, size)):
        yield done, some
        done += len(some)


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
    return {
        "overall": float(np.mean(overall)),
        **{type: float(np.mean(oks)) for type, oks in sorted(right.items())},
    }


def evaluate_bundle(path: Path | None, n: int, seed: int, report: Report) -> dict[str, Any]:
    """Evaluate the bundle at `path`, or the embedded one; errors as for `load_bundle`."""
    return evaluate(load_bundle(path or EMBEDDED).model, n, seed, report)
