"""What the keys of facts are in English: nouns, verbs ("departs"), participles ("taken"), adjectives ("ready"), or how
much is free or left ("seats left"); and what stands before a time."""

from __future__ import annotations

import re

from scenewright_server.scene.kinds import is_noun
from scenewright_server.scene.matching import single
from scenewright_server.scene.states import is_state
from scenewright_server.scene.topics import is_topic, topic_of

TIMED = frozenset(
    "opens closes starts begins ends finishes stops departs arrives leaves returns expires boards lands resumes sails "
    "reopens".split()
)
"""Verbs of what is so at a time."""
_SOMETIMES = TIMED | frozenset(
    "flowers blooms ripens fruits runs comes goes works meets plays serves sells sets".split()
)
"""Those, and verbs that a time may follow."""
PAST = frozenset("died lived ruled reigned fought fell sank worked played".split())
"""Verbs of what was so."""
_VERBS = TIMED | frozenset(
    "serves seats heals holds contains needs takes lasts unlocks restores protects eats costs weighs sells shows plays "
    "speaks sleeps lives works fits hides guards teaches loves likes dislikes hates fears wants knows remembers misses "
    "collects drinks wears bites barks rides runs leads goes comes sits stands turns belongs stings scratches kicks "
    "purrs sheds leaks grows blooms flowers ripens dries fires lifts stays treats covers requires includes excludes "
    "feeds keeps makes gives gets accepts allows supports connects reaches fills lets sounds smells tastes feels "
    "swims flies climbs jumps sings reads writes cures kills soothes carries bears tolerates hardens sticks washes "
    "melts boils freezes cooks bakes brews says charges controls measures weakens floats".split()
)
_NUMBERED = frozenset(
    "lives works plays drinks shows rides runs turns stays lifts stops leaves needs sets covers charges fires "
    "flowers feeds controls measures".split()
)
"""Of these, what is a noun before a bare number: three lives."""
_WHERE = frozenset("goes leads runs comes lives sits stands belongs".split())
_WHETHER = frozenset(
    "bites barks works stings scratches kicks purrs sheds leaks floats swims flies climbs jumps sings smells melts "
    "sticks washes sounds".split()
)
_HOW = {
    "sleeps": "how many", "seats": "how many", "costs": "how much", "weighs": "how much", "holds": "how much",
    "carries": "how much", "lasts": "how long", "takes": "how long", "runs": "how", "flowers": "when", "blooms": "when",
    "ripens": "when",
}  # fmt: skip
"""Words by which is asked for what some verbs tell."""
_SURE = (
    _WHERE
    | _WHETHER
    | frozenset(
        "opens closes starts begins ends finishes departs arrives returns expires costs weighs serves hides plays "
        "shows teaches says flowers boards".split()
    )
)
"""Verbs that are asked for as verbs, though nouns are spelt like them."""
_PARTICIPLES = frozenset(
    "built found born made sold bought taken given drawn known seen worn written lent sent held kept won lost fed hung "
    "broken frozen woven grown thrown shown driven caught cut set shut dug read paid hidden forbidden spoken".split()
)
_EVENTS = frozenset(
    "built born opened founded established planted watered fed checked cleaned repaired fixed emptied filled printed "
    "published written painted sown pruned inspected serviced tested charged changed washed used restored "
    "invented discovered made found bought sold seen launched renovated".split()
)
"""Participles of what was done at a time."""
_COUNTED = frozenset(
    "won lost drawn scored played sold given collected missed saved found allowed included required needed".split()
)
"""Participles that stand for how many there were."""
_PLAYED = frozenset("won lost drawn scored played".split())
_USUAL = frozenset(
    "watered fed cleaned emptied filled checked inspected serviced charged washed used sold seen".split()
)
_NOT_DONE = frozenset("hundred shed bed red seed feed speed need breed weed reed".split())
_ADJECTIVES = frozenset(
    "real vegan vegetarian halal kosher waterproof free open ready full empty busy safe clean dirty sweet sour hot "
    "cold spicy organic raw fresh ripe wet dry poisonous toxic dangerous fragile heavy alive dead awake asleep "
    "pregnant allergic afraid available due late early good bad tame wild blind deaf sick ill well lame hungry "
    "thirsty tired happy sharp blunt bookable accessible legal noisy quiet loud soft hard alone new old rare "
    "valid fireproof magnetic washable edible drinkable lit vacant insured friendly shy smart brave calm immune".split()
)
_NOW = frozenset(
    "now today tonight tomorrow yesterday next last previous noon midday midnight morning mornings evening evenings "
    "afternoon night weekday weekdays weekend weekends monday tuesday wednesday thursday friday saturday sunday first "
    "second third fourth fifth one two three four five six seven eight nine ten earlier later afterwards before "
    "here there".split()
)
"""Keys that tell when, or which step it is."""
_LARGER = re.compile(r"(?:small|larg|bigg|cheap|old|young|long|short|high|low|near|light|heavi|old|strong|weak)er")
_OPEN_ENDS = frozenset("in on at to of for from with by than until till since after before and or if when".split())
_NO_NOUNS = frozenset(
    "left remaining since until ago where when why how who away inside outside above below behind beside after with "
    "without under over from to via of by for at on off in happened wanted must may can should please never always "
    "mine take bring call".split()
)
"""Keys of which no other sentence is made."""
_STANDING = frozenset(
    "sale rent hire use stock duty loan order season reach service display charge danger bloom heat school town print "
    "work repair offer tap holiday leave".split()
)
_MEETINGS = frozenset(
    "sunset sunrise tide breakfast lunch dinner check-in check-out checkout entry departure arrival start show feeding "
    "train bus boat ferry tram flight kick-off throw-off performance session tour boarding screening".split()
)
"""Nouns of what is at a time."""
UNITS = frozenset(
    "seconds minutes hours days weeks months years litres liters metres meters centimetres kilometres miles grams "
    "kilos degrees percent".split()
)
"""Keys that are units, and what is told in some."""
_ONE = frozenset(
    "bus gas lens atlas canvas pancreas alias news series christmas chess species headquarters tennis always".split()
)
_MANY = frozenset("people children fish sheep men women feet teeth mice geese skis taxis".split())
_MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?"
)
DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b"
_AT = re.compile(
    r"\d{1,2}:\d\d(?:(?:,| and|, and) \d{1,2}:\d\d)*$|\d{1,2}(?:[:.]\d\d)? ?[ap]m$"
    r"|noon$|midnight$|dawn$|dusk$|sunset$|sunrise$"
)
_ON = re.compile(
    rf"(?:{DAY}|weekends\b|weekdays\b|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?!\d)"
    r"|\d{4}-\d\d-\d\d)"
)
_IN = re.compile(
    rf"(?:(?:early |late |mid-?|about |around )?(?:{_MONTH}(?: \d{{4}})?|(?:1[0-9]|20)\d\d|spring|summer|autumn|winter"
    r"|\d{1,4} (?:AD|BC|CE|BCE)|the \w+ century)"
    r"(?: (?:and|or) .*)?)$"
)
_PAST = re.compile(r"\b(?:ago|yesterday|last|today|this)\b|\b1[0-9]\d\d\b|\b20[0-2]\d\b", re.IGNORECASE)
_OFTEN = re.compile(r"(?:every|daily|weekly|monthly|yearly|once|twice|each|on \w+days|always|never)\b", re.IGNORECASE)
_PHRASE = re.compile(
    r"(?:in|on|at|by|near|from|with|without|of|under|over|for|to|until|till|since|after|before|between|behind|about|"
    r"every|daily|weekly|once|twice|always|never|all|only|not|today|tomorrow|tonight|now|overnight|soon|day|"
    r"\w+ ago|yesterday|this|next|last|around|as|if|when|while|during)\b",
    re.IGNORECASE,
)
"""What follows "is": where, when or how it is so."""
_DEGREES = "nearly almost half quite not still fully partly very too mostly slightly being newly just".split()


def is_plural(words: str) -> bool:
    """Whether an English noun is a plural."""
    last = words.casefold().split(" ")[-1]
    return last in _MANY or (last not in _ONE and re.search("[^sui]s$", last) is not None)


def is_verb(key: str, value: str) -> bool:
    """Whether a key begins with a verb, with such a value: "sleeps", "goes with", but not "lives" of 3."""
    first = key.casefold().split(" ")[0]
    return first in _VERBS and not is_number_of(key, value)


def is_number_of(key: str, value: str) -> bool:
    """Whether a key that may be a verb is a noun, as there are so many of it."""
    return key.casefold() in _NUMBERED and value.isdigit()


def may_be_timed(key: str) -> bool:
    """Whether a time may follow a verb with a word before it, "opens on Friday", not "shows 3:17"."""
    return key.casefold() in _SOMETIMES


def one_of(words: str) -> str:
    """One of a plural."""
    *before, last = words.split(" ")
    return " ".join((*before, last[:-1] if re.search("(?:[ao]|rs|^u|ou)ses$|[aou]rses$", last) else single(last)))


def base_of(verb: str) -> str:
    """A verb as it is of several, "departs" as "depart"."""
    first, *rest = verb.split(" ")
    if re.search("[^aeiou]ies$", first):
        first = first[:-3] + "y"
    else:
        first = first[:-2] if re.search("(?:ss|sh|ch|x|zz|o)es$", first) else first.removesuffix("s")
    return " ".join((first, *rest))


def clause_of(key: str) -> tuple[str, str] | None:
    """The noun and the verb that a key is, "shift ends"."""
    noun, _, verb = key.rpartition(" ")
    is_verb = verb.casefold() in TIMED or (is_plural(noun) and verb in ("open", "close", "start", "end"))
    return (noun, verb) if noun and is_verb and not is_open(noun) else None


def is_participle(key: str) -> bool:
    """Whether a key is what was done with a thing: "taken", "watered", "first published"."""
    word = re.sub("^(?:first|last|newly) ", "", key.casefold())
    is_done = re.fullmatch(r"[a-z]{2,}[^e]ed", word) and word not in _NOT_DONE and not is_noun(word)
    return word in _PARTICIPLES or bool(is_done)


def is_adjective(key: str) -> bool:
    """Whether a key is how a thing is: "ready", "nut free", "sold out"."""
    word = key.casefold()
    if re.fullmatch(r"\w*[^s\W][ -]free|due back|sold out|fully booked|(?:rented|lent) out|out of \w+", word):
        return True
    ends_so = re.search("[a-z]{2,}(?:able|ible|ful|less|ous)$", word) is not None and not is_noun(word)
    return word in _ADJECTIVES or (ends_so and " " not in key)


def is_counted(key: str, value: str) -> bool:
    """Whether what is told under a participle is how many there were."""
    return key.casefold() in (_COUNTED if value.isdigit() and not when(value) else _PLAYED)


def was_by(key: str) -> bool:
    """Whether a key is by whom, or where, something was done: "built by"."""
    first, *rest = key.casefold().split(" ")
    return first in _EVENTS - _USUAL and rest in (["by"], ["in"], ["at"], ["on"])


def parts_left(key: str) -> str | None:
    """Of what a key tells how much is left, "seats left"; "" where it does not say; None: it does not tell it."""
    said = key.casefold()
    if said in ("left", "remaining", "still left", "remains"):
        return ""
    found = re.fullmatch("(.+?) (?:still )?(?:left|remaining)|(?:remaining|left over) (.+)", key, re.IGNORECASE)
    of = (found[1] or found[2]) if found else None
    return of if of and not is_open(of) else None


def parts_free(key: str) -> tuple[str, str] | None:
    """A noun and the word that tells that it is free, of "free berths" and "seats free"; no noun: "free"."""
    words = key.split(" ")
    states = ("free", "available", "vacant", "open", "spare", "unoccupied")
    if len(words) == 1 and words[0].casefold() in states[:3]:
        return "", words[0].casefold()
    if len(words) > 1 and words[0].casefold() in states and is_plural(key) and not is_open(key):
        return " ".join(words[1:]), words[0].casefold()
    if len(words) > 1 and words[-1].casefold() in states[:3] and is_plural(words[-2]):
        return " ".join(words[:-1]), words[-1].casefold()
    return None


def is_standing(key: str) -> bool:
    """Whether a key with an open end tells how a thing is: "reserved for", "on duty until", "full at"."""
    first, *rest = key.casefold().split(" ")
    stands = ("on", "in", "at", "off", "out", "weak", "native", "fit", "hardy", "here", "there", "away")
    is_so = first in stands or is_participle(first) or is_adjective(first)
    return bool(rest) and is_open(key) and is_so


def is_phrase(key: str) -> bool:
    """Whether a key tells where a thing is, or for what: "for sale", "in use", "on duty"."""
    first, *rest = key.casefold().split(" ")
    return first in ("for", "in", "on", "off", "out", "under", "at") and " ".join(rest) in _STANDING


def is_no_noun(key: str) -> bool:
    """Whether a key is a name, "Lisbon", tells when, ends in the middle of a phrase, "goes with", or is no noun by
    itself."""
    first, *rest = words = key.casefold().split(" ")
    if is_open(key):
        return True
    is_how_it_is = is_participle(key) or is_adjective(key) or is_phrase(key)
    if topic_of(key).words[1:] and is_topic(key) and not is_how_it_is:
        return False
    is_name = key[:1].isupper() and key[1:].islower() and not rest
    is_when = (first in _NOW and (not rest or first == "one")) or first == "this"
    is_when |= first in ("next", "last") and rest[:1] in (["week"], ["month"], ["year"], ["night"], ["time"])
    is_other = first in _VERBS and (not rest or not is_plural(key)) and not is_noun(single(first))
    ends = (
        "allowed",
        "included",
        "needed",
        "required",
        "ok",
        "left",
        *(("up", "down", "off") if len(words) == 2 else ()),
    )
    ends_so = bool(rest) and words[-1] in ends
    is_other |= is_participle(key) or is_adjective(key) or _LARGER.fullmatch(first) is not None
    is_other |= key.casefold() in PAST
    return is_name or is_when or is_other or ends_so or is_phrase(key) or first in _NO_NOUNS


def is_open(key: str) -> bool:
    """Whether a key ends in the middle of a phrase: "goes with"."""
    return key.casefold().split(" ")[-1] in _OPEN_ENDS


def when(value: str) -> str:
    """The word before a time: "at " 12:30, "on " Friday, "in " 1834; nothing before another."""
    if re.match(r"\d{1,2}:\d\d to \d", value):
        return "from "
    value = value[:1].upper() + value[1:] if re.match(_MONTH, value, re.IGNORECASE) else value
    return "at " if _AT.match(value) else "on " if _ON.match(value) else "in " if _IN.match(value) else ""


def at_for(name: str, value: str) -> str:
    """The word before the time of what a noun is, "at " of a departure."""
    is_time = re.fullmatch(r"\d{1,2}:\d\d(?: to \d{1,2}:\d\d)?", value) is not None
    return when(value) if is_time and name.casefold().split(" ")[-1] in _MEETINGS else ""


def is_past(key: str, value: str) -> bool:
    """Whether what is told under a participle was so, not is."""
    is_event = key.casefold().split(" ")[-1] in _EVENTS
    is_phrase = re.match(r"(?:in|on|at|by|near|from|with|under|for)\b", value) is not None
    is_past = re.search(r"\b(?:AD|BC|century)\b", value) is not None
    return not _OFTEN.match(value) and bool(is_past or _PAST.search(value) or (is_event and (when(value) or is_phrase)))


def follows(value: str) -> bool:
    """Whether a value tells where, when or how something is so."""
    return bool(when(value)) or _PHRASE.match(value) is not None or value.endswith(" ago")


def is_how(value: str) -> bool:
    """Whether a state follows "is": "empty", "nearly empty", "delayed by 50 minutes", "out of order"."""
    words = value.split(" ")
    degree = words[0] in _DEGREES
    rest = " ".join(words[degree:])
    if value.startswith(("a bit ", "a little ")):
        return True
    if not value or not value[0].islower():
        return re.search(r"^\d[\w ]* (?:late|early|old)$", value) is not None
    is_so = is_state(rest) or is_participle(rest) or is_adjective(rest) or (len(words) > 1 and is_standing(value))
    begins_so = is_participle(words[0]) and len(words) > 1 and _PHRASE.match(" ".join(words[1:])) is not None
    is_so |= begins_so or (words[0] == "being" and len(words) == 2)
    return is_so or re.match(r"(?:in|on|at|out|under|off|not) ", value) is not None


def asks(key: str) -> tuple[str, str] | None:
    """How what is told under a key is asked for: the question's word and the verb or "be" and what follows it, "when"
    and "departs", "whether" and "be taken"; None: it is a noun, or nothing of these."""
    word = key.casefold()
    if word == "distance":
        return "how far away", "be"
    first, *rest = word.split(" ")
    is_plain_verb = first in _VERBS and (first in _SURE or not is_noun(single(first)))
    if is_plain_verb and rest and is_open(word):
        whom = "whom" if word == "belongs to" else "where" if first in _WHERE and rest == ["to"] else "what"
        return whom, word
    if is_plain_verb and rest:
        return "whether", word
    if is_plain_verb:
        which = "when" if first in TIMED else "where" if first in _WHERE else "whether" if first in _WHETHER else "what"
        return _HOW.get(first, which), word
    if word == "from":
        return "where", "be from"
    if is_standing(key) and rest:
        *how, last = word.split(" ")
        is_held = how[0] in ("booked", "reserved", "taken", "staffed", "closed", "rented", "lent")
        if last in ("until", "till", "from", "since") and (is_held or not is_participle(how[0]) or last != "from"):
            return f"{last} when", f"be {' '.join(how)}"
        if last == "on" and is_held:
            return "when", f"be {' '.join(how)}"
        return ("by whom", f"was {' '.join(how)}") if last == "by" else ("what", f"be {word}")
    if word in ("won", "lost", "drawn", "scored"):
        return None
    if is_participle(key):
        is_both = word in ("made", "found", "bought", "born")
        return (
            ("when or where" if is_both else "when", f"was {word}")
            if word.split(" ")[-1] in _EVENTS - {"sold"}
            else ("whether", f"be {word}")
        )
    if is_adjective(key) or is_phrase(key):
        return "when" if word == "open" else "whether", f"be {word}"
    return None
