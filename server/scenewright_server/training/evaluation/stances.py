"""What an answer says, in English and Chinese: yes, no, that it does not know, that there is none, which one."""

from __future__ import annotations

import re

_KNOWN = r"(?:known|listed|given|recorded|stated|specified|mentioned|told|provided|available|indicated|noted)"
_CANNOT = r"(?:can't|cannot|can not|couldn't|could not|unable to)"
_MATTER = r"(?:idea|information|info|details?|data|record|mention)\b"


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts))


UNKNOWN = _any(
    r"do(?:es)?(?: not|n't) (?:really |actually )?(?:know|say|mention|state|tell|list|specify|give)",
    r"do(?:es)?(?: not|n't) have (?:that|any|the|this)? ?(?:info|detail|data|record|fact|price|name|date)",
    rf"\bnot (?:sure|certain|{_KNOWN})",
    rf"(?:isn't|aren't|wasn't|weren't|been) (?:\w+ )?{_KNOWN}",
    rf"{_CANNOT} (?:tell|say|determine|answer)",
    rf"\bno {_MATTER}",
    r"unknown|nothing (?:here )?(?:\w+ )?(?:says|tells)|nobody knows|no one knows|beats me|n't been told",
    r"不知道|不清楚|不确定|不晓得|不了解|不详|说不准|说不好|没人知道|查不到|无从",
    r"没有[^,。,;!]{0,12}(?:信息|资料|记录|数据|说明|提到|提及|标注|介绍|写明)",
    r"没(?:有)?(?:说|写|提|标|注明|告诉|记载)|未(?:知|注明|标|提|说明|记|写)",
    r"(?:无法|不能)(?:确定|得知|知道|回答|告诉)",
)
"""It says that it does not know."""

DENIAL = _any(
    rf"\bno\b(?! (?:{_MATTER}|problem|longer|more than))",
    r"\b(?:isn't|aren't|is not|are not) (?:any|an?\b|one|here|there|in |on )",
    rf"(?:do not|don't|doesn't|does not|didn't|{_CANNOT}) (?:\w+ )?"
    r"(?:see|find|have|sell|carry|stock|spot|contain|include|exist)",
    r"\bnone\b|nothing|not (?:here|in (?:this|the) |present|available|part of)|without any",
    r"没有|没看到|看不到|没看见|看不见|没见|找不到|没找到|没发现",
    r"不在这|没卖|不卖|不存在|没(?=\S{1,6}(?:卖|$|[,。,!]))|并无|^无",
)
"""It says that there is none."""

ASKING = _any(r"\?", r"which (?:one|of|do)", r"哪(?:一|个|把|只|家|瓶|种|辆|棵|盆|张|位|口|间|本)", "还是")
CHOICE = _any(r"\bwhich\b", r"\bor\b", "哪", "还是")
LOST = _any(r"(?:not|n't) (?:understand|sure which|follow)", "没有?听懂|没明白|听不懂")
"""It says that the question was not understood."""
HELPLESS = _any("can't help", "cannot help", "无法", "不能回答", "帮不了")

_OPENING = re.compile(
    r"^(?:[\s,.!]|sorry|well|hmm+|um|ah|oh|actually|unfortunately|i'm afraid|i am afraid|hello|hi"
    r"|抱歉|不好意思|对不起|您好|你好|哦|噢)+"
)
_YES = _any(
    r"(?:yes|yeah|yep|yup|sure|correct|indeed|certainly|absolutely|of course|exactly|definitely)\b",
    r"(?:that's right|that is right|you did)\b",
    r"(?:it (?:is|does)|you can)(?=\W*$|[.,!])",
    r"\S{1,2}得(?:起|到|着|见|下|了|出|动)",
    "没错|是|对|有|能|可以|会|嗯|当然|够得着|好的|可",
)
_NO = _any(
    r"(?:no|nope|not|none|nothing|neither|never|it isn't|it is not|it's not|it doesn't|it does not)\b",
    r"(?:there isn't|there aren't|there is no|there are no|there's no)\b",
    r"(?:you can't|you cannot|they aren't|i don't see|i do not see)\b",
    r"\S{1,2}不(?:起|到|着|见|下|了|出|动)",
    "不(?!过|好意思)|没(?!错)|否|无|未|还没|并没|并不|目前没|暂时没|够不着|这里没|这儿没",
)
LOST = _any(
    r"(?:(?:did|do)(?: not|n't)|can(?:not|'t)) (?:quite )?(?:understand|follow|get) (?:that|you|the question|what)",
    "(?:没|没有|不)(?:听懂|听明白|看懂|明白|理解)(?=[^,。]{0,8}[,。!]|$)",
)
"""It says that it did not understand the question."""
NEGATION = _any(r"\b(?:not|no|none|nothing|neither|cannot|never)\b", r"n't\b", "不(?!过|锈)", "没(?!错)", "未", "无法")
_STOP = set(
    "a an the is are was were do does did can could i me my you your it its of to in on at for from there here and or "
    "any that this be with have has so what which where who how please would will s t".split()
)


def polarity(text: str) -> str:
    """ "yes" or "no" where a plain answer opens with it, else ""."""
    text = _OPENING.sub("", text)
    return "no" if _NO.match(text) else "yes" if _YES.match(text) else ""


def echoes(text: str, ask: str) -> bool:
    """Whether a statement only says the question's own words again: "the window is open" to "is the window open?"."""
    told = [w for w in re.findall(r"[a-z]+|[一-鿿]", re.sub(r"[呢的了]", "", text)) if w not in _STOP]
    if told and all(w in ask for w in told):
        return True
    words = [w for w in re.findall(r"[a-z]+", ask) if w not in _STOP]
    words += re.findall(r"[一-鿿]", re.sub(r"[吗呢吧了没有的是不]", "", ask))
    return bool(words) and sum(w in text for w in words) >= 0.6 * len(words)


_PLACES = set(
    "left right behind front under next near beside ahead side straight away about reach see metre metres meters close "
    "hand back top stands lies hangs yes".split()
)


def barely(text: str) -> str:
    """The text without its small words and the words for a scene's places."""
    text = re.sub(r"[a-z']+", lambda m: "" if m[0] in _STOP | _PLACES | {"i", "not", "sorry"} else m[0], text)
    return re.sub(r"[在的你您我这那里儿处。,!呢了啊哦]", "", text)


def only_places(text: str) -> bool:
    """Whether a text, its names taken out, says no more than where a thing is."""
    rest = [w for w in re.findall(r"[a-z]+", text) if w not in _STOP | _PLACES]
    return not rest and not re.findall(
        r"[一-鿿]", re.sub(r"[在的你您我左右前后边面方侧上下里旁是有这那儿处米约大概]", "", text)
    )
