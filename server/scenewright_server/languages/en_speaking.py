"""English replies to composed plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from scenewright_server.languages.apart import Apart, asks_of, called
from scenewright_server.languages.en import BELOW_TWENTY, English
from scenewright_server.languages.en_amounts import amount_text
from scenewright_server.languages.en_telling import grouped, is_plain, of_whom, tell, told_apart, with_key
from scenewright_server.languages.en_wording import (
    COMPARATIVES,
    KIND,
    PLACES,
    ROWS,
    SIDES,
    VERBS,
    be,
    name_of,
    phrase_of,
    the,
)
from scenewright_server.languages.speaking import (
    MAX_ASKED,
    MAX_LISTED,
    Labels,
    M,
    asks_of_a_name,
    digits,
    durations_in,
    is_year,
    speaks_for_itself,
)
from scenewright_server.scene import expressions as x
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import CLOCK, Amount
from scenewright_server.scene.measures import SHAPES, SPAN_OF, is_moment
from scenewright_server.scene.topics import is_meant, topic_of

_TALL = ("tall", "wide", "deep", "long")
"""Keys that are said after an amount."""


class EnglishSpeaker:
    """How English says replies."""

    beyond: ClassVar[str] = "I can only talk about the things that are here."

    def reply(self, reply: r.Reply, labels: Labels[M]) -> tuple[str | M, ...]:
        """A reply in whole sentences."""
        said: list[list[str | M]] = [[f"I take “{words}” to mean ", *the(k, labels), "."] for words, k in reply.took]
        is_bare = asks_of_a_name(reply.turn.question if reply.turn else None)
        for result in reply.results[:MAX_LISTED]:
            said.append(self._finding(result, self._apart(result, reply.things, labels), is_bare))
        if len(reply.results) > MAX_LISTED:
            said.append([f"There are {len(reply.results) - MAX_LISTED} more."])
        said += [[f"I do not see any {words} here."] for words in reply.missing]
        for k, text in reply.quotes:
            alone = "It says: " if isinstance(reply.results[-1], r.Listed | r.Exists) else "It only says: "
            of = ["It says of ", *the(k, self._apart(None, reply.things, labels)), ": "]
            said.append([*([alone] if len(reply.quotes) == 1 else of), f"“{text.rstrip(' .')}”."])
        for told in reply.hindrances:
            is_one = be(told.things, labels) == "is"
            it: list[str | M] = ["it" if is_one else "they"]
            if len(reply.turn.things) > 1:
                it = the(told.things[0], self._apart(None, reply.things, labels))
            said.append(tell(told.key, str(told.value), it, is_one))
        parts: list[str | M] = []
        for n, sentence in enumerate(said):
            parts += [" "] * (n > 0)
            parts += _capital(sentence)
        return tuple(parts)

    def amount(self, amount: Amount, is_measured: bool = False) -> str:
        """An amount as people write it: "€24.50", "2.5 kg", "40 cm"."""
        return amount_text(amount, is_measured)

    def _finding(self, result: r.Result, labels: Labels[M], is_bare: bool = False) -> list[str | M]:
        match result:
            case r.NotUnderstood():
                return ["I did not understand that."]
            case r.Unsure():
                return ["I am not sure that I understood you."]
            case r.NotHere(words):
                return [f"I do not see any {words} here."]
            case r.Unclear(words):
                return [f"I am not sure what you mean by “{words}”."]
            case r.Nothing():
                return ["There is nothing like that here."]
            case r.Unknown("front", things):
                return ["I do not know where the front of ", *self._all(things, labels), " is."]
            case r.Unknown(key, things):
                few = 0 < len(things) <= 3
                whom = self._all(things, labels) if few else ["any of them"] if things else []
                return ["I do not know ", *of_whom(key, whom, not few or be(things, labels) == "is"), "."]
            case r.Mixed(key):
                return [f"I can not reckon with the {name_of(key)}: the units differ."]
            case r.Lost("this"):
                return ["I am not sure what you are pointing at."]
            case r.Lost():
                return ["I am not sure which one you mean."]
            case r.Ask():
                return self._ask(result, labels)
            case r.Listed():
                return self._listed(result, labels)
            case r.Counted(things):
                return self._counted(things, labels)
            case r.Exists(things, is_certain):
                if not things and is_certain:
                    return ["No, I know of none here." if is_bare else "No, there is none."]
                if not things:
                    return ["Not as far as I know."]
                return ["Yes, ", *_lower(self._counted(things, labels))]
            case r.OutOfScene():
                return [self.beyond]
            case r.Courtesy(kind):
                return [KIND[kind]]
            case r.Verdict():
                return self._verdict(result, labels)
            case r.Described(place, description, facts):
                parts = self._placed(place, labels)
                parts += [f" It says: “{description.strip(' .。')}”."] if description.strip() else []
                for fact in facts:
                    value = fact.value if isinstance(fact.value, str) else self.amount(Amount(fact.value, fact.unit))
                    parts += [" ", *_capital(tell(fact.key, value.strip(" .。"), ["it"], True))]
                return parts
            case r.Placed():
                return self._placed(result, labels)
            case r.Against(thing, other, relations, metres):
                if not relations and metres is None:
                    return self._finding(r.Unknown("distance", (thing, other)), labels)
                if not relations:
                    away = self._away(metres, f" {be([thing], labels)} {{}} from ")
                    return [*the(thing, labels), away, *the(other, labels), "."]
                where = " and ".join(PLACES[relation] for relation in relations)
                is_touching = relations[0] in ("on", "in", "under", "above")
                end = "." if is_touching else f"{self._away(metres, ', {} from it')}."
                return [*the(thing, labels), f" {be([thing], labels)} {where} ", *the(other, labels), end]
            case r.Directed(thing, hour, metres, side):
                where = SIDES["middle" if hour == 12 else side].removesuffix(" of you")
                clock = f"at {BELOW_TWENTY[hour]} o'clock{self._away(metres, ', {} away')}"
                return [*the(thing, labels), f" {be([thing], labels)} {where}, {clock}."]
            case r.Told():
                return self._told(result, labels)
            case r.Grouped():
                return [grouped(result)]
            case r.Totalled(how, key, things, amount, lacking, is_measured):
                together = "That is" if is_moment(amount) else "Together they come to"
                mean = f"The {name_of(key)} is on average" if key else "On average that is"
                what = together if how == "sum" else mean
                name = name_of(key)
                of_what = f" {name}" if how == "sum" and not amount.unit and name.endswith("s") else ""
                parts = [f"{what} {self.amount(amount, is_measured)}{of_what}."]
                if lacking:
                    of = self._all(lacking, labels) if len(lacking) <= 3 else [f"{len(lacking)} others"]
                    parts = [*parts, " I do not know ", *of_whom(key, of, len(lacking) == 1), "."]
                return parts
            case r.Weighed(_, a, b, is_so):
                yes = "Yes" if is_so else "No"
                said = [self._operand(its, labels, a.things == b.things and a.key != b.key) for its in (a, b)]
                return [f"{yes}, it is ", *said[0], " against ", *said[1], "."]
            case r.Differs():
                return self._differs(result, labels)
            case r.Times(a, b, _, each) if each is not None and b.amount.unit:
                return [f"That is {self.amount(each)}: {self._of(a)} over {self._of(b)}."]
            case r.Times(a, b, _, each) if each is not None:
                return [f"That is {self.amount(each)} each: {self._of(a)} for {self._of(b)}."]
            case r.Times(a, b, times):
                return [f"It is {digits(times)} times: {self._of(a)} against {self._of(b)}."]

    def _all(self, things: Sequence[int], labels: Labels[M]) -> list[str | M]:
        """ "the chair, another chair and the table"; of many, the first."""
        shown = things if len(things) <= MAX_LISTED else things[: MAX_LISTED - 2]
        parts: list[str | M] = []
        met: set[str] = set()
        for n, k in enumerate(shown):
            is_last = n == len(shown) - 1 and len(shown) == len(things)
            parts += [(" and " if is_last else ", ")] if n else []
            is_again = labels.text(k) in met and labels.text(k)[:1].islower() and called(k, labels) is None
            parts += ["another ", labels.mention(k)] if is_again else the(k, labels)
            met.add(labels.text(k))
        return parts + ([f" and {len(things) - len(shown)} more"] if len(shown) < len(things) else [])

    def _counted(self, things: Sequence[int], labels: Labels[M]) -> list[str | M]:
        if not things:
            return ["There are none."]
        if len(things) == 1:
            return ["There is one: ", *the(things[0], labels), "."]
        number = English().count(len(things))
        return [f"There are {number}: ", *self._all(things, labels), "."]

    def _listed(self, result: r.Listed, labels: Labels[M]) -> list[str | M]:
        begin = "It is " if len(result.things) == 1 else "They are "
        if not result.values:
            return [begin, *self._all(result.things, labels), "."]
        parts: list[str | M] = [begin]
        shown = result.things[:MAX_LISTED]
        for n, k in enumerate(shown):
            parts += [" and " if n == len(result.things) - 1 else ", "] if n else []
            parts += [*the(k, labels), f" ({self._value(result, n)})"]
        more = len(result.things) - len(shown)
        return [*parts, f" and {more} more." if more else "."]

    def _value(self, listed: r.Listed, n: int) -> str:
        """A value by which a thing was picked; a bare number with its key, "level 3", "6 seats left"."""
        return with_key(listed.key, listed.values[n], listed.is_measured)

    def _away(self, metres: float | None, form: str) -> str:
        """How far away something is, in a form of words; nothing where nobody knows."""
        return "" if metres is None else form.format(self.amount(Amount(metres, "m"), True))

    def _placed(self, place: r.Placed, labels: Labels[M]) -> list[str | M]:
        parts: list[str | M] = [*the(place.thing, labels), f" {be([place.thing], labels)} "]
        if place.under is not None:
            parts += ["on ", *self._other(place.under, place.thing, labels), ", "]
        parts += [SIDES[place.side], self._away(place.metres, ", {} away")]
        if place.near is not None:
            parts += [", next to ", *self._other(place.near, place.thing, labels)]
        return [*parts, "."]

    def _other(self, k: int, thing: int, labels: Labels[M]) -> list[str | M]:
        """A thing beside one that may be called alike."""
        is_alike = labels.text(k) == labels.text(thing) and called(k, labels) is None
        return ["another ", labels.mention(k)] if is_alike else the(k, labels)

    def _told(self, told: r.Told, labels: Labels[M]) -> list[str | M]:
        things, is_one = self._all(told.things, labels), be(told.things, labels) == "is"
        if told.value is None:
            return self._finding(r.Unknown(told.key, told.things), labels)
        if isinstance(told.value, str):
            if told.is_quoted:
                return ["It says of ", *things, f": “{told.value.strip(' .。')}”."]
            return tell(told.key, told.value.strip(" .。"), things, is_one)
        value = self.amount(told.value, told.is_measured)
        if told.key.startswith(SPAN_OF):
            return [f"It is {value} for ", *things, "."]
        if told.key == "distance" and told.is_measured:
            end: list[str | M] = [" away."]
            if told.to is not None:
                end = [" from ", *self._other(told.to, told.things[0], labels), "."]
            return [*things, f" {'is' if is_one else 'are'} {value}", *end]
        if told.key == "load" and told.is_measured:
            n = English().count(int(told.value.value)) if told.value.value else "nothing"
            n = f"{n} thing" if told.value.value == 1 else n
            return [f"There is {n} on " if told.value.value < 2 else f"There are {n} things on ", *things, "."]
        key = topic_of(told.key).words[0]
        is_bare = not told.value.unit and told.key == "ticket"  # a number of a ticket
        is_shape = (
            key in (*SHAPES, "length") and not told.is_measured and told.key not in _TALL
        )  # told of what, nobody knows
        is_amount = key in VERBS and is_meant(told.key, told.value) and not is_bare and not is_shape
        if is_amount and key == "price" and not told.value.value:
            return tell(told.key, "free", things, is_one)
        if is_amount and " per " not in told.key:
            one, many, after = VERBS[key]
            return [*things, f" {one if is_one else many}{value}{after}."]
        return tell(told.key, value, things, is_one)

    def _of(self, operand: r.Operand) -> str:
        return English().count(len(operand.things)) if operand.how == "count" else self.amount(
            operand.amount, operand.is_measured
        )  # fmt: skip

    def _operand(self, operand: r.Operand, labels: Labels[M], is_of_one: bool) -> list[str | M]:
        """A quantity, and of what it is; of one thing that it is held against itself by its key."""
        if operand.how != "fact":
            return [self._of(operand)]
        if is_of_one:
            return [f"{self._of(operand)} ({name_of(operand.key)})"]
        return [f"{self._of(operand)} for ", *the(operand.things[0], labels)]

    def _differs(self, result: r.Differs, labels: Labels[M]) -> list[str | M]:
        a, b = result.a, result.b
        if is_moment(result.amount):
            return [f"That is {self.amount(result.amount)}: {self._of(a)} less {self._of(b)}."]
        gap = self.amount(
            Amount(abs(result.amount.value), result.amount.unit), a.is_measured or b.is_measured
        )  # fmt: skip
        if a.amount.unit == b.amount.unit == CLOCK:
            gap = " ".join(map(self.amount, durations_in(result.amount)))
        are_years = bool(a.key or b.key) and is_year(a) and is_year(b)
        gap = f"{digits(abs(result.amount.value))} years" if are_years else gap
        key = "year" if are_years else topic_of(a.key).words[0] if is_meant(a.key, a.amount) else ""
        if a.how == b.how == "fact" and a.key == b.key:
            if not result.amount.value:
                return [f"The {name_of(a.key)} of ", *self._all(result.things, labels), " is the same."]
            is_told = key == "height" and not (a.is_measured or b.is_measured)
            more, less = ("", "") if is_told else COMPARATIVES.get(key, ("", ""))
            if more:
                which = more if result.amount.value > 0 else less
                if key == "year":
                    of = [f"The {name_of(a.key)} of ", *the(a.things[0], labels)]
                    return [*of, f" is {gap} {which} than that of ", *the(b.things[0], labels), "."]
                verb = be(a.things[:1], labels)
                return [*the(a.things[0], labels), f" {verb} {gap} {which} than ", *the(b.things[0], labels), "."]
        if not result.amount.value:
            return [f"There is no difference: {self._of(a)} against {self._of(b)}."]
        if are_years or a.amount.dimension in ("clock", "date"):
            which = "later" if result.amount.value > 0 else "earlier"
            return [f"That is {gap} {which}: {self._of(a)} against {self._of(b)}."]
        if any(its.how == "number" and not its.amount.unit for its in (a, b)):
            return [f"The difference is {gap}: {self._of(a)} against {self._of(b)}."]
        which = "more" if result.amount.value > 0 else "less"
        gap = f"{gap.removesuffix('%')} percentage points" if gap.endswith("%") else gap
        return [f"That is {gap} {which}: {self._of(a)} against {self._of(b)}."]

    def _verdict(self, verdict: r.Verdict, labels: Labels[M]) -> list[str | M]:
        phrase = phrase_of(verdict.among)
        if all(its is None for its in verdict.are_so):
            verb = be(verdict.things, labels)
            things = self._all(verdict.things, labels)
            return (
                ["I do not know whether ", *things, f" {verb} {phrase}."]
                if phrase
                else ["I do not know whether that is so of ", *things, "."]
            )
        if len({*verdict.are_so}) == 1:
            is_so = bool(verdict.are_so[0])
            because = verdict.because
            if because is not None and is_so and speaks_for_itself(because, verdict.among):
                return self._told(because, labels)
            if because is not None and (phrase is None or not is_so or _is_more(verdict)):
                told = self._told(because, labels)
                if is_plain(told):
                    return ["Yes. " if is_so else "No. ", *_capital(told)]
                return ["Yes, " if is_so else "No, ", *_lower(told)]
            if phrase is None or len(verdict.things) > 3:
                return ["Yes." if is_so else "No."]
            verb = be(verdict.things, labels) + ("" if is_so else " not")
            return ["Yes, " if is_so else "No, ", *self._all(verdict.things, labels), f" {verb} {phrase}."]
        so, not_so, unknown = (
            [k for k, its in zip(verdict.things, verdict.are_so, strict=True) if its is value]
            for value in (True, False, None)
        )
        parts: list[str | M] = ["Not all of them"]
        if phrase and so and not_so:
            parts += [": ", *self._all(so, labels), f" {be(so, labels)} {phrase}, "]
            parts += [*self._all(not_so, labels), f" {be(not_so, labels)} not"]
        else:
            parts += [": it is so of ", *self._all(so, labels)] if so else []
            parts += [", and not of " if so else ": not ", *self._all(not_so, labels)] if not_so else []
        return [*parts, *([". I do not know it of ", *self._all(unknown, labels)] if unknown else []), "."]

    def _ask(self, ask: r.Ask, labels: Labels[M]) -> list[str | M]:
        if len(ask.things) > MAX_ASKED or ask.by == "nothing":
            return [f"There are {English().count(len(ask.things))} of them. Which one do you mean?"]
        parts: list[str | M] = ["Do you mean "]
        for n, k in enumerate(ask.things):
            parts += [" or " if n == len(ask.things) - 1 else ", "] if n else []
            before, after = self._mark(ask, n, labels)
            parts += the(k, labels) if ask.by == "name" else [*before, labels.mention(k), *after]
        return [*parts, "?"]

    def _mark(self, ask: r.Ask, n: int, labels: Labels[M]) -> tuple[list[str | M], list[str | M]]:
        """The words before and after the label of the n-th of things that are told apart."""
        mark = ask.marks[n]
        said = self.amount(mark) if isinstance(mark, Amount) else str(mark)
        match ask.by:
            case "fact":
                before, after = told_apart(ask.key, said)
                return [before], [after] if after else []
            case "side" | "row":
                return ["the "], [f" {(ROWS if ask.by == 'row' else SIDES)[mark]}"]  # type: ignore[index]
            case "under":
                return ["the "], [" on ", *the(int(said), labels)]
            case "metres":
                return ["the "], [f" {self.amount(Amount(float(said), 'm'), True)} away"]
        return [], []

    def _apart(self, result: r.Result | None, things: Sequence[int], labels: Labels[M]) -> Labels[M]:
        """Labels that tell apart which of the things that a reply is about are called alike."""
        asked = asks_of(result, things, labels)
        words = {k: self._mark(ask, n, labels) for ask in asked for n, k in enumerate(ask.things)}
        return Apart(labels, words) if words else labels


def _is_more(verdict: r.Verdict) -> bool:
    """Whether what is told of a thing says more than the look that was asked for, or tells it of a part."""
    because, look = verdict.because, verdict.among
    if because is None or not isinstance(look, x.Look) or not isinstance(because.value, str):
        return False
    if because.is_quoted:
        return len(because.value) > len(look.words) + 3
    return topic_of(because.key).words[0] not in ("state", "colour", "material", "stock")


def _capital(sentence: list[str | M]) -> list[str | M]:
    first = sentence[0]
    return [first[:1].upper() + first[1:], *sentence[1:]] if isinstance(first, str) and len(sentence) > 0 else sentence


def _lower(sentence: list[str | M]) -> list[str | M]:
    """A sentence within another; a name that it begins with stays as it is."""
    first = sentence[0]
    if isinstance(first, str) and first.startswith(("The ", "It ", "There ")):
        return [first[:1].lower() + first[1:], *sentence[1:]]
    return sentence
