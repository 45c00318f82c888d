"""Dialogues about a world: questions as people ask them, and the plan of each. A question that follows another is made
after the first was carried out and its answer said."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r
from scenewright_server.scene.executing import execute
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.writing import write
from scenewright_server.simulator.asking.holes import Holes, include
from scenewright_server.simulator.asking.looks import translate
from scenewright_server.simulator.asking.naming import Naming, NoWords, Said, inner, quoted
from scenewright_server.simulator.asking.shares import boost
from scenewright_server.simulator.asking.tables import AFTER, Clause, Form, Tables, Topic
from scenewright_server.simulator.asking.worlds import World
from scenewright_server.simulator.asking.writing_styles import restyle

_HOLE = re.compile(r"\{([A-Z])(\d?)(th)?(?:\.([a-z0-9]+))?\}")
_KEYED = re.compile(
    r"(\b(?:fact|sum|avg|max|min|sort|down|diff|ratio|more|fewer|equal|same|has)"
    r"(?: \{Nth\}| \{N\}| \d+(?:nd|rd|th)?)? |[,&|] )"
    r"([^\s()&+|;,<>={}\"]+)(?=$|[,;)]| (?:[|&)<>=;]|as\b))"
)
"""A key in the plan of a form, after what it stands."""
_LOOK = re.compile(r"\blook ([^\s()&+|;{}\"]+)")
_WHOLE = re.compile(
    r"((^|; ?)(name|count|exist|where|way|describe|again|check|more|fewer|equal|ratio|diff)|[|(&]) ?(each )?$"
)
"""What a set is right after that needs no parentheses."""
_NEEDLESS = re.compile(
    r"\ball & (?=(on|under|in|beside|left of|right of|in front of|behind|above|near|between|at|own|empty|same)\b)"
)
"""Everything, before what narrows it by itself."""
_TRIES = 25


@dataclass(frozen=True)
class Asked:
    """A question in its dialogue, and its plan. points: the user points at something."""

    before: tuple[tuple[str, str], ...]
    question: str
    plan: str
    points: bool = False


class Asker:
    """Asks about one world in one language."""

    def __init__(self, tables: Tables, world: World, rng: random.Random) -> None:
        self._tables, self._world, self._rng = tables, world, rng
        self._naming = Naming(tables, world, rng)
        self._holes = Holes(tables, world, self._naming, rng)
        self._forms = {after: [form for form in tables.forms if form.after == after] for after in AFTER}
        self._weights = {
            after: [len(form.ways) ** 0.7 * boost(form.plan) for form in forms] for after, forms in self._forms.items()
        }
        self._code = tables.code
        self._spoken: tuple[int, ...] = ()

    def dialogue(self, n_turns: int) -> list[Asked]:
        """Up to so many questions, each after those before it."""
        asked: list[Asked] = []
        scene = Scene(self._world.entries, self._world.called)
        past: tuple[tuple[str, str], ...] = ()
        after: tuple[str, ...] = ("first",)
        for _ in range(n_turns):
            made = self._ask(scene, after)
            if made is None:
                break
            question, plan, reply, points = made
            asked.append(Asked(past[-2:], question, plan, points))
            past += ((question, self._answer(reply)),)
            scene = replace(scene, before=reply.turn)
            after = _after(reply)
            if not after:
                break
        return asked

    def _ask(self, scene: Scene, after: tuple[str, ...]) -> tuple[str, str, r.Reply, bool] | None:
        self._spoken = scene.before.things if scene.before is not None else ()
        for _ in range(_TRIES):
            try:
                question, text = self._draw(after)
                plan = parse(_NEEDLESS.sub("", text))
            except (NoWords, PlanError, LookupError, ValueError):
                continue
            text = write(plan)
            if text.removeprefix("fact name | ").removeprefix("fact 名字 | ") in self._naming.names:
                continue
            points = bool(re.search(r"\bthis\b", re.sub(r'"[^"]*"', "", text)))
            pointed = (self._rng.randrange(len(self._world.entries)),) if points else ()
            replies = execute(plan, replace(scene, pointed=pointed))
            if self._is_wanted(replies):
                return restyle(question, self._tables, self._rng), text, replies[-1], points
        return None

    def _is_wanted(self, replies: tuple[r.Reply, ...]) -> bool:
        """Whether to keep a question: those that fail are asked too, but less often."""
        keep = 1.0
        for reply in replies:
            for result in reply.results[:1]:
                match result:
                    case r.NotUnderstood() | r.Lost() | r.Mixed():
                        keep = min(keep, 0.02)
                    case r.Nothing():
                        keep = min(keep, 0.25)
                    case r.NotHere():
                        keep = min(keep, 0.5)
                    case r.Unknown():
                        keep = min(keep, 0.35)
                    case r.Ask():
                        keep = min(keep, 0.5)
        return self._rng.random() < keep

    def _answer(self, reply: r.Reply) -> str:
        """The answer as the app says it, or in a word."""
        if isinstance(reply.results[0], r.Listed) and self._rng.random() < 0.4:
            names = [self._world.called[k] for k in reply.results[0].things[:4]]
            return ("、" if self._code == "zh" else ", ").join(names) + ("。" if self._code == "zh" else ".")
        parts = SPEAKERS[self._code].reply(reply, Spelt(self._world.called))
        return "".join(parts)

    def _draw(self, after: tuple[str, ...]) -> tuple[str, str]:
        """A question and its plan as text, neither styled nor checked. Raises NoWords, PlanError."""
        rng = self._rng
        if after == ("first",):
            ways: list[tuple[Callable[[], tuple[str, str]], float]] = [
                (lambda: self._from_form("first"), 0.58), (self._fact, 0.12), (self._which, 0.04),
                (self._whether, 0.04), (self._clause, 0.08), (self._wish, 0.08),
                (self._beyond, 0.03), (self._bound, 0.03),
            ]  # fmt: skip
        else:
            ways = [(lambda: self._from_form(rng.choice(after)), 0.62), (self._fact_of_it, 0.2 * _is_one(after))]
            ways += [(self._clause_of_it, 0.1 * _is_one(after)), (lambda: self._draw(("first",)), 0.14)]
            ways += [(self._settle, 0.35 * ("back" in after))]
        return rng.choices([way for way, _ in ways], [weight for _, weight in ways])[0]()

    def _from_form(self, after: str) -> tuple[str, str]:
        forms = self._forms[after]
        if not forms:
            raise NoWords(after)
        return self.fill(self._rng.choices(forms, self._weights[after])[0])

    def fill(self, form: Form) -> tuple[str, str]:
        """A way of asking a form, with its holes filled, and its plan. Raises NoWords."""
        way = self._rng.choice(form.ways)
        said: dict[str, Said] = {}
        plan = include(_KEYED.sub(self._own_key, form.plan), way)
        if self._code != self._world.language:
            plan = _LOOK.sub(lambda found: f"look {quoted(translate(found[1], self._world.language))}", plan)
        for letter, digit, _, _ in _HOLE.findall(plan + way):
            if letter + digit not in said:
                said[letter + digit] = self._holes.part(letter, said)
        if len({(name[0], its.plan) for name, its in said.items()}) < len(said):
            raise NoWords("the same twice")
        for found in reversed(list(_HOLE.finditer(plan))):
            its = said[found[1] + found[2]].plan
            if found[3]:
                its = f"{its}{ {'2': 'nd', '3': 'rd'}.get(its, 'th') }"
            is_whole = _WHOLE.search(plan[: found.start()]) is not None
            if not is_whole or plan[found.end() :].lstrip().startswith("+"):
                its = inner(its)
            plan = plan[: found.start()] + its + plan[found.end() :]
        for found in reversed(list(_HOLE.finditer(way))):
            words = said[found[1] + found[2]].words
            surface = found[4] or ("th" if found[3] else "")
            if surface not in words:
                raise NoWords(f"{found[0]} of {form.plan}")
            way = way[: found.start()] + words[surface] + way[found.end() :]
        return way, plan

    def _own_key(self, found: re.Match[str]) -> str:
        """A key that a form names, as this app spells it."""
        topic = self._tables.keyed.get(found[2])
        return found[0] if topic is None else found[1] + quoted(self._world.key(topic))

    def _asks(self, k: int) -> tuple[Topic, str]:
        """A topic of thing k, told of it or not, and a question about it with {x}."""
        rng, item = self._rng, self._world.items[k]
        topics = list(item.topics)
        if not topics or rng.random() < 0.12:
            told = {topic.name["en"] for topic in item.topics}
            near = told.union(*(topic.like for topic in item.topics))
            topics = [its for its in self._tables.topics if its.suits(item.noun) and not (its.like & told)]
            topics = [its for its in topics if its.name["en"] not in near]
        topics = [topic for topic in topics if topic.said[self._code].get("ask")]
        if not topics:
            raise NoWords("no topics")
        topic = rng.choice(topics)
        return topic, rng.choice(topic.said[self._code]["ask"])

    def _fact(self) -> tuple[str, str]:
        k = self._rng.randrange(len(self._world.items))
        thing = self._naming.thing(k)
        topic, ask = self._asks(k)
        return ask.replace("{x}", thing.words[""]), f"fact {quoted(self._world.key(topic))} | {thing.plan}"

    def _fact_of_it(self) -> tuple[str, str]:
        topic, ask = self._asks(self._spoken_one())
        return self._it(ask), f"fact {quoted(self._world.key(topic))} | those"

    def _spoken_one(self) -> int:
        """A thing of the turn before, seldom another."""
        if self._spoken and self._rng.random() < 0.85:
            return self._rng.choice(self._spoken)
        return self._rng.randrange(len(self._world.items))

    def _settle(self) -> tuple[str, str]:
        """Which is meant of those that were asked back about, by its name or what is its own in it."""
        rng, called = self._rng, self._world.called
        if len({called[k] for k in self._spoken}) < 2:
            raise NoWords("they are called alike")
        k = rng.choice(self._spoken)
        if self._code != self._world.language:
            said = self._naming.thing(k)
            return rng.choice(self._tables.settles).replace("{x}", said.words["1"]), f"again {said.plan}"
        others = [called[j] for j in self._spoken if called[j] != called[k]]
        name = called[k]
        own = name
        if self._code == "en":
            words = [word for word in name.split() if not all(word in other.split() for other in others)]
            own = " ".join(words).removeprefix("of ") or name
        elif all(other[-1] == name[-1] for other in others):
            n = max(n for n in range(1, len(name) + 1) if all(other[-n:] == name[-n:] for other in others))
            own = name[:-n] or name
        said_name = rng.choice([own, own, name])
        return rng.choice(self._tables.settles).replace("{x}", said_name), f"again {quoted(name)}"

    def _it(self, ask: str) -> str:
        if self._code == "zh":
            return ask.replace("{x}", self._rng.choice(["它", "那个", "这个", "", ""]))
        return ask.replace("{x}", self._rng.choice(["it", "it", "it", "that", "that one", "this one"]))

    def _which(self) -> tuple[str, str]:
        """Which one has this value."""
        rng = self._rng
        item = rng.choice(self._world.items)
        topics = [topic for topic in item.topics if topic.said[self._code].get("which") and topic.values]
        if not topics:
            raise NoWords("which")
        topic = rng.choice(topics)
        key = self._world.key(topic)
        told = [
            f.value
            for e in self._world.entries
            if e.graph
            for f in e.graph.facts
            if f.key == key and isinstance(f.value, str)
        ]
        if not told:
            raise NoWords(key)
        value = rng.choice(told)
        said = self._other_language(topic, value)
        some = self._naming.some()
        ask = rng.choice(topic.said[self._code]["which"])
        if "{n}" not in ask:
            some = Said("all")
        one = some.words.get("1", "")
        if one in ("thing", "item", "object") and rng.random() < 0.5:
            one = "one"
        return ask.replace("{n}", one).replace("{v}", said), f"name {some.plan} & {quoted(key)} = {_value(value)}"

    def _other_language(self, topic: Topic, value: str) -> str:
        """A value in the language of the question."""
        return next((its[self._code] for its in topic.values if its[self._world.language] == value), value)

    def _bound(self) -> tuple[str, str]:
        """What suits a need that is a number: "there are three of us, which boat do we take"."""
        rng, code = self._rng, self._code
        ways = []
        for topic in {topic.name["en"]: topic for item in self._world.items for topic in item.topics}.values():
            ways += [(topic, ">=", way) for way in topic.said[code].get("least_needed", ())]
            ways += [(topic, "<=", way) for way in topic.said[code].get("most_allowed", ())]
        if not ways:
            raise NoWords("bounds")
        topic, sign, way = rng.choice(ways)
        key = self._world.key(topic)
        value, unit = self._holes.told_number(key)
        some = self._naming.some() if "{n}" in way or "{s}" in way else Said("all")
        is_bare = "{b}" in way
        way = way.replace("{v}", self._holes.say_number(value, unit)).replace("{b}", self._holes.say_number(value, ""))
        way = way.replace("{n}", some.words.get("1", "")).replace("{s}", some.words.get("s", ""))
        return way, f"name {some.plan} & {quoted(key)} {sign} {value:g}{f' {unit}' if unit and not is_bare else ''}"

    def _whether(self) -> tuple[str, str]:
        """Whether one thing has this value."""
        rng = self._rng
        k = rng.randrange(len(self._world.items))
        topics = [topic for topic in self._world.items[k].topics if topic.said[self._code].get("is") and topic.values]
        if not topics:
            raise NoWords("is")
        topic = rng.choice(topics)
        thing = self._naming.thing(k)
        value = rng.choice(topic.values)
        graph = self._world.entries[k].graph
        key = self._world.key(topic)
        own = [f.value for f in (graph.facts if graph else ()) if f.key == key and isinstance(f.value, str)]
        if own and rng.random() < 0.5:
            value = next((its for its in topic.values if its[self._world.language] == own[0]), value)
        ask = rng.choice(topic.said[self._code]["is"])
        said = ask.replace("{x}", thing.words[""]).replace("{v}", value[self._code])
        return said, f"check {thing.plan} | {quoted(key)} = {_value(value[self._world.language])}"

    def _clause(self) -> tuple[str, str]:
        """What only a description tells: asked of the thing, or the thing is asked by it."""
        rng = self._rng
        if self._code != self._world.language:
            raise NoWords("the clauses are of another language")
        ks = [k for k, item in enumerate(self._world.items) if item.clauses]
        if not ks and rng.random() < 0.9:
            raise NoWords("no clauses")
        if not ks or rng.random() < 0.03:
            ks = list(range(len(self._world.items)))
        k = rng.choice(ks)
        clause = rng.choice(self._world.items[k].clauses or self._tables.clauses)
        if clause.which and rng.random() < 0.35:
            ask = rng.choice(clause.which)
            some = self._naming.some() if "{n}" in ask else Said("all")
            one = some.words.get("1", "")
            if one in ("thing", "item", "object") and rng.random() < 0.6:
                one = "one"
            return ask.replace("{n}", one), f"name {some.plan} & look {quoted(clause.look)}"
        thing = self._naming.thing(k)
        return rng.choice(clause.asks).replace("{x}", thing.words[""]), f"fact {quoted(clause.key)} | {thing.plan}"

    def _clause_of_it(self) -> tuple[str, str]:
        if self._code != self._world.language:
            raise NoWords("the clauses are of another language")
        clauses: Sequence[Clause] = self._world.items[self._spoken_one()].clauses
        if self._rng.random() < 0.1:
            clauses = [clause for item in self._world.items for clause in item.clauses]
        if not clauses:
            raise NoWords("no clauses")
        clause = self._rng.choice(clauses)
        return self._it(self._rng.choice(clause.asks)), f"fact {quoted(clause.key)} | those"

    def _wish(self) -> tuple[str, str]:
        """What people say who want what some things here are for."""
        rng, here = self._rng, {}
        for item, label in zip(self._world.items, self._world.called, strict=True):
            here[item.noun.name[self._code].casefold()] = item, label
        fitting = [(wish, [noun for noun in wish.nouns if noun.casefold() in here]) for wish in self._tables.wishes]
        met = [(wish, nouns) for wish, nouns in fitting if nouns]
        if not met or rng.random() < 0.06:
            wish = rng.choice(self._tables.wishes)
            nouns = [noun.casefold() for noun in wish.nouns]
            if any(noun in here for noun in nouns) or self._code != self._world.language:
                raise NoWords("it is here")
            return rng.choice(wish.ways), f"name {quoted(wish.nouns[0])}"
        wish, nouns = rng.choice(met)
        plans: dict[str, None] = {}
        for noun in nouns[:3]:
            item, label = here[noun.casefold()]
            is_plain = not item.noun.is_proper and "_" not in label
            plans[quoted(item.noun.name[self._world.language] if is_plain else label)] = None
        return rng.choice(wish.ways), f"name {' + '.join(plans)}"

    def _beyond(self) -> tuple[str, str]:
        said = self._rng.choice(self._tables.beyond)
        if "{" in said:
            return self.fill(Form("beyond", (said,), "first"))
        return said, "beyond"


def _is_one(after: tuple[str, ...]) -> bool:
    return "one" in after or "fact" in after


def _after(reply: r.Reply) -> tuple[str, ...]:
    """What a question may follow on: the headings of the tables that fit. None where the dialogue is at its end."""
    result, n = reply.results[0], len(reply.turn.things)
    if isinstance(result, r.Ask):
        return ("back", "back", "back", "any")
    if isinstance(result, r.NotUnderstood | r.Lost | r.OutOfScene) or isinstance(reply.turn.question, q.Beyond):
        return ()
    if n == 0:
        return ("any",)
    if n > 1:
        return ("some", "some", "any")
    if isinstance(result, r.Listed | r.Exists):
        return ("one", "one", "any")
    return ("fact", "one", "any")


def _value(text: str) -> str:
    """A text that a fact is compared with, as a plan writes it."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[()&+|;,<>="!]', text) or text[:1].isdigit() else text
