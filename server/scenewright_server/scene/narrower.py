"""Materials and foods that are of a wider one, where what is told is of what a thing is made or what is in it: oak is
wood, walnuts are nuts."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WOODS = tuple("oak pine walnut beech birch maple mahogany teak cedar ebony".split())
_METALS = tuple("steel iron bronze copper brass aluminium aluminum titanium tin zinc gold silver".split())
MADE_OF = {
    "wood": _WOODS, "wooden": _WOODS, "metal": _METALS, "plastic": ("acrylic", "nylon", "polyester"),
    "stone": ("marble", "granite", "slate"), "ceramic": ("porcelain", "terracotta", "stoneware"),
    "金属": tuple("钢铁铜铝"), "塑料": ("亚克力",),
}  # fmt: skip
_FOODS = {
    "nut": "almond|walnut|hazelnut|cashew|pecan|pistachio|macadamia|peanut|chestnut",
    "dairy": "milk|cheese|butter|cream|yoghurt|yogurt|lactose",
    "gluten": "wheat|rye|barley|oats|spelt",
    "fish": "salmon|tuna|cod|anchovy|anchovies|haddock|trout|herring",
    "shellfish": "prawn|shrimp|crab|lobster|mussel|oyster|clam",
    "meat": "beef|pork|ham|bacon|chicken|lamb|turkey|veal|sausage",
    "坚果": "核桃|杏仁|腰果|榛子|花生|开心果|碧根果|夏威夷果",
    "奶制品": "牛奶|奶酪|黄油|奶油|酸奶|炼乳",
    "海鲜": "虾|蟹|贝|鱿鱼|生蚝|龙虾",
    "肉": "牛肉|猪肉|羊肉|鸡肉|火腿|培根|香肠",
}
_KINDS = {word: tuple(its.split("|")) for kind, its in _FOODS.items() for word in (kind, f"{kind}s")}
_OF_MATERIAL = re.compile("material|made of|材质|材料|质地")
_OF_FOOD = re.compile(
    r"(?:may )?(?:contain|allergen|ingredient|filling|topping|contents)|"
    "过敏原|成分|配料|原料|含有?|馅"
)


def narrower(said: str, text: str) -> Iterator[str]:
    """The words, folded, for what is of this material or food, where a text, folded, tells of either."""
    if _OF_MATERIAL.match(text):
        yield from MADE_OF.get(said, ())
    if _OF_FOOD.match(text):
        yield from _KINDS.get(said, ())
