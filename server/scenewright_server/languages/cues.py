"""Words of a question that a plan for it must answer to: sides, operations, less or more, numbers."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright_server.languages.numerals import ONES, ORDINALS, TENS

NUMBERS = {
    **ONES, **TENS, **ORDINALS, "hundred": 100, "thousand": 1000, "couple": 2, "pair": 2, "both": 2, "twice": 2,
    "half": 50, "dozen": 12, "fiver": 5, "tenner": 10, "grand": 1000,
}  # fmt: skip
"""English numbers in words; "half" is of a share."""


@dataclass(frozen=True)
class Cues:
    """Patterns over folded text. places: by the word for a side, with which a plan answers; operations: and the
    kinds of question or set that answer to them; less, more: of comparatives and superlatives; description: of one that
    is wanted; each, any: of what is asked of all of several things, or of any; amount, amounts: of questions for a
    number or a time, and of texts that may tell one."""

    places: dict[str, str]
    operations: dict[str, frozenset[str]]
    less: str
    more: str
    description: str
    each: str
    any: str
    amount: str
    amounts: str


_TOTALS = frozenset({"Total", "Ratio", "Difference", "Count", "Values"})
_NUMBERS = frozenset({"Count", "Total", "Value", "Values", "Fact", "Difference", "Ratio", "Again"})
_CHOICES = frozenset({"Compare", "Joined", "Extreme", "Fact", "Check", "Again", "Where"})
CUES = {
    "en": Cues(
        {
            "left": r"\b(?:on|to|at) (?:my|the) left\b|\bleft of\b|\bleftmost\b",
            "right": r"\b(?:on|to|at) (?:my|the) right\b|\bright of\b|\brightmost\b",
            "behind": r"\bbehind (?:me|us|the)\b",
            "front": r"\bin front of\b",
            "between": r"\bbetween\b",
            "reach": r"\b(?:with)?in (?:my )?reach\b|\bcan i reach\b",
        },
        {
            r"\b(?:together|in total|altogether|in all|comes? to)\b": _TOTALS,
            r"\bhow (?:much|many \w+) (?:more|less|older|younger|taller|heavier|longer|cheaper)\b|\bdifference\b": (
                frozenset({"Difference"})
            ),
            r"\baverage\b": frozenset({"Total"}),
            r"^(?:(?:so|and|ok|well|hey) )?how many\b": _NUMBERS,
            r"\bor\b": _CHOICES,
        },
        r"\b(?:cheap(?:er|est)|less|least|few(?:er|est)|small(?:er|est)|short(?:er|est)|light(?:er|est)|young(?:er|est)|"
        r"near(?:er|est)|clos(?:er|est)|low(?:er|est)|under|below|new(?:er|est))\b",
        r"\b(?:more|most|dear(?:er|est)|bigg(?:er|est)|larg(?:er|est)|tall(?:er|est)|heav(?:ier|iest)|old(?:er|est)|"
        r"far(?:ther|thest)|furthest|high(?:er|est)|over|above|long(?:er|est)|wid(?:er|est)|pric(?:ier|iest))\b",
        r"\b(?:tell|describe|about|know|look(?:s|ing)? like|what(?:'?s| is| are|s)|explain|read|say|details?|info|"
        r"information|more|story|special)\b",
        r"\b(?:they|them|these|those|both|all|each|every)\b",
        r"^(?:(?:so|and|ok|well|hey|er|um) )*(?:is|are|do|does|have|has|did)\b.*\b(?:a|an|any|some|one of)\b",
        r"\bhow (?:much|many|long|far|old|tall|high|heavy|big|wide|deep|fast|hot|cold|steep|late|early|soon)\b|"
        r"\b(?:what time|when|costs?|price)\b",
        rf"\d|\b(?:{'|'.join(NUMBERS)}|free|nothing|none|no|an?|until|till|every|daily|always|never|noon|midnight|dusk|dark|"
        r"dawn|today|tomorrow|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|summers?|winters?|spring|autumn|"
        r"january|february|march|april|may|june|july|august|september|october|november|december)\b",
    ),
    "zh": Cues(
        {
            "left": "左边|左侧|左手|左面|最左",
            "right": "右边|右侧|右手|右面|最右",
            "behind": "后面|背后|身后|后边",
            "front": "前面|前边|前方",
            "between": "之间|中间",
            "reach": "够得着|够得到|够不着|伸手",
        },
        {
            "一共|总共|加起来|合计|总计": _TOTALS,
            "差多少|贵多少|便宜多少|高多少|重多少|大几岁|大多少|差几": frozenset({"Difference"}),
            "平均": frozenset({"Total"}),
            "还是(?!有)": _CHOICES,
        },
        "便宜|最少|更少|更小|最小|更矮|最矮|更轻|最轻|更近|最近|最低|以下|不到|低于|少于|更低|年轻",
        "贵|最多|更多|更大|最大|更高|最高|更重|最重|更远|最远|以上|超过|高于|多于|更老|最老|更长|最长",
        "介绍|说说|讲讲|描述|什么样|怎么样|是什么|是啥|情况|详细|信息|了解|看看|特别",
        "它们|他们|她们|分别|各自|都|每",
        "有没有|有.{0,8}[吗么没不]",
        "多少|几[个点块元年天号岁]|多久|多长|多远|多大|什么时候|何时",
        r"[\d零一二三四五六七八九十两百千万半几每]|免费|全年|全天|永久|[早晚春夏秋冬]|周|今|明|随时",
    ),
}  # fmt: skip
