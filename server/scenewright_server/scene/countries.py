"""Countries and what is of them: "Swiss" is of Switzerland, 瑞士, too."""

from __future__ import annotations

from scenewright_server.scene.matching import fold

_COUNTRIES = """
Argentina / Argentine, Argentinian / 阿根廷
Australia / Australian / 澳大利亚, 澳洲
Austria / Austrian / 奥地利
Belgium / Belgian / 比利时
Brazil / Brazilian / 巴西
Britain, United Kingdom, UK, Great Britain / British, Briton / 英国
Bulgaria / Bulgarian / 保加利亚
Canada / Canadian / 加拿大
Chile / Chilean / 智利
China / Chinese / 中国
Colombia / Colombian / 哥伦比亚
Croatia / Croatian, Croat / 克罗地亚
Cuba / Cuban / 古巴
Czechia, Czech Republic / Czech / 捷克
Denmark / Danish, Dane / 丹麦
Egypt / Egyptian / 埃及
England / English / 英格兰
Estonia / Estonian / 爱沙尼亚
Ethiopia / Ethiopian / 埃塞俄比亚
Finland / Finnish, Finn / 芬兰
France / French / 法国
Germany / German / 德国
Ghana / Ghanaian / 加纳
Greece / Greek / 希腊
Hungary / Hungarian / 匈牙利
Iceland / Icelandic, Icelander / 冰岛
India / Indian / 印度
Indonesia / Indonesian / 印度尼西亚, 印尼
Iran / Iranian / 伊朗
Ireland / Irish / 爱尔兰
Israel / Israeli / 以色列
Italy / Italian / 意大利
Jamaica / Jamaican / 牙买加
Japan / Japanese / 日本
Kenya / Kenyan / 肯尼亚
Latvia / Latvian / 拉脱维亚
Lithuania / Lithuanian / 立陶宛
Malaysia / Malaysian / 马来西亚
Mexico / Mexican / 墨西哥
Mongolia / Mongolian / 蒙古
Morocco / Moroccan / 摩洛哥
Netherlands, Holland / Dutch / 荷兰
New Zealand / New Zealander, Kiwi / 新西兰
Nigeria / Nigerian / 尼日利亚
Norway / Norwegian / 挪威
Peru / Peruvian / 秘鲁
Philippines / Filipino / 菲律宾
Poland / Polish, Pole / 波兰
Portugal / Portuguese / 葡萄牙
Romania / Romanian / 罗马尼亚
Russia / Russian / 俄罗斯, 俄国
Scotland / Scottish, Scot / 苏格兰
Serbia / Serbian, Serb / 塞尔维亚
Singapore / Singaporean / 新加坡
Slovakia / Slovak / 斯洛伐克
Slovenia / Slovenian, Slovene / 斯洛文尼亚
South Africa / South African / 南非
South Korea, Korea / South Korean, Korean / 韩国
Spain / Spanish, Spaniard / 西班牙
Sweden / Swedish, Swede / 瑞典
Switzerland / Swiss / 瑞士
Thailand / Thai / 泰国
Tunisia / Tunisian / 突尼斯
Turkey / Turkish, Turk / 土耳其
Uganda / Ugandan / 乌干达
Ukraine / Ukrainian / 乌克兰
United States, USA, US, America / American / 美国
Uruguay / Uruguayan / 乌拉圭
Venezuela / Venezuelan / 委内瑞拉
Vietnam / Vietnamese / 越南
Wales / Welsh / 威尔士
"""
"""A country a line: its names, what is of it, and its names in Chinese."""


def _words(line: str) -> tuple[str, ...]:
    return tuple(fold(word) for words in line.split(" / ") for word in words.split(", "))


_WORDS = [_words(line) for line in _COUNTRIES.strip().splitlines()]
_OF = {word: words for words in _WORDS for word in words}


def other_words(text: str) -> tuple[str, ...]:
    """Other words for the country that a text names, or is of ("Swiss", "Finns", 英国人); none where it is no such
    word."""
    said = fold(text)
    plain = next((its for its in (said, said.removesuffix("s"), said.removesuffix("人")) if its in _OF), None)
    return () if plain is None else tuple(word for word in _OF[plain] if word != said)
