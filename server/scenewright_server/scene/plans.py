"""The language of plans: what a question asks, as an operation and its slots.

("is", "small mug", "on", "table"): a slot that names a thing holds its looks and its noun; "thing" is any noun, "it"
what the answer before settled on, "left one" one of several that it named.
"""

from __future__ import annotations

Plan = tuple[str, ...]

LOOKS = ("size", "pattern", "colour")
RELATIONS = ("left", "right", "behind", "front", "on", "under")
PLAN_WORDS = (
    "colour pattern size kind where distance reach nearest exist count is what closer farther taller apart closest "
    "farthest centre list beyond left right behind front on under me it one thing"
).split()
"""Operations, relations and what may stand for a thing; a plan's other words are looks, kinds and the question's."""
BY_HEART = ("beyond", "it")
"""The plan of an answer that nothing here settles and that a fine-tuned decoder has learnt."""
