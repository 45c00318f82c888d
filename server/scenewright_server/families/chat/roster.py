"""The things of a scene by number, as a language model reads of them.

What does not depend on the camera (numbers, labels, other names, which facts are known) is listed once; where things
are and what the facts say is told with each question, of the things that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.language import say_metres
from scenewright_server.scene.entries import Detections, Entry, Fact, GraphObject
from scenewright_server.scene.support import find_supports
from scenewright_server.scene.words import is_chinese, normalise

SURE = 0.4  # of a colour, to be told
_PRONOUN = re.compile(
    r"\b(it|its|he|him|his|she|her|hers|they|them|their|this|that|these|those|one)\b|[它他她这那]", re.IGNORECASE
)
_COMMON = frozenset("the a an of and or in on at to is are it this that which what where how do does for with".split())


class Roster:
    """Numbers count the graph's objects in its own order, then what is only seen. `looks`: the values of the
    detections' attributes "kind" and "colour", in the order of their posteriors."""

    def __init__(
        self,
        entries: Sequence[Entry],
        graph: Sequence[GraphObject],
        detections: Detections | None,
        looks: Mapping[str, Sequence[str]],
    ) -> None:
        self.entries = entries
        self._graph, self._seen, self._looks = graph, detections, looks
        places = {item.id: n for n, item in enumerate(graph, 1)}
        seen_only = [k for k, entry in enumerate(entries) if entry.graph is None]
        self.numbers = {k: places[entry.graph.id] for k, entry in enumerate(entries) if entry.graph is not None}
        self.numbers |= {k: n for n, k in enumerate(seen_only, len(graph) + 1)}
        self.by_number = {n: k for k, n in self.numbers.items()}
        self._supports = find_supports(entries, detections)

    def name(self, k: int) -> str:
        """What an entry is called: its label, or how it looks."""
        entry = self.entries[k]
        return clean(entry.graph.label) if entry.graph is not None else self._look(k)

    def spelt(self, k: int) -> str:
        """What an entry is called as the app spells it, on one line, or how it looks."""
        item = self.entries[k].graph
        return self._look(k) or "thing" if item is None else " ".join(item.label.split())

    def under(self, k: int) -> int | None:
        """What an entry stands on."""
        return self._supports[k]

    def seen_as(self, k: int) -> frozenset[str]:
        """Words for what is seen of an entry: a sure colour, and its kind where nothing else tells that."""
        look = self._look(k).split(" ", 1)
        has_colour = look[0] in self._looks.get("colour", ())
        return frozenset(look if self.entries[k].graph is None else look[:1] if has_colour else ()) - {""}

    def list_things(self) -> str:
        """A line for each object of the graph."""
        return "\n".join(f"[{n}] {_introduce(item)}" for n, item in enumerate(self._graph, 1))

    @property
    def names(self) -> dict[str, int]:
        """Names and other names in lower case, of which each belongs to one entry alone."""
        owners: dict[str, set[int]] = {}
        for k in range(len(self.entries)):
            for name in self.all_names(k):
                owners.setdefault(clean(name).lower(), set()).add(k)
        return {name: ks.pop() for name, ks in owners.items() if name and len(ks) == 1}

    def tell(
        self,
        question: str,
        focus: Sequence[int],
        pointed: int | None,
        language: str,
        n_tokens: Callable[[str], int],
        most: int,
    ) -> str:
        """A line for each thing that matters to a question: where it is, and what its facts say.

        That are the things that it names or, by "it", those of `focus`, with what stands on them; where there are
        none, the facts that it names, of all things; where there are none either, all things, or where that takes more
        than `most` tokens the places of the nearest. What the user points at is told beside them.
        """
        everything, words = range(len(self.entries)), _words(question)
        named = self._named(words)
        if not named and pointed is None and _PRONOUN.search(question):
            named = list(focus)
        if named or pointed is not None:
            meant = set[int]() if pointed is None else {pointed}
            meant |= {k for k in everything if k in named or self._supports[k] in named}
            lines = self._lines([(k, self._facts(k), True) for k in meant], language)
            return lines if pointed is None else f"{lines}\n{self._point(pointed, language)}"
        asked = {k: [fact for fact in self._facts(k) if _words(fact.key) & words] for k in everything}
        if any(asked.values()):
            return self._lines([(k, facts, False) for k, facts in asked.items() if facts], language)
        lines = self._lines([(k, self._facts(k), True) for k in everything], language)
        return lines if n_tokens(lines) <= most else self._tell_nearest(language, n_tokens, most)

    def _tell_nearest(self, language: str, n_tokens: Callable[[str], int], most: int) -> str:
        """The places of as many things as `most` tokens tell, and that these are not all."""
        nearest, lines = sorted(range(len(self.entries)), key=lambda k: self.entries[k].distance), list[str]()
        for k in nearest:
            line = self._line(k, [], True, language)
            most -= n_tokens(f"{line}\n")
            if most < 0:
                break
            lines.append(line)
        n, n_all = len(lines), len(nearest)
        head = f"共有{n_all}件东西，最近的{n}件：" if language == "zh" else f"The nearest {n} of all {n_all} things:"
        return "\n".join([head, *lines])

    def _point(self, k: int, language: str) -> str:
        name = f"{self.name(k)} [{self.numbers[k]}]"
        return f"用户指着{name}。" if language == "zh" else f"The user points at the {name}."

    def _lines(self, told: Sequence[tuple[int, Sequence[Fact], bool]], language: str) -> str:
        told = sorted(told, key=lambda line: self.numbers[line[0]])
        return "\n".join(self._line(*line, language) for line in told)

    def _line(self, k: int, facts: Sequence[Fact], with_place: bool, language: str) -> str:
        """What is told of a thing, as an answer would say it, its citation behind its name."""
        name, places = f"{self.name(k)} [{self.numbers[k]}]", self._place(k, language) if with_place else []
        if language == "zh":
            said = ["，".join(places)] * bool(places)
            said += [f"{clean(fact.key)}是{_value(fact)}" if fact.key else _value(fact) for fact in facts]
            return f"{name}{'在' if places else '的'}{'；'.join(said)}。"
        said = [f"is {', '.join(places)}"] * bool(places)
        said += [f"its {clean(fact.key)} is {_value(fact)}" if fact.key else _value(fact) for fact in facts]
        return f"The {name}{' ' if places else ': '}{'; '.join(said)}".rstrip(".") + "."

    def _place(self, k: int, language: str) -> list[str]:
        entry, under = self.entries[k], self._supports[k]
        parts = [LANGUAGES[language].places[entry.side]]
        if under is not None:
            on = f"{self.name(under)} [{self.numbers[under]}]"
            parts.insert(0, f"{on}上面" if language == "zh" else f"on the {on}")
        if entry.graph is not None:  # how far away it is seems only to be known of what has a pose
            metres = say_metres(entry.distance)
            parts.append(f"距离{metres}米" if language == "zh" else f"{metres} metres away")
            if entry.detection is not None and (look := self._look(k)):
                parts.append(f"看起来是{look}" if language == "zh" else f"looks like a {look}")
        return parts

    def _facts(self, k: int) -> list[Fact]:
        """Facts, the description last."""
        item = self.entries[k].graph
        if item is None:
            return []
        return [*item.facts, *([Fact("", item.description)] if item.description else [])]

    def _named(self, words: frozenset[str]) -> list[int]:
        """The entries that these words name: for each word, those among whose names it is and that share the most."""
        of = [[_words(name) & words for name in self.all_names(k)] for k in range(len(self.entries))]
        shared = [max(map(len, names), default=0) for names in of]
        named = set[int]()
        for word in words:
            having = [k for k, names in enumerate(of) if any(word in name for name in names)]
            most = max((shared[k] for k in having), default=0)
            named |= {k for k in having if shared[k] == most}
        return sorted(named)

    def all_names(self, k: int) -> list[str]:
        """What an entry may be called."""
        item = self.entries[k].graph
        return [self.name(k), self._look(k, colour=False)] if item is None else [item.label, *item.aliases]

    def _look(self, k: int, colour: bool = True) -> str:
        """ "red cup", as far as it is seen."""
        i = self.entries[k].detection
        if i is None or self._seen is None:
            return ""
        found = []
        for attribute, least in (("colour", SURE if colour else 1.0), ("kind", 0.0)):
            posterior = self._seen.attributes.get(attribute)
            if posterior is not None and posterior[i].max() > least:
                found.append(self._looks[attribute][int(posterior[i].argmax())])
        return " ".join(found)


def clean(text: str) -> str:
    """An app's words on one line, in which nothing looks like a citation."""
    return " ".join(text.replace("[", "(").replace("]", ")").split())


def _introduce(item: GraphObject) -> str:
    also = ", ".join(map(clean, item.aliases))
    known = ", ".join(clean(fact.key) for fact in item.facts)
    return clean(item.label) + (f", also {also}" if also else "") + (f" ({known})" if known else "")


def _value(fact: Fact) -> str:
    if isinstance(fact.value, str):
        return clean(fact.value)
    return f"{fact.value:.10g} {clean(fact.unit)}".strip()


def _words(text: str) -> frozenset[str]:
    """Words that tell things apart, without a plural's s; of Chinese, the pairs of characters."""
    words = set()
    for word in normalise(text).split():
        if is_chinese(word):
            words |= {word[i : i + 2] for i in range(len(word) - 1)}
        elif word not in _COMMON:
            words.add(word[:-1] if word.endswith("s") and len(word) > 3 else word)
    return frozenset(words)
