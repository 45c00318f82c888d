"""What is told of things under a key as a Chinese sentence; where the form is not sure, "椅子，免费：是。"."""

from __future__ import annotations

import re
from typing import Any

from scenewright_server.languages.speaking import is_bare_number
from scenewright_server.languages.zh import Chinese
from scenewright_server.languages.zh_wording import REMAINING, amount_text, is_no_noun, is_when, name_of
from scenewright_server.scene.replies import Grouped
from scenewright_server.scene.words import is_chinese

_OPENING = ("opens", "unlocks", "打开")
_LIKES = frozenset(
    "喜欢 讨厌 害怕 怕 想要 需要 擅长 爱 爱吃 卖 认识 适合 连接 教 含 含有 不含 禁止 严禁 忌 忌食 供应 支持 包含 "
    "包括".split()
)
"""Verbs of what."""
_WHERE = frozenset("住在 来自 开往 前往 驶向 通往 通向 位于 源自 产自 毕业于".split())
_BORN = frozenset("死于 卒于 生于 出生于 建于 写于 成书于 创作于 作于 发现于 出土于".split())
_DOING = _LIKES | _WHERE | _BORN | frozenset("会 属于 归 借给 送给 卖给 献给".split())
"""Keys that are no nouns: what stands between a thing and a value."""
_AT_HOURS = frozenset(
    "上班 下班 开饭 打烊 发车 开车 出发 到达 到站 开场 开演 散场 关门 开门 熄灯 起飞 降落 开始 结束 截止 交班 换班 "
    "起床 睡觉 停售 闭馆 开馆 闭园 开园 收摊 出摊 退房 入住 登机 休息 午休 喂食 浇水 "
    "换水 营业 开放 打扫 查房 送餐 到期 过期".split()
)
"""Verbs of what happens at an hour or on a day."""
_SINCE = frozenset("建成 建造 始建 成立 创立 创办 修建 落成 出土 出版 出生 发现 去世 发掘".split())
"""Verbs that stand before a year or a place."""
_ACTS = frozenset(
    "吃 喝 吹 坐 摸 咬 骑 开 关 拿 碰 洗 睡 站 用 听 看 买 借 修 退 拍 打 养 动 飞 跑 叫 加热 拍照 试穿 试用".split()
)
"""Verbs that ask whether one may."""
_STATES = frozenset(
    "免费 营业 缺货 有货 占用 有人 没人 空闲 预订 开着 关着 打折 防水 有毒 可食用 怀孕 结婚 坏了 上锁 "
    "过敏 危险 包邮 在售".split()
)
_DAYS = re.compile(r"(?:今|明|昨|后)[天日晚早]|现在|目前|周末|平时|节假日|(?:周|星期)[一二三四五六日天末]$")
_TIMES = re.compile(
    r"(?:今|明|昨|后)[天日晚早]|现在|目前|上周|下周|本周|这周|周末|(?:周|星期)[一二三四五六日天末]|[上下]午|早上|早晨|中午|晚上|夜间|夜里|平时"
    r"|节假日|第[一二三四五六七八九十\d]+步|步骤[一二三四五六七八九十\d]+|最[高低多少大小]|[至最]少|其他|满|等"
)
_ASKS = re.compile(r"(?:是否|能否|可否|有没有|能不能|可不可以|会不会|怎么|如何|为什么|被|谁)")
_MAY = re.compile(r"(会|能|可以|可|让)(?!员|议|计|场|费|量|力|源|乐|否|不)(.+)")
_ENDS = re.compile(r".+(?:于|至|给|自|往|到)$")
_NO_ENDS = frozenset("补给 供给 亲自 以往 交往 关于 由于 报到 签到 迟到 至于 等于".split())
_ANSWERS = frozenset("是 否 不 能 不能 会 不会 可以 不可以 有 无 没有 不是 对 不行 行".split())
_DAY = re.compile(
    r"(?:每?(?:周|星期)[一二三四五六日天末](?!次).{0,6}|每[天日晚早].{0,4}|\d{1,2}月\d{1,2}[日号]|明天|今天|今晚|后天"
    r"|(?:周|星期)?.{0,5}?\d{1,2}:\d\d(?:[-—–~到至]\d{1,2}:\d\d)?(?:[前后起])?)$"
)
_HOW_OPENED = re.compile(r"[用需要靠拿按推拉转输刷]|.*开$")


def grouped(found: Grouped) -> str:
    """The values that things have under a key, and of those that were picked of how many things, or what they have
    together: "有两个：瑞典和芬兰。", "是Halden，一共11分。"."""
    names = [its.value.strip(" .。") if isinstance(its.value, str) else amount_text(its.value) for its in found.groups]
    listed = "和".join(["、".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    if not found.is_picked:
        return f"有{Chinese().count(len(names))}：{listed}。"
    its = found.groups[0]
    each = "各" if len(names) > 1 else ""
    if its.amount is None:
        return f"是{listed}，{each}有{Chinese().count(len(its.things))}。"
    name = name_of(found.by) if is_bare_number(found.by, its.amount) else ""
    return f"是{listed}，{name}{each or '一共'}{amount_text(its.amount)}。"


def told_of(key: str, value: str) -> str | None:
    """What is told as what follows a thing: "17:30下班", "建成于1564年", "，免费：是"; None: as "的…是…"."""
    if key in _OPENING and not is_when(value) and not _HOW_OPENED.match(value):
        return f"能打开{value}"
    if key in REMAINING and is_chinese(key):
        return f"还剩{value}"
    if key in _DOING or _is_end(key):
        return f"{key}{value}"
    if key in _AT_HOURS and _DAY.match(value):
        return f"{value}{key}"
    is_fit = re.match(r"(?:公元前?)?\d{1,4}(?:年|世纪|$)|[^\W\d a-z]", value) is not None
    if key in _SINCE and is_fit and not value.startswith(("在", "于", "由")):
        return f"{key}于{value}"
    return f"，{key}：{value}" if is_no_noun(key, value) or _is_plain(key, value) else None


def unknown(key: str, things: list[Any]) -> list[Any]:
    """That what a key tells of things is not known: "我不知道椅子的价格。", of a verb, when or what or whether."""
    return ["我不知道", *things, f"{_asked(key)}。"]


def _asked(key: str) -> str:
    """What is not known, as it follows a thing."""
    if key == "distance":
        return "有多远"
    if key in REMAINING:
        return "还剩多少"
    if key in _AT_HOURS and key not in _STATES:
        return f"什么时候{key}"
    if key in _SINCE:
        return f"是什么时候{key}的"
    if key in _LIKES:
        return f"{key}什么"
    if key in _WHERE:
        return f"{key}哪里"
    if key in _BORN or (_is_end(key) and key.endswith(("到", "至"))):
        return f"{key}什么时候"
    if key in ("属于", "归") or (_is_end(key) and key.endswith("给")):
        return f"{key}谁"
    if key in _STATES:
        return f"是不是{key}"
    if (may := _MAY.fullmatch(key)) is not None:
        return f"{may[1][0]}不{may[1]}{may[2]}"
    if _ASKS.match(key) and not key.startswith(("有没有", "谁")):
        return key
    if _DAYS.match(key):
        return f"{key}的情况"
    return f"在“{key}”这方面的情况" if key in _ACTS else f"的{name_of(key)}"


def _is_end(key: str) -> bool:
    return len(key) > 1 and _ENDS.fullmatch(key) is not None and key not in _NO_ENDS


def _is_said_plainly(key: str) -> bool:
    """Whether a key is no noun: when, how or whether something is so."""
    is_so = key in _STATES or key in _ACTS or key in _AT_HOURS
    return is_so or _TIMES.fullmatch(key) is not None or _ASKS.match(key) is not None


def _is_plain(key: str, value: str) -> bool:
    """Whether a value under a key is said in no sentence: a yes or no, or what no noun tells."""
    return value in _ANSWERS or _is_said_plainly(key) or _MAY.fullmatch(key) is not None
