"""Which plan answers a user's question: the one that, carried out, gives what the user's answer says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from scenewright_server.families.diorama.results import words
from scenewright_server.languages.en import article, plural
from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.findings import Answer, Refusal, Several
from scenewright_server.scene.lookup import Lookup
from scenewright_server.scene.plans import BY_HEART, LOOKS, Plan
from scenewright_server.scene.words import normalise
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import QUESTIONS, RELATIONS

MIN_LIKENESS = 0.55  # of a question to the forms in which its plan is asked for
LOOK_WORDS = {value for look in LOOKS for value in ATTRIBUTES[look]}
NOUNS = {form: kind for kind in (*ATTRIBUTES["kind"], "thing") for form in (kind, plural(kind))}
ONE = ("colour", "pattern", "size", "kind", "where", "reach", "nearest", "exist", "count")
TWO = ("closer", "farther", "taller")
NONE = ("list", "centre", "closest", "farthest")


def find_plan(question: str, answer: str, lookup: Lookup, nouns: Sequence[str]) -> Plan:
    """The plan of a question about the entries of `lookup`, whose nouns are `nouns`.

    Of the plans whose result the answer tells, the one whose usual questions are most like this one; BY_HEART where
    there is none: then the answer is learnt by heart.
    """
    asked = normalise(question)
    best: Plan = BY_HEART
    likeness = MIN_LIKENESS
    for plan, usual in candidates(asked):
        how = SequenceMatcher(None, usual.split(), asked.split()).ratio()
        if how > likeness and tells(normalise(answer), lookup.find(plan).answer, nouns):
            best, likeness = plan, how
    return best


def candidates(question: str) -> Iterator[tuple[Plan, str]]:
    """Plans with the names in a question, each with forms in which it is asked for."""
    names = list(dict.fromkeys(_names(question)))
    for operation in NONE:
        yield from (((operation,), form) for form in QUESTIONS[operation]["en"])
    for slot in names:
        said = {"count": plural(slot), "exist": f"{article(slot)} {slot}"}
        for operation in ONE:
            name = said.get(operation, f"the {slot}")
            yield from (((operation, slot), form.format(name)) for form in QUESTIONS[operation]["en"])
        for relation, rel in _relations(question):
            yield from ((("what", relation, slot), f.format(f"the {slot}", rel=rel)) for f in QUESTIONS["what"]["en"])
        for other in names:
            if other != slot:
                both = (f"the {slot}", f"the {other}")
                for operation in TWO:
                    yield from (((operation, slot, other), f.format(*both)) for f in QUESTIONS[operation]["en"])
                for relation, rel in _relations(question):
                    yield ("is", slot, relation, other), QUESTIONS["is"]["en"][0].format(*both, rel=rel)


def tells(answer: str, found: Answer, nouns: Sequence[str]) -> bool:
    """Whether an answer says what was found: its words, or else the nouns of the things that it points at."""
    if isinstance(found, Refusal | Several):
        return False
    said = answer.split()
    told = words(found)
    if told:
        return all(word in said for word in told)
    return all(nouns[k] in said for k in found.things)


def entry_nouns(entries: Sequence[Entry], seen: Detections) -> list[str]:
    """What the image tower takes each entry for."""
    kinds, posteriors = ATTRIBUTES["kind"], seen.attributes["kind"]
    return [kinds[int(posteriors[e.detection].argmax())] if e.detection is not None else "" for e in entries]


def name_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a text names things: begin, end, noun, with the looks before it."""
    found = re.finditer(rf"\b(?:(?:{'|'.join(LOOK_WORDS)}) )*({'|'.join(NOUNS)})\b", text.lower())
    yield from ((match.start(), match.end(), NOUNS[match[1]]) for match in found)


def _names(question: str) -> Iterator[str]:
    for begin, end, noun in name_spans(question):
        *looks, _ = question[begin:end].split()
        yield " ".join([*looks, noun])


def _relations(question: str) -> Iterator[tuple[str, str]]:
    for relation, forms in RELATIONS.items():
        yield from ((relation, rel) for rel in forms["en"] if f" {rel} " in f" {question} ")
