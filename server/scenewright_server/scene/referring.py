"""What "those" means after a fact that names other things: "the hotels nearby are Otter Inn and Old Mill"."""

from __future__ import annotations

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.scene import Things


def those_of(question: q.Question, choosing: Choosing) -> Things:
    """The things that "those" are in a question: what the turn before spoke of or, where it told of a thing names of
    others, these. Of the two it is the one of which anything is known by the keys that the question goes by; of
    several that were named, only a question that picks among them or lists them is asked."""
    before = choosing.before
    if before is None:
        return ()
    named = _named(before.question, before.things, choosing)
    if not named:
        return before.things
    keys = [part for part in q.all_within(question) if isinstance(part, x.Key) and part.to is None]
    is_known = [any(choosing.is_known(key, k) for key in keys for k in its) for its in (named, before.things)]
    if keys and is_known[0] != is_known[1]:
        return named if is_known[0] else before.things
    picks = isinstance(question, q.Name | q.Count | q.Exist) and any(
        isinstance(link, x.Those) for link in _links(question.of)
    )
    return named if len(named) == 1 or picks else before.things


def _named(question: q.Question, things: Things, choosing: Choosing) -> Things:
    """What the answer to a question of facts named beside the things that it was asked of."""
    keys = question.keys if isinstance(question, q.Fact) else ()
    told = [choosing.comparing.tell(key.name, k) for key in keys if key.to is None for k in things]
    texts = [its.value for its in told if its is not None and isinstance(its.value, str) and not its.is_quoted]
    named = [k for text in texts for k in choosing.scene.named_by(text) if k not in things]
    return tuple(dict.fromkeys(named))


def _links(of: x.Set) -> tuple[x.Set, ...]:
    return of.links if isinstance(of, x.Narrowed) else (of,)
