"""From words to the things that they name: exact labels first, then what people say instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from scenewright_server.scene.kinds import is_noun, is_person_zh, wider
from scenewright_server.scene.misspelling import ALIKE, likeness
from scenewright_server.scene.narrower import MADE_OF, narrower
from scenewright_server.scene.negation import is_negated_at
from scenewright_server.scene.words import COLOURS, HAN_COLOURS, HAN_MATERIALS, MATERIALS, WIDE, is_chinese

_PLURALS = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse", "feet": "foot",
    "knives": "knife", "wolves": "wolf", "geese": "goose", "teeth": "tooth",
}  # fmt: skip
_ARTICLES = set("a an the my your our his her its their this that these those some any one".split())
_ENGINE = set("sm sk bp pf fbx mesh prefab go obj geo grp lod lod0 lod1 lod2 clone instance copy inst".split())
_LETTER = rf"[^\W_{WIDE}]"  # of a word that is not Chinese: 203 is one in 住203
_NEGATORS = {"not", "no", "without", "never", "nor"}


@dataclass(frozen=True)
class Match:
    """The things that words name; `is_near` where the words are only nearly theirs: misspelt, or said with more;
    `is_loose` where they are not the end of a name."""

    things: tuple[int, ...]
    is_near: bool = False
    is_loose: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Called:
    """What a thing is called, in its words as they are compared."""

    shown: str
    labels: tuple[str, ...]
    """Its label and aliases, folded."""
    words: tuple[tuple[str, ...], ...]
    """The words of each, singular, without an engine's marks."""
    numbered: tuple[tuple[str, ...], ...]
    """The same with their numbers."""
    ends: tuple[tuple[str, ...], ...]
    """The words of each, and those before "of", "with" and the like."""
    heads: tuple[str, ...]
    """The noun that tells what it is, of each: "statue" of "statue of a lion", "person" of "Mr Osei"."""


class Matching:
    """Names among things with these labels, as the app spells them, and aliases; `texts`: all that is told of each,
    folded."""

    def __init__(
        self, labels: Sequence[str], aliases: Sequence[Sequence[str]], texts: Sequence[Sequence[str]] = ()
    ) -> None:
        self._shown, self._texts = list(labels), texts or [()] * len(labels)
        parts = [label.split(": ") if ": " in label else [] for label in labels]  # "station 4: Painted Wall"
        self._aliases = [(*its, *further) for its, further in zip(aliases, parts, strict=True)]
        self._called = [_call(label, its) for label, its in zip(labels, self._aliases, strict=True)]

    def find(self, words: str, one: bool) -> Match:
        """All things that these words name; of `one` that is meant, only those that they name best."""
        exact = self._where(lambda k: words == self._shown[k]) or self._where(lambda k: words in self._aliases[k])
        if exact and one:
            return Match(exact)
        folded, said = fold(words), _singular(split_name(words))
        same = self._where(lambda k: folded in self._called[k].labels)
        if (exact or same) and one:
            return Match(exact or same)
        if any(word.isdigit() for word in split_name(words, True)):
            said = split_name(words, True)
            counted = self._where(
                lambda k: any(_ends(its, said) or {*its} == {*said} for its in self._called[k].numbered)
            )
            return Match(tuple(sorted({*exact, *same, *counted})))
        whole = self._where(self._is_called(said))
        if whole and one:
            return Match(whole)
        heads = self._where(self._ends_in(said))
        named = tuple(sorted({*exact, *same, *whole, *heads}))
        if named:
            return Match(named)
        return self._loosely(said, one)

    def alike(self, k: int) -> tuple[int, ...]:
        """What has the head noun of thing k, k itself included."""
        head = _head(_phrase(self._called[k].words[0]))
        return self._where(lambda i: any(_head(_phrase(its)) == head for its in self._called[i].words))

    def modifies(self, words: str, k: int) -> bool:
        """Whether words are, of the name of thing k, only a noun before its noun: "baby" of "baby monitor"."""
        said = _singular(split_name(words))
        having = [its for its in self._called[k].words if _within(its, said)]
        return bool(having) and is_noun(" ".join(said)) and all(_is_before_noun(its, said) for its in having)

    def singular(self, words: str) -> str:
        """A name as it is compared: without case, articles and plural."""
        return " ".join(_singular(split_name(words)))

    def headed(self, nouns: Collection[str]) -> tuple[int, ...]:
        """What has one of these nouns, singular, at the end of its label or of an alias."""
        own = {single(noun) for noun in nouns if not is_chinese(noun)}
        han = tuple(noun for noun in nouns if is_chinese(noun))
        return self._where(lambda k: any(head in own or head.endswith(han) for head in self._called[k].heads))

    def of_wider(self, kind: str) -> tuple[int, ...]:
        """What is of a kind, singular, by the widest table (`kinds.wider`)."""
        return self._where(lambda k: kind in self.wider[k] or kind in self._called[k].heads)

    @cached_property
    def wider(self) -> list[frozenset[str]]:
        """Of each thing, other words for it and its kinds."""
        return [frozenset().union(*map(wider, (*called.heads, *called.labels))) for called in self._called]

    def _loosely(self, said: tuple[str, ...], one: bool) -> Match:
        """By the first word or those between; misspelt; or, where one is meant, by the head noun of what was said."""
        if not said:
            return Match(())
        inside = self._where(lambda k: any(_within(its, said) for its in self._called[k].words))
        described = inside or self._described(said)
        if described:
            return Match(described, is_loose=True)
        misspelt = self._misspelt(said)
        if misspelt or not one or len(said) < 2:
            return Match(misspelt, bool(misspelt))
        for n in range(1, len(said)):
            shorter = self._where(self._is_called(said[n:]))
            if len(shorter) == 1 and not any(word in COLOURS for word in said[:n]):
                return Match(shorter, True)
        return Match(())

    def _described(self, said: tuple[str, ...]) -> tuple[int, ...]:
        """By the end of the name, the words before it being told of the thing: "oak table", "红色椅子"."""
        pairs = [(" ".join(said[:n]), said[n:]) for n in range(1, len(said))]
        if len(said) == 1 and is_chinese(said[0]):
            pairs = [(said[0][:n], (said[0][n:],)) for n in range(1, len(said[0]))]
            pairs = [(before, rest) for before, rest in pairs if len(before) > 1 or before in _HAN_LOOKS]
        for before, rest in pairs:
            ends = self._where(self._ends_in(rest))
            found = tuple(k for k in ends if looks_so(before, self._texts[k]))
            if found:
                return found
        return ()

    def _misspelt(self, said: tuple[str, ...]) -> tuple[int, ...]:
        text = " ".join(said)
        if len(text) < (2 if is_chinese(text) else 4):
            return ()
        scores = [max(likeness(text, {" ".join(its), _head(its)}) for its in called.words) for called in self._called]
        best = max(scores, default=0.0)
        return tuple(k for k, score in enumerate(scores) if score == best) if best > ALIKE else ()

    def _is_called(self, words: tuple[str, ...]) -> Callable[[int], bool]:
        return lambda k: words in self._called[k].words

    def _ends_in(self, words: tuple[str, ...]) -> Callable[[int], bool]:
        return lambda k: any(_ends(its, words) for its in self._called[k].ends)

    def _where(self, is_so: Callable[[int], bool]) -> tuple[int, ...]:
        return tuple(k for k in range(len(self._shown)) if is_so(k))


_LINKS = ("of", "with", "for", "by", "in", "on", "at", "the", "to", "from")
_TITLES = set(
    "mr mrs ms miss mx dr doctor prof professor sir dame lord lady madam madame monsieur signor senor herr frau nurse "
    "sister brother father mother aunt uncle auntie granny grandma grandpa captain sergeant corporal private "
    "lieutenant colonel major general admiral officer constable inspector detective commander chief king queen prince "
    "princess saint".split()
)
"""Before the name of a person."""
_OF_THINGS = ("private", "general", "major", "chief", "king", "queen", "lady", "doctor", "father", "mother")
"""Of these, what may stand before the name of a thing, too: "King Bed"."""
_WORK = re.compile("(.*?)《.+》")
_OF_COLOUR = re.compile(f"[{HAN_COLOURS}]色?的?([\u4e00-\u9fff]+)$")
_NUMBERED = re.compile("(?<=[\u4e00-\u9fff]{2})[一二三四五六七八九十]+[号楼层]?$")
"""What tells rooms of one sort apart: 研讨间一."""
_HAN_LOOKS = HAN_COLOURS + HAN_MATERIALS + "大小高矮低新旧长短圆方厚薄空满冷热干湿男女"
"""Characters that tell of a thing how it is; 楼梯 is no 梯 of which 楼 is told."""


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """A text without case, accents and odd spaces: what is compared."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def tells(words: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts, folded, has these very words and does not negate them."""
    return any(_tells(words, text, pattern=_exactly(words)) for text in texts)


def looks_so(words: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts, folded, tells this and does not negate it, or tells every word of it."""
    said = fold(words)
    if any(_tells(said, text) for text in texts):
        return True
    if any(_tells(its, text) for text in texts for its in narrower(said, text)):
        return True
    parts = [word for word in re.findall(r"[^\W_]+", said) if word not in _ARTICLES]
    if len(parts) < 2 or not _NEGATORS.isdisjoint(parts):
        return False
    if len(parts) == 2 and any(_tells(f"{parts[1]} {parts[0]}", text) for text in texts):
        return True
    return all(any(_tells(part, text) for text in texts) for part in parts)


def is_negated(words: str, texts: Sequence[str]) -> bool:
    """Whether a text has these words and says that it is not so: "not waterproof", "sugar-free"."""
    said = fold(words)
    return any(_tells(said, text, but_negated=True) for text in texts)


def rivals(words: str, texts: Sequence[str]) -> bool:
    """Whether the texts tell something else of the same kind: another colour, another material."""
    said = set(re.findall(r"[^\W_]+", fold(words)))
    told = {word for text in texts for word in re.findall(r"[^\W_]+", text)}
    chinese = {c for text in texts for c in re.findall(f"([{HAN_COLOURS}])色", text)}
    if said & COLOURS or re.match(f"^[{HAN_COLOURS}]色?的?$", words):
        return bool(told & COLOURS or chinese)
    if of_colour := _OF_COLOUR.match(words):  # 绿灯 where the state is 红灯
        return any(re.search(f" [{HAN_COLOURS}]色?的?{re.escape(of_colour[1])}$", text) for text in texts)
    wide = {its for word in said for its in MADE_OF.get(word, ())}
    return bool(said & MATERIALS and told & MATERIALS and not told & wide)


def _tells(said: str, text: str, but_negated: bool = False, pattern: re.Pattern[str] | None = None) -> bool:
    is_quality = said in COLOURS or said in MATERIALS
    found = [
        (its.group() == said, is_negated_at(text, *its.span(), is_quality))
        for its in (pattern or _pattern(said)).finditer(text)
    ]
    if (True, True) in found:  # "milk: not yet milked" tells of no other form
        found = [its for its in found if its[0]]
    return any(is_negated is but_negated for _, is_negated in found)


@lru_cache(maxsize=512)
def _exactly(said: str) -> re.Pattern[str]:
    """A regular expression of these very words, folded."""
    if is_chinese(said) or said in _SMALL:
        return _pattern(said)
    return re.compile(rf"(?<!{_LETTER}){re.escape(said)}(?!{_LETTER})")


@lru_cache(maxsize=8192)
def _pattern(said: str) -> re.Pattern[str]:
    """A regular expression of these words, folded, in any number, and of verbs in other forms."""
    if is_chinese(said):
        shorter = re.sub("[色的制质]+$", "", said)
        return re.compile(re.escape(said) + (f"|{re.escape(shorter)}" if shorter else ""))
    if said in _SMALL:
        return re.compile(rf"(?<![^\W_])(?<!\bhands ){said}$")
    words = said.split(" ")
    forms = [_forms(said)] + [" ".join(f"(?:{_forms(word)})" for word in words)] * (len(words) > 1)
    return re.compile(rf"(?<!{_LETTER})(?:{'|'.join(forms)})(?!{_LETTER})")


def _forms(said: str) -> str:
    """The alternatives of a regular expression: words, folded, in any number, and as a verb in other forms."""
    forms = [re.escape(single(said)) + "(?:e?s)?", re.escape(said)]
    if single(said).endswith("y"):
        forms.append(re.escape(single(said)[:-1]) + "ies")
    if found := re.fullmatch(r"(\w{3,}?)(?:([b-df-hj-np-tv-z])\2)?ing", said):  # "damaged" is not told by "damage"
        forms.append(re.escape(found[1]) + (f"{found[2]}?" if found[2] else "e?") + "s?")
    if len(said) > 3:
        forms += [f"{re.escape(its)}{re.escape(its[-1])}?(?:ing|ed)" for its in dict.fromkeys((said, single(said)))]
    if said in _MADE_OF:
        forms.append(_MADE_OF[said])
    return "|".join(forms)


_SMALL = ("on", "off", "in", "out", "up", "down")
"""Words that are all over texts: they tell a look only where a text ends with them ("switched on")."""
_MADE_OF = {"wooden": "wood", "woollen": "wool", "golden": "gold", "wood": "wooden", "wool": "woollen"}


def _call(label: str, aliases: Sequence[str]) -> Called:
    names = [label, *aliases]
    words = tuple(_singular(split_name(name)) for name in names)
    as_written = (_singular(split_name(name.replace("_", " "))) for name in names)  # "copy_machine"
    return Called(
        label,
        tuple(fold(name) for name in names),
        words,
        tuple(split_name(name, True) for name in names),
        tuple(dict.fromkeys((*words, *map(_phrase, words), *as_written))),
        tuple(_kind_noun(name) for name in names),
    )


def split_name(name: str, with_numbers: bool = False) -> tuple[str, ...]:
    """The words of a name: engine names in their parts, without prefixes, counters and (Clone); no articles before."""
    marks = _ENGINE if re.search("[_(]|[a-z][A-Z]", name) else ()
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    spaced = re.sub(r"(?<=[A-Za-z])(?=\d)", " ", spaced) if re.search(r"[_()]|[a-z]\d+$", name) else spaced
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", fold(spaced))
    plain = [word for word in words if word not in marks and not word.isdigit()] or words
    if with_numbers:
        plain = [str(int(word[:9])) if word.isdecimal() else word for word in words if word not in marks]
    while len(plain) > 1 and plain[0] in _ARTICLES:
        plain = plain[1:]
    text = " ".join(plain)
    return (re.sub(r"(?<=[\u4e00-\u9fff])的(?=[\u4e00-\u9fff])", "", text),) if is_chinese(text) else tuple(plain)


def calls(text: str, name: str) -> bool:
    """Whether a folded text has the whole of a name, of one thing or of more."""
    own = fold(name)
    pattern = rf"(?<!{_LETTER}){re.escape(own)}(?:e?s)?(?!{_LETTER})" if own.isascii() else re.escape(own)
    return bool(own) and re.search(pattern, text) is not None


def _singular(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words[:-1], single(words[-1])) if words else words


@lru_cache(maxsize=1 << 14)
def single(word: str) -> str:
    """One of a plural; of other words, whatever keeps them apart."""
    if word in _PLURALS:
        return _PLURALS[word]
    if re.search("[^s]s$", word) and len(word) > 3 and is_noun(word[:-1]):
        return word[:-1]
    if re.search("(s|x|ch|sh|z|o)es$", word):
        return word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search("[lra]ves$", word):
        return word[:-3] + "f"
    return word[:-1] if re.search("[^sui]s$", word) and len(word) > 3 else word


def _phrase(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a name before "of", "with" and the like: "bottle" of "bottle of milk"."""
    n = next((n for n, word in enumerate(words) if n and word in _LINKS), len(words))
    return _singular(words[:n])


def head_noun(words: tuple[str, ...]) -> str:
    """The noun at the end of a name, before "of", "with" and the like."""
    return "".join(_phrase(words)[-1:])


def _kind_noun(name: str) -> str:
    """The head noun of a name, or its last two words where these are something else: a hot dog is no dog. "person" of
    one with a title, "team" of Team Fjord; what stands before a Chinese title in 《》, of that alone a book."""
    if work := _WORK.match(fold(name)):
        return work[1].strip() or "书"
    if is_chinese(name) and is_person_zh(fold(name)):
        return "person"
    words = _phrase(_singular(split_name(name)))
    if (
        re.match(r"\w[a-z]+\.? [A-Z]", name)
        and words[0] in _TITLES
        and not (words[0] in _OF_THINGS and is_noun(words[-1]))
    ):
        return "person"
    if re.fullmatch(r"Team [A-Z]\w+", name) and "person" not in wider(words[-1]):
        return "team"
    two, head = " ".join(words[-2:]), "".join(words[-1:])
    return two if len(words) > 1 and wider(two) and head not in wider(two) else head


def _head(words: tuple[str, ...]) -> str:
    return (_NUMBERED.sub("", words[-1])[-2:] if is_chinese(words[-1]) else words[-1]) if words else ""


def _ends(words: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether a name ends with what was said: its head noun, perhaps with words before it."""
    if len(words) == len(said) == 1 and is_chinese(said[0]):
        return words[0].endswith(said[0])
    return bool(said) and words[-len(said) :] == said


def _within(words: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether a name begins with what was said or has it within."""
    if len(said) == 1 and is_chinese(said[0]):
        return any(said[0] in word for word in words)
    n = len(said)
    return any(_singular(words[i : i + n]) == said for i in range(len(words) - n + 1))


def _is_before_noun(words: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether what was said stands within a name before the noun that tells what it is."""
    if len(said) == len(words) == 1 and is_chinese(said[0]):
        return is_noun(words[0].partition(said[0])[2])
    at = next((i for i in range(len(words)) if _singular(words[i : i + len(said)]) == said), 0) + len(said)
    return at < len(words) and words[at] not in (*_LINKS, "and", "or") and is_noun(head_noun(words))
