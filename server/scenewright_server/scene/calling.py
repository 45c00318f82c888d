"""What words call in a scene: things by their names, by their kinds, or by a code that is told of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from scenewright_server.scene.entries import Entry, GraphObject
from scenewright_server.scene.kinds import ENGLISH, KINDS, is_noun, wider
from scenewright_server.scene.matching import Match, Matching, fold, head_noun, looks_so, single, split_name
from scenewright_server.scene.words import is_chinese


class Calling:
    """Words for the entries of a scene; `kinds`: what is of a kind, by its name in the singular, beside `KINDS`."""

    def __init__(self, entries: Sequence[Entry], matching: Matching, kinds: Mapping[str, Sequence[str]]) -> None:
        self._graphs = [entry.graph for entry in entries]
        self._matching, self._own_kinds = matching, kinds
        self._matches: dict[tuple[str, bool], Match] = {}

    def find(self, words: str, one: bool) -> Match:
        """What these words name; of `one` that is meant, only those that they name best."""
        if (words, one) not in self._matches:
            match = self._find(words, one)
            is_near = match.is_near or (len(match.things) == 1 and self._is_part(words, match))
            self._matches[words, one] = replace(match, is_near=is_near)
        return self._matches[words, one]

    def find_of_kind(self, words: str) -> Match:
        """What these words name where a kind is asked for by them: a baby monitor is no baby, a crate of helmets will
        do for helmets."""
        match = self.find(words, one=False)
        is_alive = {"animal", "person"} & wider(self._matching.singular(words))
        holders = self._matching.headed(_HOMES if is_alive else _HOLDERS)
        if not self._is_part(words, match) or {*match.things} & {*holders}:
            return match
        return Match(())

    def _is_part(self, words: str, match: Match) -> bool:
        """Whether words are only nouns before what the things that they are found to mean are."""
        return match.is_loose and all(self._matching.modifies(words, k) for k in match.things)

    def alike(self, k: int) -> tuple[int, ...]:
        """What has the label of thing k, k itself included; where nothing else has, what has its head noun, an alias of
        it, or is told to be of its kind."""
        graph = self._graphs[k]
        same = tuple(i for i, its in enumerate(self._graphs) if its and graph and its.label == graph.label)
        found = same if len(same) > 1 else self._matching.alike(k)
        if len(found) > 1 or graph is None:
            return found
        for words_of in (lambda its: its.aliases, kinds_of):
            own = set(map(fold, words_of(graph)))
            found = tuple(i for i, its in enumerate(self._graphs) if its and own & set(map(fold, words_of(its))))
            if len(found) > 1:
                return found
        return (k,)

    def of_kind(self, words: str) -> Match:
        """What is of a kind, or so named."""
        found = tuple(sorted({*self._of_known_kind(words), *self._exactly(words)}))
        return Match(found) if found else self.find_of_kind(words)

    def _find(self, words: str, one: bool) -> Match:
        match = self._matching.find(words, one)
        if match.things and not match.is_near and not match.is_loose:
            if one:
                return match
            is_wide = self._matching.singular(words) in WIDE_KINDS
            further = self._of_known_kind(words) if is_wide else self._told_to_be(words)
            return Match(tuple(sorted({*match.things, *further})))
        found = self._with_code(words) or self._of_known_kind(words)
        if found:
            return Match(found)
        return Match(()) if match.is_loose and self._matching.singular(words) in KINDS else match

    def _told_to_be(self, words: str) -> Iterator[int]:
        """What a fact tells to be of exactly this kind."""
        kind = self._matching.singular(words)
        for k, graph in enumerate(self._graphs):
            if graph and kind in map(self._matching.singular, kinds_of(graph)):
                yield k

    def _with_code(self, words: str) -> tuple[int, ...]:
        """That of which a fact is these words, if they have a digit: "P-118", "12:30"."""
        said = fold(words)
        if not any(c.isdigit() for c in said):
            return ()
        return tuple(k for k, its in enumerate(self._graphs) if its and said in [fold(str(f.value)) for f in its.facts])

    def _of_known_kind(self, words: str) -> tuple[int, ...]:
        """What is of a kind by the tables, by what the app tells, or by a fact."""
        if any(word.isdigit() for word in split_name(words, with_numbers=True)):
            return ()  # "bus 12" is no kind
        kind, said = self._matching.singular(words), fold(words)
        english = ENGLISH[kind] if ENGLISH.get(kind) in WIDE_KINDS or (kind in ENGLISH and is_chinese(kind)) else kind
        found = {*self._matching.headed(KINDS.get(kind, ())), *self._matching.of_wider(english)}
        for own, nouns in self._own_kinds.items():
            if said in (fold(own), fold(own) + "s"):
                found |= {k for noun in nouns for k in self._exactly(noun)}
        for k, graph in enumerate(self._graphs):
            if graph and any(looks_so(words, [fold(its)]) or self._is_same_kind(kind, its) for its in kinds_of(graph)):
                found.add(k)
        if english == "person":
            found |= {k for k, graph in enumerate(self._graphs) if graph and self._has_job(k, graph)}
        if english == "weapon":
            found |= {k for k, graph in enumerate(self._graphs) if graph and _is_to_fight_with(graph)}
        return tuple(sorted(found))

    def _is_same_kind(self, kind: str, told: str) -> bool:
        """Whether two words are for one kind: 饭店 and 餐馆."""
        return kind in ENGLISH and ENGLISH[kind] == ENGLISH.get(self._matching.singular(told))

    def _has_job(self, k: int, graph: GraphObject) -> bool:
        """Whether a fact tells what thing k, which is not known to be no person, does: "role": "trainee"."""
        told = [*_jobs_of(graph), *(its for its in kinds_of(graph) if its not in _FOR_WHOM)]
        named = Matching(told, [()] * len(told))
        is_person = bool(named.of_wider("person") or named.headed(KINDS["person"]))
        if graph.label[:1].isupper():  # "Lena" is no river, and whatever "IT support" is, Marek is somebody
            has_job = any(_jobs_of(graph)) and not is_noun(head_noun(split_name(graph.label)))
            return is_person or has_job
        is_thing = self._matching.wider[k] and "person" not in self._matching.wider[k]
        return not is_thing and is_person

    def _exactly(self, noun: str) -> tuple[int, ...]:
        match = self._matching.find(noun, one=False)
        return () if match.is_near or match.is_loose else match.things


_HOLDERS = set(
    "crate box hook rack shelf cupboard bin basket bag jar tin bottle can packet pack case cabinet drawer tray stand "
    "stall shop store counter machine dispenser station house hutch cage tank pen stable aquarium bed pot pond tree "
    "plant bush barrel keg sack carton tube bowl plate cup glass mug pan heap pile office "
    "kiosk booth bar market van truck".split()
)
"""What has in it what its name begins with."""
_HOMES = set("cage hutch tank pen stable aquarium house pond enclosure pool den paddock coop".split())
"""Of these, where animals are: a dog bowl is no sign of a dog."""
_FOR_WHOM = frozenset("儿童 女童 男童 孩子 学生 女士 男士 children kids men women girls boys".split())
"""Kinds of goods."""
_DAMAGE, _HEALTH = {"damage", "attack", "伤害", "攻击", "攻击力"}, {"health", "hp", "生命", "生命值", "血量"}
WIDE_KINDS = frozenset(
    "animal person people plant furniture fruit vegetable vehicle tool weapon".split()
    + "动物 植物 家具 书 书籍 水果 蔬菜 交通工具 工具 武器".split()
)
"""Nobody says these of only those things that have the word in their names."""
_JOBS = (
    "role", "job", "title", "job title", "position", "profession", "occupation", "rank", "职位", "职务", "职业", "岗位",
    "角色", "身份", "工种", "职称",
)  # fmt: skip


def _jobs_of(graph: GraphObject) -> Iterator[str]:
    """The jobs that a person is told to have; what a thing is for may stand so, too ("job": "printing")."""
    for fact in graph.facts:
        if fold(fact.key) in _JOBS and isinstance(fact.value, str):
            yield fact.value


def may_be_denied(words: str) -> bool:
    """Whether words that name nothing here are known to be a noun, so that nothing of it is here; Chinese ones are,
    names, compounds of two nouns, and whatever ends as nouns do: "teleporter", "swimming", "seismograph"."""
    said = split_name(words)
    ways = (" ".join(said), " ".join((*said[:-1], *map(single, said[-1:]))), head_noun(said))
    return is_chinese(words) or words != words.lower() or any(is_noun(its) or _is_like_noun(its) for its in ways)


_NOUN_ENDING = re.compile(
    "(?<=[a-z]{4})[eo]r$|(?<=[a-z]{3})(?:ing|tion|sion|ment|ness|ship|ism|ist|ics|logy|graph|gram|meter|scope|phone|saur|saurus)$"
)


def _is_like_noun(word: str) -> bool:
    """Whether an unknown word is made as nouns are."""
    is_compound = any(is_noun(word[:n]) and is_noun(word[n:]) for n in range(3, len(word) - 2))
    return is_compound or _NOUN_ENDING.search(word) is not None


_NAMES = ("name", "title", "nickname", "called", "名字", "名称", "姓名", "书名", "昵称")


def names_of(graph: GraphObject) -> tuple[str, ...]:
    """What an object is called besides its label: its aliases, and facts that are names."""
    named = (str(fact.value) for fact in graph.facts if fold(fact.key) in _NAMES and isinstance(fact.value, str))
    return (*graph.aliases, *named)


def kinds_of(graph: GraphObject) -> Iterator[str]:
    """The kinds that an object is told to be of."""
    for fact in graph.facts:
        if fold(fact.key) in ("kind", "type", "category", "class", "种类", "类别", "类型", "分类", "品类"):
            yield str(fact.value)


def _is_to_fight_with(graph: GraphObject) -> bool:
    """Whether facts tell what damage a thing does, and no health: a war hammer, and no wolf."""
    keys = {fold(fact.key) for fact in graph.facts}
    return bool(keys & _DAMAGE) and not keys & _HEALTH
