"""Single fields: what is looked up rather than compared."""

import pytest
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_language


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("", ""), ("zh", "zh"), ("ZH", "zh"), ("zh-CN", "zh"), ("zh_cn", "zh"), ("zh-Hans", "zh"), ("zh-Hans-CN", "zh"),
        ("zh-Hant-TW", "zh-Hant"), ("ZH-HANT", "zh-Hant"), ("EN", "en"), ("en-GB-x-cockney", "en"),
        ("en-u-hc-h12", "en"), ("pt-br", "pt-BR"),
    ],
)  # fmt: skip
def test_a_tag_is_looked_up(tag: str, found: str):
    assert check_language("language", tag, ("en", "zh", "zh-Hant", "pt-BR")) == found


@pytest.mark.parametrize("tag", ["pt", "de-DE", "zho", "enx", "en--US", "en-", "-", "_", "中文", "e n", "x-en", "*"])
def test_a_tag_of_no_language_is_refused_by_name(tag: str):
    with pytest.raises(Refused, match=r"language is .* needs one of en, zh, pt-BR"):
        check_language("language", tag, ("en", "zh", "pt-BR"))
