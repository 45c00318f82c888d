"""Which things of a scene a text names, and how: as the answer, as the place of another, or as what it is not."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenewright_server.scene.geometry import Pose, to_camera
from scenewright_server.training.evaluation.amounts import plain

_PLACE = re.compile(
    r"(?:\bon|\bonto|\bin|inside|\bunder|beneath|below|above|over|\bby|beside|next to|near|between|behind|in front of"
    r"|left of|right of|\bto|\bat|opposite|from|against|across from|top of|closest to"
    r"|在|从|离|靠近|挨着|到)\s*(?:the |a |an |your |that |both |of )*$"
)
_PLACE_AFTER = re.compile(r"\s*的?(?:旁|上|下|里|左|右|前|后|中间|对面|附近|那边)")
_CONTRAST = re.compile(
    r"(?:\bthan|\bnot|n't|unlike|instead of|rather than|except|besides|other than|apart from"
    r"|比|不是|而不是|除了|不像)\s*(?:for |on |in |of )?(?:the |a |an |your |that |这|那)*$"
)
_DENIED = re.compile(
    r"(?:\bno|\bnot? (?:see|find) (?:a|an|any|the)|isn't (?:a|an|any)|n't (?:see|find|have) (?:a|an|any|the)"
    r"|没有|没看到|看不到|找不到)\s*$"
)
_IDLE_RIGHT = re.compile(
    r"\ball right\b|\bright (?:there|here|away|now|next|behind|in|beside|on|by|at|under|above|below|near|ahead)"
    r"|\b(?:is|are|%|nothing|percent|minutes) left\b(?! of)|\bleft (?:arm|hand over)\b|左右"
)
_NAME_KEYS = {"name", "title", "nickname", "名字", "书名"}
_SIDES = {
    "left": ("left", "左"), "right": ("right", "右"), "behind": ("behind", "back of you", "后"),
    "front": ("front", "ahead", "前"),
}  # fmt: skip


def has_word(text: str, word: str) -> bool:
    """Whether a plain text says a word or phrase, in singular or plural, and not as "not ..."."""
    word = plain(word)
    if word in {"left", "right", "左", "右"}:
        text = _IDLE_RIGHT.sub(" ", text)
    start = r"(?<![a-z\d.])" if word[:1].isascii() and word[:1].isalnum() else ""
    end = r"(?:e?s|e?d)?(?![a-z\d]|[.:]\d)" if word[-1:].isascii() and word[-1:].isalnum() else ""
    if re.fullmatch(r"\d+", word):
        end = r"(?!\d|\.\d)"
    for m in re.finditer(start + re.escape(word).replace(r"\ ", r"\s?-?") + end, text):
        if not re.search(
            r"(?:\bnot|n't|instead of|rather than|than|不是|而非)\s*(?:\w{1,4}\s){0,2}$", text[: m.start()]
        ):
            return True
    return False


@dataclass(frozen=True)
class Mention:
    """A name in a text, and the ids of the things that bear it."""

    ids: frozenset[str]
    is_place: bool
    is_contrast: bool
    is_denied: bool


class Names:
    """What the things of a scene graph (protobuf's JSON mapping) may be called, and where they are seen.

    A thing is called by its label, its aliases, a fact that is a name, and `more` (names by id); an engine's name
    ("SM_Chair_02", "Laptop(Clone)") by its words; an English thing by its label's last word too, which then may fit
    several.
    """

    def __init__(self, graph: dict[str, Any], more: dict[str, list[str]] | None = None):
        self._ids: dict[str, set[str]] = defaultdict(set)
        self._words: dict[str, set[str]] = {}
        for item in graph.get("objects", []):
            names = [item["label"], *item.get("aliases", []), *(more or {}).get(item["id"], [])]
            names += [f["text"] for f in item.get("facts", []) if f["key"] in _NAME_KEYS and "text" in f]
            forms = {plain(n) for n in names} | {_split(n) for n in names}
            for form in set(forms):
                head = re.split(r" (?:of|with|for|the|in) ", form)[0].split(" ")[-1]
                if head.isascii() and len(head) > 2:
                    forms.add(head)
            self._words[item["id"]] = {w for f in forms for w in re.findall(r"[a-z]{3,}|[红橙黄绿青蓝紫白黑灰棕]", f)}
            for form in filter(None, forms):
                self._ids[form].add(item["id"])
        forms_by_length = sorted(self._ids, key=len, reverse=True)
        parts = [
            rf"(?<![a-z\d]){re.escape(f)}(?:'s|e?s)?(?![a-z\d])" if f.isascii() else re.escape(f)
            for f in forms_by_length
        ]
        self._pattern = re.compile("|".join(f"({p})" for p in parts) or r"(?!)")
        self._forms = forms_by_length
        self._sides = _see(graph)

    def find(self, text: str) -> list[Mention]:
        """The names in a plain text, in order, the longest first where they overlap."""
        found = []
        for m in self._pattern.finditer(text):
            ids = frozenset(self._ids[self._forms[(m.lastindex or 1) - 1]])
            before, after = text[: m.start()], text[m.end() :]
            is_place = bool(_PLACE.search(before) or _PLACE_AFTER.match(after))
            found.append(Mention(ids, is_place, bool(_CONTRAST.search(before)), bool(_DENIED.search(before))))
        return found

    def masked(self, text: str) -> str:
        """The text without its names, so that numbers in names ("shelf 3") are not read as numbers."""
        return self._pattern.sub(
            lambda m: " _ " if re.search(r"[\d一二两三四五六七八九十]|one|two|three", m[0]) else m[0], text
        )

    def without(self, text: str) -> str:
        """The text with its names taken out."""
        return self._pattern.sub(" ", text)

    def is_told_apart(self, i: str, others: frozenset[str], text: str) -> bool:
        """Whether the text says a side that only this one of several is on, or a word that only it is called by."""
        for words in _SIDES.values():
            if any(has_word(text, w) for w in words):
                on_it = {o for o in others if any(w in _SIDES[s] for s in self._sides[o] for w in words)}
                if on_it == {i}:
                    return True
        return self.has_own_word(i, others, text)

    def has_own_word(self, i: str, others: Collection[str], text: str) -> bool:
        """Whether the text says a word of this thing's names that none of the others is called by."""
        own = self._words[i] - {w for o in others if o != i for w in self._words[o]}
        return any(has_word(text, w) for w in own)

    def rivals(self, i: str) -> frozenset[str]:
        """The things that share a name with this one, itself among them."""
        return frozenset({i}.union(*(ids for ids in self._ids.values() if i in ids)))


def _split(name: str) -> str:
    """An engine's name as words: "SM_Printer_02" to "printer", "OfficeChair (1)" to "office chair"."""
    name = re.sub(r"\(clone\)|\(\d+\)", " ", name, flags=re.IGNORECASE)
    name = re.sub(r"^(?:SM|SK|BP|PF)_", "", name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]+", " ", name)
    return plain(re.sub(r"\s+\d+\s*$", "", name).strip())


def _see(graph: dict[str, Any]) -> dict[str, set[str]]:
    """The sides on which the user has each thing."""
    eye = _pose(graph.get("viewpoint", {}).get("pose", {}))
    sides: dict[str, set[str]] = {}
    for item in graph.get("objects", []):
        x, _, z = to_camera(_pose(item["pose"]).position[None], eye)[0]
        bearing = math.degrees(math.atan2(x, z))
        sides[item["id"]] = {
            side for side, at in (("front", 0), ("right", 90), ("behind", 180), ("left", -90))
            if abs((bearing - at + 180) % 360 - 180) < 75
        }  # fmt: skip
    return sides


def _pose(pose: dict[str, Any]) -> Pose:
    place, turn = pose.get("position", {}), pose.get("rotation", {"w": 1.0})
    return Pose(
        np.array([float(place.get(k, 0.0)) for k in "xyz"]), np.array([float(turn.get(k, 0.0)) for k in "xyzw"])
    )
