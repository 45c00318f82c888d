"""What is told of a thing that keeps people from using it: that it is out of order, taken, sold out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scenewright_server.scene import expressions as x
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.descriptions import clauses
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.matching import fold
from scenewright_server.scene.replies import Told
from scenewright_server.scene.scene import Things
from scenewright_server.scene.states import is_state
from scenewright_server.scene.topics import topic_of

_UNFIT = (
    r"out of (?:order|service|use|stock)|not working|sold out|under repair|in repair|being repaired|cancelled|broken|"
    r"jammed|停用|停运|停业|坏了|故障|维修中|检修中|售罄|已?卖完了?|缺货|取消"
)
"""States that keep people from using a thing, whatever it is."""
_HINDERING = re.compile(
    rf"(?:(?:still|now|currently|already|temporarily) )?(?:(?:{_UNFIT}|out of (?:paper|ink)|not (?:in use|available)|"
    r"closed|locked|padlocked|barred|bolted|sealed|nailed shut|burnt out|empty|overflowing|taken|occupied|in use|"
    r"engaged|busy|reserved|booked|fully booked|sold|rented|hired out|lent out|on loan|paper jam|stuck|blocked|clogged|"
    r"frozen|flooded|being cleaned|defective|faulty|damaged|torn|leaking|offline|unplugged|dead|flat|down for|"
    r"expired|asleep)(?![\w-])|停机|坏|维修|检修|关闭|关门|打烊|歇业|上锁|锁着|锁住|反锁|封闭|封锁|有人|使用中|占用|坐满|满座|客满|已满|卖光|断货|缺纸|"
    r"缺墨|没电|没水|断电|堵|漏|已售|已订|已预订|预订|借出|租出|清洗中|打扫中|消毒中|死机|离线|睡着)"
)
"""How the value of a state begins that keeps people from using a thing."""
_ALONE = re.compile(
    rf"(?:currently |temporarily )?(?:{_UNFIT}|closed(?= (?:today|for|until)))(?: (?:today|now|since|for|until)\b.*|)"
)
"""A clause that tells such a state and no more than since when, or until when."""


def hindrances(choosing: Choosing, asked: Iterable[object], things: Things) -> tuple[Told, ...]:
    """The states of things that keep people from using them; of none where what is asked is chosen by states, so that
    the user knows of them. `asked`: the expressions of the question."""
    if any(_is_of_states(choosing, part) for part in asked):
        return ()
    return tuple(told for k in things for told in _states_of(choosing.scene.entries[k].graph, k))


def _states_of(graph: GraphObject | None, k: int) -> list[Told]:
    """Those that facts tell, else those that the description tells."""
    if graph is None:
        return []
    texts = [(fact.key, fact.value) for fact in graph.facts if isinstance(fact.value, str)]
    states = [(key, text) for key, text in texts if topic_of(key).words[0] == "state"]
    told = [Told((k,), key, text) for key, text in states if _HINDERING.match(fold(text))]
    alone = (clause for clause in clauses(graph.description) if _ALONE.fullmatch(fold(clause)))
    return told or [Told((k,), "state", clause[:1].lower() + clause[1:]) for clause in alone]


def _is_of_states(choosing: Choosing, part: object) -> bool:
    match part:
        case x.Look(words):
            return is_state(words)
        case x.Named(words):
            return choosing.is_state(words)
        case x.Compared(key) | x.Has(key):
            return topic_of(key.name).words[0] == "state"
    return False
