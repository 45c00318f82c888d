"""Training episodes for the decoder: a prefix that tells of a scene, and a dialogue about it in token ids.

An episode is seen (detections of a frame), known (a scene graph with open labels) or both. Detections come
from the real image tower where they are given, and are imitated, errors included, where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from scenewright_server.families.diorama.prefix import Prefix, lay_out
from scenewright_server.families.diorama.results import parts, words
from scenewright_server.families.diorama.tokenizer import N_REFS, Tokenizer
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.en import plural
from scenewright_server.scene.entries import Detections, Entry, GraphObject, iou, merge
from scenewright_server.scene.findings import Answer, Refusal
from scenewright_server.scene.plans import Plan
from scenewright_server.scene.words import normalise
from scenewright_server.simulator import text
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.questions import Asked, dialogue
from scenewright_server.simulator.scene import Box, Scene, Vector, sample
from scenewright_server.simulator.text import Mention, Thing
from scenewright_server.training.words import chatter, dictionary, label

N_VALUES = sum(len(values) for values in ATTRIBUTES.values())
TRUE_IOU = 0.4
MAX_ITEMS = 24
CODES = tuple(LANGUAGES)
SOURCES = {"frame": 0.48, "graph": 0.37, "both": 0.15}
SHARE_CHINESE = 0.42
SHARE_CROWDED = 0.15  # of the graphs: many things, so that large numbers and long lists are met
SHARE_BELIED = 0.12  # of the labels that name a kind, where there is a frame to belie them


@dataclass(frozen=True)
class Episode:
    """A prefix and the tokens (T,) int64 that follow it; `wanted` (T,) marks those that the decoder must say.

    `looks` (T, N_REFS) bool marks the entries that each token's prediction rests on, where that is known.
    `values` (A,) int64 are the tokens that the posteriors are about, most often the attributes' own (see `_reword`).
    `types` names its turns in order: a question's type or "describe".
    """

    prefix: Prefix
    tokens: np.ndarray
    wanted: np.ndarray
    looks: np.ndarray
    values: np.ndarray
    types: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.prefix) + len(self.tokens)


class Said(NamedTuple):
    """A token to be said, and the entries that it rests on."""

    token: int
    rests_on: tuple[int, ...]


def imitate(scene: Scene, boxes: Sequence[Box | None], rng: np.random.Generator) -> Detections:
    """Detections as a good image tower would make them: jittered, sometimes unsure, wrong, missing or imagined."""
    rows = [i for i, box in enumerate(boxes) if box is not None and rng.random() > 0.03]
    n_imagined = int(rng.random() < 0.06)
    found_boxes, depth, looks = [], [], []
    for i in rows:
        o = scene.objects[i]
        box = np.array(boxes[i])
        size = np.tile(box[2:] - box[:2], 2)
        found_boxes.append(np.clip(box + rng.normal(0, 0.04, 4) * size, 0, 1))
        depth.append(scene.camera.to_camera(o.centre)[2] * math.exp(rng.normal(0, 0.05)))
        looks.append([o.size, o.pattern, o.colour, o.kind])
    for _ in range(n_imagined):
        x, y, w, h = rng.uniform((0, 0.2, 0.08, 0.08), (0.7, 0.7, 0.3, 0.3))
        found_boxes.append(np.array([x, y, x + w, y + h]))
        depth.append(rng.uniform(1.6, 4))
        looks.append([values[rng.integers(len(values))] for values in ATTRIBUTES.values()])
    attributes = {}
    for column, (name, values) in enumerate(ATTRIBUTES.items()):
        certain = {"size": 0.85, "pattern": 0.93, "colour": 0.95, "kind": 0.95}[name]
        attributes[name] = np.stack([_posterior(values.index(row[column]), len(values), certain, rng) for row in looks]
                                    or [np.zeros(len(values))])[: len(looks)].astype(np.float32)  # fmt: skip
    scores = np.concatenate([rng.uniform(0.6, 1, len(rows)), rng.uniform(0.3, 0.6, n_imagined)]).astype(np.float32)
    return Detections(
        np.array(found_boxes, np.float32).reshape(-1, 4),
        scores,
        np.array(depth, np.float32),
        attributes,
    )


def _posterior(truth: int, n: int, certain: float, rng: np.random.Generator) -> np.ndarray:
    """A softmax output that is sure of the truth most of the time, torn between two now and then."""
    p = rng.dirichlet(np.full(n, 0.3)) * 0.04
    if rng.random() < certain:
        p[truth] += 0.96
    else:
        other, share = rng.integers(n), rng.uniform(0.4, 0.9)
        p[truth] += 0.96 * share
        p[other] += 0.96 * (1 - share)
    return p / p.sum()


class Passage(NamedTuple):
    """One turn in tokens: what is asked, the plan that it calls for, what that gives, and what is said."""

    type: str
    asked: list[int]
    plan: list[int]
    result: list[int]
    said: list[Said]


class EpisodeMaker:
    """Draws episodes about scenes."""

    def __init__(self, tokenizer: Tokenizer, max_length: int = 640, reworded: float = 0.6):
        self.tokenizer, self.max_length, self.reworded = tokenizer, max_length, reworded
        self.values = np.array([tokenizer.words(v)[0] for values in ATTRIBUTES.values() for v in values])
        self.spare = _spare_tokens(tokenizer)

    def make(
        self,
        scene: Scene,
        boxes: Sequence[Box | None],
        rng: np.random.Generator,
        detections: Detections | None = None,
        source: str | None = None,
    ) -> Episode:
        """An episode of a scene whose objects have these visible boxes (None: hidden).

        `source` is "frame", "graph" or "both", drawn when not given.
        """
        source = source or str(rng.choice(list(SOURCES), p=list(SOURCES.values())))
        items = text.things(scene, boxes)
        graph: list[GraphObject] = []
        if source == "graph" and rng.random() < 0.7:
            items = spread(items, np.array(scene.camera.rotation), rng)
        language = CODES[int(rng.random() < SHARE_CHINESE)]
        if source == "graph":
            items, graph = _label(items, rng, 1.0, language)
        elif source == "both":
            items, graph = _label(items, rng, 0.85, language, SHARE_BELIED)
        seen = None
        if source != "graph":
            seen = detections if detections is not None else imitate(scene, boxes, rng)
        entries = merge(seen, graph)
        things, refs = align(items, entries)
        names = ATTRIBUTES["kind"]
        if source != "frame":
            names = (*names, *(label(rng, language) for _ in range(16)))
        prefix = lay_out(entries, seen, self.tokenizer, N_VALUES)
        turns = self._turns(things, rng, names, language, is_measured=source != "frame")
        other = CODES[int(rng.random() < 0.5)] if rng.random() < 0.2 else language
        passages = [self._asked(turn, refs) for turn in turns]
        if rng.random() < 0.5:
            # A follow-up must stay right behind what it follows: the description goes first or last.
            described = self._described(things, refs, other)
            passages = [described, *passages] if rng.random() < 0.5 else [*passages, described]
        episode = self.write(prefix, passages)
        return self._reword(episode, rng) if language == other == "en" else episode

    def _turns(
        self, things: list[Thing], rng: np.random.Generator, names: Sequence[str], language: str, is_measured: bool
    ) -> list[Asked]:
        if not things:
            return [_refused("unsure", "what do you see", ("list",), Refusal("unsure"))]
        n_turns = int(rng.integers(4, 10))
        turns = dialogue(things, rng, n_turns, names, language=language, is_measured=is_measured)
        if rng.random() < 0.4:
            turns.append(_refused("beyond", chatter(rng), ("beyond",), Refusal("beyond")))
        return turns

    def _asked(self, turn: Asked, refs: list[int]) -> Passage:
        tokenizer = self.tokenizer
        slots = [tokenizer.words(normalise(slot)) for slot in turn.plan]
        plan = [id for slot in slots for id in [tokenizer.end, *slot]][1:]
        asked = [tokenizer.user, *tokenizer.words(normalise(turn.question)), tokenizer.assistant]
        result = self._found(turn.result, refs)
        return Passage(turn.type, asked, [*plan, tokenizer.call], result, self._spoken(turn.answer, refs))

    def _described(self, things: list[Thing], refs: list[int], language: str) -> Passage:
        tokenizer = self.tokenizer
        asked = [tokenizer.describe, *tokenizer.words(language), tokenizer.call]
        result = self._found(text.survey(things), refs)
        return Passage("describe", asked, [], result, self._spoken(text.describe(things, language), refs))

    def _found(self, answer: Answer, refs: list[int]) -> list[int]:
        """A result's tokens, with the mark after which the decoder speaks."""
        tokenizer = self.tokenizer
        told = [[tokenizer.refs[refs[p]]] if isinstance(p, int) else tokenizer.words(p) for p in parts(answer)]
        return [*(id for ids in told for id in ids), tokenizer.say]

    def write(self, prefix: Prefix, passages: Sequence[Passage]) -> Episode:
        tokens: list[int] = []
        wanted: list[bool] = []
        looks: list[tuple[int, ...]] = []
        types = []
        for type, asked, plan, result, said in passages:
            more = [*asked, *plan, *result, *(s.token for s in said), self.tokenizer.eot]
            if len(prefix) + len(tokens) + len(more) > self.max_length:
                break
            before = [*(False for _ in asked), *(True for _ in plan), *(False for _ in result)]
            tokens += more
            wanted += [*before, *(True for _ in said), True]
            # What a token rests on is looked at from the token before it.
            looks += [*(() for _ in before[:-1]), *(s.rests_on for s in said), (), ()]
            types.append(type)
        marks = np.zeros((len(tokens), N_REFS), bool)
        for t, ks in enumerate(looks):
            marks[t, list(ks)] = True
        return Episode(prefix, np.array(tokens, np.int64), np.array(wanted, bool), marks, self.values, tuple(types))

    def _reword(self, episode: Episode, rng: np.random.Generator) -> Episode:
        """In a share `reworded` of episodes, call the kinds or the colours by other words, drawn at random.

        Training never joins some kinds and colours. A decoder that is told only of the others learns that as a
        law, and denies such a pair when the image tower sees one; with ever new words there is no law to learn.
        """
        draw = rng.random()
        if draw > self.reworded:
            return episode
        attribute = "kind" if draw < self.reworded / 2 else "colour"
        names = ATTRIBUTES[attribute]
        words = rng.choice(self.spare, len(names), replace=False)
        mapping = np.arange(self.tokenizer.n_vocab)
        for name, word in zip(names, words, strict=True):
            for form in (name, plural(name)):
                ids = self.tokenizer.words(form)
                if len(ids) == 1:
                    mapping[ids] = word
        prefix = episode.prefix
        return replace(
            episode,
            prefix=replace(prefix, ids=mapping[prefix.ids], previous=mapping[prefix.previous]),
            tokens=mapping[episode.tokens],
            values=mapping[episode.values],
        )

    def _spoken(self, answer: text.Utterance, refs: list[int]) -> list[Said]:
        """An answer's tokens; a mention's rest on its entry."""
        tokenizer = self.tokenizer
        said: list[Said] = []
        for part in answer:
            if isinstance(part, Mention):
                k = refs[part.thing]
                ids = [tokenizer.refs[k], *tokenizer.words(part.words), tokenizer.end]
                said += [Said(id, (k,) if n else ()) for n, id in enumerate(ids)]
            else:
                said += [Said(id, ()) for id in tokenizer.words(part)]
        return said


def _refused(type: str, question: str, plan: Plan, answer: Refusal) -> Asked:
    """A turn in English that has no answer."""
    return Asked(type, question, plan, answer, text.reply(answer, (), "en"))


def _spare_tokens(tokenizer: Tokenizer) -> np.ndarray:
    """Tokens that are whole words and are not used to talk of scenes."""
    rng = np.random.default_rng(0)
    talk = {id for values in ATTRIBUTES.values() for v in values for id in tokenizer.words(f"{v} {plural(v)}")}
    for seed in range(200):
        seen = text.in_view(sample(seed))
        told = [" ".join(LANGUAGES["en"].count(n) for n in range(N_REFS + 1)), text.plain(text.describe(seen))]
        for turn in dialogue(seen, rng, 12, ATTRIBUTES["kind"], is_measured=seed % 2 == 0):
            told += [normalise(turn.question), " ".join([*turn.plan, *words(turn.result)]), text.plain(turn.answer)]
        talk |= {id for sentence in told for id in tokenizer.words(sentence)}
    ids = [ids[0] for ids in map(tokenizer.words, dictionary()) if len(ids) == 1]
    return np.array([id for id in ids if id not in talk])


def align(items: Sequence[Thing], entries: Sequence[Entry]) -> tuple[list[Thing], list[int]]:
    """The things that a reader of these entries can know of, in their order, and the entry of each.

    Graph objects carry their item's index as id. A thing that only the graph tells of has no looks; a detection
    that is no item's is left out, so that the decoder learns not to speak of it.
    """
    item_of: dict[int, int] = {k: int(e.graph.id) for k, e in enumerate(entries) if e.graph is not None}
    overlaps = sorted(
        (
            (iou(e.box, item.box), k, i)
            for k, e in enumerate(entries)
            for i, item in enumerate(items)
            if e.graph is None and e.box is not None and item.box is not None
        ),
        reverse=True,
    )
    for overlap, k, i in overlaps:
        if overlap >= TRUE_IOU and k not in item_of and i not in item_of.values():
            item_of[k] = i
    refs = sorted(item_of)
    place = {item_of[k]: n for n, k in enumerate(refs)}
    things = []
    for k in refs:
        entry, item = entries[k], items[item_of[k]]
        support = None if item.support is None else place.get(item.support)
        thing = replace(item, support=support, box=entry.box)
        if entry.detection is None:
            thing = replace(thing, colour=None, pattern=None, size=None, seen_as=())
        things.append(thing if entry.graph is None else named(thing, entry.graph.label))
    return things, refs


def named(thing: Thing, label: str) -> Thing:
    """A thing under the name that the app gives it. A label such as "small red chair" tells its looks as well."""
    *adjectives, noun = label.split()
    looks = {look: word for word in adjectives for look in ("size", "pattern", "colour") if word in ATTRIBUTES[look]}
    if noun in ATTRIBUTES["kind"] and len(looks) == len(adjectives):
        return replace(
            thing,
            name=noun,
            size=looks.get("size", thing.size),
            pattern=looks.get("pattern", thing.pattern),
            colour=looks.get("colour", thing.colour),
        )
    return replace(thing, name=label)


def spread(items: list[Thing], rotation: np.ndarray, rng: np.random.Generator) -> list[Thing]:
    """The items turned around the user, and more of them all around: a scene graph knows what no frame shows.

    `rotation` (3, 3): from the camera's frame to the world, in which what is added stands clear of the rest.
    """
    turn = rng.uniform(-math.pi, math.pi) if rng.random() < 0.4 else rng.normal(0, 0.3)
    c, s = math.cos(turn), math.sin(turn)
    about_up = rotation.T @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ rotation
    spread = [replace(i, position=_vector(about_up @ i.position)) for i in items]
    n_more = rng.uniform(8, 24) if rng.random() < SHARE_CROWDED else rng.exponential(3)
    for _ in range(int(n_more)):
        if len(spread) >= MAX_ITEMS:
            break
        distance, bearing = (
            rng.uniform(0.7, 6),
            rng.uniform(-math.pi, math.pi) if rng.random() < 0.5 else rng.normal(0, 0.4),
        )
        position = (distance * math.sin(bearing), rng.uniform(-1.5, 0.6), distance * math.cos(bearing))
        extents = _vector(np.exp(rng.uniform(math.log(0.08), math.log(1.8), 3)))
        added = Thing("thing", _vector(rotation.T @ position), extents)
        if not any(_touch(added, other) for other in spread):
            spread.append(added)
    fx, fy = rng.uniform(0.5, 1.2, 2)
    return [replace(i, box=project(i.position, i.extents, fx, fy)) for i in spread]


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _touch(a: Thing, b: Thing) -> bool:
    """Whether the spheres about two things come near each other."""
    return math.dist(a.position, b.position) < 0.1 + (math.hypot(*a.extents) + math.hypot(*b.extents)) / 2


def project(position: Sequence[float], size: Sequence[float], fx: float, fy: float) -> Box | None:
    """The clipped image box of an upright box in the camera's frame; None when it is out of view."""
    x, y, z = position
    w, h, d = size
    if z - d / 2 < 0.1:
        return None
    near = z - d / 2
    x0, x1 = 0.5 + fx * (x - w / 2) / near, 0.5 + fx * (x + w / 2) / near
    y0, y1 = 0.5 - fy * (y + h / 2) / near, 0.5 - fy * (y - h / 2) / near
    if x1 <= 0.01 or x0 >= 0.99 or y1 <= 0.01 or y0 >= 0.99:
        return None
    return max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)


def _label(
    items: list[Thing], rng: np.random.Generator, keep: float, language: str, belied: float = 0.0
) -> tuple[list[Thing], list[GraphObject]]:
    """Items as objects of a scene graph in any order: with open labels, their nouns, or their nouns and colours.

    A share `belied` of the nouns and colours are false; those items come back with what a frame shows instead.
    """
    style = rng.choice(["open", "noun", "colour"], p=[0.6, 0.2, 0.2])
    items = list(items)
    graph: list[GraphObject] = []
    for i in rng.permutation(len(items)):
        item = items[i]
        if rng.random() < keep or not graph:
            is_open = style == "open" or item.name not in ATTRIBUTES["kind"]
            if not is_open and item.box is not None and rng.random() < belied:
                items[i] = item = belie(item, "kind" if style == "noun" or rng.random() < 0.5 else "colour", rng)
            name = label(rng, language) if is_open else item.short if style == "colour" else item.name
            graph.append(GraphObject(str(i), name, item.position, item.extents, item.box))
    return items, graph[:N_REFS]


def belie(item: Thing, look: str, rng: np.random.Generator) -> Thing:
    """The thing as a wrong label has it."""
    field = "name" if look == "kind" else look
    seen = getattr(item, field)
    told = str(rng.choice([value for value in ATTRIBUTES[look] if value != seen]))
    return replace(item, **{field: told}, seen_as=((look, seen),))  # type: ignore[arg-type]
