"""Sets and keys out of the text of a plan; `parsing` has the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import CLOCK, Amount, read_time
from scenewright_server.scene.dates import read_date
from scenewright_server.scene.plan_tokens import TokenReader
from scenewright_server.scene.writing import SINGLE

AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)((?!(?:st|nd|rd|th)$)(?:%|€|[a-zA-Z°]{1,4}))?")
_OTHER_WORDS: dict[str, x.Relation] = {"below": "under", "underneath": "under", "next to": "beside"}
_RELATIONS = sorted(({its: its for its in x.RELATIONS} | _OTHER_WORDS).items(), key=lambda its: -len(its[0]))
"""Words for relations and what they mean, the longest first."""
_TIMES = re.compile(r"[1-9][0-9]{0,3}|[0-9]{1,3}\.[0-9]{1,3}")
_NTH = re.compile(r"(\d+)(st|nd|rd|th)")


class SetReader(TokenReader):
    """Reads sets from left to right."""

    def _times(self) -> float:
        """The n of "n of", 0 where there is none."""
        ahead = self._tokens[self._at + 1] if self._next.kind != "end" else self._next
        if self._next.kind != "word" or (ahead.kind, ahead.text) != ("word", "of"):
            return 0
        if not _TIMES.fullmatch(self._next.text):
            return 0
        self._at += 2
        text = self._tokens[self._at - 2].text
        return float(text) if "." in text else int(text)

    def _number(self, until: str = "") -> x.Number:
        if (hours := read_time(self._next.text)) is not None:
            self._at += 1
            return x.Number(hours, CLOCK)
        if is_moment(self._next.text) and (day := read_date(self._next.text)) is not None:
            self._at += 1
            return x.Number(day.value, day.unit)
        ahead = self._tokens[self._at + 1]
        if ahead.text in ("am", "pm") and (hours := read_time(f"{self._next.text} {ahead.text}")) is not None:
            self._at += 2
            return x.Number(hours, CLOCK)
        digits, unit = cast(re.Match[str], AMOUNT.fullmatch(self._next.text)).groups()
        value = float(digits)
        self._at += 1
        if unit:
            return self._made(x.Number, value, unit)
        is_followed = self._next.kind in ("word", "quoted") and not (until and self._peek(until))
        return self._made(x.Number, value, self._words("a unit", until) if is_followed else "")

    def _set(self, until: str = "") -> x.Set:
        self._depth += 1
        if self._depth > 2 * q.MAX_DEPTH:
            self._fail(f"at most {2 * q.MAX_DEPTH} sets within each other")
        links = [self._link(until)]
        while self._take("mark", "&"):
            links.append(self._link(until))
        self._depth -= 1
        return links[0] if len(links) == 1 else self._made(x.Narrowed, tuple(links))

    def _link(self, until: str) -> x.Set:
        parts = [self._atom(until)]
        while self._take("mark", "+"):
            parts.append(self._atom(until))
        return parts[0] if len(parts) == 1 else self._made(x.Joined, tuple(parts))

    def _group(self) -> x.Set:
        self._need("(")
        inner = self._set()
        self._need(")")
        return inner

    def _atom(self, until: str = "") -> x.Set:
        self._depth += 1
        if self._depth > 4 * q.MAX_DEPTH:
            self._fail(f"at most {4 * q.MAX_DEPTH} sets within each other")
        atom = self._group() if (self._next.kind, self._next.text) == ("mark", "(") else self._plain(until)
        self._depth -= 1
        return atom

    def _plain(self, until: str) -> x.Set:
        if self._next.kind == "word":
            word = self._next.text
            if word in SINGLE:
                self._at += 1
                return SINGLE[word]
            if times := self._times():
                return self._made(x.Multiple, times, self._atom(until))
            nth, ahead = _NTH.fullmatch(word), self._tokens[self._at + 1]
            if (nth or word == "last") and (ahead.kind != "word" or ahead.text == until) and not self._is_sign(1):
                self._at += 1
                return self._made(x.Nth, int(nth[1][:6]) if nth else x.LAST)
            if self._take("word", "in", "reach"):
                return x.Reachable()
            if self._take("word", "in", "view"):
                return x.Visible()
            if word == "in" and self._tokens[self._at + 1].kind == "word" and self._is_sign(2):
                return self._compared(self._key(until), until)  # "in stock > 0"
            own = self._take("word", "own")
            for name, relation in _RELATIONS:
                if self._take("word", *name.split()):
                    each = self._take("word", "each")
                    return self._made(x.Related, relation, self._end(until), own=own, each=each)
            if own:
                self._fail("one of " + ", ".join(x.SIDES))
            start = self._at
            made = self._keyword(word, until)
            if made is not None and not (isinstance(made, x.Extreme) and self._is_sign()):
                return made
            self._at = start  # a key: "max load >= 22 kg"
        words = self._key(until)
        if self._is_sign():
            return self._compared(words, until)
        if words.to is not None:
            self._fail("one of " + ", ".join(x.SIGNS))
        return x.Named(words.name)

    def _is_sign(self, ahead: int = 0) -> bool:
        token = self._tokens[self._at + ahead]
        return token.kind == "mark" and token.text in (*x.SIGNS, "==")

    def _keyword(self, word: str, until: str) -> x.Set | None:
        """What begins with this word, None where that is a name's."""
        read: dict[str, Callable[[], x.Set]] = {
            "not": lambda: x.Not(self._atom(until)),
            "look": lambda: self._made(x.Look, self._words("a look", until)),
            "kind": lambda: self._made(x.Kind, self._words("a kind", until)),
            "has": lambda: x.Has(self._key(until)),
            "same": lambda: self._same(until),
            "between": lambda: self._between(until),
            "after": lambda: x.After(self._atom(until)),
            "before": lambda: x.Before(self._atom(until)),
            "at": lambda: self._made(x.Clock, self._whole("an hour")),
            "max": lambda: self._extreme(True, until),
            "min": lambda: self._extreme(False, until),
            "sort": lambda: self._ordered(until),
        }
        if word not in read or self._is_sign(1):  # "kind = bakery"
            return None
        self._at += 1
        return read[word]()

    def _end(self, until: str) -> x.Set | x.Me:
        return x.Me() if self._take("word", "me") else self._atom(until)

    def _same(self, until: str) -> x.Set:
        key = self._key("as")
        if not self._take("word", "as"):
            self._fail("'as'")
        return x.Same(key, self._atom(until))

    def _between(self, until: str) -> x.Set:
        a = self._end("and")
        if not self._take("word", "and"):
            self._fail("'and'")
        return x.Between(a, self._end(until))

    def _whole(self, what: str) -> int:
        if self._next.kind != "word" or not re.fullmatch(r"[0-9]{1,4}", self._next.text):
            self._fail(what)
        self._at += 1
        return int(self._tokens[self._at - 1].text)

    def _extreme(self, most: bool, until: str) -> x.Set:
        n, nth = 1, False
        if self._next.kind == "word":
            if found := _NTH.fullmatch(self._next.text):
                self._at += 1
                n, nth = int(found[1][:6]), True
            elif self._next.text.isdigit():
                n = self._whole("a number")
        return self._made(x.Extreme, self._key(until), most, n, nth)

    def _ordered(self, until: str) -> x.Set:
        down = self._take("word", "down")
        return x.Ordered(self._key(until), down)

    def _compared(self, key: x.Key, until: str) -> x.Set:
        sign = self._next.text.replace("==", "=")
        self._at += 1
        if (self._next.kind, self._next.text) == ("mark", "("):
            return self._made(x.Compared, key, sign, self._group())
        is_time = sign not in ("=", "!=") and is_moment(self._next.text)
        is_code = sign in ("=", "!=") and _is_code(self._next.text)
        if self._next.kind == "word" and (is_time or (AMOUNT.fullmatch(self._next.text) and not is_code)):
            return self._made(x.Compared, key, sign, self._number(until))
        return self._made(x.Compared, key, sign, self._words("a value", until))

    def _key(self, until: str = "") -> x.Key:
        if not self._take("word", "distance", "to"):
            return self._made(x.Key, self._words("a name or a key", until))
        if (self._next.kind, self._next.text) == ("mark", "("):
            return x.Key("distance", self._group())
        if self._next.kind == "word" and self._next.text in SINGLE:
            self._at += 1
            return x.Key("distance", SINGLE[self._tokens[self._at - 1].text])
        if self._peek("look") or self._peek("kind"):
            return x.Key("distance", self._atom(until))
        return x.Key("distance", self._made(x.Named, self._words("a name", until)))

    def _words(self, what: str, until: str = "") -> str:
        if self._next.kind == "quoted":
            self._at += 1
            return self._tokens[self._at - 1].text
        words: list[str] = []
        while self._next.kind == "word" and not (words and until and self._next.text == until):
            words.append(self._next.text)
            self._at += 1
        if not words:
            self._fail(what)
        return " ".join(words)


def is_moment(text: str) -> bool:
    """Whether a text is a time of day, or a day in digits: "21:35", "2027-04-01", 4月20日."""
    day = read_date(text) if text[:1].isdigit() else None
    return read_time(text) is not None or (day is not None and day.high is None)


def _is_code(text: str) -> bool:
    """Whether a text is a number with a letter at its end that is no unit: a class, "5b"."""
    return re.fullmatch(r"\d+[a-zA-Z]", text) is not None and not Amount(0, text[-1]).dimension
