"""Things held against each other by what is told of them under a key, in cases that people run into."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.amounts import Amount, read_amounts
from scenewright_server.scene.entries import Fact
from scenewright_server.scene.executing import carry_out
from scenewright_server.scene.qualities import quality_of

from tests.scene.random_scenes import scene_of
from tests.scene.test_executing import know


def told(label, x, text="", z=3.0, box=(0.5, 0.5, 0.5), **facts):
    """A thing with facts under keys with "_" for spaces."""
    its = tuple(Fact(key.replace("_", " "), *(its if isinstance(its, tuple) else (its,))) for key, its in facts.items())
    return replace(know(label, x, z=z, size=box, description=text), facts=its)


TOWN = scene_of(
    [
        told("cafe", -3, open="10:00-15:00", last_train="23:05"),
        told("bar", -2, open="18:00-02:00", last_train="00:15"),
        told("hotel", -1, 房价=(300.0, "元")),
        told("inn", 0, 房价=(200.0, "元")),
        told("tower", 1, 门票=(5.0, "元"), box=(1, 4, 1)),
        told("kiosk", 2, "Umbrellas, 10 元 each at the back"),
    ]
)
SHOP = scene_of(
    [
        told("stable", -3, "Not for glass doors", left=(3.0,), value="1.2 million EUR", next="1 October"),
        told("sneaker", -2, size=(41.0,), left=(5.0,), value=(300000.0, "EUR"), next="July", made="1970s"),
        told("boot", -1, size=(43.0,), players=(2.0, "to 6"), ages="6 months to 3 years", made="1980s"),
        told("printer", 0, speed=(35.0, "页/分钟"), ink=(3.0, "盒"), paper=(2.0, "包"), ages="4-8", made="1965"),
        told("book", 1, pages=(412.0, "页"), motto="red, then blue", next="12 March"),
        told("left", -0.7, z=-3),
        told("mid", 0.1, z=-3),
        told("right", 0.9, z=-3),
        told("poster", 2, motto="red, then blue"),
        told("slipper", 3, fits="36, 37 and 38", bed="60 x 40 cm", trip="2 hours and 15 minutes", fed="11:15、15:30"),
    ]
)
PEAKS = scene_of(
    [
        told("Etna", -2, altitude=(3403.0, "m")),
        told("Fuji", 0, altitude=(3776.0, "m")),
        told("model", 2, box=(9, 9, 9)),
    ]
)
FARMS = scene_of(
    [
        told("hut", -1, distance=(7.0, "km"), distance_to_town=(4.0, "km"), 到码头的距离="900米"),
        told("farm", 3, distance=(5.0, "km"), distance_to_town=(2.0, "km")),
        told("town", 0),
        told("pole", 1),
        told("barn", 5),
    ]
)
RIDES = scene_of(
    [
        told("coaster", -2, min_height=(140.0, "cm"), box=(3, 30, 3)),
        told("carousel", 2, "Pull the handle hard, it sticks. Old, glitter is banned.", box=(3, 6, 3)),
    ]
)

WARD = scene_of(
    [
        told("Ann", -3, 职称="主任医师", taste="sour", **{"class": "5a"}),
        told("Ben", -2, 职称="副主任医师", taste="sweet and sour", **{"class": "5b"}),
        told("drone", 3, camera=(4.0, "K")),
        told("crate", -1, load=(40.0, "kg"), material="acrylic"),
        told("cart", 0, load=(90.0, "kg"), material="oak and steel", z=4),
        told("board", -2.5, "Three quests hang there: wolves at the mill, a cat, a lost ring. All pay.", z=9),
        told("window", 1, state="tilted", box=(1, 2, 1)),
        told("蓝帐篷", 4.5),
        told("gate", 4, state="half open"),
        told("hatch", 5, "Half closed."),
        told("Ulf", 6, "Built the sea wall.", died=(1161.0,), on_holiday="3 to 17 August", born="19 November"),
        told("Uma", 7, on_holiday="28 July to 9 August", born="5月2日"),
        told("note", 2, "Homework: page 48, exercise 3. Dessert: cake, sauce. Size: A4, colour: red"),
        told("menu", 2.5, "Comes with chips, salad, and beer. Read page 48, line 3. Adults 12 EUR, children 6 EUR."),
    ]
)


@pytest.mark.parametrize(
    ("scene", "plan", "answer"),
    [
        (TOWN, "name open = 15:15", "There is nothing like that here."),
        (TOWN, "name open = 12:00", "It is the cafe."),
        (TOWN, "check bar | open = 01:00", "Yes, the bar is open 18:00-02:00."),
        (TOWN, "check cafe | open = 00:00", "No, the cafe is open 10:00-15:00."),
        (TOWN, "name max last train", "It is the bar (0:15)."),
        (TOWN, "name last train > 23:30", "It is the bar."),
        (TOWN, "count has 房价", "There are two: the hotel and the inn."),
        (TOWN, "name has 门票", "It is the tower."),
        (TOWN, "count has price", "There are four: the hotel, the inn, the tower and the kiosk."),
        (SHOP, "sum left | has left", "Together they come to 8."),
        (SHOP, "name stable + sneaker & max left", "It is the sneaker."),
        (SHOP, "name stable + sneaker + boot + printer & max left", "It is the stable."),
        (SHOP, "name has left & sort left", "They are the stable and the sneaker."),
        (SHOP, "count size < 42", "There is one: the sneaker."),
        (SHOP, "exist table", "No, I know of none here."),
        (SHOP, "name stabel", "I take “stabel” to mean the stable. It is the stable."),
        (SHOP, "name value > 500000 EUR", "It is the stable."),
        (SHOP, "name players = 6", "It is the boot."),
        (SHOP, "fact players | boot", "The players of the boot are 2 to 6."),
        (SHOP, "name ages = 9 months", "It is the boot."),
        (SHOP, "check slipper | fits = 38", "Yes, the slipper fits 36, 37 and 38."),
        (SHOP, "more (fact fits | slipper) | 38", "No, the slipper fits 36, 37 and 38."),
        (SHOP, "check slipper | fits != 37", "No, the slipper fits 36, 37 and 38."),
        (SHOP, "name bed > 60 cm", "There is nothing like that here."),
        (SHOP, "name trip < 20 min", "There is nothing like that here."),
        (SHOP, "name fed > 13:00", "It is the slipper."),
        (SHOP, "name made < 1970", "It is the printer."),
        (SHOP, "name max made", "It is the boot (1980 to 1989)."),
        (SHOP, "ratio (fact pages | book) | (fact speed | printer)", "That is 11.77 分钟: 412 页 over 35 页/分钟."),
        (SHOP, "ratio 70 | (fact speed | printer)", "That is 2 分钟: 70 over 35 页/分钟."),
        (SHOP, "sum ink, paper | printer", "Together they come to 5."),
        (SHOP, "name sort next", "They are the book (12 March), the sneaker (July) and the stable (1 October)."),
        (SHOP, "name next > 1 June", "They are the stable and the sneaker."),
        (SHOP, "diff next | stable | sneaker", "That is 92 days later: 1 October against July."),
        (SHOP, "equal (fact motto | book) | (fact motto | poster)", "Yes."),
        (SHOP, "equal (fact value | sneaker) | 300000 EUR", "Yes, it is €300,000 for the sneaker against €300,000."),
        (SHOP, "name behind me & middle", "It is the mid."),
        (RIDES, "fact handle | carousel", "It says of the carousel: “Pull the handle hard, it sticks”."),
        (RIDES, "fact glitter | carousel", "It says of the carousel: “glitter is banned”."),
        (WARD, "name 职称 = 主任医师", "It is Ann."),
        (WARD, "name taste = sour", "They are Ann and Ben."),
        (WARD, "name class = 5b", "It is Ben."),
        (WARD, "name camera = 4K", "It is the drone."),
        (WARD, "name max load", "It is the cart."),
        (WARD, "fact load | crate", "The load of the crate is 40 kg."),
        (WARD, "fact 距离 | cart", "The cart is 4 m away."),
        (WARD, "fact 高度 | window", "The window is 2 m tall."),
        (WARD, "name min 距离", "They are the crate (3.2 m) and the window (3.2 m)."),
        (WARD, "check crate | look steel", "No, the material of the crate is acrylic."),
        (WARD, "check crate | look plastic", "Yes, the crate is plastic."),
        (WARD, "check cart | look steel", "Yes, the cart is steel."),
        (WARD, "check cart | look wooden", "Yes, the cart is wooden."),
        (WARD, "check window | look closed", "No, the window is tilted."),
        (WARD, "fact built | Ulf", "It says of Ulf: “Built the sea wall”."),
        (WARD, "fact year | Ulf", "I do not know the year of Ulf. It only says: “Built the sea wall”."),
        (WARD, "name on holiday = 10 August", "It is Ulf."),
        (WARD, "name on holiday = 8月8日", "They are Ulf and Uma."),
        (WARD, "check Uma | on holiday = 10 August", "No, Uma is on holiday 28 July to 9 August."),
        (WARD, "name born = 2 May", "It is Uma."),
        (WARD, "check 蓝帐篷 | look 红", "No, the colour of the 蓝帐篷 is 蓝色."),
        (WARD, "check gate | look open", "The gate is half open."),
        (WARD, "check gate | look half open", "Yes, the gate is half open."),
        (WARD, "check gate | look closed", "No, the gate is half open."),
        (WARD, "check hatch | look open", "It says of the hatch: “Half closed”."),
        (WARD, "fact homework | note", "The homework of the note is page 48, exercise 3."),
        (
            WARD,
            "fact quests | board",
            "It says of the board: “Three quests hang there: wolves at the mill, a cat, a lost ring”.",
        ),
        (WARD, "fact dessert | note", "The dessert of the note is cake, sauce."),
        (WARD, "fact comes with | menu", "It says of the menu: “Comes with chips, salad, and beer”."),
        (WARD, "fact read | menu", "It says of the menu: “Read page 48, line 3”."),
        (WARD, "fact adults | menu", "It says of the menu: “Adults 12 EUR”."),
        (WARD, "fact size | note", "The size of the note is A4."),
        (PEAKS, "name max height", "It is Fuji (3776 m)."),
        (PEAKS, "fact height | Etna", "The height of Etna is 3403 m."),
        (FARMS, "fact distance to town | hut", "The distance to town of the hut is 4 km."),
        (FARMS, "name distance to town < 3 km", "It is the farm."),
        (FARMS, "fact distance to 码头 | hut", "The 到码头的距离 of the hut is 900米."),
        (FARMS, "name hut + farm & min distance", "It is the farm (5 km)."),
        (FARMS, "diff distance | hut | farm", "The hut is 2 km farther away than the farm."),
        (FARMS, "name min distance", "It is the town (3 m)."),
        (RIDES, "name max height", "It is the coaster (30 m)."),
        (RIDES, "name min height <= 150 cm", "It is the coaster."),
    ],
)
def test_things_compare_by_what_is_told_under_the_very_key(scene, plan, answer):
    (reply,) = carry_out(plan, scene)
    assert "".join(SPEAKERS["en"].reply(reply, Spelt(scene.called))) == answer


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("€1.2 million", [Amount(1.2, "million €")]),
        ("3 million visitors", [Amount(3, "million")]),
        ("5 kg to 10 kg", [Amount(5, "kg", 10)]),
        ("built in the 1970s", [Amount(1970, "", 1979)]),
        ("300s", [Amount(300, "s")]),
        ("10 m to 5 kg", [Amount(10, "m"), Amount(5, "kg")]),
    ],
)
def test_amounts_of_many_and_from_one_to_another(text, amounts):
    assert [its.amount for its in read_amounts(text)] == amounts


def test_many_units_go_together():
    assert Amount(3.5, "万人").in_unit("人") == 35000
    assert Amount(35000, "人").in_unit("万人") == 3.5
    assert Amount(1.5, "million EUR").in_base() == (1.5e6, "EUR")
    assert Amount(2, "million").in_unit("") == 2e6


@pytest.mark.parametrize(
    ("label", "description", "colour", "material"),
    [
        ("rug", "Red, from the Atlas mountains.", "red", None),
        ("leather sofa", "Brown, sags on one side.", "brown", "leather"),
        ("scarf", "Green and yellow wool. With a blue lining.", "green and yellow", "wool"),
        ("dark blue armchair", "A red cushion lies on it", "dark blue", None),
        ("Red Lion", "It has a green sign", None, None),
        ("bottle of red wine", "", None, None),
        ("jacket", "Dark green corduroy.", "dark green", "corduroy"),
        ("horse", "Grey with dark dapples. Fond of apples.", "grey", None),
        ("box", "Painted blue.", "blue", None),
        ("stop button red", "", "red", None),
        ("pot of gold", "Turquoise water all around", None, None),
        ("umbrella", "Big enough for two, green.", "green", None),
        ("mirror", "Round, gold frame, black glass.", None, "glass"),
        ("绿帐篷", "", "绿色", None),
        ("绿茶杯", "", None, None),
        ("包", "红的，很旧。", "红色", None),
        ("车", "木头的，刷了蓝漆。", "蓝色", None),
        ("盒子", "盖子是红的。", None, None),
        ("灰色转椅", "红盖子。", "灰色", None),
        ("牛皮腰带", "", None, "牛皮"),
        ("特色木瓜", "", None, None),
        ("桌", "实木，深棕色。", "深棕色", "实木"),
    ],
)
def test_names_and_what_descriptions_begin_with_tell_colours_and_materials(label, description, colour, material):
    assert quality_of("颜色", [label], description) == colour
    assert quality_of("material", [label], description) == material
