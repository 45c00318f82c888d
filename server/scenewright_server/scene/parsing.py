"""Plans out of text; `writing` is the way back: `parse(write(plan)) == plan`.

    plan     := question (";" question)*
    question := "name" set | "count" set | "exist" set | "describe" one | "again" set | "beyond" | "way" one
              | "where" one ["|" set] | "fact" key ("," key)* "|" one | total
              | "values" [("max" | "min")] key ["," key] "|" set
              | "check" one ("|" set)+ | ("more" | "fewer" | "equal") operands | reckoned
    total    := ("sum" | "avg") [n "of"] key ("," [n "of"] key)* "|" set | "sum" addend ("+" addend)*
    addend   := [n "of"] inner | number [unit] | time
    reckoned := ("diff" | "ratio") operands
    operands := operand "|" operand | key "|" (set | number) "|" (set | number)
    operand  := number [unit] | time | set | inner
    inner    := "(" (total | reckoned | "fact" key "|" set) ")"
    one      := ["each"] set
    set      := link ("&" link)*             narrows from left to right
    link     := atom ("+" atom)*             joins
    atom     := "(" set ")" | "not" atom | n "of" atom | nth | "last" | "all" | "those" | "this" | "other" | "empty"
              | "middle" | "in reach" | "in view" | name | "look" words | "kind" words | "has" key
              | "same" key "as" atom | key sign value | ["own"] relation ["each"] (atom | "me")
              | "between" end "and" end | "at" hour | ("after" | "before") atom
              | ("max" | "min") [n | nth] key | "sort" ["down"] key
    key      := words | "distance to" (words | "look" words | "kind" words | "(" set ")")
    value    := number [unit] | time | words | "(" set ")"

Words that could be read as something else stand in double quotes, a double quote among them is doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing_sets import AMOUNT, SetReader, is_moment
from scenewright_server.scene.writing import COMPARES

MAX_CHARS = 1000


def parse(text: str) -> q.Plan:
    """The plan that a text is. Raises PlanError."""
    if len(text) > MAX_CHARS:
        raise PlanError(MAX_CHARS, f"{len(text)} characters", f"at most {MAX_CHARS}")
    return _Reader(text).plan()


class _Reader(SetReader):
    """Reads the tokens of a text from left to right."""

    def plan(self) -> q.Plan:
        questions = [self._question()]
        while self._take("mark", ";"):
            questions.append(self._question())
        if self._next.kind != "end":
            self._fail("the end")
        plan = tuple(questions)
        try:
            q.check(plan)
        except ValueError as error:
            raise PlanError(0, "a plan past its limits", str(error)) from error
        return plan

    def _question(self) -> q.Question:
        operation = self._next.text if self._next.kind == "word" else ""
        if operation in ("more", "fewer", "equal", "diff", "ratio"):
            self._at += 1
            a, b = self._operands()
            if operation == "diff":
                return q.Difference(a, b)
            return q.Ratio(a, b) if operation == "ratio" else q.Compare(COMPARES[operation], a, b)
        read: dict[str, Callable[[], q.Question]] = {
            "name": lambda: q.Name(self._set()),
            "count": lambda: q.Count(self._set()),
            "exist": lambda: q.Exist(self._set()),
            "again": lambda: q.Again(self._set()),
            "way": lambda: q.Way(**self._one()),
            "describe": lambda: q.Describe(**self._one()),
            "where": lambda: q.Where(**self._one(), against=self._set() if self._take("mark", "|") else None),
            "check": self._check,
            "fact": self._fact,
            "values": self._values,
            "sum": lambda: self._total("sum"),
            "avg": lambda: self._total("avg"),
            "beyond": q.Beyond,
        }
        if operation not in read:
            self._fail("one of " + ", ".join([*read, "more", "fewer", "equal", "diff", "ratio"]))
        self._at += 1
        return read[operation]()

    def _one(self) -> dict[str, Any]:
        each = self._take("word", "each")
        return {"of": self._set(), "each": each}

    def _check(self) -> q.Check:
        one, among = self._one(), self._second()
        while self._next.text == "|" and self._next.kind == "mark":
            one["of"] = self._made(x.Narrowed, (*_links(one["of"]), *_links(among)))
            among = self._second()
        return q.Check(**one, among=among)

    def _second(self) -> x.Set:
        self._need("|")
        return self._set()

    def _fact(self) -> q.Fact:
        keys = [self._key()]
        while self._take("mark", ","):
            keys.append(self._key())
        self._need("|")
        return q.Fact(tuple(keys), **self._one())

    def _values(self) -> q.Values:
        pick: Literal["max", "min", ""] = ""
        if self._next.text in ("max", "min") and self._next.kind == "word":
            pick = "max" if self._next.text == "max" else "min"
            self._at += 1
        key = self._key()
        by = self._key() if self._take("mark", ",") else None
        return self._made(q.Values, key, self._second(), pick, by)

    def _total(self, how: Literal["sum", "avg"]) -> q.Total | q.Sum:
        if how == "sum" and (addend := self._addend()) is not None:
            addends = [addend]
            while self._take("mark", "+"):
                addends.append(self._addend() or self._fail("a number, or a quantity in parentheses"))
            return q.Sum(tuple(addends))
        shares = [self._share()]
        while self._take("mark", ","):
            shares.append(self._share())
        return q.Total(how, shares[0].key, self._second(), shares[0].n, tuple(shares[1:]))

    def _addend(self) -> q.Addend | None:
        """What goes into a sum of quantities, None where something else comes next."""
        start = self._at
        n = self._times() or 1
        if self._is_inner():
            return self._made(q.Addend, self._inner(), n)
        if n == 1 and self._is_number():
            number = self._number()
            if self._next.kind == "end" or self._next.text in ("+", ")", ";"):
                return q.Addend(number)
        self._at = start
        return None

    def _share(self) -> q.Share:
        n = self._times()
        return self._made(q.Share, self._key(), n or 1)

    def _operands(self) -> tuple[q.Quantity, q.Quantity]:
        start = self._at
        bars = self._bars_ahead()
        if bars == 2:
            key = self._key()
            return self._valued(key), self._valued(key)
        self._at = start
        a = self._operand()
        self._need("|")
        return a, self._operand()

    def _valued(self, key: x.Key) -> q.Quantity:
        """What follows a "|": a thing's value under a key, or a number."""
        self._need("|")
        return self._number() if self._is_number() else q.Value(key, self._set())

    def _is_number(self) -> bool:
        """Whether a number comes next, and not "n of"."""
        text = self._next.text
        is_digits = self._next.kind == "word" and (AMOUNT.fullmatch(text) or is_moment(text))
        return is_digits and (self._tokens[self._at + 1].kind, self._tokens[self._at + 1].text) != ("word", "of")

    def _bars_ahead(self) -> int:
        """The "|" of this question, or of what these parentheses enclose, that no further ones do."""
        bars = inside = 0
        for token in self._tokens[self._at :]:
            if token.kind == "mark":
                inside += (token.text == "(") - (token.text == ")")
                if inside < 0 or (token.text == ";" and inside == 0):
                    break
                bars += token.text == "|" and inside == 0
        return bars

    def _operand(self) -> q.Quantity:
        if self._is_number():
            return self._number()
        return self._inner() if self._is_inner() else q.Count(self._set())

    def _is_inner(self) -> bool:
        """Whether parentheses come next that enclose a quantity, and no set: things may be named "ratio"."""
        if (self._next.kind, self._next.text) != ("mark", "("):
            return False
        ahead = self._tokens[self._at + 1]
        if ahead.kind != "word" or ahead.text not in ("diff", "ratio"):
            return ahead.kind == "word" and ahead.text in ("sum", "avg", "fact")
        self._at += 1
        bars = self._bars_ahead()
        self._at -= 1
        return bars > 0

    def _inner(self) -> q.Quantity:
        self._depth += 1
        if self._depth > 2 * q.MAX_DEPTH:
            self._fail(f"at most {2 * q.MAX_DEPTH} quantities within each other")
        self._need("(")
        how = self._next.text
        self._at += 1
        made: q.Quantity
        if how == "fact":
            made = q.Value(self._key(), self._second())
        elif how in ("diff", "ratio"):
            made = (q.Difference if how == "diff" else q.Ratio)(*self._operands())
        else:
            made = self._total("avg" if how == "avg" else "sum")
        self._need(")")
        self._depth -= 1
        return made


def _links(of: x.Set) -> tuple[x.Set, ...]:
    return of.links if isinstance(of, x.Narrowed) else (of,)
