"""What is told of things under a key as an English sentence; where the form is not sure, "Departs, coach 5: 06:10."."""

from __future__ import annotations

import re
from typing import Any

from scenewright_server.languages import en_keys as keys
from scenewright_server.languages.en import English
from scenewright_server.languages.en_amounts import amount_text
from scenewright_server.languages.en_wording import name_of
from scenewright_server.languages.speaking import M, is_bare_number
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.replies import Grouped
from scenewright_server.scene.topics import topic_of

_SAYING = frozenset("sign text note notice inscription message warning label".split())
_BEING = frozenset("from by for in on with missing wearing holding carrying guarding selling playing showing".split())
"""First words of keys that are no nouns: what stands between a thing and a value."""
_HOURS = ("open", "closed", "available", "free", "hours")
_LOOKS = ("colour", "color", "material", "origin", "maker", "author")
"""Keys of what is told in so many words, but in no sentence."""
_ORDERS = frozenset("quest task mission tip tips instruction instructions advice step rule rules".split())
"""Keys of what somebody is to do."""
_DO = frozenset(
    "wait press turn pull push lift stir mix add go ask call take keep put use do don't hold shake wash remove insert "
    "ring knock come stay follow read avoid check leave stop bring tell give be make let lock".split()
)
"""Words with which orders begin."""
_ANSWERS = frozenset("yes no none n/a true false".split())
_HOW_MANY = re.compile(r"\d|(?:an?|half|one|two|three|four|five|six|seven|eight|nine|ten|about|some|plenty)\b", re.I)
_MAX_WORDS = 3
"""Of a text that follows "is" as it stands; a longer one may be a sentence."""


def grouped(found: Grouped) -> str:
    """The values that things have under a key, and of those that were picked of how many things, or what they have
    together: "There are two: Sweden and Finland.", "It is Halden, with 11 points."."""
    names = [value_text(group.value) for group in found.groups]
    number = English().count(len(names))
    if not found.is_picked:
        return f"There is one: {names[0]}." if len(names) == 1 else f"There are {number}: {_joined(names)}."
    its = found.groups[0]
    amount = English().count(len(its.things)) if its.amount is None else with_key(found.by, its.amount)
    if len(names) == 1:
        return f"It is {names[0]}, with {amount}{' of them' * (its.amount is None)}."
    return f"They are {_joined(names)}, with {amount} each."


def with_key(key: str, amount: Amount, is_measured: bool = False) -> str:
    """An amount; a bare number with its key, "level 3", "6 seats left"."""
    value = amount_text(amount, is_measured)
    if is_measured or not is_bare_number(key, amount):
        return value
    name = name_of(key)
    is_first = keys.parts_left(key) is not None or keys.is_plural(name)
    return f"{value} {keys.one_of(name) if value == '1' else name}" if is_first else f"{name} {value}"


def value_text(value: str | Amount) -> str:
    """What is told as it is said."""
    return value.strip(" .。") if isinstance(value, str) else amount_text(value)


def told_apart(key: str, value: str) -> tuple[str, str]:
    """What stands before and after the label of a thing that a fact tells from others: "the red ", " with the price
    €5"."""
    name, is_answer = name_of(key), value in ("yes", "no")
    if name in ("colour", "color", "material"):
        return f"the {value} ", ""
    if name in ("state", "status") and keys.is_how(value):
        return "the ", f" that is {value}"
    if is_answer and (keys.is_adjective(key) or keys.is_participle(key)):
        return "the ", f" that is {'not ' * (value == 'no')}{key}"
    return "the ", f" of {value}" if name in ("date", "year") else f" with the {name} {value}"


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]])


def plainly(key: str, value: str, things: list[str | M]) -> list[str | M]:
    """What is told in no sentence, which is never wrong: "Departs, coach 5: 06:10."."""
    if things == ["it"]:
        return [f"{key}: {value}."]
    return [f"{key}, ", *(part for part in things if part != "the "), f": {value}."]


def is_plain(sentence: list[str | M]) -> bool:
    """Whether what is told is in no sentence, so that none begins before it."""
    return isinstance(sentence[0], str) and sentence[0].endswith(", ")


def tell(key: str, value: str, things: list[str | M], is_one: bool) -> list[str | M]:
    """What is told of things under a key as a sentence, "The state of the door is open." in words that suit the key."""
    name, (first, *rest) = name_of(key, value), key.casefold().split(" ")
    be = "is" if is_one else "are"
    if first in _SAYING and is_one:
        quoted = f"“{value}”" if not value.startswith("“") else value
        return [*things, f" says {quoted}."] if name == "text" else [f"the {name} of ", *things, f" says {quoted}."]
    if re.fullmatch(keys.DAY, first.capitalize()) and rest and keys.is_verb(" ".join(rest), value):
        return [f"on {first.capitalize()} ", *tell(" ".join(rest), value, things, is_one)]
    if first in ("every", "each"):
        return [*things, f": {key} {value}."]
    if said := _counted(key, value, things, is_one):
        return said
    if value.casefold() in _ANSWERS:
        return _answered(key, value, things, is_one)
    if value.casefold() == "free" and topic_of(key).dimension == "money":
        return [*things, f" {be} free of charge."]
    at = keys.when(value)
    if (clause := keys.clause_of(key)) and not value.isdigit():
        verb = keys.base_of(clause[1]) if keys.is_plural(clause[0]) else clause[1]
        return [f"the {clause[0]} of ", *things, f" {verb} {at}{value}."]
    if (key.casefold() == "returns" and not at) or (first in ("seats", "holds") and value.startswith("for ")):
        return plainly(key, value, things)
    if keys.is_verb(key, value) and (not rest or keys.is_no_noun(key)):
        at = at if keys.may_be_timed(key) else ""
        says = key.casefold() in ("says", "reads") and re.search(r"[^\d\W]", value) is not None
        text = f"“{value}”" if says and not value.startswith("“") else value
        return [*things, f" {key if is_one else keys.base_of(key)} {at}{text}."]
    if key.casefold() in keys.PAST and things[0] != "the " and keys.follows(value):
        return [*things, f" {key} {at}{value}."]
    if keys.is_participle(key) and not keys.is_counted(key, value) and (keys.follows(value) or _is_year(key, value)):
        was = "was" if is_one else "were"
        return [*things, f" {was if keys.is_past(key, value) else be} {key} {at}{value}."]
    is_being = first in _BEING and (keys.follows(value) if keys.is_phrase(key) else not rest or keys.is_no_noun(key))
    is_being &= not (rest and first in ("on", "in", "with") and value.isdigit() and not keys.is_standing(key))
    if keys.is_standing(key) or is_being:
        is_due = key.endswith(" by") and keys.when(value)  # by Tuesday, and by nobody
        be = f"{be} to be" if is_due else ("was" if is_one else "were") if keys.was_by(key) else be
        return [*things, f" {be} {key} {value}."]
    if keys.is_adjective(key) and (keys.follows(value) or (name in _HOURS and re.search(r"\d:\d\d", value))):
        return [*things, f" {be} {key} {at}{value}."]
    if name in ("state", "status"):
        if keys.is_how(value):
            return [*things, f" {be} {value}."]
        does = is_one and (value.startswith("does ") or (" " in value and keys.is_verb(value, "")))
        return [*things, f" {value}."] if does else _noun(key, name, value, things)
    if keys.is_no_noun(key) and not keys.is_number_of(key, value):
        return plainly(key, value, things)
    return _noun(key, name, value, things)


def _noun(key: str, name: str, value: str, things: list[str | M]) -> list[str | M]:
    """What is told under a noun: "The wait of the coaster is 55 min."; a text that may be a sentence plainly."""
    is_text = not re.match(r"[\d€$£¥₹₩“-]", value) and len(value.split(" ")) > _MAX_WORDS and "," not in value
    acts = value[:1].islower() and ("is " in value or keys.is_verb(value, "") or value.startswith(("do ", "does ")))
    is_listed = "," in value and any(len(part.split()) > _MAX_WORDS for part in value.split(","))
    is_one_of_many = value == "1" and keys.is_plural(name)
    may_be_said = (is_text or is_listed or acts) and not keys.follows(value) and name not in _LOOKS
    is_unit = key.casefold() in keys.UNITS and ":" not in value
    is_fee = keys.is_plural(name) and re.match("[€$£¥₹₩]", value) is not None
    is_order = name.casefold() in _ORDERS and value[:1].islower() and not value.startswith(("a ", "an ", "the "))
    is_order |= value.split(" ")[0] in _DO
    if is_one_of_many or may_be_said or is_unit or is_fee or is_order:
        return plainly(name, value, things)
    verb = "are" if keys.is_plural(name) and (value != "1") else "is"
    at = keys.at_for(name, value)
    if things == ["it"]:
        return [f"its {name} {verb} {at}{value}."]
    return [f"the {name} of ", *things, f" {verb} {at}{value}."]


def _is_year(key: str, value: str) -> bool:
    return topic_of(key).dimension == "year" and re.fullmatch(r"(?:1\d|20)\d\d", value) is not None


def _counted(key: str, value: str, things: list[str | M], is_one: bool) -> list[str | M]:
    """How much is left or free of things, "Fluvera has 12 doses left."; nothing where the key does not tell it."""
    has = "has" if is_one else "have"
    number, _, unit = value.partition(" ")
    is_number = re.fullmatch(r"[\d,.]+", number) is not None
    n = "no" if number == "0" else number
    if (of := keys.parts_left(key)) is not None:
        if not of:
            return [*things, f" {has} {'none' if value == '0' else value} left."] if _HOW_MANY.match(value) else []
        if is_number and not unit and keys.is_plural(of):
            return [*things, f" {has} {n} {keys.one_of(of) if number == '1' else of} left."]
        is_unit = of.casefold() in keys.UNITS or of.casefold() == "time"
        return [*things, f" {has} {value} left."] if is_number and unit and is_unit else plainly(key, value, things)
    if (free := keys.parts_free(key)) is not None and is_number and not unit:
        noun, state = free
        if noun:
            what = f"{keys.one_of(noun) if number == '1' else noun} {state}" if state in key.split(" ")[-1:] else ""
            what = what or f"{state} {keys.one_of(noun) if number == '1' else noun}"
            return [*things, f" {has} {n} {what}."]
        if things == ["it"] or is_one:
            return [*things, f" {has} {'none' if number == '0' else number} {state}."]
        be = "is" if number in "01" else "are"
        return ["of ", *things, f", {'none' if number == '0' else number} {be} {state}."]
    return []


def _answered(key: str, value: str, things: list[str | M], is_one: bool) -> list[str | M]:
    """What is told by yes or no: "The dog bites.", "The cheese is not vegan."."""
    be, is_so = "is" if is_one else "are", value.casefold() in ("yes", "true")
    if value.casefold() not in ("yes", "no", "true", "false"):
        return plainly(key, value, things)
    if keys.asks(key) == ("whether", key.casefold()) or (keys.is_verb(key, value) and " " not in key):
        verb = key if is_one else keys.base_of(key)
        does = "does" if is_one else "do"
        return [*things, f" {verb}." if is_so else f" {does} not {keys.base_of(key)}."]
    if keys.is_participle(key) or keys.is_adjective(key) or keys.is_phrase(key):
        return [*things, f" {be} {'' if is_so else 'not '}{key}."]
    return plainly(key, value, things)


def of_whom(key: str, things: list[Any], is_one: bool = True) -> list[Any]:
    """What is not known of things: "the price of the chair", "when the coach departs", "whether the chair is taken",
    and of a key of which nothing else can be said: "“leads to” of the chair". Of no things: "the price", "when it
    departs"."""
    named, things = things, things or ["it"]
    if (of := keys.parts_left(key)) is not None:
        many = "many" if keys.is_plural(of) else "much"
        has = "has" if is_one else "have"
        return [f"how {many} {of} " if of else "how many are left of ", *things, *([f" {has} left"] if of else [])]
    if (free := keys.parts_free(key)) is not None and free[0]:
        state_first = key.casefold().startswith(free[1])
        what = f"{free[1]} {free[0]}" if state_first else free[0]
        return [f"how many {what} ", *things, f" {'has' if is_one else 'have'}{'' if state_first else f' {free[1]}'}"]
    if (clause := keys.clause_of(key)) is not None:
        return [f"when the {clause[0]} of ", *things, f" {clause[1]}"]
    if (asked := keys.asks(key)) is not None:
        which, verb = asked
        if verb == "be" or verb.startswith("be "):
            verb = ("is" if is_one else "are") + verb.removeprefix("be")
        elif verb.startswith("was "):
            verb = verb if is_one else f"were {verb.removeprefix('was ')}"
        else:
            verb = verb if is_one else keys.base_of(verb)
        return [f"{which} ", *things, f" {verb}"]
    what = f"“{key}”" if keys.is_no_noun(key) else f"the {name_of(key)}"
    return [what, " of ", *named] if named else [what]
