"""People that facts name, and how others call them: Margaret of "Margaret Oyelaran", 王医生 of a 医生 who is 王秀兰."""

from __future__ import annotations

import re

from scenewright_server.scene.kinds import SURNAMES, is_noun
from scenewright_server.scene.matching import fold
from scenewright_server.scene.words import is_chinese

_FULL_NAME = re.compile(r"(?:(?:Dr|Mr|Mrs|Ms|Prof)\.? )?[A-Z][\w'’-]+(?: [A-Z][\w'’.-]*){0,2} [A-Z][\w'’-]+")
_TITLE = re.compile(r"(?:dr|mr|mrs|ms|miss|prof|nurse|sister|doctor|professor)\.? (?=\w)")
_SAME_WORK = (("医生", "大夫", "主治医生"), ("老师", "教师", "班主任"), ("护士", "责任护士"), ("师傅", "司机"))
_OTHER_WORK = tuple("教练 经理 主任 导游 教授 店长 馆长 警官".split())
_OF_ANYBODY = ("先生", "女士", "小姐", "太太", "同学", "阿姨", "叔叔", "大爷", "奶奶")
_CALLED_ZH = re.compile(
    rf"(?P<name>(?:[{SURNAMES}高石田江龙马]|欧阳|上官|司马|诸葛)[\u4e00-\u9fff]{{0,2}}?)"
    rf"(?P<title>{'|'.join((*sum(_SAME_WORK, ()), *_OTHER_WORK, *_OF_ANYBODY))})"
)


def calls_person(words: str, key: str, value: str) -> bool:
    """Whether words call the person whom a fact names: by a part of the name, or by name and title."""
    if is_chinese(words):
        called = _CALLED_ZH.fullmatch(words)
        if called is None or not (1 < len(value) < 5 and value.startswith(called["name"])):
            return False
        same = next((its for its in _SAME_WORK if called["title"] in its), (called["title"],))
        return called["title"] in _OF_ANYBODY or any(title in key for title in same)
    said = _TITLE.sub("", fold(words))
    is_name = len(said) > 2 and not is_noun(said) and _FULL_NAME.fullmatch(value) is not None
    return is_name and said in fold(value).replace(".", "").split(" ")
