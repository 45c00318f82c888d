"""Words that a plan may not leave out: how a question begins, and its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from scenewright_server.languages.numerals import whole_at
from scenewright_server.languages.phrases import MARKS, Tokens
from scenewright_server.scene.words import is_chinese

UNANSWERED = 0.7
"""What a plan costs that leaves such words out."""
_OPEN = frozenset("who what where when why how whose".split())
"""Words that ask for more than yes or no."""
_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday weekend".split())
_POINTED = frozenset("this that these those it".split())
_EXISTS = frozenset("be have any there anything something anyone somewhere another see get sell".split())
"""Words of questions whether something is there."""

_ASKED_AFTER = re.compile(
    r"[,.;:?!] (?:(?:for|with|in|of|so|but|then|and) )?(?:what(?! about)|who|whose|when|why|how(?! about)|where)\b"
)
"""A clause that goes before, and what is asked in the next."""
_LASTS = re.compile(r"\bhow long (?:have|do|will|would|can|must|should)\b")
_STILL = re.compile(r"\bhow long (?:still|more|yet)\b|\bfor how long\b")
_FOUND = re.compile(
    r"\bwhere (?:be|do|have) (?:it|they|he|she|the [a-z]+(?: [a-z]+)?) (?:find|found|come from|discovered|dug up)\b"
)
"""Where something was found or comes from, which is not where it is."""
_IN_IT = re.compile(
    r"\bhow much [a-z]+(?: [a-z]+)? (?:be )?(?:there )?(?:still )?(?:left )?(?:in|inside)\b(?! (?:total|all))"
)
_LEFT_IN = re.compile(
    r"\b(?:any|much|many|anything|something|enough|some) (?:[a-z]+ ){0,2}left (?:in|on|inside|over)\b"
)
"""What is left of something, which is not what stands on the left."""
_OTHER_ONE = re.compile(r"(?:(?:and|or|but|what about|how about) )*(?:the )?[a-z]+ one ,")
"""Another than was spoken of: "and the blue one, what is ..."."""
_TWO_ASKED = re.compile(
    r"^(?:and )?(?:who|whose|when|where|how|what (?!about\b|an? ))[^,?]{5,}(?:, and|,|\?|and)"
    r" (?:who|when|where|how|what|which) (?!about\b)"
)
"""Two questions in one."""
_MEASURED = re.compile(r"fact (?:width|length|depth|height|size|pages|thickness) \|")

_RECKONED = (
    ("average", "av"), ("difference", "diff|differ"), ("gap", "diff|gap"), ("double", "ratio|(?<!look )double|2"),
    ("twice", "ratio|twice|2"),
    ("times", "ratio|times|\\d of"), ("head", "ratio|per|head"), ("apiece", "ratio|each|price"),
)  # fmt: skip
"""Words of reckoning, and what is in a plan that answers to them."""
_AVERAGE = frozenset("average mean avg typical typically averages".split())
_SIDES = re.compile(r"\b(?:left|right|front|behind|back)\b.* or .*\b(?:left|right|front|behind|back)\b")
_ASKED_FOR = frozenset("you i we they one what which who or any anything there".split())
_WHICH = _OPEN | {"which"}
_FEW = 5
"""Words from which on a question is no bare name."""
_WITHIN = re.compile(r"\b(?:in|on|inside|with|without|under) (?!here|there|this|stock)")
_BARE = (
    r"(?!(?:left|right|in|on|own|under|behind|beside|near|between|above|at|max|min|middle|those|this|other|all|has|look"
    r"|same|empty|sort|person)\b)[\w ]+"
)
"""The name of a thing in a plan."""
_YES_OR_NO = frozenset("be do can could have will would".split())
_EACH = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|\d+) (?:of (?:us|them|those|these)|people|persons|adults"
    r"|kids|children|nights|days|weeks|months|pairs)\b"
)
"""So many people, or times."""
_COMPARED = re.compile(r"\b(?:max|min|more|fewer|equal|diff|ratio)\b|[<>]")
_PRICE = re.compile("(?:fact|sum) [^|]*(?:[价票费]|租金|price|fee|ticket|rent)")
_IS_ASKED = frozenset("吗没不么")
_MARKS_ZH = MARKS - {"、"}
_NAMES = frozenset("哪谁什啥几有找来给选挑要")
"""Chinese words of which none is in a question whether something is so."""
_RECKONED_ZH = frozenset("差省够剩折找全合退赚摊")
"""Chinese words of more than what a thing costs."""
_PER = re.compile("每一?个?(?:平|斤|克|升|毫|千|公|两|人|次|小时|天|页)|按.{1,4}算|算下来|均下来|一个合")
_IS_SO = re.compile("(?<![行好])吗|(?<![怎什那多要])么$|是.*吧$|[^有]没有?$|(?<![好行])不$")
"""How a Chinese question ends whether something is so."""
_WHICH_ZH = re.compile(
    "哪(?![里儿边有能可块个位头去会些方条]|.{1,2}(?:可以|能)|$)|哪个(?!位|方|角|地|柜|区|房|屋|层|架|货|口|楼|厅|边|抽|箱|盒)"
)
_HOW_MANY = re.compile("(?<![这那好十])几[个种样件家本只条首张]")
_OF_SET = re.compile("(?:name|count|exist|avg|sum) ")
_CONDITION = re.compile("(?<!是)(?<!好)(?:的|以上|往上|以下|往下|以内|之内|之间|里头|里面|当中)[，,]$")
"""A clause that tells of which things is asked."""
_ALSO = re.compile("(?:多[久长远高大重快]|多少|几).*[，,]$|(?<![好行])[不没][，,]$")
"""A question that goes before."""
_OTHER_UNIT = re.compile("(?:几|多少)[度分岁年天级块元斤克个件]")
"""Words of what is no height."""
_NO_PIECES = re.compile(
    "一[个包盒袋箱板打串]几|几(?:次|床|楼|号|点|米|步|天|年|岁|度|层|分|公斤|斤|针|遍|回|站|级|折|成|倍|月|公里|小时|块钱)"
)
"""How much or which, not how many things."""
_SET_APART = "的?(?:最|第|低于|高于|超过|不到|在|排)"
_IS_ABLE = re.compile("能|可以|够")
_SO_MUCH = re.compile(r"[\d一二两三四五六七八九十百半][多几]?(?:公斤|千克|斤|岁|米|厘米|公分|个人|块|元)[^，,]*[，,]")
_AT_TIME = re.compile(r"(?:[二三四五六七八九十\d]|十一|凌晨一|下午一)点(?!钟?方)")
_ASKS_WHICH = re.compile(r"[的还][^，,]{0,4}?(?:是|有|为)?(?:哪.{1,3}|谁)[呢啊呀]?$")
_ASKS_TOO = re.compile(
    "[，,？?].*(?:多[久长远高大重少]|几[点个次号层楼分天块]|什么[颜时价]|哪[年天国]|[买来要][两二三四五六七八九十][个根张])"
)
"""A question that follows."""
_JOINING = re.compile(r"[和跟与及加、，,还再或同配带比也都各两俩外又并\d]")
"""How Chinese names are told together."""
_SO_MANY = re.compile(r"(?:[两三四五六七八九十百]|[2-9]|\d\d)个?([^个人\W]{1,3})的(?!时候)")
"""What things are told by: 四个座的车."""
_KINDS = re.compile("几[^有，,]{1,2}的$|几个人(?:用|坐|玩|吃|住|喝|睡|分|抬|开)")
"""What a thing is of or for, not how many there are."""


def leaves_open(tokens: Tokens, start: int, end: int, plan: str, n_lost: Sequence[int]) -> bool:
    """Whether a plan read from token `start` up to `end` leaves out what a question cannot do without: "how" where it
    only checks, a yes or no where it names, a number of pieces where it reckons."""
    first = max((i + 1 for i in range(start) if tokens[i] in MARKS), default=0)
    if any(map(is_chinese, tokens)) and _leaves_open_zh(tokens, start, end, plan):
        return True
    if plan.startswith(("check ", "exist ")) and not _OPEN.isdisjoint(tokens[first:start]):
        return True
    if plan.startswith("check ") and tokens[first] in ("which", "who"):
        return True  # which of them is so
    said = " ".join(tokens)
    if plan.startswith(("exist ", "again ")) and _ASKED_AFTER.search(said):
        return True
    if _MEASURED.match(plan) and _LASTS.search(said):
        return True  # how much time
    if _MEASURED.match(plan) and _STILL.search(said):
        return True
    if plan.startswith("where ") and _FOUND.search(said):
        return True
    if plan.startswith(("fact price", "sum price")) and _IN_IT.search(said):
        return True  # how much is in it
    if plan.startswith("exist ") and "which" in tokens[first:]:
        return True
    if plan.startswith("fact ") and re.search(r"\bor\b.*, (?:which|who)\b", said):
        return True  # which of two
    if plan.endswith(" | those") and _OTHER_ONE.match(said):
        return True
    if "max left" in plan and _LEFT_IN.search(said):
        return True
    if plan.startswith(("fact ", "where ", "sum ")) and not re.search("[;,]", plan) and _TWO_ASKED.search(said):
        return True
    if plan.startswith("name ") and tokens[:1] == ("be",) and not {"there", "or", "what", "which", "who"} & {*tokens}:
        return True
    if plan.startswith("name ") and tokens[0] == "do" and _ASKED_FOR.isdisjoint(tokens):
        return True
    if plan.startswith(("fact open |", "fact opens |")) and not _DAYS.isdisjoint(tokens):
        return True  # whether it is open on that day
    if tokens[0] == "who" and re.match(r"fact (?:year|built|founded|opened) \|", plan):
        return True
    if plan.startswith("where ") and tokens[first : first + 1] == ("where",) and "from" in tokens[-2:]:
        return True
    if any(word in tokens and not re.search(needed, plan) for word, needed in _RECKONED):
        return True
    if plan.startswith("avg ") and _AVERAGE.isdisjoint(tokens) and not is_chinese(tokens[start]):
        return True
    if plan.startswith("fact ") and "both" in tokens and not re.search(r"\beach\b|\| those$", plan):
        return True
    if plan.startswith(("check ", "again ")) and _SIDES.search(said):
        return True  # on which side
    if re.fullmatch(rf"name {_BARE}", plan) and ("would", "you") in pairwise(tokens):
        return True  # what one would rather have
    if plan.startswith("exist ") and ("have", "to") in pairwise(tokens):
        return True
    if re.fullmatch(rf"exist {_BARE}", plan) and _WITHIN.search(" ".join(tokens[start:end])):
        return True  # whether there is something in it
    if re.match(r"check [^|]+ \| (?:look )?[\w ]+$", plan) and "or" in tokens[:end] and tokens[first] not in _YES_OR_NO:
        return True  # which of them
    if re.match(r"check (?:max|min) ", plan) and tokens[first] not in _YES_OR_NO:
        return True
    if re.fullmatch(rf"name {_BARE}", plan) and not _WHICH.isdisjoint(tokens[first:end]) and n_lost[first]:
        return True  # which of them is good for that
    if plan.startswith("fact ") and _EACH.search(said):
        return True  # so many times as much
    return plan.startswith(("sum price", "fact price", "more weight")) and any(
        re.search(rf"\b{number:g}\b", plan) is None for number in _numbers(tokens)
    )


def _leaves_open_zh(tokens: Tokens, start: int, end: int, plan: str) -> bool:
    """The same of Chinese: 几, 怎 or 多少 in the clause, 比 where nothing is compared, a number of pieces where a price
    is asked, which or who where it only checks, yes or no where it names."""
    first = max((i + 1 for i in range(start) if tokens[i] in _MARKS_ZH), default=0)
    last = next((k for k in range(end, len(tokens)) if tokens[k] in _MARKS_ZH), len(tokens))
    for k in (*range(first, start), *range(end, last)):
        if tokens[k] == "怎" or (tokens[k] == "几" and tokens[k - 1 : k] not in (("这",), ("那",), ("哪",))):
            return True
        if tokens[k : k + 2] == ("多", "少"):
            return True
        if tokens[k : k + 2] == ("除", "了") and "not " not in plan:
            return True
    left_out = {*pairwise((*tokens[first:start], "")), *pairwise((*tokens[end:last], ""))}
    if any(word == "比" and after not in "较如例赛萨" for word, after in left_out) and not _COMPARED.search(plan):
        return True
    words = {word for word, _ in left_out}
    said = "".join(tokens[first:last])
    before, after = "".join(tokens[:start]), "".join(tokens[end:])
    if _is_other_zh(plan, said, before, after):
        return True
    if re.search("合计|一共|总共", before + after) and plan.startswith(("exist ", "check ", "fact ")):
        return True
    if _ALSO.search(before) and plan.startswith(("fact ", "where ", "way ", "sum ", "check ")):
        return True
    if "not look " in plan and re.search("不[^了]{1,2}了", said):
        return True
    if (
        plan.startswith("exist ")
        and tokens[end - 1] in ("有", "没")
        and re.search("[^吗呢呀啊的了么？?吧这里儿，,。]", after)
    ):
        return True
    if plan.startswith("check ") and not words.isdisjoint("哪谁"):
        return True
    if ("倍" in words and "ratio" not in plan) or (("一", "样") in left_out and plan.startswith("fact ")):
        return True
    if _OF_SET.match(plan) and (_CONDITION.search("".join(tokens[:start])) or _CONDITION.search(_after(tokens, end))):
        return True
    if plan.startswith("name ") and _HOW_MANY.search(said) and {*"哪找来给荐挑"}.isdisjoint(said):
        return True
    if plan.startswith(("where ", "way ")) and _WHICH_ZH.search(said):
        return True
    if plan.startswith("diff height ") and _OTHER_UNIT.search(said):
        return True
    if plan.startswith("check ") and "价格 >= " in plan and "够" in said:
        return True
    if plan.startswith("exist ") and not words.isdisjoint("能会") and "的" in tokens[first:last]:
        return True
    if plan.startswith("name ") and _IS_SO.search(said) and _NAMES.isdisjoint(said):
        return True
    if plan.startswith("name ") and re.search("谁[^的]{1,3}的$", said) and end < last:
        return True  # who made it
    if plan.startswith("diff ") and "those & max" in plan and re.search("的.*(?:多少|几)", said):
        return True  # what one of them costs
    if plan.startswith("check ") and re.search("[这那].对吧$", said):
        return True  # which is meant
    if plan.startswith("count ") and "人" in plan and re.search("[我咱]们?[一二两三四五六七八九十]", said):
        return True  # how many of something for us
    if plan.startswith("count ") and (_KINDS.search(said) or re.search("[这那好]几", said)):
        return True
    if _PER.search(said) and re.match(r"(?:name|more|fewer|diff|equal) .*[价费]", plan) and "ratio" not in plan:
        return True
    if plan.startswith("check ") and "价格 <= " in plan and not {"加", "再", "各"}.isdisjoint(tokens[first:last]):
        return True  # several things together
    if not _PRICE.search(plan):
        return False
    if plan.startswith("fact") and not words.isdisjoint(_RECKONED_ZH):
        return True
    return any(
        number > 2 and f"{number:g}" not in plan
        for span in (tokens[first:start], tokens[end:last])
        for number in (_numbers(span) if span else ())
    )


def _is_other_zh(plan: str, said: str, before: str, after: str) -> bool:
    """Whether a Chinese clause asks something else than its plan; `before`, `after`: what the plan leaves out."""
    if plan.startswith("check ") and re.search("哪(?!怕)|谁(?!都)|[了的]什么", said):
        return True  # which it is
    if plan.startswith("name ") and re.search("哪.*[先早晚]", said) and not re.search("max|min|[<>]", plan):
        return True
    if re.fullmatch(r"\w+ \w+ [+&] \w+", plan) and re.search("带.+的", said):
        return True  # what has the other
    if plan.startswith("exist ") and re.search("哪[里儿]?[呢啊呀]?$", said):
        return True
    if plan.startswith("fact ") and _PRICE.match(plan) and re.search("(?<![这那头哪])两个(?!人)", before):
        return True  # of two
    if plan.startswith("exist ") and re.search("(?:有|是)(?:些)?(?:什么|啥|哪些)[^吗没么]*$", said):
        return True  # what there is
    if plan.startswith("count ") and (_NO_PIECES.search(said) or re.search(r"look (\w+).*\|\1多少", f"{plan}|{said}")):
        return True
    if re.fullmatch(r"fact [^|]+ \| those", plan) and re.fullmatch("(?:一共|总共)?有?几个(?:来着|[呢啊])?[?？]?", said):
        return True  # how many of them
    if plan.startswith("again ") and re.search("有(?:些)?(?:什么|啥|哪些)[^吗没么]*$", said):
        return True  # a question of its own
    if re.search(r"sum [^|]*?\b(?:[3-9]\d|\d{3,}) of ", plan) and not re.search("[个张份位人]", said):
        return True  # somebody's age
    if re.fullmatch(r"sum ([^|]+) \| has \1", plan) and not re.search("共|加|全|总|合", said):
        return True
    if re.match("(?:name|exist|count) [^<>=]*$", plan) and _AT_TIME.search(before + after):
        return True  # what is open then
    if (fact := re.match(r"fact ([^|,]+) \|", plan)) and re.search(
        f"哪.{{0,3}}{re.escape(fact[1])}[更最]?[高低多少大]", said
    ):
        return True  # which has more of it
    if " + " in plan and not _JOINING.search(said) and not re.search("[一二三四五六七八九十百]", said):
        return True  # the parts of one name
    if "not look " in plan and "有没有" in said and not re.search("[不非没无]", said.replace("有没有", "")):
        return True
    if plan.startswith("name ") and said.endswith("谁的"):
        return True
    if plan.startswith("count ") and " look " in plan and re.search("(?:^|[^有])多少[钱啊呢呀]?$", said):
        return True  # how much it is
    if (
        plan.startswith(("exist ", "name "))
        and re.search("有人[吗没么]", said)
        and ("人" not in plan or re.search("[这那]个.*有人", said))
    ):
        return True  # whether it is taken
    if plan.startswith("fact ") and _PRICE.match(plan) and re.search("还[有剩]", said):
        return True  # how many are left
    if re.match("(?:fact|where|check) ", plan) and "另" in said and "other" not in plan and "not" not in plan:
        return True
    if plan.startswith("fact ") and re.search("(?:哪|什么地方)[里儿]?[能可以有]*[买借租]", said):
        return True  # where to get it
    if not re.search("[<>=]", plan) and any({*of[1]}.isdisjoint(plan) for of in _SO_MANY.finditer(said)):
        return True  # what has so many of something
    if re.match("fact [^|]*评分", plan) and "分钟" in said:
        return True
    asked = re.match(r"fact ([^|,]+) \| .*(?:\b(?:max|min)\b|[<>])", plan)
    if asked and _ASKS_WHICH.search(said) and re.search(f"{re.escape(asked[1])}{_SET_APART}", said):
        return True  # what has the most of it
    is_set = plan.startswith(("name ", "count ", "exist "))
    if is_set and "not " not in plan and re.match("(?:[那我们]{0,2})(?:不是|不要|不想|不能|别太|除了)", before):
        return True
    if plan.startswith("check ") and _IS_ABLE.search(said) and _SO_MUCH.search(before) and not re.search(r"\d", plan):
        return True  # whether it does for so much
    if re.match(r"(?:fact [^,|]+ \||where |way |describe )", plan) and after[:1] in "，,？?" and _ASKS_TOO.match(after):
        return True
    return re.search(r"\b(?:max|min) (?!\d)", plan) is not None and re.search("的[两三四五六]个", said) is not None


def _after(tokens: Tokens, end: int) -> str:
    """The clauses that follow, with a mark at their end; "" where none does."""
    return "".join(tokens[end:]).rstrip("?？。!！") + "，" if tokens[end : end + 1] in (("，",), (",",)) else ""


def is_clause(template: str, tokens: Tokens, n_lost: Sequence[int], i: int, end: int) -> bool:
    """Whether a Chinese phrase for what is here or where it is makes up a clause, from token i to `end`; `n_lost`:
    content words before each token."""
    if not template.startswith(("exist", "where")) or not is_chinese(tokens[i]):
        return False
    first = max((k + 1 for k in range(i) if tokens[k] in MARKS), default=0)
    last = next((k for k in range(end, len(tokens)) if tokens[k] in MARKS), len(tokens))
    if template.startswith("exist") and tokens[last - 1] not in _IS_ASKED and "没" not in tokens[i : i + 2]:
        return False
    return n_lost[i] == n_lost[first] and n_lost[end] == n_lost[last]


def is_bare(tokens: Tokens) -> bool:
    """Whether English words do not ask whether something is there, though they may name it."""
    if tokens[-1] == "?" and sum(token not in MARKS for token in tokens) < _FEW:
        return False  # "A leaf blower?"
    is_pointed = tokens[0] == "be" and not _POINTED.isdisjoint(tokens[1:2])
    return is_pointed or (tokens[0].isascii() and _EXISTS.isdisjoint(tokens))


def _numbers(tokens: Tokens) -> set[float]:
    """The whole numbers above one of a question, each at its beginning."""
    found: set[float] = set()
    i = 0
    while i < len(tokens):
        at = whole_at(tokens, i)
        if at is not None and at[1] > i:
            found |= {at[0]} if at[0] > 1 else set()
            i = at[1]
        else:
            i += 1
    return found
