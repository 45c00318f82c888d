"""Reads out of a model's text what it points at: "the goblin king [2] is left of the altar"."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CITATION = re.compile(r"[ \t]*\[\s*(\d{1,6}(?:\s*,\s*\d{1,6})*)\s*\]")
_MAY_BECOME_ONE = re.compile(r"\s*(?:\[[\d\s,]{0,64})?$")


class GroundingReader:
    """Text in pieces to text without citations, and the entries that it points at: by number, or by a name that only
    one of them has. Where a number stands right behind such a name, the name counts. A number that no entry has is
    dropped. What may become a citation, and the space before it, is held back until it does or does not.

    numbers: number -> entry; names: name in lower case -> entry.
    """

    def __init__(self, numbers: Mapping[int, int], names: Mapping[str, int]) -> None:
        self._numbers, self._names = numbers, names
        longest_first = sorted(names, key=len, reverse=True)
        self._name = re.compile("|".join(map(_as_word, longest_first)), re.IGNORECASE) if names else None
        self._n_longest = max(map(len, names), default=0)
        self._held = ""  # what may become a citation
        self._tail = ""  # the end of the text, in which a name may end
        self._at_line_start = True
        self._cited: list[int] = []  # right before the tail

    def feed(self, text: str) -> list[str | int]:
        """What further text gives: words, and entries behind their names."""
        held, found = self._held + text, list[str | int]()
        while cited := _CITATION.search(held):
            found += self._read(held[: cited.start()])
            named = self._close()
            self._cited = [k for n in cited[1].split(",") if (k := self._numbers.get(int(n))) is not None]
            found += named or self._cited
            held = held[cited.end() :]
        doubt = _MAY_BECOME_ONE.search(held)
        n_sure = len(held) if doubt is None else doubt.start()
        found += self._read(held[:n_sure])
        self._held = held[n_sure:]
        return found

    def finish(self) -> list[str | int]:
        """What the end of the text gives; half a citation is dropped."""
        return [*self._close()]

    def _read(self, text: str) -> list[str | int]:
        """Words without citations, and what they name, as far as the words after tell that a name ends there."""
        if self._at_line_start:
            text = text.lstrip()
        self._at_line_start = text.endswith("\n") if text else self._at_line_start
        whole, n_old = self._tail + text, len(self._tail)
        found, read, begin = list[str | int](), 0, 0
        for match in self._name.finditer(whole) if self._name else ():
            if self._may_go_on(whole[match.start() :]):
                break
            k, is_cited = self._names[match[0].lower()], not whole[begin : match.start()].strip()
            begin = match.end()
            if not (is_cited and k in self._cited):  # "[2] goblin king": it is pointed at already
                found += [text[read : max(begin - n_old, 0)], k]
                read = max(begin - n_old, 0)
            self._cited = []
        self._tail = whole[begin:][-self._n_longest - 1 :]
        return [part for part in (*found, text[read:]) if part != ""]

    def _may_go_on(self, text: str) -> bool:
        """Whether a text that begins with a name may become a longer name, or word."""
        rest = text.lower()
        return any(name.startswith(rest) for name in self._names)

    def _close(self) -> list[int]:
        """The entry whose name ends the text so far."""
        tail, self._tail = self._tail, ""
        matches = list(self._name.finditer(tail)) if self._name else []
        if not matches or matches[-1].end() != len(tail):
            return []
        k = self._names[matches[-1][0].lower()]
        return [] if k in self._cited and matches[-1][0] == tail.strip() else [k]


def _as_word(name: str) -> str:
    """A pattern of a name that is no part of a longer word; Chinese puts no space between words."""
    before, after = (r"(?<![^\W_])" if name[0].isascii() else ""), (r"(?![^\W_])" if name[-1].isascii() else "")
    return before + re.escape(name) + after
