"""What the image tower and the decoder learn from a user's frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from scenewright_server.families.diorama.course import lay_course
from scenewright_server.families.diorama.prefix import lay_out
from scenewright_server.families.diorama.results import write
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.diorama.vision import STRIDE, Vision, squash
from scenewright_server.scene.entries import Detections, merge
from scenewright_server.scene.lookup import Lookup
from scenewright_server.scene.plans import BY_HEART
from scenewright_server.scene.words import normalise
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.scene import sample
from scenewright_server.training.episodes import N_VALUES, Episode, EpisodeMaker, Passage, Said
from scenewright_server.training.finetune.folder import MAX_OBJECTS, Sample, load_pixels
from scenewright_server.training.finetune.plans import entry_nouns, find_plan, name_spans
from scenewright_server.training.frames import Frames

UNTOLD = -100  # no value of an attribute: it is not learnt
CAPTION = "caption this frame"
"""The question that a caption answers: what a description says is laid down, but for the names."""
Arrays = dict[str, np.ndarray]


def own_arrays(samples: Sequence[Sample], vision: Vision) -> Arrays:
    """Frames with their objects told, as arrays like those of `Frames` for MAX_OBJECTS objects.

    What a user does not tell (depth, height, whether it stands on another) stays what the tower says now.
    """
    size = vision.config.image_size
    rows = [_row(sample, vision, size) for sample in samples if sample.objects is not None]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]} if rows else {}


def drawn_arrays(frames: Frames) -> Arrays:
    """Frames of the diorama in the same form."""
    arrays = {name: np.asarray(getattr(frames, name)) for name in Frames.__dataclass_fields__}
    return {
        name: array
        if name == "images"
        else np.pad(array, [(0, 0), (0, MAX_OBJECTS - array.shape[1])] + [(0, 0)] * (array.ndim - 2))
        for name, array in arrays.items()
    }


def _row(sample: Sample, vision: Vision, size: int) -> Arrays:
    objects = sample.objects or ()
    pixels = squash(load_pixels(sample.image), size)
    ids = np.full((size, size), -1)
    boxes = np.zeros((MAX_OBJECTS, 4), np.uint8)
    labels = np.zeros((MAX_OBJECTS, 1 + len(ATTRIBUTES)), np.int8)
    grid = np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), -1)
    # Small boxes lie over large ones; the corners of a box seldom show its object, so its ellipse stands for it.
    for i in sorted(range(len(objects)), key=lambda i: -_area(objects[i].box)):
        low, high = (np.array(corner) * size for corner in (objects[i].box[:2], objects[i].box[2:]))
        ids[(((grid - (low + high) / 2) / ((high - low) / 2)) ** 2).sum(-1) <= 1] = i
        boxes[i] = np.round([*low, *high])
        looks = objects[i].looks
        labels[i] = [1, *(v.index(looks[n]) if n in looks else UNTOLD for n, v in ATTRIBUTES.items())]
    side = size // STRIDE
    masks = ids[None] == np.arange(MAX_OBJECTS)[:, None, None]
    cover = masks.reshape(MAX_OBJECTS, side, STRIDE, side, STRIDE).sum((2, 4)).astype(np.uint8)
    depth, stature = np.ones(MAX_OBJECTS, np.float32), np.zeros((MAX_OBJECTS, 2), np.float32)
    with torch.inference_mode():
        dense = vision(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)
    for i in range(len(objects)):
        cell = int(cover[i].argmax())
        depth[i] = float(dense.log_depth[0, cell].exp())
        stature[i] = float(dense.log_height[0, cell].exp()), float(dense.raised[0, cell].sigmoid())
    return {"images": pixels, "cover": cover, "boxes": boxes, "labels": labels, "depth": depth, "stature": stature}


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


class Teacher:
    """Makes the decoder's episodes of frames with captions and questions."""

    def __init__(self, tokenizer: Tokenizer, maker: EpisodeMaker) -> None:
        self.tokenizer, self.maker = tokenizer, maker

    def episode(self, sample: Sample, seen: Detections, rng: np.random.Generator) -> Episode:
        """All that is told of a frame in which the image tower sees this, in any order."""
        entries = merge(seen, ())
        lookup = Lookup(entries, seen, ATTRIBUTES)
        nouns = entry_nouns(entries, seen)
        turns = [*sample.qa, *([(CAPTION, sample.caption)] if sample.caption else [])]
        passages = [self._asked(*turn, lookup, nouns) for turn in turns]
        prefix = lay_out(entries, seen, self.tokenizer, N_VALUES)
        return self.maker.write(prefix, [passages[k] for k in rng.permutation(len(passages))])

    def _asked(self, question: str, answer: str, lookup: Lookup, nouns: Sequence[str]) -> Passage:
        tokenizer = self.tokenizer
        plan = find_plan(question, answer, lookup, nouns)
        ids = [id for slot in plan for id in [tokenizer.end, *tokenizer.words(slot)]][1:]
        asked = [tokenizer.user, *tokenizer.words(normalise(question)), tokenizer.assistant]
        found = lookup.find(plan).answer
        said = self._said(answer, found.things, nouns)
        if plan != BY_HEART:  # said so whatever is taught
            course = lay_course(tokenizer, found, "en", lookup.looks, {})
            said = [
                Said(id, (step.thing,) if n and step.thing is not None else ())
                for step in course
                for n, id in enumerate(step.ids)
            ]
        return Passage("own", asked, [*ids, tokenizer.call], [*write(tokenizer, found), tokenizer.say], said)

    def _said(self, text: str, refs: Sequence[int], nouns: Sequence[str]) -> list[Said]:
        """A text whose names of these entries point at them."""
        left = list(refs)
        said: list[Said] = []
        text, at = f" {text}", 0
        for begin, end, noun in name_spans(text):
            k = next((k for k in left if nouns[k] == noun), None)
            if k is None:
                continue
            left.remove(k)
            begin -= text[begin - 1] == " "
            said += [Said(id, ()) for id in self.tokenizer.encode(text[at:begin])]
            said += self._mention(k, text[begin:end])
            at = end
        return said + [Said(id, ()) for id in self.tokenizer.encode(text[at:])]

    def _mention(self, k: int, words: str) -> list[Said]:
        ids = [self.tokenizer.refs[k], *self.tokenizer.encode(words), self.tokenizer.end]
        return [Said(id, (k,) if n else ()) for n, id in enumerate(ids)]


def usual_episode(maker: EpisodeMaker, seed: int, rng: np.random.Generator) -> Episode:
    """An episode of the bundle's own domain."""
    scene = sample(seed)
    return maker.make(scene, [scene.camera.box(o) for o in scene.objects], rng)
