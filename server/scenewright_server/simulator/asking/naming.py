"""How a question names things of a world, and the plan of each name."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scenewright_server.languages.en import article, plural
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.expressions import Named, PlanError
from scenewright_server.scene.failures import Failed, Several
from scenewright_server.scene.kinds import KINDS
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.questions import Name
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.writing import write_set
from scenewright_server.simulator.asking.measures import MINE, RELATIONS
from scenewright_server.simulator.asking.tables import Code, Noun, Tables
from scenewright_server.simulator.asking.worlds import Item, World


@dataclass(frozen=True)
class Said:
    """A plan's part, and its words by surface: "" is the usual one."""

    plan: str
    words: Mapping[str, str] = field(default_factory=dict)


class NoWords(LookupError):
    """There is nothing to say here."""


def quoted(words: str) -> str:
    """A name as a plan writes it: in double quotes where it could be read as something else."""
    return write_set(Named(" ".join(words.split())))


class Naming:
    """Names of a world's things in questions of one language."""

    def __init__(self, tables: Tables, world: World, rng: random.Random) -> None:
        self._tables, self._world, self._rng = tables, world, rng
        self.code: Code = tables.code
        self._is_foreign = tables.code != world.language
        self._choosing = Choosing(Scene(world.entries, world.called))

    def resolves(self, plan: str) -> tuple[int, ...]:
        """The things that a set's plan names where one is meant; none where it fails."""
        try:
            question = parse(f"name {plan}")[0]
            return self._choosing.candidates(question.of) if isinstance(question, Name) else ()
        except (Failed, Several, PlanError):
            return ()

    def thing(self, k: int | None = None, depth: int = 0) -> Said:
        """One thing: by its label, another name, its looks, or where it is. Surfaces: "" with article, "1" without, "s"
        of several."""
        rng = self._rng
        for _ in range(8):
            target = rng.randrange(len(self._world.items)) if k is None else k
            bare, plan, is_proper = self._name(target)
            roll = rng.random()
            item = self._world.items[target]
            if roll < 0.16 and item.looks and not is_proper:
                bare, plan = self._with_look(item, bare, plan)
            elif roll < 0.24 and depth == 0 and not is_proper:
                bare, plan = self._with_place(target, bare, plan)
            if self.resolves(plan) == (target,) or rng.random() < 0.1:
                return self._as_thing(bare, plan, is_proper)
        raise NoWords("no thing has a name of its own")

    def _as_thing(self, bare: str, plan: str, is_proper: bool) -> Said:
        if self.code == "zh":
            lead = self._rng.choice(["", "", "", "", "那个", "这个", "那"]) if not is_proper else ""
            return Said(plan, {"": lead + bare, "1": bare, "the": bare})
        roll = self._rng.random()
        is_proper = is_proper or bare.startswith("the ") or bare.split()[0].endswith("'s")
        lead = "" if is_proper else "the " if roll < 0.88 else self._rng.choice(["that ", "this ", "", "my "])
        words = {"": lead + bare, "1": bare, "s": plural(bare), "the": lead + bare}
        words["a"] = bare if is_proper else f"{article(bare)} {bare}"
        return Said(plan, words)

    def _name(self, k: int) -> tuple[str, str, bool]:
        """Words for a thing, their plan, and whether they take no article."""
        rng, item = self._rng, self._world.items[k]
        label = self._world.called[k]
        noun = item.noun
        graph = self._world.entries[k].graph
        aliases = graph.aliases if graph else ()
        names = (
            [f.value for f in graph.facts if f.key in ("name", "名字") and isinstance(f.value, str)] if graph else []
        )
        if names and rng.random() < 0.4:
            return names[0], quoted(names[0]), True
        is_proper = noun.is_proper
        if self._is_foreign:
            if rng.random() < 0.3:
                return label, quoted(label), is_proper
            name = noun.name[self.code]
            looks = [look[self.code] for look in item.looks if look["en"] in label]
            return "".join(looks) + name, quoted(label), is_proper
        if "_" in label:  # an engine's name: people say the noun
            return noun.name["en"], quoted(noun.name["en"].lower()), False
        roll = rng.random()
        if aliases and roll < 0.3:
            alias = rng.choice(aliases)
            return alias, quoted(alias), is_proper and alias[:1].isupper()
        if roll < 0.1 and noun.aliases[self.code]:  # another word for it, which the scene does not have
            return rng.choice(noun.aliases[self.code]), quoted(label), is_proper
        if self.code == "en":
            if " " in label and not is_proper and roll < 0.4:
                head = noun.name["en"].split()[-1].lower()
                return head, quoted(head), False
            said = label if is_proper else label.lower()
            return said, quoted(label), is_proper
        return label, quoted(noun.name["zh"] if rng.random() < 0.3 else label), is_proper

    def _with_look(self, item: Item, bare: str, plan: str) -> tuple[str, str]:
        look = self._rng.choice(item.looks)
        said, told = look[self.code], look[self._world.language]
        if told in plan or said in bare:
            return bare, plan
        if self.code == "zh":
            return self._rng.choice([f"{said}的{bare}", f"{said}{bare}"]), f"{plan} & look {told}"
        return f"{said} {bare}", f"{plan} & look {told}"

    def _with_place(self, k: int, bare: str, plan: str) -> tuple[str, str]:
        place = self.place(depth=1)
        if self.code == "zh":
            return f"{place.words['']}的{bare}", f"{plan} & {place.plan}"
        join = self._rng.choice([" ", " that is ", " which stands ", " "])
        return f"{bare}{join}{place.words['']}", f"{plan} & {place.plan}"

    def place(self, depth: int = 0) -> Said:
        """A place against the user or a thing: "on the table"."""
        rng = self._rng
        roll = rng.random()
        if roll < 0.45:
            plan, ways = rng.choice(MINE[self.code])
            return Said(plan, {"": rng.choice(ways)})
        if roll < 0.52:
            a, b = self.thing(depth=1), self.thing(depth=1)
            if a.plan == b.plan:
                raise NoWords("two ends are one")
            if rng.random() < 0.3:
                a = Said("me", {"": {"en": "me", "zh": "我"}[self.code]})
            words = {"en": f"between {a.words['']} and {b.words['']}", "zh": f"{a.words['']}和{b.words['']}之间"}
            return Said(f"between {inner(a.plan)} and {inner(b.plan)}", {"": words[self.code]})
        if roll < 0.55:
            hour = rng.randint(1, 12)
            said = {"en": f"at {hour} o'clock", "zh": f"{hour}点钟方向"}[self.code]
            if self.code == "en" and rng.random() < 0.5:
                said = f"at {NUMBERS['en'][hour]} o'clock"
            return Said(f"at {hour}", {"": said})
        holders = [k for k, item in enumerate(self._world.items) if item.noun.tags & {"top", "box"}]
        relation = rng.choices(list(RELATIONS[self.code]), [8, 3, 4 if holders else 1, 5, 2, 2, 2, 3, 1, 4])[0]
        k = None
        if relation in ("on", "in", "under") and holders:
            tag = "box" if relation == "in" else "top"
            fit = [j for j in holders if tag in self._world.items[j].noun.tags] or holders
            k = rng.choice(fit)
        thing = self.thing(k, depth=1)
        said = rng.choice(RELATIONS[self.code][relation]).replace("{x}", thing.words[""])
        return Said(f"{relation} {inner(thing.plan)}", {"": said})

    def some(self) -> Said:
        """Things of a name, a kind, or a look, or all. Surfaces: "s", "thes", "1", "a", ""."""
        return self._everything() if self._rng.random() < 0.14 else self.named()

    def named(self) -> Said:
        """Things of a name, a kind, or a look. Surfaces as of `some`."""
        rng, items = self._rng, self._world.items
        item = rng.choice(items)
        if rng.random() < 0.26:
            return self._kind(item)
        names = [other.noun.name["en"] for other in items]
        repeated = [other for other in items if names.count(other.noun.name["en"]) > 1]
        if repeated and rng.random() < 0.6:
            item = rng.choice(repeated)
        if item.noun.is_proper:
            raise NoWords("a proper name has no plural")
        one, many, plan = item.noun.name[self.code], item.noun.plural, quoted(item.noun.name[self._world.language])
        if self.code == "en" and not self._is_foreign and " " in one and rng.random() < 0.3:
            one, many = one.split()[-1], many.split()[-1]
            plan = quoted(one)
        if item.looks and rng.random() < 0.3:
            look = rng.choice(item.looks)
            plan = f"{plan} & look {look[self._world.language]}"
            said = look[self.code]
            one, many = (f"{said}{one}", many) if self.code == "zh" else (f"{said} {one}", f"{said} {many}")
        return self._as_some(one, many, plan, item.noun)

    def _as_some(self, one: str, many: str, plan: str, noun: Noun | None = None) -> Said:
        if self.code == "zh":
            return Said(plan, dict.fromkeys(("", "s", "thes", "1", "a", "the"), one))
        is_mass = noun is not None and bool(noun.tags & {"mass", "plural"})
        a = one if is_mass else f"{article(one)} {one}"
        many = one if is_mass else many
        return Said(plan, {"": many, "s": many, "thes": f"the {many}", "1": one, "a": a, "the": f"the {one}"})

    def _everything(self) -> Said:
        if self.code == "zh":
            return self._as_some(self._rng.choice(["东西", "物品", "东西"]), "", "all")
        one = self._rng.choice(["thing", "item", "object", "thing"])
        return self._as_some(one, one + "s", "all")

    def _kind(self, item: Item) -> Said:
        """All of a kind: by its name where the scene knows what is of it, else by theirs where they are few."""
        if self._kinds and self._rng.random() < 0.6:
            return self._as_some(*self._rng.choice(self._kinds))
        kind, items, called = item.noun.kind, self._world.items, self._world.called
        members = [k for k, other in enumerate(items) if other.noun.kind is kind]
        one, many = kind.name[self.code], kind.plural
        if self._chosen(quoted(kind.name[self._world.language])) == members:
            return self._as_some(one, many, quoted(kind.name[self._world.language]))
        names: dict[str, None] = {}
        for k in members:
            is_plain = not items[k].noun.is_proper and "_" not in called[k]
            names[quoted(items[k].noun.name[self._world.language] if is_plain else called[k])] = None
        if len(names) > 3:
            raise NoWords("too many of a kind")
        return self._as_some(one, many, " + ".join(names))

    @cached_property
    def names(self) -> set[str]:
        """The plans of the names that things are told to have."""
        graphs = [entry.graph for entry in self._world.entries if entry.graph is not None]
        facts = [fact for graph in graphs for fact in graph.facts if fact.key in ("name", "名字")]
        return {quoted(fact.value) for fact in facts if isinstance(fact.value, str)}

    @cached_property
    def _kinds(self) -> list[tuple[str, str, str]]:
        """Kinds of which several things are here, as any scene knows them: one, several, their plan."""
        found = []
        for word, nouns in KINDS.items():
            if word.isascii() != (self.code == "en") or len(self._choosing.matching.headed(nouns)) < 2:
                continue
            told = word
            if self._is_foreign:
                told = next(its for its, others in KINDS.items() if others == nouns and its.isascii())
            if len(self._chosen(quoted(told))) > 1:
                one, many = _MASS.get(word, (word, plural(word))) if self.code == "en" else (word, word)
                found.append((one, many, quoted(told)))
        return found

    def _chosen(self, plan: str) -> list[int]:
        """All things that a set's plan names; none where it fails."""
        try:
            question = parse(f"name {plan}")[0]
            return sorted(self._choosing.choose(question.of)) if isinstance(question, Name) else []
        except (Failed, Several, PlanError):
            return []

    def absent(self) -> Said:
        """Something that is not here. Surfaces as of `some`, and "" with article."""
        for _ in range(10):
            noun = self._rng.choice(self._tables.nouns)
            plan = quoted(noun.name[self._world.language])
            if noun.is_proper or self.resolves(plan):
                continue
            said = self._as_some(noun.name[self.code], noun.plural, plan, noun)
            return Said(said.plan, {**said.words, "": said.words["the"]})
        raise NoWords("everything is here")


_MASS = {
    "furniture": ("piece of furniture", "furniture"),
    "clothing": ("piece of clothing", "clothing"),
    "clothes": ("garment", "clothes"),
    "footwear": ("pair of shoes", "footwear"),
    "electronics": ("electrical thing", "electronics"),
    "people": ("person", "people"),
    "accommodation": ("place to stay", "accommodation"),
}
"""Kinds that have no plural or no singular: one and several."""


def inner(plan: str) -> str:
    """A part of a plan within another, in parentheses where it needs them."""
    return f"({plan})" if "&" in plan or "+" in plan or plan.startswith(("not ", "max ", "min ")) else plan


NUMBERS: Mapping[Code, Sequence[str]] = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve".split(),
    "zh": [*"零一两三四五六七八九十", "十一", "十二"],
}
