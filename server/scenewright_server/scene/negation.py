"""What negates words of a text: "not for dogs", "must not go in the dishwasher", 不含坚果."""

from __future__ import annotations

import re

_NO = r"(?:\b(?:no|not|nothing|nobody|without|free of|never|neither|nor|cannot)\b(?! (?:only|just)\b)|n't\b)[\s-]*"
_OTHER_WORDS = r"线|人[机车售驾]|障碍|边|花果|烟|极|锡|论"
"""What goes on from 无 to a word that negates nothing: 无线网, 无人机."""
_DO_NOT = r"(?<![特分级性类区告个识差鉴派辨离])别(?![的人处墅馆致名称具扭针忘错样说提])"
"""别 that forbids: within no other word, and not in 别忘了."""
_NOT = re.compile(
    rf"{_NO}(?:\w+\s)?$|\bnon[\s-]+$|(?:无(?!{_OTHER_WORDS})|不(?![锈错少同仅但只管久])|未(?!来)|非(?![常洲遗])|没|"
    r"禁止|严禁|请?勿|谢绝)"
    r"(?:含|有|是|带|让|能|可|可以|许|准|允许|要|得|会|被|给|加|放|用|收|卖|做|提供|供应|需要?)?"
    r"(?:[^，。；、和或及与]{1,6}[、和或及与])*$|(?:禁止|严禁|请勿|切勿|谢绝|不准|不许|不得|不允许)[^，。；,;]{0,8}$|"
    r"[\u4e00-\u9fff]不[下了进去上开到动起][来去]?$|"  # 停不下货车
    r"(?:远离|避免|(?<!能)不能(?!错过|没|不)|(?<!可)不可(?!错过|或缺|多得|思议|不)|不宜|不适合|不建议|不要"
    rf"|{_DO_NOT})[^，。；,;的也都但就才]{{0,8}}$"
)
_DOUBLE = re.compile(
    r"\bwho (?:cannot|can not|can['’]t) (?:bear|stand|stomach|face|resist)\b|"
    r"\b(?:never|not|nothing|nobody) (?:\w+ )?without\b|\b(?:not|never|\w+n['’]t) too \w+|"
    r"不能没有|不能不|少不了|离不开|缺不了"
)
"""What negates and so affirms; "for those who cannot bear the cold" is about the cold."""
_LISTED = re.compile(rf".*{_NO}(.*)$")
_GOES_ON = re.compile(r"(?:, \w+(?: \w+)?)*,? (?:or|nor) ")
_ITEM = r"[\w'’-]+(?: [\w'’-]+)?"
_ALL_LISTED = re.compile(
    rf"\bfree (?:of|from) {_ITEM}(?:, {_ITEM})*,? (?:and|or) "
    r"(?:(?!(?:very|so|quite|full|with|has|is|\w+ly)\b)[\w'’-]+ )?$"
    rf"|\bwithout {_ITEM} and $"
)
_BEGUN = re.compile(rf"\bfree (?:of|from) (?:{_ITEM}, )+(?:[\w'’-]+ )?$")
_GOES_ON_WITH = re.compile(rf"(?:, {_ITEM})*,? and ")
"""A list of what is not in something, "free of gluten, nuts and milk": what stands before its last item, and before
and after another."""
_LACKED = set(
    "sugar gluten wheat lactose dairy milk egg nut peanut soy soya meat pork fish fat salt yeast grain alcohol "
    "caffeine additive preservative perfume fragrance scent odour odor smoke dust lint rust frost ice lead latex "
    "acid chlorine plastic paraben silicone bpa cruelty pet car traffic stress hassle pain glare noise nickel".split()
)
"""What things are free of, so that "sugar free" is without it; a seat that is free is none of these."""
_FREE = re.compile(
    r"^\W*(?:no|none|never|not yet)$|^\W*(?:is |are )?(?:strictly )?(?:forbidden|prohibited|"
    r"banned|unavailable|sold (?:out|separately)|not (?:allowed|permitted|included|supplied|provided|available))\b|"
    r"^\W*(?:暂时|已经?|都|又)?(?:坏了|没了|卖[光完]|售罄|断货|脱销|缺货|(?:要|需)?另外?[购买付算]|(?:还没|没有|尚未|不含|不包|不提供|无)(?=了?(?:\W|$)))"
)
"""What follows words and negates them."""
_KEPT_OUT = re.compile(
    r"^(?:[和与及、或][^，。；,;]{1,6})*(?:都|也|均|一律|暂时|现在)*(?:(?:禁止|谢绝)(?:入内|进入|使用)?|勿[入进用]|"
    r"不(?:能|可以?|得|准|许|让|给|允许)(?:使用|进入|入内|参加|[用进入来坐玩上])[来去店门场园馆内]?|"
    r"[进用坐上开过]不[了来去进][来去]?)(?:\W|$)"
)
"""What follows those who may not or cannot: 孕妇不能用, 车进不来; 水不能喝 does not deny the water."""
_DOES_NOT_GET = re.compile(
    r"^ (?:[\w'’-]+ )?(?:(?:do|does|did|can|could|may|must|will|should) not|cannot|\w+n['’]t) (?:be able to )?"
    r"(?:get(?! enough)|go|reach|enter|come|pass|fit|use|ride|touch|climb)\b"
)
"""What follows those who do not get there: "little hands do not get there"."""
_WORDS = (
    r"(?:(?!(?:and|but|so|because|if|unless|when|until|till|that|who|which|than|as|except|only|just|even|though|while|"
    r"for|since|without|yet|then)\b)[\w'’-]+ )"
)
"""A word of a sentence within the same clause."""
_MEANT = r"(?:suitable|meant|safe|good|made|intended|recommended|allowed|permitted|welcome|fit)"
_AFAR = re.compile(
    r"(?:\b(?:(?:does|did|will|would|is|are|was|were) not|will never)|\b(?:does|did|wo|would|is|are|was|were)n['’]t) "
    rf"{_WORDS}{{1,6}}$"
    rf"|\bnot for (?:\w+ )?$|\bnot {_MEANT} (?:for|to|on|in|at|near|with) (?:the )?(?:\w+ )?$"
    r"|\btoo \w+ for (?:the )?(?:\w+ )?$|\b(?:away from|out of (?:the )?reach of) (?:the )?(?:\w+ )?$"
)
"""What negates a verb, and with it what follows in its clause, "does not make you", and what keeps things out, "not
allowed on", "too small for"."""
_FORBIDDEN = re.compile(
    r"(?:\b(?:(?:do|must|should|shall|may|can|could) not|cannot|never(?! (?:forget|fail|stop|miss|tire)))|"
    r"\b(?:do|must|should|ca|could)n['’]t) "
    rf"{_WORDS}{{1,6}}$|\btoo \w+ to $"
)
"""What forbids so: "must not go in the"."""
_AT_TIMES = re.compile(
    r"[^.,;]*\b(?:alone|without|unless|until|when|while|if|before|after|during|more than|longer than|at night)\b"
)
"""What follows and forbids for a time or in a way alone: "must not use the sauna alone"."""
_NONE = re.compile(rf"\bno {_WORDS}{{1,4}}$")
_ALLOWED = re.compile(r" (?:[\w'-]+ ){0,3}(?:allowed|permitted|admitted|included)\b")
"""What follows "no dogs of any size" and negates all of it."""
_KNOWN = re.compile(r"\b(?:the|its|his|her|your|this|that|these|those) $")


def is_negated_at(text: str, start: int, end: int, is_quality: bool = False) -> bool:
    """Whether what stands about words of a text negates them, alone or as one of a list: "without milk, eggs or nuts".
    Of a colour or a material (`is_quality`) no "do not touch the red button" does."""
    before, after = _DOUBLE.sub("with", text[max(start - 80, 0) : start]), text[end:]
    is_free = re.match(r"[\s-]*free\b(?! of)", after) is not None
    if is_free and (after[0] == "-" or text[start:end].split(" ")[-1] in _LACKED):
        return True
    is_excepted = after.startswith("除外") and not re.search("[禁不勿别]|谢绝", before)
    if _NOT.search(before) or any(its.match(after) for its in (_FREE, _KEPT_OUT, _DOES_NOT_GET)) or is_excepted:
        return True
    if not (is_quality and _KNOWN.search(before)) and (
        _AFAR.search(before)
        or (_FORBIDDEN.search(before) and not _AT_TIMES.match(after))
        or (_NONE.search(before) and _ALLOWED.match(after))
    ):
        return True
    if _ALL_LISTED.search(before) or (_BEGUN.search(before) and _GOES_ON_WITH.match(after)):
        return True
    listed = _LISTED.match(before)
    if listed is None:
        return False
    items = re.split(r",? (?:or|nor) |, ", listed[1])
    is_list = all(len(item.split()) <= 2 for item in items) and len(items) > 1
    return is_list and (re.search(r"\bn?or\b", listed[1]) is not None or _GOES_ON.match(after) is not None)
