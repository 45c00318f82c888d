"""The people split: its files hold together, and its judge says what a careful reader would."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict
from scenewright.v1 import graph_pb2
from scenewright_server.training.evaluation.amounts import amounts
from scenewright_server.training.evaluation.people import PeopleScene, Question, judge, read_scenes

HALVES = ("held", "dev", "free-held", "free-dev", "everyday-held", "everyday-dev")
JUDGED = """
inn-01 | The mana potion costs 40 gold. | potion-blue | right
inn-01 | forty gold pieces | | right
inn-01 | It costs 25 gold. | | false
inn-01 | It costs 37 gold. | | made_up
inn-01 | I don't know the price. | | wrong
inn-01 | I do not see a mana potion here. | | false
inn-03 | The healing potion. | | right
inn-03 | That would be the healing potion on the bar counter. | potion-red bar | right
inn-03 | The mana potion. | potion-blue | false
inn-03 | This one. | potion-red | right
inn-05 | You can reach the rusty sword on the lectern. | sword | right
inn-05 | The sword and the ale mug. | | false
inn-06 | There are two barrels behind you. | barrel-2 barrel-3 | right
inn-06 | Two. | | right
inn-06 | There are 3. | | false
inn-07 | Yes, there is a wooden stool on your left. | stool-1 | right
inn-07 | The wooden stool on your left. | | right
inn-07 | No, there is nothing. | | false
inn-08 | At the fireplace, on your right. | fire | right
inn-08 | By the fire... the fireplace burns on your left. | fire | false
inn-09 | Which barrel, the one on the right or one of the two behind you? | barrel-1 barrel-2 barrel-3 | right
inn-09 | It holds cider. | barrel-2 | wrong
inn-09 | Salted fish, cider and gunpowder. | | right
inn-10 | Salted fish. | | right
inn-10 | That one holds cider. | | false
inn-11 | No, it's locked. | chest | right
inn-11 | The chest is locked. | | right
inn-11 | Yes, it is open. | | false
inn-12 | Berta has it. | berta | right
inn-15 | There is no piano here. | | right
inn-15 | I can't see a piano. | | right
inn-15 | The piano stands behind you. | | made_up
inn-16 | I don't know how old Berta is. | | right
inn-16 | Her age isn't mentioned. | | right
inn-16 | She is 43 years old. | | made_up
inn-16 | There is no Berta here. | | false
inn-18 | A treasure map is on the round table. | map table | right
inn-18 | The treasure map and an ale mug. | | false
inn-19 | The ale mug for 2 gold and the rusty sword for 12 gold. | ale sword | right
inn-19 | You could buy the ale. | | wrong
inn-20 | 治疗药水25金币。 | | right
inn-20 | 二十五枚金币 | | right
inn-21 | 在你身后。 | chest | right
inn-21 | 在你左边 | | false
inn-22 | 法力药水，40金币。 | | right
grocery-01 | The chickpeas, at 0.89 euros. | chickpeas | right
grocery-01 | Spaghetti at 99 cents. | | false
grocery-02 | The honey is 5 euros 99. | honey | right
grocery-02 | €5.99 | | right
grocery-02 | EUR 5,99 | | right
grocery-02 | It's 6.49 euros | | false
grocery-03 | Spaghetti and chickpeas. | | right
grocery-03 | Chickpeas (0.89 EUR), spaghetti (0.99 EUR) and penne (1.09 EUR). | | false
grocery-04 | Honey, strawberry jam, peanut butter, oat biscuits and dark chocolate. | | right
grocery-04 | Honey, jam, peanut butter, cookies, chocolate. | honey jam peanut biscuits chocolate shelf-3 | right
grocery-05 | Together they cost 8.78 euros. | | right
grocery-05 | 5.99 + 2.79 = 8.78 EUR | | right
grocery-05 | 9.78 euros. | | false
grocery-06 | The instant coffee is 2.40 euros cheaper. | | right
grocery-07 | 1.99 euros on average | | right
grocery-08 | Four things. | | right
grocery-08 | Four: basmati rice, dog food, ground coffee and olive oil. | | right
grocery-09 | No, the orange juice is. | | right
grocery-09 | No, the apple juice is cheaper. | | right
grocery-09 | The orange juice is dearer. | | right
grocery-09 | Yes. | | false
grocery-10 | The cat litter weighs more (10 kg) than the basmati rice (5 kg). | litter rice | right
grocery-10 | The rice. | | false
grocery-13 | Yes, the honey is from Hungary. | honey | right
grocery-13 | The honey. | | right
grocery-13 | No, sorry. | | false
grocery-14 | From Colombia. | | right
grocery-14 | It's from Japan | | false
grocery-15 | It doesn't say where the penne is made. | | right
grocery-15 | They are made in Italy. | | made_up
grocery-16 | No, I don't see any milk here. | | right
grocery-16 | Yes, the milk is on shelf 2. | | false
grocery-17 | How about the honey or the strawberry jam? | honey jam | right
grocery-22 | No, it's out of order until Friday. | | right
grocery-22 | It is out of order. | | right
grocery-22 | Yes it works. | | false
grocery-25 | Do you mean the apple juice or the orange juice? | | right
grocery-25 | The apple juice is 1.69, the orange juice 2.29. | | right
grocery-25 | It costs 1.69 euros. | applejuice | wrong
grocery-27 | 2.49 euros and 100 g. | | right
grocery-27 | It's €2.49 and weighs 0.1 kg. | | right
grocery-27 | 2.49 euros. | | wrong
grocery-29 | Sun of Crete in every drop: our olive oil! | | right
grocery-29 | Only 4.99 euros, our olive oil! | | made_up
grocery-29 | I don't know. | | wrong
grocery-30 | 一共12.08欧元。 | | right
grocery-30 | 十二块零八。 | | right
grocery-33 | 五样。 | | right
grocery-33 | 四样 | | false
grocery-35 | 不知道，没有写保质期。 | | right
grocery-35 | 到2027年3月。 | | made_up
grocery-36 | 没有啤酒。 | | right
grocery-36 | 有，在第三层 | | false
grocery-32 | 绿茶产自日本。 | | right
grocery-31 | 苹果汁，1.69欧元 | | right
grocery-20 | On the top shelf, on the left. | oil | right
grocery-20 | On the bottom shelf. | | false
livingroom-01 | The grey sofa with a cat on it, and the door. | sofa cat door | right
livingroom-01 | A sofa, the cat and a door. | | right
livingroom-01 | The sofa. | | wrong
livingroom-03 | It's open. | | right
livingroom-03 | The window is closed. | | false
livingroom-04 | No, it is about 1.5 metres away. | | right
livingroom-04 | The remote control is out of reach. | | right
livingroom-04 | Yes. | | false
livingroom-05 | Yes, your mug is within reach. | | right
livingroom-10 | The red one. | | right
livingroom-10 | Green. | | false
livingroom-11 | The bookcase is taller than the floor lamp. | bookcase | right
livingroom-11 | The floor lamp. | lamp | false
livingroom-11 | The floor lamp is taller than the bookcase. | lamp | false
livingroom-12 | About 2.7 metres. | | right
livingroom-12 | 270 cm | | right
livingroom-12 | 4 metres | | false
livingroom-13 | Ines Vidal wrote it. | | right
livingroom-14 | 312 pages | | right
livingroom-14 | It has 250 pages. | | false
livingroom-15 | Miso is the cat. | cat | right
livingroom-17 | The fern or the cactus? | | right
livingroom-19 | I don't know the breed. | | right
livingroom-19 | Miso is a Siamese. | | made_up
livingroom-20 | No, there isn't. | | right
livingroom-20 | I don't see a clock. | | right
livingroom-22 | Yes, the floor lamp is still on. | | right
livingroom-27 | 大概3.2米。 | | right
livingroom-27 | 离您大约三米二 | | right
livingroom-24 | 没有，关着呢。 | | right
livingroom-24 | 开着 | | false
museum-05 | 215,000 euros | | right
museum-05 | Two hundred and fifteen thousand euros. | | right
museum-04 | Four years. | | right
museum-03 | The oil painting of a horse. | | right
museum-08 | The artist is unknown. | | right
museum-08 | Maren Holt | | made_up
museum-09 | The two oil paintings and the marble statue. | painting-1 painting-2 statue | right
museum-11 | That's the marble statue of a dancer. | statue | right
museum-12 | It is shorter: 71 cm. | | right
museum-13 | There's a bench right behind you. | bench | right
museum-17 | Just one. | | right
museum-17 | One, the clay amphora. | amphora | right
museum-15 | I can't find a mummy in here. | | right
workshop-02 | 129 euros | | right
workshop-02 | It costs EUR 129, it was 159. | | right
workshop-03 | 30 euros off | | right
workshop-01 | The jigsaw, at 2.1 kg. | | right
workshop-13 | No, it weighs 600 g. | | right
workshop-13 | It weighs 0.6 kg. | | right
workshop-11 | Half an hour. | | right
workshop-10 | Yes, you can reach them. | | right
workshop-17 | 0.4 m longer | | right
workshop-17 | 40 centimetres | | right
workshop-17 | 60 cm | | false
workshop-21 | On your left. | | right
workshop-21 | On your right. | | false
office-01 | It's Priya's. | | right
office-07 | Do you mean the one on the left or the one on the right? | | right
office-07 | Which one, Priya's or Jonas's? | OfficeChair_1 OfficeChair_2 | right
office-02 | Fifteen percent. | | right
office-05 | No, it has a paper jam. | | right
office-03 | On the green folder. | Folder_A | right
office-09 | An office chair and the rubber plant. | OfficeChair_2 plant | right
office-18 | 左边那把。 | OfficeChair_2 | right
qinghe-01 | 30元 | | right
qinghe-01 | 门票三十块。 | | right
qinghe-01 | 60元 | | false
qinghe-01 | 45元 | | made_up
qinghe-04 | 推荐竹里民宿，评分4.9，停车免费。 | bnb | right
qinghe-04 | 青河大酒店 | hotel | false
qinghe-10 | 青河博物馆和白石桥。 | | right
qinghe-13 | 不开，周一闭馆。 | | right
qinghe-14 | 白石桥更古老，建于1187年，望江塔建于1563年。 | | right
qinghe-14 | 望江塔 | | false
qinghe-17 | 平均353元左右 | | right
qinghe-18 | 抱歉，我不知道青河大酒店的电话。 | | right
qinghe-18 | 0571-6239999 | | made_up
qinghe-19 | 附近没有电影院。 | | right
qinghe-21 | 在您的左边。 | | right
qinghe-23 | 您问哪一家? | | right
qinghe-24 | 下午两点。 | | right
qinghe-26 | 大约两个小时 | | right
qinghe-22 | 大约六十米 | | right
qinghe-27 | 登望江塔，揽一河青色。 | | right
kitchen-04 | 炒锅还是汤锅? | | right
kitchen-05 | 不锈钢的。 | | right
kitchen-09 | 没有，冰箱门没关好。 | | right
kitchen-11 | 还要10分钟。 | | right
kitchen-11 | 十分钟 | | right
kitchen-12 | 这里没有烤箱。 | | right
kitchen-08 | 两把。 | | right
kitchen-15 | 12个 | | right
ruins-07 | 右边的火把。 | torch-2 | right
ruins-10 | 相传很久以前，一只狐狸守着这扇石门。 | | right
ruins-10 | 我不知道。 | | wrong
street-01 | No, the light is red. | | right
street-03 | It goes to Central Station and costs 2.80 euros. | | right
street-12 | To your right. | | right
street-14 | Sorry, I wasn't told the dog's name. | | right
street-14 | The dog is called Rex. | | made_up
inn-23 | No, there are three of each. | | right
inn-23 | Yes. | | false
inn-24 | It is red. | | right
inn-13 | He wants someone to carry a sealed letter to Greywater. | | right
inn-17 | Oh, surely, a warm fire and a cheerful innkeeper make good songs. | | right
clinic-01 | One tablet every 8 hours. | | right
clinic-01 | Every 6 hours. | | false
clinic-02 | The amoxicillin. | | right
clinic-02 | Avoid amoxicillin; ibuprofen and paracetamol are fine. | | right
clinic-03 | 38.4 degrees | | right
clinic-13 | I don't see a wheelchair. | | right
clinic-14 | Which chair, the green one or one of the white ones? | | right
clinic-16 | On the examination bed, on your left. | bed | right
clinic-18 | 不能，不要空腹服用。 | | right
clinic-17 | 每6小时一片。 | | right
clinic-20 | 我不知道护士的年龄。 | | right
clinic-10 | She does. | | wrong
clinic-10 | Yes, nurse Okafor speaks English, Igbo and French. | | right
classroom-03 | Jupiter has the most, 95. | jupiter | right
classroom-01 | 206 bones | | right
classroom-01 | It has two hundred and six. | | right
classroom-07 | No, there are two of each. | | right
classroom-02 | Page 34, numbers 5 to 8. | | right
classroom-08 | The two blue chairs. | seat-3 seat-4 | right
classroom-08 | the blue chairs | | right
classroom-08 | the red chairs | seat-1 seat-2 | false
classroom-10 | There's no price given for the globe. | | right
classroom-10 | It costs 30 euros | | made_up
classroom-11 | No, it's switched off. | | right
classroom-13 | How many moons does Jupiter have? | | right
street-09 | Yes, there's a park bench behind you, to the left. | bench | right
street-07 | Do you mean the red car or the white car? | | right
street-08 | No, it has a petrol engine. | | right
street-13 | 5 euros | | right
street-13 | €5.00 | | right
street-15 | No, there isn't one. | | right
street-10 | The pharmacy on your right is open. | pharmacy | right
clinic-12 | The amoxicillin is in front of you. | amox | wrong
clinic-12 | 不知道。 | | right
bakery-12 | I have no information about its calories. | | right
bakery-12 | About 420 calories. | | made_up
bookshop-02 | 林溪写了《山间来信》和《海的女儿们》。 | | right
bookshop-02 | 《山间来信》 | | wrong
bookshop-05 | 总共二百零四元。 | | right
bedroom-06 | Which lamp: left or right? | | right
bedroom-06 | The right one is on. | lamp-r | wrong
bedroom-06 | Yes. | | wrong
bedroom-10 | At a quarter to seven. | | right
bedroom-12 | The laptop with 62 % (the phone has 9 %). | laptop | right
bedroom-12 | Your phone. | phone | false
bedroom-15 | Turn around, it's right behind you. | | right
bedroom-15 | To the left. | | false
zoo-01 | The lion. | | false
zoo-07 | 1.09 tonnes | | right
zoo-16 | There are no tigers here. | | right
zoo-16 | Tigers are behind the elephant house. | | made_up
library-09 | Ten cents. | | right
library-09 | 0.10 euros | | right
library-09 | 20 cents | | made_up
library-12 | One of them is free, the other is in use. | | right
dentist-06 | 蓝色的那支是软毛，更软。 | | right
dentist-12 | 没关，还开着。 | | right
dentist-12 | 关了。 | | false
ship-04 | Take Beta: it has four seats and is ready. | | right
ship-04 | Escape pod Beta; Alpha is damaged. | | right
ship-04 | Alpha. | | false
lakeside-07 | 单程50元。 | | right
lakeside-07 | 往返80元，单程50元 | | right
lakeside-14 | 没有说明是否能停车。 | | right
lakeside-14 | 能停车，免费。 | | made_up
garage-04 | €72.50 | | right
garage-16 | Its colour isn't stated. | | right
garage-16 | It is red. | | made_up
bathroom-03 | 白色的那个。 | | right
park-02 | 0.9 m | | right
park-02 | About two metres. | | false
park-08 | It's freshly painted. | | right
park-08 | Because it is broken. | | wrong
castle-10 | 锁着呢。 | | right
castle-10 | 没锁。 | | false
castle-12 | 不知道。 | | right
castle-12 | 七十岁 | | made_up
inn-19 | An ale (2 gold) or a rusty sword (12 gold); the potions are too dear. | | right
grocery-19 | Black pepper and soy sauce. | | right
grocery-19 | Black pepper, soy sauce and sea salt. | | false
classroom-18 | 满了。 | | right
classroom-18 | 还没满 | | false
clinic-07 | There's a sink to the front right and hand sanitizer beside you. | | right
livingroom-21 | The red one. | chair-r | right
livingroom-01 | A sofa with a cat, and further back the door and a window. | sofa cat door | false
museum-14 | Through the emergency exit behind you. | exit | right
office-13 | I don't have the wifi password. | | right
office-13 | It's office2024. | | made_up
office-15 | Roughly two and a half metres. | | right
kitchen-10 | 汤锅比炒锅高。 | pot | right
kitchen-10 | 炒锅比汤锅高。 | wok | false
livingroom-01 | The grey sofa, the cat, the door and a piano. | sofa cat door | made_up
livingroom-01 | There is a television. | tv | false
kitchen-01 | 红苹果、青苹果、香蕉和一个花瓶。 | | made_up
museum-09 | Morning at Skagen, Bay Mare and the marble statue. | | right
museum-12 | It is shorter: 71 cm. | | right
"""
"""Question, answer, the ids that it points at, verdict."""
AMOUNTS = {
    "It costs 5.99 euros": [5.99],
    "€5,99": [5.99],
    "5 euros and 99 cents": [5.99],
    "99 cents": [0.99],
    "215 000 euros, or 215,000": [215000, 215000],
    "two hundred and fifteen thousand": [215000],
    "两米四": [2.4],
    "2 m 40 cm": [2.4],
    "十二块零八": [12.08],
    "百分之十五": [15],
    "三百五十三块三": [353.3],
    "40 cm": [0.4],
    "half an hour": [30],
    "two and a half metres": [2.5],
    "1.09 tonnes": [1090],
    "the third shelf, 第三层, 3rd": [],
}


def all_scenes() -> list[PeopleScene]:
    return [scene for half in HALVES for scene in read_scenes(half)]


def truest_answer(scene: PeopleScene, question: Question) -> tuple[str, list[str]]:
    """What the first alternative asks for, said baldly."""
    accept, is_chinese = question.accept[0], question.language == "zh"
    labels = {o["id"]: o["label"] for o in scene.graph["objects"]}
    ids = accept.get("objects", accept.get("any_object", []))
    refusals = {
        "unknown": ("I don't know.", "我不知道。"),
        "not_here": ("There is none here.", "这里没有。"),
        "asks_back": ("Which one do you mean?", "您说的是哪一个?"),
        "beyond": ("What a fine thing that is, is it not?", "这真是个好东西,对吧?"),
    }
    said = [refusals[accept["refusal"]][is_chinese]] if "refusal" in accept else []
    if "yes_no" in accept:
        said.append({"yes": ("Yes.", "是的。"), "no": ("No.", "不是。")}[accept["yes_no"]][is_chinese])
    said += [labels[i] for i in ids if "refusal" not in accept]
    said += [group[0] for group in accept.get("words", [])]
    for number in [*accept.get("numbers", []), *([accept["number"]] if "number" in accept else [])]:
        value = number["value"] if "value" in number else (number["from"] + number["to"]) / 2
        said.append(f"{value:g} {number.get('unit', '')}")
    return ", ".join(said), ids


@pytest.mark.parametrize("half", HALVES)
def test_a_half_holds_together(half: str) -> None:
    scenes = read_scenes(half)
    questions = [q for scene in scenes for q in scene.questions]
    assert len(scenes) >= 7 and len(questions) >= 160
    assert (
        len({q.id for q in questions})
        == len({(q.ask, q.before and q.before[-1]["ask"]) for q in questions})
        == len(questions)
    )
    for scene in scenes:
        graph = ParseDict(scene.graph, graph_pb2.SceneGraph(), ignore_unknown_fields=True)
        ids = {o.id for o in graph.objects}
        assert len(ids) == len(graph.objects) > 5
        for q in scene.questions:
            named = {i for a in q.accept for key in ("objects", "any_object") for i in a.get(key, [])}
            assert named | set(q.may) | set(q.names) | {r[1:] for r in q.reject if r[0] == "@"} <= ids, q.id
            assert q.accept and all(q.accept) and q.language in ("en", "zh") and q.ask.strip(), q.id


def test_halves_share_no_scene_and_no_question() -> None:
    held, dev = read_scenes("held"), read_scenes("dev")
    assert not {s.name for s in held} & {s.name for s in dev}
    assert not {q.ask for s in held for q in s.questions} & {q.ask for s in dev for q in s.questions if not q.before}


def test_the_truth_said_baldly_is_right() -> None:
    for scene in all_scenes():
        for question in scene.questions:
            text, ids = truest_answer(scene, question)
            verdict = judge(scene, question, text, ids)
            assert verdict.verdict == "right", (question.id, question.ask, text, verdict)


def test_silence_and_ignorance_are_right_only_where_they_are_wanted() -> None:
    for scene in all_scenes():
        for question in scene.questions:
            assert judge(scene, question, "").verdict == "wrong"
            ignorant = judge(scene, question, "我不知道。" if question.language == "zh" else "I don't know.")
            is_wanted = any(a.get("refusal") == "unknown" for a in question.accept)
            assert ignorant.verdict == ("right" if is_wanted else "wrong"), (question.id, ignorant)


def test_nothing_that_fits_every_question_is_right() -> None:
    for scene in all_scenes():
        labels = {o["id"]: o["label"] for o in scene.graph["objects"]}
        for question in scene.questions:
            assert judge(scene, question, question.ask).verdict == "wrong", question.id
            if question.kind != "beyond" and len(labels) > 12:
                everything = judge(scene, question, ", ".join(labels.values()), list(labels))
                assert everything.verdict != "right", question.id


def test_answers_are_judged_as_a_reader_would() -> None:
    questions = {q.id: (scene, q) for scene in all_scenes() for q in scene.questions}
    rows = [[cell.strip() for cell in line.split("|")] for line in JUDGED.strip().splitlines()]
    assert len(rows) > 150
    for name, answer, pointed, wanted in rows:
        verdict = judge(*questions[name], answer, pointed.split())
        assert verdict.verdict == wanted, (name, questions[name][1].ask, answer, verdict)


@pytest.mark.parametrize("text", AMOUNTS)
def test_amounts_are_read(text: str) -> None:
    assert [a.value for a in amounts(text) if not a.is_weak] == pytest.approx(AMOUNTS[text])
