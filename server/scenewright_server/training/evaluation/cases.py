"""What each split shows and asks, and what is true of it. A case is drawn from the seed, its split and its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.findings import Refusal
from scenewright_server.simulator.distortions import DISTORTIONS, distort, reframe
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.questions import QUESTION_TYPES, Asked, dialogue
from scenewright_server.simulator.renderer import render
from scenewright_server.simulator.scene import Box, Scene, sample
from scenewright_server.simulator.speech import TEST_VOICES, draw_delivery, record, speak
from scenewright_server.simulator.strangers import stranger
from scenewright_server.simulator.text import Thing, in_view, reply
from scenewright_server.training.detected import MIN_PIXELS
from scenewright_server.training.evaluation.graphs import Told, draw_graph, draw_label, tell
from scenewright_server.training.frames import IMAGE_SIZE
from scenewright_server.training.speech import draw_quiet

N_QUESTIONS = 3
DESCRIBED_EVERY = 4  # cases, in the splits that are about answers: a description costs more than they do
SEED_SPAN = 1_000_000
NOISE_DB = 10.0
N_OTHER = 100
SPLIT_IDS = {"graph": 11, "fused": 12, "robust": 13, "unknown": 14, "voice": 15}
UNKNOWN_TYPES = ("colour", "pattern", "size", "kind", "where", "distance", "list")
"""Questions whose only honest answer to a frame of nothing known is that it shows nothing known."""
NOTHING_KNOWN = Refusal("unsure")
LIST = Asked("list", "what do you see", ("list",), NOTHING_KNOWN, reply(NOTHING_KNOWN, (), "en"))


@dataclass(frozen=True)
class Case:
    """A frame (S, S, 3) uint8, a scene graph or both, what is true of them, and the questions.

    `things`: what can be known, left to right; `ids`: the id of each in the graph, None where only the frame
    shows it. Each dialogue is for a session of its own. `sort` parts the cases of a split. `sounds`: the only
    question as recordings (n,) float32 at 16 kHz, by condition; the recording "quiet" holds no question.
    """

    split: str
    number: int
    things: list[Thing]
    ids: list[str | None]
    dialogues: list[list[Asked]]
    frame: np.ndarray | None = None
    graph: tuple[GraphObject, ...] | None = None
    language: str = "en"
    sort: str = ""
    is_described: bool = True
    sounds: dict[str, np.ndarray] = field(default_factory=dict)


def draw_cases(split: str, seed: int, numbers: Sequence[int], size: int = IMAGE_SIZE) -> list[Case]:
    """The cases of these numbers of a split (one of SPLITS), frames being `size` pixels wide and high."""
    return SPLITS[split](split, seed, tuple(numbers), size)


def _frames(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """Frames of `test` or `compositional` scenes; `zh` asks about test frames in Chinese."""
    language = "zh" if split == "zh" else "en"
    shots = _shots("compositional" if split == "compositional" else "test", seed, numbers, size)
    cases = []
    for i, (scene, pixels, ids) in zip(numbers, shots, strict=True):
        seen = in_view(scene, visible_boxes(ids, len(scene.objects)))
        turns = _ask(seen, np.random.default_rng([seed, i]), ATTRIBUTES["kind"], language=language)
        is_described = split != "zh" or i % DESCRIBED_EVERY == 0
        case = Case(split, i, seen, [None] * len(seen), turns, pixels, language=language, is_described=is_described)
        cases.append(case)
    return cases


def _robust(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """Test scenes, each with one distortion."""
    cases = []
    rngs = [np.random.default_rng([seed, i, SPLIT_IDS[split]]) for i in numbers]
    names = [DISTORTIONS[i % len(DISTORTIONS)] for i in numbers]
    plain = _scenes("test", seed, numbers)
    scenes = [reframe(scene, name, rng) for scene, name, rng in zip(plain, names, rngs, strict=True)]
    for i, name, rng, scene, shot in zip(numbers, names, rngs, scenes, draw(scenes, size), strict=True):
        pixels, ids = distort(*shot, name, rng)
        seen = in_view(scene, visible_boxes(ids, len(scene.objects)))
        turns = _ask(seen, rng, ATTRIBUTES["kind"])
        is_described = i // len(DISTORTIONS) % DESCRIBED_EVERY == 0
        case = Case(split, i, seen, [None] * len(seen), turns, pixels, sort=name, is_described=is_described)
        cases.append(case)
    return cases


def _graphs(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """Scene graphs alone."""
    cases = []
    for i in numbers:
        rng = np.random.default_rng([seed, i, SPLIT_IDS[split]])
        told = draw_graph(rng)
        turns = _ask(told.things, rng, _nouns(told, rng), is_measured=True)
        is_described = i % DESCRIBED_EVERY == 0
        cases.append(Case(split, i, told.things, told.ids, turns, graph=told.graph, is_described=is_described))
    return cases


def _fused(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """Test frames with a scene graph of their true poses."""
    cases = []
    for i, (scene, pixels, ids) in zip(numbers, _shots("test", seed, numbers, size), strict=True):
        rng = np.random.default_rng([seed, i, SPLIT_IDS[split]])
        sort = str(rng.choice(["agree", "partial", "disagree"], p=[0.6, 0.2, 0.2]))
        told = tell(scene, visible_boxes(ids, len(scene.objects)), sort, rng)
        turns = _ask(told.things, rng, _nouns(told, rng), is_measured=True)
        case = Case(split, i, told.things, told.ids, turns, pixels, told.graph, sort=sort)
        cases.append(replace(case, is_described=i % DESCRIBED_EVERY == 0))
    return cases


def _voices(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """One question about each test frame by a speaker whom no training heard; and a recording without any."""
    cases = []
    for case in _frames(split, seed, numbers, size):
        rng = np.random.default_rng([seed, case.number, SPLIT_IDS[split]])
        turn = _first(case.things, rng, QUESTION_TYPES)
        speech = speak(turn.question, draw_delivery(rng, TEST_VOICES))
        sounds = {
            "clean": record(speech, rng)[0],
            "10 dB": record(speech, rng, snr_db=NOISE_DB)[0],
            "quiet": draw_quiet(rng).waveform,
        }
        cases.append(replace(case, dialogues=[[turn]], is_described=False, sounds=sounds))
    return cases


def _unknown(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """Every even number is a frame that shows nothing known, every odd one a test frame (sort "known")."""
    known = [case for case in _frames(split, seed, numbers, size) if case.number % 2]
    cases = [replace(case, dialogues=[], sort="known") for case in known]
    for i in numbers:
        if i % 2 == 0:
            rng = np.random.default_rng([seed, i, SPLIT_IDS[split]])
            sort, pixels = stranger(seed * SEED_SPAN + i, "test", size)
            turn = _first(in_view(sample(i, "test")), rng, UNKNOWN_TYPES)
            turn = replace(turn, type=split, result=NOTHING_KNOWN, answer=LIST.answer)
            cases.append(Case(split, i, [], [], [[turn]], pixels, sort=sort))
    return cases


def _other(split: str, seed: int, numbers: Sequence[int], size: int) -> list[Case]:
    """Test scenes drawn by another renderer, the first N_OTHER of them: it takes its time."""
    from scenewright_server.simulator.other_renderer import draw as draw_otherwise

    numbers = [i for i in numbers if i < N_OTHER]
    scenes = _scenes("test", seed, numbers)
    cases = []
    for i, scene, (pixels, ids) in zip(numbers, scenes, draw_otherwise(scenes, size), strict=True):
        seen = in_view(scene, visible_boxes(ids, len(scene.objects)))
        turns = _ask(seen, np.random.default_rng([seed, i]), ATTRIBUTES["kind"])
        cases.append(Case(split, i, seen, [None] * len(seen), turns, pixels))
    return cases


Maker = Callable[[str, int, Sequence[int], int], list[Case]]
SPLITS: dict[str, Maker] = {
    "test": _frames,
    "compositional": _frames,
    "graph": _graphs,
    "fused": _fused,
    "robust": _robust,
    "voice": _voices,
    "zh": _frames,
    "unknown": _unknown,
    "other": _other,
}


def _scenes(split: str, seed: int, numbers: Sequence[int]) -> list[Scene]:
    return [sample(seed * SEED_SPAN + i, split) for i in numbers]


@lru_cache(maxsize=2)
def _shots(split: str, seed: int, numbers: Sequence[int], size: int) -> list[tuple[Scene, np.ndarray, np.ndarray]]:
    """Scenes, frames and object ids of a split of scenes, test or compositional; most splits show test scenes."""
    scenes = _scenes(split, seed, numbers)
    return [(scene, *shot) for scene, shot in zip(scenes, draw(scenes, size), strict=True)]


def draw(scenes: Sequence[Scene], size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each scene's frame (S, S, 3) uint8 and object ids (S, S)."""
    rendered = render(scenes, (size, size))
    return list(zip(rendered.images.cpu().numpy(), rendered.ids.cpu().numpy(), strict=True))


def visible_boxes(ids: np.ndarray, n_objects: int) -> list[Box | None]:
    """The bounds of what is seen of each object; None where that is less than MIN_PIXELS (of a 160-pixel frame)."""
    height, width = ids.shape
    boxes: list[Box | None] = []
    for i in range(n_objects):
        rows, columns = np.nonzero(ids == i)
        if len(rows) < MIN_PIXELS * ids.size / IMAGE_SIZE**2:
            boxes.append(None)
            continue
        x0, x1, y0, y1 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        boxes.append((float(x0 / width), float(y0 / height), float(x1 / width), float(y1 / height)))
    return boxes


def _nouns(told: Told, rng: np.random.Generator) -> list[str]:
    """Nouns to ask for: names of things, and others with which no name ends and that nothing is seen as."""
    names = [thing.name for thing in told.things]
    nouns = [*ATTRIBUTES["kind"], *(draw_label(rng) for _ in range(16))]
    absent = [noun for noun in nouns if not any(name.endswith(noun) for name in names)]
    return [*names, *(noun for noun in absent if noun not in told.covered)]


def _first(seen: list[Thing], rng: np.random.Generator, types: Sequence[str]) -> Asked:
    """A question of one of these types."""
    turns = dialogue(seen, rng, 4 * N_QUESTIONS, ATTRIBUTES["kind"]) if seen else []
    return next((turn for turn in turns if turn.type in types and turn.type != "follow_up"), LIST)


def _ask(
    seen: list[Thing],
    rng: np.random.Generator,
    nouns: Sequence[str],
    *,
    language: str = "en",
    is_measured: bool = False,
) -> list[list[Asked]]:
    """Questions; a follow-up stays in the dialogue of its forerunner."""
    dialogues: list[list[Asked]] = []
    if seen:
        for turn in dialogue(seen, rng, N_QUESTIONS, nouns, language=language, is_measured=is_measured):
            if turn.type == "follow_up":
                dialogues[-1].append(turn)
            else:
                dialogues.append([turn])
    return dialogues
