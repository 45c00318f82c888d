"""Whether what is told of a thing makes it so: words for states imply each other and exclude each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from scenewright_server.scene.matching import fold, is_negated, looks_so, rivals, tells
from scenewright_server.scene.words import is_chinese

_TABLE = """
open, opened, ajar, not closed, not locked / open, opened, ajar, tilted, not closed, not shut / closed, shut, locked,
 sealed, barred, bolted, padlocked, blocked
closed, shut, not open / closed, shut, locked, sealed, barred, bolted, padlocked / open, opened, ajar, tilted
locked, sealed, barred, bolted / locked, sealed, barred, bolted, padlocked / open, unlocked, ajar
unlocked, not locked / unlocked, open / locked, sealed, barred, bolted, padlocked
blocked, obstructed, clogged / blocked, obstructed, clogged / clear, open, free, passable
clear, passable / clear, passable / blocked, obstructed, clogged
on, lit, switched on, turned on, running / on, lit, running, playing, burning, brewing, washing /
 off, unlit, switched off, not running, standby
burning / burning, lit / off, unlit, not lit, switched off
playing / playing / off, switched off, stopped, paused, standby
running, in operation / running, in operation / stopped, halted, paused
stopped, halted / stopped, halted, not running / running, playing, brewing, washing
off, unlit, switched off, turned off / off, unlit, not running / on, lit, running, playing, burning
full, filled / full, filled, fully booked / empty, half full, half empty, drained
empty, drained / empty, drained / full, filled, occupied, half full, half empty
free, available, vacant, unoccupied, idle / free, available, vacant, unoccupied, idle, not taken, not occupied,
 not in use, not reserved, not booked / reserved, occupied, taken, in use,
 engaged, booked, busy, sold, rented, rented out, hired out, lent out, on loan, blocked, out of order, out of service,
 under repair, in repair, being repaired, being cleaned, not free, not available
taken, occupied, in use, engaged, busy, reserved, booked / taken, occupied, in use, engaged, busy, reserved, booked,
 rented, rented out, hired out, not free / free, available, vacant, unoccupied, idle, not taken, not occupied,
 not in use, not reserved
rented, rented out, hired out, lent out, on loan / rented, rented out, hired out, lent out, on loan / free, available,
 vacant, unoccupied
working, works, functional, operational, usable, ready, intact, fixed, repaired / working, works, functional,
 operational, usable, ready, online, intact, repaired / broken, out of order, out of service, damaged, defective,
 faulty, not working, not running, offline, under repair, in repair, being repaired, jammed, cracked, blocked, stopped,
 out of paper, out of ink, out of water, being cleaned, being serviced, under maintenance
intact, undamaged, unbroken, whole, in one piece / intact, undamaged, unbroken, whole, in one piece / cracked, chipped,
 broken, damaged, torn, dented
not working, out of order, out of service / not working, out of order, out of service, broken, defective, faulty,
 offline, under repair, in repair, being repaired, jammed / working, works, functional, operational, usable, ready,
 online, intact, repaired
broken, out of order, damaged, defective, faulty, cracked / broken, out of order, damaged, defective, faulty, jammed,
 not working, cracked / working, works, functional, operational, usable, ready, online, intact, repaired
clean, tidy / clean, tidy, washed, spotless / dirty, messy, untidy, stained, dusty
dirty, messy, untidy / dirty, messy, untidy, stained, dusty / clean, tidy, washed, spotless
wet, damp / wet, damp, soaked / dry
dry / dry / wet, damp, soaked
finished, done / finished, done / running, in progress, washing, brewing
plugged in / plugged in / unplugged
unplugged / unplugged / plugged in
tight / tight / loose
loose / loose / tight
straight, level / straight, level / crooked, askew, lopsided
crooked, askew, lopsided / crooked, askew, lopsided / straight, level
real, genuine, authentic / real, genuine, authentic / artificial, fake, replica, imitation, dummy
staffed, manned / staffed, manned / unstaffed, unmanned, unattended
asleep, sleeping / asleep, sleeping / awake
awake / awake / asleep, sleeping
hot, warm / hot, warm / cold, cool, lukewarm, frozen
cold, cool / cold, cool, frozen / hot, warm
alive / alive / dead
dead / dead / alive
ripe / ripe, overripe / unripe, green
made, tidied / made, tidied / unmade
sold out, out of stock / sold out, out of stock / in stock, available
in stock, available / in stock, available / sold out, out of stock
online / online / offline
offline / offline / online
开, 开着, 打开, 亮着, 开机 / on, lit, running, open, ajar / off, unlit, closed, shut, locked
关, 关着, 关上, 关了, 关机 / off, unlit, closed, shut, locked / on, lit, running, open, ajar
锁, 锁着, 上锁, 锁住 / locked, sealed / unlocked, open, ajar
空闲, 有空, 没人, 空着 / free, available, vacant, unoccupied / occupied, taken, in use, reserved, booked, busy
有人, 占用, 预订 / occupied, taken, in use, reserved, booked, busy / free, available, vacant, unoccupied
正常, 能用 / working, works, functional, operational, usable, ready, intact / broken, out of order, damaged, faulty,
 not working
满, 满了, 装满, 有水 / full, filled / empty, drained
空, 空的, 空着, 没水 / empty, drained / full, filled
睡着, 在睡 / asleep, sleeping / awake
醒着 / awake / asleep, sleeping
干净 / clean, tidy, washed / dirty, messy, stained
脏 / dirty, messy, stained / clean, tidy, washed
坏, 坏了 / broken, out of order, damaged, faulty, not working / working, works, functional, operational, usable, ready,
 intact
开, 开着, 打开, 打开着, 敞开, 亮, 亮着, 开启, 开机, 没关, 没锁 / 开着, 打开, 敞开, 亮着, 开启, 开机, 半开, 运行, 没关严,
 没关好, 没关紧, 没关上, 虚掩, 斜开 / 关着, 关闭, 关上, 关了, 已关, 关机, 灭, 黑屏, 上锁, 锁着, 锁住, 紧闭, 封闭
关, 关着, 关闭, 关上, 关了, 关机, 灭, 灭着, 灭了, 熄灭, 没开 / 关着, 关闭, 关上, 关了, 已关, 关机, 灭, 黑屏, 上锁, 锁着,
 锁住, 紧闭, 封闭 / 开着, 打开, 敞开, 亮着, 开启, 开机, 半开, 运行, 没关严, 没关好, 没关紧, 没关上, 虚掩, 斜开
运行, 运行中, 在运行, 运转, 在运转 / 运行, 运转, 开着, 开机 / 停止, 停机, 停运, 停转, 停了, 关机, 关着, 关闭
停了, 停止, 停机, 停运, 停转 / 停止, 停机, 停运, 停转, 停了 / 运行, 运转
开放, 营业, 营业中 / 开放, 开着, 营业 / 暂停, 关闭, 关门, 停业, 打烊, 歇业, 停用, 封闭, 封锁
锁, 锁着, 上锁, 锁住, 锁上, 锁了 / 锁着, 上锁, 锁住, 锁上, 已锁, 上了锁, 上了童锁 / 没锁, 未锁, 开着, 打开, 敞开
没锁, 未锁, 没上锁 / 没锁, 未锁, 开着, 打开, 敞开 / 锁着, 上锁, 锁住, 锁上, 已锁, 上了锁, 上了童锁
满, 满了, 装满, 有水, 有东西 / 满, 有水 / 空的, 空着, 见底, 半满
空, 空的, 空着 / 空的, 空着, 见底 / 满, 有人, 占用, 有水
空闲, 有空, 没人, 空着 / 空闲, 有空, 空着, 空位, 没人, 可用, 空的 / 使用中, 占用, 有人, 已预订, 预订, 被占, 预约,
 满座, 客满, 没有空位, 维修, 停用
空位, 有空位, 有位, 有位子, 有座, 有座位, 有空 / 空位, 空座, 余位, 有位, 有座, 空着, 空闲 / 满座, 坐满, 客满, 满员,
 订满, 约满, 没有空位, 没空位, 没位, 没座, 没有座
满, 满了, 满座, 客满, 满员, 坐满, 没位, 没位子, 没座, 没有空位, 没空位 / 满座, 坐满, 客满, 满员, 订满, 约满, 没有空位,
 没空位, 没位, 没座, 没有座 / 空位, 空座, 余位, 有位, 有座
有电, 电满, 电足 / 有电, 充满电, 满电 / 没电, 断电, 停电, 没有电
没电, 没有电, 断电, 停电 / 没电, 没有电, 断电, 停电 / 有电, 充满电, 满电
停用, 停运 / 停用, 停运, 停止使用 / 正常, 能用, 可用, 启用, 运行
黑屏 / 黑屏 / 亮着, 开机, 亮屏
封闭, 封锁 / 封闭, 封锁 / 开放, 开着, 打开, 敞开
有人, 占用, 使用中, 预订, 已预订 / 有人, 占用, 使用中, 预订, 被占, 预约 / 空闲, 有空, 空着, 没人, 可用
正常, 能用, 可用, 好的, 完好, 就绪, 修好 / 正常, 能用, 可用, 完好, 就绪, 良好, 修好 / 坏了, 损坏, 故障, 维修, 停用,
 停运, 没电, 破损
坏, 坏了, 损坏, 故障, 破 / 坏了, 损坏, 故障, 维修, 停用, 破损, 裂 / 正常, 能用, 可用, 完好, 就绪, 良好, 修好
干净, 整洁 / 干净, 整洁 / 脏, 凌乱, 乱糟糟
脏, 乱, 凌乱 / 脏, 凌乱, 乱糟糟 / 干净, 整洁
免费, 不要钱 / 免费 / 收费
有货, 现货 / 有货, 现货 / 缺货, 售罄, 卖完, 卖光, 断货, 无货
缺货, 售罄, 卖完, 卖光, 断货 / 缺货, 售罄, 卖完, 卖光, 断货, 无货 / 有货, 现货
睡着, 在睡 / 睡着, 睡觉, 熟睡 / 醒着
醒着 / 醒着 / 睡着, 睡觉, 熟睡
"""
"""A state a line, which may go on: words for it / what texts that tell it say / what texts that belie it say."""


def _read(table: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    lines = [
        [tuple(half.split(", ")) for half in line.split(" / ")]
        for line in table.strip().replace("\n ", " ").splitlines()
    ]
    states: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for asked, told, belied in lines:
        for word in asked:
            ours, theirs = states.get(word, ((), ()))
            states[word] = ((*ours, *told), (*theirs, *belied))
    return states


_STATES = _read(_TABLE)
_FULLY = {
    word: next(its for its in told if is_chinese(its) and word in its)
    for word, (told, _) in _STATES.items()
    if len(word) == 1 and is_chinese(word) and any(is_chinese(its) and word in its for its in told)
}
"""States of one character as those of more: 开着 of 开."""
STATE_WORDS = {word for asked, (told, belied) in _STATES.items() for word in (asked, *told, *belied)}
"""All words for states that exclude each other."""
_HOURS = re.compile(
    r"\b(?:opens|closes|opening|closing|(?<!24 )hours|daily|every|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b|"
    r"\d:\d\d|(?<!since )\b(?:1\d|20)\d\d(?![\d.])|"
    r"\d ?[ap]m\b|^(?:营业|开放|运营|服务)时间|[\d一二三四五六七八九十两]点|周[一二三四五六日末]|每[天日周]|[雨雪]天"
)
"""A text that tells when something is open, not that it is."""
_DENIED = re.compile(
    r"(?:(?:is|are|was|were|does|do|did|has|have) )?(?:not|no|never|without|free of|free from) (?:(?:yet|any|longer) )?"
    r"|non[- ]|un(?=[a-z]{4})|[不没无]|[未非](?=..)"
)
_IDIOM = re.compile(
    r"\b(?:mend|repair|fix|swap|replace|restore|unblock|clear)(?:e?s|ing)? (?:[\w'-]+ )?"
    r"(?:broken|cracked|damaged|torn|faulty|blocked|clogged)\b|坏了?[也都的]?[能可会]?修|"
    r"\b\w+-free\b|\bfree (?:of(?! charge)|from)\b|\bbolted (?:to|on|onto|down|together)\b|"
    r"(?:\bhands|%|\bpercent) o(?:n|ff)\b|"
    r"没电[梯视脑话]|灭[火菌蚊蝇虫鼠]|[消不]灭|封闭[式性]|满[意减足\d一二三四五六七八九十百]|[买圆饱丰]满|充满[要需]"
)
"""Words for states within words for something else."""
_PARTLY, _PART_FULL = "nearly|almost|not quite|barely|hardly", "|half|thirds?|quarters?"
_HALF = re.compile(r"\b(?:half|partly|partially|slightly)[ -]\w|半[开关掩闭]|虚掩")
_HALF_SHUT = re.compile(r"\b(half|partly|partially)[ -](?:closed|shut)\b|半[关掩闭]着?")
"""What is as much half open."""
_SAID_AT_LENGTH = (
    "reserved", "booked", "taken", "occupied", "in use", "rented", "hired", "sold", "out of order", "out of service",
    "broken",
)  # fmt: skip
"""What says more may follow: "reserved for Mr Osei from seven"."""
_OPEN = {"open", "closed", "开放"}
_HAVING = "含有放加带是能会要用"
_WITHOUT = re.compile(r"(?!hands|toll|duty|tax)([a-z]\w+(?: [a-z]\w+)?)[ -]free")
"""What is free of something."""
_STATE = re.compile(r"(?:current )?(?:state|status|condition|availability)\b|当?前?(?:状态|状况|情况)")
_SINGLE = re.compile(rf"^((?:{_STATE.pattern})? ?)({'|'.join(_FULLY)})(?=$|[,，、;；。 ])")
"""A state of one character that a fact tells."""
MAX_STATE_CHARS = 28
"""Where no fact is a state, a clause that tells one is not longer: "closed on Mondays and holidays" is none."""
_ASKED = re.compile(r"^(?:能|会|可以?|给|让|允许|准)(?=.)|^[有含带](?=..)")
"""Before what may be negated in a text: 能骑 of 不给骑."""


def is_state(words: str) -> bool:
    """Whether these are words for a state that another state excludes."""
    said = fold(words)
    return said in STATE_WORDS or said.split(" ")[0] in STATE_WORDS


def is_state_alone(words: str) -> bool:
    """Whether these are a state's very words, of two letters at least: 锁 is a thing, too."""
    return fold(words) in _STATES and len(words) > 1


def is_half(text: str) -> bool:
    """Whether a text tells of a state that holds in part: "half open"."""
    return _HALF.search(fold(text)) is not None


def is_so(words: str, texts: Sequence[str]) -> bool | None:
    """Whether things of which this is told, folded, are so; None where that is not told."""
    said = re.sub(r"^(?:still|now|already|currently|还|已经) ?", "", fold(words))
    if said in _STATES:
        texts = [_SINGLE.sub(lambda found: found[1] + _FULLY[found[2]], text) for text in texts]
        texts = [_HALF_SHUT.sub(_half_open, _IDIOM.sub("|", text)) for text in texts]
    verdict = _has_state(said, texts) if said in _STATES else looks_so(said, texts) or None
    if _WITHOUT.fullmatch(said):
        verdict = verdict or looks_so(said.replace("-", " "), [text.replace("-", " ") for text in texts]) or None
    asked = _ASKED.sub("", said) if is_chinese(said) else said
    if verdict is None and any(is_negated(its, texts) for its in dict.fromkeys((said, asked))):
        return False
    if verdict is None and (rest := _denied(said)) is not None:
        verdict = is_so(rest if rest in _STATES else rest.lstrip(_HAVING) or rest, texts) if rest else None
        verdict = None if verdict is None else not verdict
    if verdict is not None:
        return verdict
    if rivals(words, texts) or (len(said) > 3 and looks_so(f"un{said}", texts)):
        return False
    parts = said.split(" ")
    is_part_denied = len(parts) > 1 and any(
        all(looks_so(part, [text]) or is_negated(part, [text]) for part in parts)
        and any(is_negated(part, [text]) for part in parts)
        for text in texts
    )
    return False if is_part_denied else None


def _denied(said: str) -> str | None:
    """What words deny: nuts where they are "without nuts" or "nut-free"; None of others."""
    free = _WITHOUT.fullmatch(said)
    denied = _DENIED.match(said)
    return free[1] if free else said[denied.end() :] if denied else None


def _half_open(found: re.Match[str]) -> str:
    return f"{found[1]} open" if found[1] else "半开"


def _has_state(said: str, texts: Sequence[str]) -> bool | None:
    """Whether things are in a state, first by the facts that are states, then by all that tells it."""
    told, belied = _STATES[said]
    own = [text for text in texts if _STATE.match(text)]
    may_be, not_so, partly = _aside(said)
    rest = [may_be.sub("|", text) for text in texts]
    if _OPEN & {*told, *belied}:
        rest = [text for text in rest if not _HOURS.search(text)]
    short = [piece for text in rest for piece in re.split("[,，、;；]", text) if _is_short(piece.strip())]
    for direct, states in ((own, own), (rest, [] if own else short)):
        if any(partly.search(text) for text in direct):
            return False
        if len(said) > 1 and tells(said, [not_so.sub(" ", text) for text in direct]):
            return True
        if any(tells(word, states) for word in belied):
            return False
        states = [not_so.sub(" ", text) for text in states]
        if any(tells(word, states) for word in told):
            return True
    return None


def _is_short(piece: str) -> bool:
    """Whether a clause tells a state and hardly more."""
    return len(piece) <= MAX_STATE_CHARS or (len(piece) <= 2 * MAX_STATE_CHARS and piece.startswith(_SAID_AT_LENGTH))


@lru_cache(maxsize=512)
def _aside(said: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What tells that things may or should be in a state, what belies it in words that tell it, "half full", and that
    they are nearly so."""
    told, belied = _STATES[said]
    words = [re.escape(its).replace(r"\ ", "[ -]") for its in belied if any(word in its for word in told)]
    any_state = "|".join(map(re.escape, {said, *told, *belied}))
    may_be = re.compile(
        r"\b(?:(?:to|may|can|could|must|will|please) (?:be )?|(?:until|unless|once|before|after|if|when) (?:it is )?)"
        rf"(?:{any_state})\b|\b(?:{any_state}) (?:in|within) (?:\d+|an?|two|three|four|five|a few|some) \w+"
    )
    nearly = _PARTLY + (_PART_FULL if "full" in told or "empty" in told else "")
    partly = rf"\b(?:{nearly})[ -]{re.escape(said)}\b|(?:快要?|半)(?=[满空]){re.escape(said)}"
    return may_be, re.compile("|".join(words) or "(?!)"), re.compile(partly)
