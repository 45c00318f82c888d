"""What is of a kind by its name: "animal", "家具"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_TABLE = """
animal beast creature pet 动物 宠物 小动物: dog horse cow pig sheep goat lion tiger elephant giraffe zebra monkey ape
 cat gorilla bear panda wolf fox rabbit hare mouse rat hamster deer camel kangaroo koala penguin owl eagle parrot duck
 goose
 swan chicken hen rooster bird fish shark whale dolphin seal otter turtle tortoise snake lizard crocodile frog toad
 bee
 butterfly spider crab octopus hippo hippopotamus rhino rhinoceros leopard cheetah jaguar hyena meerkat flamingo
 ostrich
 peacock donkey puppy kitten lamb calf squirrel hedgehog bat beaver badger lemur sloth llama alpaca
 狗 猫 马 牛 猪 羊 狮子 老虎 大象 长颈鹿 斑马 猴子 猩猩 熊 熊猫 狼 狐狸 兔子 鼠 鹿 骆驼 袋鼠 企鹅 猫头鹰 鹰 鹦鹉 鸭子
 鹅
 柯基 金毛 泰迪 哈士奇 柴犬 边牧 犬 布偶 英短 美短 橘猫 仓鼠 龙猫 垂耳兔
 天鹅 鸡 鸟 鱼 鲨鱼 鲸 海豚 海豹 龟 蛇 鳄鱼 青蛙 河马 犀牛 豹 狮 虎 象 猴 兔 鸭
book 书 书籍: book novel dictionary atlas encyclopedia biography textbook cookbook diary album comic guidebook
 handbook
 书 连环画 词典 字典 地图集 小说 传记 画册 课本 教材 诗集 漫画
furniture 家具: chair table desk bed sofa couch armchair stool bench wardrobe closet cupboard cabinet shelf bookcase
 bookshelf dresser nightstand sideboard ottoman 椅子 桌子 书桌 床 沙发 凳子 长椅 衣柜 柜子 书架 茶几 床头柜 椅 桌 凳
 书柜 橱柜 鞋柜 酒柜 斗柜 电视柜 储物柜 文件柜 餐边柜 置物架 梳妆台 屏风 榻
seat 座位: chair armchair stool bench sofa couch seat 椅子 凳子 长椅 沙发 椅 凳
fruit 水果: apple pear banana orange lemon lime grape cherry strawberry raspberry blueberry peach plum mango melon
 watermelon pineapple kiwi apricot fig coconut papaya 苹果 梨 香蕉 橙子 柠檬 葡萄 樱桃 草莓 桃子 李子 芒果 西瓜 菠萝
 橘 橙 柚子 榴莲 荔枝 龙眼 桂圆 猕猴桃 火龙果 哈密瓜 石榴 杨梅 枇杷 蓝莓 山竹 柿子 杏 桃 甘蔗 车厘子
vegetable 蔬菜: carrot potato tomato onion cucumber cabbage lettuce spinach broccoli cauliflower pepper garlic leek
 pea
 bean pumpkin courgette aubergine celery radish 胡萝卜 土豆 番茄 洋葱 黄瓜 白菜 生菜 菠菜 西兰花 辣椒 大蒜 南瓜 茄子
 西红柿 青菜 香菜 芹菜 韭菜 豆角 莲藕 冬瓜 丝瓜 苦瓜 萝卜 小葱 香葱 生姜 蘑菇 香菇 金针菇 油麦菜 空心菜 包菜 卷心菜
 玉米 山药
seafood 水产 海鲜: prawn shrimp crab lobster mussel oyster clam squid octopus salmon tuna cod haddock trout mackerel
 herring
 鱼 虾 蟹 贝 鱿鱼 生蚝 海参 扇贝 花甲 蛤蜊 龙虾
meat 肉 肉类: beef pork lamb ham bacon chicken turkey sausage steak mince 牛肉 猪肉 羊肉 鸡肉 五花肉 里脊 排骨 肋排
 香肠 火腿 培根
 鸡腿 鸡翅
drink beverage 饮料 喝的: water juice tea coffee milk cola lemonade beer wine soda smoothie cocoa espresso cappuccino
 latte champagne whisky cider ale 水 果汁 茶 咖啡 牛奶 可乐 啤酒 红酒 白酒 汽水 奶茶
ride attraction 游乐设施: coaster carousel merry-go-round flume wheel swing dodgem bumper ride
slope piste: run slope piste
vehicle 车 车辆 交通工具: car truck lorry bus van pickup taxi bicycle bike motorcycle motorbike scooter tram train
 tractor
 ambulance jeep boat ship plane helicopter 汽车 卡车 公交车 面包车 出租车 自行车 摩托车 电车 火车 拖拉机 救护车 轿车
tool 工具: hammer screwdriver wrench spanner saw drill pliers chisel file axe shovel spade rake crowbar jack ladder
 锤子 螺丝刀 扳手 锯子 电钻 钳子 凿子 斧头 铲子 铁锹 梯子
weapon 武器: sword dagger knife bow crossbow spear axe mace pistol gun rifle blaster shotgun cannon staff halberd
 lance
 剑 刀 匕首 弓 弩 长矛 斧 枪 手枪 步枪 法杖
plant 植物: tree flower fern cactus rose tulip orchid bush shrub palm ivy oak birch maple sunflower bonsai bamboo
 grass lavender hydrangea
 植物 绿植 树 花 蕨 仙人掌 玫瑰 郁金香 兰花 灌木 棕榈 橡树 竹子 盆栽 绣球 薰衣草 多肉 绿萝 芭蕉 吊兰 文竹 常春藤
tree 树: oak birch maple pine beech willow chestnut elm fir spruce palm poplar 橡树 松树 柳树 银杏 枫树 樱花树
flower 花: rose tulip orchid lily daisy sunflower carnation daffodil violet peony 玫瑰 郁金香 兰花 百合 菊花 向日葵
 牡丹
clothing clothes garment 衣服 服装: jacket coat shirt blouse sweater jumper hoodie dress skirt trousers jeans shorts
 hat
 cap scarf gloves sock suit robe t-shirt 夹克 外套 衬衫 毛衣 连衣裙 裙子 裤子 牛仔裤 帽子 围巾 手套 袜子 大衣
shoe footwear 鞋: shoe boot sneaker sandal slipper trainer 鞋 靴子 拖鞋 凉鞋 运动鞋
instrument 乐器: ukulele mandolin piano guitar violin cello flute trumpet drum saxophone clarinet harp organ accordion
 banjo
 钢琴 吉他 小提琴 大提琴 笛子 小号 鼓 萨克斯 二胡 古筝 琵琶
container 容器: box crate barrel basket bag jar bottle chest bucket bin vase 箱子 盒子 桶 篮子 袋子 罐子 瓶子 柜子
lamp light 灯: lamp lantern chandelier torch flashlight candle 灯 台灯 落地灯 吊灯 手电筒
person people 人: person man woman boy girl child waiter waitress chef cook nurse doctor guard librarian teacher
 captain
 king
 queen knight wizard merchant blacksmith baker butcher driver cashier receptionist soldier
 salesman saleswoman engineer sailor pirate bishop monk governor sculptor nanny granny diver climber warden
 男人 女人 男孩 女孩 服务员 厨师 护士 医生 卫兵 老师 船长 国王 王后 骑士 巫师 商人 铁匠 司机 收银员
 掌柜 小二 店小二 女侠 大侠 侠客 刀客 剑客 店长 店员 老板 老板娘 保安 警察 游客 顾客 客人 学生 教练 导游 经理 师傅 大爷
 奶奶 爷爷 阿姨 叔叔 农夫 渔夫 猎人 村长 村民 士兵 将军 道士 和尚 公主 王子 弓箭手 法师 刺客 摊主
hotel accommodation lodging 住宿 酒店 旅馆 宾馆 旅店 住处 住的地方: hotel hostel inn guesthouse motel 酒店 旅馆 宾馆
 旅舍 民宿 客栈
 小院 度假村
restaurant eatery 餐厅 餐馆 饭店 饭馆 馆子 吃饭的地方: restaurant cafe bistro pizzeria diner tavern 餐厅 饭店 火锅 面馆
 汤包 小吃店
 酒楼
painting picture artwork 画 画作: painting portrait landscape watercolour print drawing 油画 肖像 风景画 国画 水彩画
 素描
sculpture statue 雕像 雕塑: statue sculpture bust figurine 雕像 塑像 半身像
dish meal food 菜 菜品 食物: soup stew pie pizza pasta salad burger sandwich curry steak noodles rice fish chips
 dumplings
 omelette pancake lasagne risotto roast casserole sushi ramen taco burrito 汤 面 饭 饺子 包子 炒饭 火锅 汤包 牛排 披萨
dessert sweet 甜点 甜品: cake tart pudding sundae brownie tiramisu cheesecake mousse gelato 蛋糕 布丁 冰淇淋 慕斯
bread pastry 面包: bread baguette roll bun croissant pretzel muffin bagel loaf 面包 法棍 可颂 吐司
shop store 商店 店铺: shop store newsagent kiosk pharmacy bakery butcher florist boutique supermarket bookshop chemist
 greengrocer
 超市 便利店 药店 书店 花店 面包店 水果店 服装店 鞋店 文具店 商店 专卖店
toy 玩具: block dice drone robot dough teddy doll puzzle ball kite 玩偶 娃娃 积木 拼图 皮球 风筝
potion medicine remedy 药 药品: potion pill tablet syrup ointment painkiller aspirin antidote elixir plaster 药水
 药片 药膏 止痛药
device appliance electronics 电器 家电: television tv radio computer laptop phone printer fridge oven microwave kettle
 toaster
 washing machine dishwasher speaker 电视 收音机 电脑 手机 打印机 冰箱 烤箱 微波炉 水壶 洗衣机 音箱
person people 人: jarl purser armourer armorer trainer thane reeve scribe druid bard minstrel jester apothecary
 sorceress warlock enchanter priestess acolyte verger emperor empress vizier pharaoh shogun samurai ronin geisha
 crossbowman pikeman halberdier musketeer dragoon hussar cavalryman infantryman admiral midshipman helmsman
 boatswain coxswain stoker shipwright ferryman gondolier whaler harpooner fletcher bowyer tinker seamstress weaver
 tanner saddler farrier wheelwright cabinetmaker bricklayer plasterer roofer glazier locksmith clockmaker watchmaker
 silversmith glassblower bookbinder typesetter engraver miller winemaker cheesemaker dairymaid milkmaid shepherdess
 goatherd cowherd swineherd drover ostler stableboy ploughman farmhand woodcutter gamekeeper trapper poacher
 falconer fishwife confectioner chocolatier barmaid barkeeper caterer busboy doorman bellhop chambermaid footman
 governess stationmaster signalman cabbie trucker postwoman copilot orthodontist hygienist physiotherapist
 paediatrician radiologist oncologist zookeeper headmistress cosmonaut draughtsman warder jailer gaoler pickpocket
 hangman typist bookkeeper stallholder pedlar peddler stagehand cellist flautist trumpeter organist ringmaster
 ventriloquist puppeteer fencer snowboarder mountaineer hitchhiker commuter lodger bridegroom orphan milliner hatter
 beautician masseur masseuse manicurist gravedigger chimneysweep lamplighter ratcatcher villager serf noblewoman
 courtier nightwatchman paladin necromancer mage elf dwarf hobbit halfling 女巫 祭司 术士 骑兵 斥候 侍从 执事 使者
 信使 长老 酋长 领主 公爵 伯爵 男爵 皇帝 女王 矮人 半身人 吟游诗人 游侠 佣兵 修女 主教 教士 奶妈 护工 新郎 新娘 伴郎
 伴娘 司仪 模特 义工 病人 患者 房东 邻居
animal beast creature pet 动物 宠物 小动物: stoat mink polecat mole dormouse chinchilla capybara anteater aardvark
 tapir okapi yak ox fawn ram dromedary vicuna echidna ocelot serval caracal civet marmoset tamarin narwhal jackdaw
 macaw cockatiel toucan hornbill partridge cassowary cormorant duckling cockerel skink axolotl adder terrapin
 clownfish pufferfish swordfish crayfish urchin slug labrador whippet chihuahua 貂 水獭 刺猬 松鼠 浣熊 獾 猞猁 狐
 羚羊 驴 骡 羊驼 考拉 树懒 穿山甲 食蚁兽 狐獴 狒狒 海狮 海象 麻雀 乌鸦 喜鹊 燕子 鸽子 八哥 鹩哥 孔雀 仙鹤 鹳 鹭 鹈鹕
 火烈鸟 海鸥 蜥蜴 壁虎 变色龙 蝾螈 蟒 蟾蜍 锦鲤 海马 水母 章鱼 海星 蜗牛 蝴蝶 蜜蜂 蚂蚁 蜘蛛 蝎子 蜈蚣 蟋蟀 蝉 甲虫
 瓢虫 蜻蜓 螳螂 豚鼠 荷兰猪
herb 香草 草药: basil parsley rosemary thyme sage mint oregano marjoram dill coriander cilantro chive tarragon
 chervil lovage fennel savory borage lemongrass chamomile camomile valerian yarrow comfrey mugwort wormwood mandrake
 henbane lavender nettle ginseng 薄荷 罗勒 迷迭香 百里香 鼠尾草 欧芹 紫苏 艾草 人参 当归 枸杞 甘草 黄芪
plant 植物: parsley rosemary sage oregano marjoram dill coriander cilantro chive tarragon chervil lovage fennel
 savory borage lemongrass chamomile camomile valerian yarrow comfrey mugwort wormwood mandrake henbane nightshade
 foxglove ginseng begonia geranium pelargonium petunia snowdrop crocus anemone gladiolus chrysanthemum zinnia
 cornflower bluebell delphinium camellia rhododendron honeysuckle wisteria clematis forsythia gardenia bougainvillea
 fuchsia freesia amaryllis yucca monstera philodendron pothos ficus dracaena anthurium calathea spathiphyllum croton
 bromeliad moss lichen bramble boxwood privet blackthorn alder larch sequoia redwood hornbeam baobab 龟背竹 虎皮兰
 虎尾兰 发财树 富贵竹 君子兰 茉莉 栀子 月季 杜鹃 山茶 茶花 桂花 海棠 水仙 风信子 三色堇 矮牵牛 天竺葵 蟹爪兰 仙客来
 芦荟 薄荷 罗勒 迷迭香 百里香 鼠尾草 蒲公英 三叶草 苔藓 爬山虎 紫藤 荷花 睡莲 芦苇
flower 花: begonia geranium petunia snowdrop crocus anemone gladiolus chrysanthemum zinnia cornflower bluebell
 delphinium camellia gardenia fuchsia freesia amaryllis foxglove hydrangea lavender 月季 杜鹃 山茶 茉莉 栀子 水仙
 风信子 三色堇 薰衣草 绣球
drink beverage 饮料 喝的: pilsner cognac mezcal scotch ouzo soju aperol prosecco cava riesling chardonnay merlot
 barolo rioja malbec sauvignon mojito negroni spritz macchiato americano cortado ristretto frappe matcha chai
 rooibos oolong lassi kefir kombucha horchata 拿铁 美式 卡布奇诺 摩卡 浓缩 奶昔 豆浆 酸梅汤 乌龙 普洱 龙井 铁观音
 威士忌 伏特加 朗姆 白兰地 香槟 雪碧 芬达 酸奶 可可 抹茶 黄酒 米酒 清酒 金酒 鸡尾酒 酒
vehicle 车 车辆 交通工具: coach minibus campervan motorhome suv quad excavator digger snowplough railcar monorail
 funicular raft longship shuttle rover hoverboard 电动车 三轮车 马车 房车 校车 大巴 中巴 地铁 高铁 动车 缆车 游船
 渡轮 轮渡 快艇 帆船 渔船 皮划艇 游艇 潜艇 热气球 滑板车 平衡车 消防车 警车 挖掘机 推土机 叉车 吊车 皮卡 越野车 跑车
 货车 摩托 雪橇
tool 工具: mallet adze gimlet whetstone grindstone anvil bellows tongs tweezers clamp bradawl fretsaw lathe
 secateurs pruner wheelbarrow caliper multimeter multitool penknife pocketknife paintbrush 榔头 凿 锉刀 刨子 老虎钳
 尖嘴钳 镊子 撬棍 木槌 锯 电锯 冲击钻 卷尺 水平仪 卡尺 锄头 耙子 镰刀 修枝剪 镐 铲 焊枪 电烙铁 万用表 千斤顶
weapon 武器: katana falchion broadsword longsword greatsword shortsword warhammer battleaxe flail cudgel
 quarterstaff glaive longbow shortbow slingshot blowpipe flintlock grenade catapult ballista trebuchet shuriken
 kunai nunchaku wand 戟 短剑 战斧 战锤 飞镖 手雷 炸弹 大炮 弓箭 双截棍 狼牙棒
dish meal food 菜 菜品 食物: goulash tagliatelle bolognese moussaka stroganoff tagine dal pho bibimbap kimchi gyoza
 gratin raclette gazpacho minestrone
device appliance electronics 电器 家电: router modem keyboard smartphone smartwatch earbuds camera camcorder drone
 console gamepad joystick amplifier turntable gramophone jukebox hairdryer shaver toothbrush razor iron vacuum
 humidifier dehumidifier heater radiator fan thermostat boiler blender mixer juicer grinder grill hob stove cooker
 freezer fryer charger powerbank 空调 风扇 电饭煲 吹风机 吸尘器 加湿器 净化器 热水器 投影仪 路由器 平板 显示器 键盘
 鼠标 相机 摄像机 音响 耳机 咖啡机 榨汁机 面包机 电磁炉 油烟机 洗碗机 烘干机 熨斗 充电宝 游戏机 扫描仪 空气炸锅 冰柜
"""
"""A kind a line, or more lines, each of which may go on: the words for it (apart by spaces), a colon, what is of it."""


def _read(table: str) -> dict[str, tuple[str, ...]]:
    lines = table.strip().replace("\n ", " ").splitlines()
    kinds: dict[str, tuple[str, ...]] = {}
    for line in lines:
        words, nouns = line.split(": ")
        for word in words.split():
            kinds[word] = (*kinds.get(word, ()), *nouns.split())
    return kinds


KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(_read(_TABLE))
"""The nouns of each kind, by the kind's name in the singular."""
_NOUNS = frozenset(noun for nouns in KINDS.values() for noun in nouns)
ENGLISH: Mapping[str, str] = MappingProxyType(
    {word: kinds.split()[0] for kinds in re.findall(r"^(\w.*): ", _TABLE, re.MULTILINE) for word in kinds.split()}
)
"""The English word for each kind, by any of its words: "plant" of 植物."""


@cache
def _wider() -> dict[str, set[str]]:
    """Of each noun of wordnet.txt its other words and those for the kinds that it is one of, however wide. What is a
    thing as well as a person ("chair", "speaker") is no person."""
    found: dict[str, set[str]] = {}
    people: dict[str, set[str]] = {}
    above: list[list[str]] = []  # words for each kind on the way down
    for line in files(__package__).joinpath("wordnet.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, _, nouns = line.partition(": ")
        above[len(kind) - len(kind.lstrip()) :] = [kind.strip().split("/")]
        wider = {word for words in above for word in words}
        wider |= {"device" for word in wider if word.endswith(" device")}
        of = people if "person" in wider else found
        for noun in above[-1]:
            of.setdefault(noun, set()).update(wider)
        for same in (its.split("/") for its in nouns.split(", ") if its):
            for noun in same:
                of.setdefault(noun, set()).update(wider, same)
    return people | found | {noun: {"person", *people.get(noun, ())} for noun in _OTHER_PEOPLE}


@cache
def wider(noun: str) -> frozenset[str]:
    """Other words for a noun, and the kinds that it is one of: "hand tool", "tool" of "hammer"."""
    return frozenset(_wider().get(noun, ())) - {noun}


_OTHER_PEOPLE = (
    "agent porter stewardess barista juggler acrobat fishmonger greengrocer cobbler smith jeweller innkeeper landlady "
    "sous-chef bellboy chauffeur welder beekeeper vintner distiller sommelier docent archivist stowaway bosun deckhand "
    "dietician optician optometrist phlebotomist radiographer physio anaesthetist gatekeeper policewoman lumberjack "
    "florist trainee apprentice intern clerk attendant"
).split()
_PEOPLE_ZH = (
    "[员师匠徒侠贩叔姨婶嫂姐妹婆伯舅爸妈爹汉童孩妇者]|(?<!手)(?<!加)(?<!施)(?<!竣)工|[站院校班队店组团馆社车船机舰镇乡村局所科部厂会庄族士]长|(?:实习|研究|服务|"
    "女|男|先|考|书|医|学|毕业)生|[大农渔车马船樵屠更挑丈]夫|[歌水选骑鼓琴舵号射猎助新弓枪乐杀]手|[画作专管学]家|[店摊庄教公业房船车雇施]主|[经助]理|"
    "[老商主病仙工军艺诗猎夫旅路渔盲客匠证]人|(?:负责|手艺|守夜|守林|守墓|摆渡|看门|主持|经纪|讲解)人|[民交特刑巡乘辅]警|警[官察]|[军法考教判]官|[导][游演]|"
    "[旅游乘顾住食刀侠]客|[战勇武术隐女男博卫院骑护道]士|[士卫哨骑步新]兵|[姑新厨大]娘|老板娘?|掌柜|小二|主任|主管|主播|主持|秘书|教授|教练|裁判|翻译|保[姆安洁]|"
    "门[卫房]|守卫|侍[卫女]|管事|酒保|跑堂|账房|伙计|[镖捕工老]头|捕快|郎中|牧师|神父|和尚|尼姑|乞丐|强盗|海盗|小偷|[老大小表堂]?[哥弟]|大[爷妈]|[爷奶公]{2}|外[公婆]|"
    "老太太?|老爷子?|少[年女爷]|小伙子?|小朋友|孩子|婴儿|皇[帝后上]|太[后监]|公主|王[子妃后]"
)
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪任姜范方姚"
    "谭廖邹熊陆郝孔崔康邱秦史顾侯邵孟雷尹武乔贺赖龚俞卜"
)
_PERSON_ZH = re.compile(
    rf"(?!.*[八鹩]哥$).*(?:{_PEOPLE_ZH})(?:[小老大][{SURNAMES}马高石田江龙]|[{SURNAMES}][^\W\d]{{1,2}}|阿.|(.)\1)?$"
)


def is_person_zh(name: str) -> bool:
    """Whether a Chinese name is that of a person by the word for what they do or are, perhaps with their own name after
    it: 实习生, 护工老李."""
    return _PERSON_ZH.match(name) is not None


@cache
def _further() -> frozenset[str]:
    text = files(__package__).joinpath("nouns.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def is_noun(words: str) -> bool:
    """Whether these are words for a thing or a kind of them."""
    return words in _wider() or words in KINDS or words in _NOUNS or words in _further()
