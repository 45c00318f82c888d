"""What the simulator's things are called in both languages, and the forms of questions about them.

`{0}` and `{1}` stand for the things that a question is about, `{rel}` for a relation.
"""

from __future__ import annotations

CHINESE = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "blue": "蓝色", "purple": "紫色",
    "pink": "粉色", "brown": "棕色", "white": "白色", "black": "黑色",
    "plain": "纯色", "striped": "条纹", "checkered": "方格", "small": "小的", "large": "大的",
    "chair": "椅子", "table": "桌子", "sofa": "沙发", "bed": "床", "lamp": "台灯", "shelf": "架子",
    "cabinet": "柜子", "monitor": "显示器", "plant": "植物", "bottle": "瓶子", "mug": "杯子", "book": "书",
    "ball": "球", "barrel": "木桶", "cone": "圆锥", "chest": "箱子",
    "thing": "东西", "one": "那个", "it": "它", "left": "左边", "right": "右边",
}  # fmt: skip

RELATIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "left": {"en": ("to the left of", "left of"), "zh": ("左边",)},
    "right": {"en": ("to the right of", "right of"), "zh": ("右边",)},
    "behind": {"en": ("behind",), "zh": ("后面",)},
    "front": {"en": ("in front of",), "zh": ("前面",)},
    "on": {"en": ("on", "on top of"), "zh": ("上面",)},
    "under": {"en": ("under", "below"), "zh": ("下面",)},
}

QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "colour": {
        "en": ("what colour is {0}", "which colour does {0} have", "what is the colour of {0}",
               "tell me the colour of {0}"),
        "zh": ("{0}是什么颜色", "{0}是什么颜色的", "{0}的颜色是什么", "告诉我{0}的颜色"),
    },
    "pattern": {
        "en": ("what pattern does {0} have", "is {0} plain striped or checkered", "what is the pattern of {0}"),
        "zh": ("{0}是什么花纹", "{0}有什么花纹", "{0}的花纹是什么"),
    },
    "size": {
        "en": ("what size is {0}", "is {0} small or large", "how big is {0}"),
        "zh": ("{0}是大的还是小的", "{0}有多大", "{0}的大小是什么"),
    },
    "kind": {
        "en": ("what is {0}", "what kind of thing is {0}", "what do you call {0}"),
        "zh": ("{0}是什么", "{0}是什么东西", "{0}叫什么"),
    },
    "exist": {
        "en": ("is there {0}", "do you see {0}", "can you see {0}", "is there {0} here"),
        "zh": ("有{0}吗", "这里有{0}吗", "你看到{0}了吗", "有没有{0}"),
    },
    "count": {
        "en": ("how many {0} are there", "how many {0} do you see", "count the {0}"),
        "zh": ("有几个{0}", "有多少个{0}", "一共有几个{0}", "你看到几个{0}"),
    },
    "is": {
        "en": ("is {0} {rel} {1}",),
        "zh": ("{0}在{1}的{rel}吗", "{0}在{1}{rel}吗"),
    },
    "what": {
        "en": ("what is {rel} {0}", "what do you see {rel} {0}", "which things are {rel} {0}"),
        "zh": ("{0}的{rel}是什么", "{0}{rel}有什么", "什么在{0}的{rel}"),
    },
    "what left": {"en": ("what is to my left", "what is on my left"), "zh": ("我的左边有什么", "我左边是什么")},
    "what right": {"en": ("what is to my right", "what is on my right"), "zh": ("我的右边有什么", "我右边是什么")},
    "what behind": {
        "en": ("what is behind me", "is there anything behind me", "what stands behind me"),
        "zh": ("我后面有什么", "我身后有什么", "我的后面是什么"),
    },
    "what reach": {
        "en": ("what is within reach", "what can i reach", "what can i touch"),
        "zh": ("我够得到什么", "什么东西够得到", "我能摸到什么"),
    },
    "reach": {
        "en": ("is {0} within reach", "can i reach {0}", "can i touch {0}"),
        "zh": ("我够得到{0}吗", "{0}够得到吗", "我能摸到{0}吗"),
    },
    "closer": {
        "en": ("which is closer {0} or {1}", "is {0} or {1} closer", "what is nearer {0} or {1}"),
        "zh": ("{0}和{1}哪个更近", "哪个更近{0}还是{1}"),
    },
    "farther": {
        "en": ("which is farther {0} or {1}", "is {0} or {1} farther away"),
        "zh": ("{0}和{1}哪个更远", "哪个更远{0}还是{1}"),
    },
    "taller": {
        "en": ("which is taller {0} or {1}", "is {0} or {1} taller"),
        "zh": ("{0}和{1}哪个更高", "哪个更高{0}还是{1}"),
    },
    "closest": {
        "en": ("what is the closest thing", "what is closest to me", "which thing is nearest to me"),
        "zh": ("最近的东西是什么", "离我最近的是什么"),
    },
    "farthest": {
        "en": ("what is the farthest thing", "what is farthest away", "which thing is farthest from me"),
        "zh": ("最远的东西是什么", "离我最远的是什么"),
    },
    "nearest": {
        "en": ("what is next to {0}", "what is nearest to {0}", "what is closest to {0}", "what is near {0}"),
        "zh": ("离{0}最近的是什么", "{0}旁边是什么", "{0}旁边有什么"),
    },
    "centre": {
        "en": ("what is in the centre", "what am i looking at", "what is in the middle"),
        "zh": ("中间是什么", "我在看什么", "正中间是什么"),
    },
    "where": {
        "en": ("where is {0}", "where can i find {0}", "where do you see {0}"),
        "zh": ("{0}在哪里", "{0}在哪儿", "我在哪里能找到{0}"),
    },
    "distance": {
        "en": ("how far is {0}", "how far away is {0}", "how many metres away is {0}", "what is the distance to {0}"),
        "zh": ("{0}有多远", "{0}离我多远", "{0}离我有几米"),
    },
    "apart": {
        "en": ("how far is {0} from {1}", "what is the distance between {0} and {1}", "how far apart are {0} and {1}"),
        "zh": ("{0}离{1}多远", "{0}和{1}相距多远", "{0}离{1}有几米"),
    },
    "list": {
        "en": ("what do you see", "what is here", "what can you see", "name everything", "what is in this scene"),
        "zh": ("你看到什么", "这里有什么", "你能看到什么", "场景里有什么"),
    },
    "beyond": {
        "en": ("who are you", "what is your name", "tell me a joke", "how are you", "what time is it", "sing a song",
               "what is the weather like today", "who is the president", "do you love me", "write a poem about the sea",
               "how old are you", "can you dance", "what should i eat tonight", "translate this into french",
               "what is two plus two", "who made you", "good morning", "thank you", "i am tired", "play some music",
               "buy me a ticket", "open the door", "what is the meaning of life", "where do you live"),
        "zh": ("你是谁", "你叫什么名字", "讲个笑话", "你好", "现在几点", "唱一首歌", "今天天气怎么样", "谁是总统",
               "你几岁", "我饿了", "早上好", "谢谢", "我累了", "放点音乐", "帮我买票", "打开门", "写一首诗",
               "你住在哪里", "一加一等于几", "你喜欢我吗"),
    },
}  # fmt: skip
SHORT_FOLLOW_UPS = {
    "colour": {"en": "and its colour", "zh": "颜色呢"},
    "pattern": {"en": "and its pattern", "zh": "花纹呢"},
    "size": {"en": "and its size", "zh": "大小呢"},
}
