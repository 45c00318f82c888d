"""What people call the facts that they ask for in more than one way."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright_server.scene.amounts import Amount, Dimension, Found, is_year, rate_of, read_amounts
from scenewright_server.scene.dates import read_date
from scenewright_server.scene.matching import fold


@dataclass(frozen=True)
class Topic:
    """What people call a fact, English and Chinese; `hint` matches texts that tell it without naming it ("by Thonet"),
    "" matching none; `dimension` is that of its amounts."""

    words: tuple[str, ...]
    hint: str = ""
    dimension: Dimension = ""


def _topic(words: str, hint: str = "", dimension: Dimension = "") -> Topic:
    return Topic(tuple(words.split("|")), hint, dimension)


_MATERIALS = (
    "wood(en)?|oak|pine|steel|metal|iron|bronze|copper|brass|marble|stone|granite|glass|plastic|leather|cotton|wool|silk|"
    "linen|ceramic|porcelain|clay|bamboo"
)
TOPICS = (
    _topic(
        "price|cost|costs|price tag|rrp|fee|rate|admission|entry|ticket|entrance fee|entry fee|价格|售价|价钱|"
        "票价|标价|定价|价位|门票|人均|人均消费|费用|收费|单价|房价|价",
        "",
        "money",
    ),
    _topic("weight|mass|weighs|重量|体重|重", "", "mass"),
    _topic("height|tall|高度|身高|高", "", "length"),
    _topic("width|wide|宽度|宽", "", "length"),
    _topic("depth|deep|深度|深", "", "length"),
    _topic("length|long|长度|长", "", "length"),
    _topic("year|date|built|founded|established|year built|年份|年代|建于|始建|建成|建造年份|出版年份", "", "year"),
    _topic("age|years old|年龄|月龄|年纪|岁数|岁", "", "time"),
    _topic(
        "maker|manufacturer|brand|designer|artist|author|writer|painter|sculptor|creator|作者|制造商|品牌|设计师|画家|厂商|生产商",
        r"(\b(made|designed|painted|written|built|created|crafted) )?\bby (?-i:[A-Z])|设计$|制造$",
    ),
    _topic(
        "material|made of|材质|材料|质地", rf"\b(solid|made from|{_MATERIALS})\b|[木钢铁铜石皮棉陶瓷竹]制|塑料|玻璃"
    ),
    _topic(
        "origin|country|comes from|from|产地|来源|出土|原产地",
        r"\b(made in|found in|imported from|from) (?-i:[A-Z])|产自|来自",
    ),
    _topic("colour|color|shade|颜色|色"),
    _topic(
        "use|purpose|function|effect|used for|用途|作用|功能|效果",
        r"\b(for|restores|heals|opens|helps)\b|用于|用来|恢复",
    ),
    _topic("owner|belongs to|主人|所有者|物主", r"\b(property of|owned by)\b|属于"),
    _topic("stock|in stock|availability|库存", r"\d left\b|\b(sold out|available)\b|仅剩|现货|缺货|售罄"),
    _topic("calories|energy|kcal|热量|卡路里", "", "energy"),
    _topic(
        "hours|opening hours|opening times|open|opens|closes|opening time|closing time|business hours|"
        "营业时间|开放时间|运营时间|服务时间|开门时间|关门时间|打烊时间|开放|营业|关门|开门|打烊|营业到|营业至|开到",
        r"\b(closed|daily)\b",
    ),
    _topic("ingredients|contents|content|contains|成分|配料|内容|内容物|含", r"\bwith\b"),
    _topic("dose|dosage|剂量|用量", r"\b(tablets?|times a day)\b|每次|每日"),
    _topic("warranty|guarantee|保修|保修期|质保"),
    _topic("rating|score|stars|评分|评价|口碑|星级"),
    _topic("capacity|holds|volume|amount|容量|可容纳|净含量", r"\bseats\b", "volume"),
    _topic("power|wattage|功率", "", "power"),
    _topic("battery|charge|电量|电池", "", "share"),
    _topic("temperature|温度|气温", "", "temperature"),
    _topic("speed|top speed|速度|时速", "", "speed"),
    _topic("level|lvl|等级|级别"),
    _topic("damage|attack|attack power|伤害|攻击力|攻击"),
    _topic("size|sizes|尺码|尺寸"),
    _topic("phone|telephone|phone number|tel|contact|电话|联系电话|电话号码|联系方式"),
    _topic("address|地址|位置"),
    _topic("duration|takes|length of visit|时长|用时|时间|游玩时间|游玩时长|游玩", "", "time"),
    _topic("name|title|nickname|名字|名称|姓名|昵称"),
    _topic("state|status|condition|状态|状况|情况"),
    _topic("seats|places|number of seats|座位|座位数|可坐人数"),
    _topic("food|diet|eats|食物|食谱|吃"),
    _topic("task|quest|job|mission|任务|委托"),
    _topic("reward|prize|奖励|报酬|赏金"),
    _topic("note|notice|remark|备注|说明|提示"),
    _topic("pages|number of pages|页数|页"),
    _topic("publisher|出版社"),
    _topic("paper|paper size|纸张"),
    _topic("feeding|feeding time|fed|喂食|喂食时间"),
    _topic("deposit|押金|定金"),
    _topic("shelf life|best before|expiry|expiry date|expires|use by|保质期|有效期|过期"),
    _topic(
        "max load|maximum load|load limit|weight limit|carrying capacity|carries|breaking load|bears|承重|载重|限重"
    ),
    _topic("code|password|pin|密码|口令"),
    _topic("flavour|flavor|taste|味道|口味"),
    _topic("language|languages|语言"),
    _topic("speciality|specialty|signature dish|招牌菜|招牌|特色菜"),
)
"""Keys that people ask for in more than one way; any other key is asked for by its own word."""
_PAIRS = [
    pair.rpartition(" ")[::2]
    for pair in (
        "price 价格|year 年份|date 日期|year built 建成时间|built 建成时间|year founded 成立时间|founded 成立时间|"
        "established 成立时间|period 年代|maker 制造商|manufacturer 制造商|brand 品牌|designer 设计师|artist 艺术家|"
        "author 作者|writer 作者|painter 画家|sculptor 雕塑家|creator 创作者|country 国家|opening hours 开放时间|"
        "opens 开放时间|open 开放时间|opening time 开门时间|closing time 关门时间|closes 关门时间|cost 价格|costs 价格|"
        "fee 费用|admission 门票|ticket 门票|amount 量|time 时间|effect 效果|function 功能|attack 攻击|"
        "contact 联系方式|task 任务|job 工作|quest 任务|score 得分|stars 星级|nickname 昵称|contents 内容物|"
        "content 内容|password 密码|location 位置"
    ).split("|")
]
_IN_CHINESE, _IN_ENGLISH = dict(_PAIRS), {chinese: english for english, chinese in reversed(_PAIRS)}
"""Of words that say less than their topic, the nearest in the other language, the best first."""
_TOPIC_OF = {fold(word): key for key in TOPICS for word in key.words}


def topic_of(name: str) -> Topic:
    """The key that a word is one of, or one of this word alone."""
    return _TOPIC_OF.get(fold(name)) or _TOPIC_OF.get(fold(name).split(" per ")[0]) or Topic((name,))


def nearest(name: str, value: str | Amount | None, in_chinese: bool) -> str:
    """The word of the other language for a key, with such a value: that of its topic or one nearer to it; of years and
    prices the topic's where the value is one, the key as it is where it is no price."""
    topic, known = topic_of(name), (_IN_CHINESE if in_chinese else _IN_ENGLISH).get(name)
    word = next((word for word in topic.words if word.isascii() != in_chinese), name)
    if value is None or topic.dimension not in ("year", "money"):
        return known or word
    return word if is_meant(name, value) else known or (name if topic.dimension == "money" else word)


def is_meant(name: str, value: str | Amount) -> bool:
    """Whether a value under a key of years or prices is one: "14 June" is no year, a rate of "80 ml/h" no price."""
    topic = topic_of(name)
    found = read_amounts(value) if isinstance(value, str) else [Found(value, 0, 0)]
    if topic.dimension == "year":
        return not (isinstance(value, str) and read_date(value)) and any(map(is_year, found))
    if topic.dimension != "money" or not found or fold(name) == topic.words[0]:
        return True
    units = [rate_of(its.amount.unit) or (its.amount.unit, "") for its in found]
    known = {dimension for over, _ in units if (dimension := Amount(0.0, over).dimension)}
    is_open = fold(name) != "rate" or not any(over for over, _ in units)
    return "money" in known or (not known and is_open and "/" not in f"{value}")


def is_topic(name: str) -> bool:
    """Whether a word is a noun for a key that people ask for in more than one way."""
    return topic_of(name) in TOPICS and name not in ("takes", "holds", "eats", "fed", "long", "from")
