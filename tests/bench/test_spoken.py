from __future__ import annotations

import pytest
from scenewright_server.bench.spoken import CLIPS, phonemes_of_pinyin, plain


@pytest.mark.parametrize(
    ("pinyin", "phonemes"),
    [
        ("zhuo1zi5 shang4mian4", "ꭧwo→ʦɨ ʂa↘ŋmjɛ↘n"),
        ("chuang1hu5", "ꭧʰwa→ŋxu"),
        ("qing3wen4, xue2", "ʨʰi↓ŋwə↘n, ɕɥe↗"),
        ("er4 yue4 ri4 lv4?", "ɚ↘ ɥe↘ ɻɨ↘ ly↘?"),
    ],
)
def test_pinyin_becomes_the_phonemes_of_misaki(pinyin: str, phonemes: str) -> None:
    assert phonemes_of_pinyin(pinyin) == phonemes


def test_every_chinese_clip_has_as_many_syllables_as_characters() -> None:
    chinese = [clip for clip in CLIPS if clip.pinyin]
    assert len(chinese) == len(CLIPS) - len(chinese) == 5
    for clip in chinese:
        assert sum(letter in "12345" for letter in clip.pinyin) == len(plain(clip.text)), clip.text
        assert not any(digit in phonemes_of_pinyin(clip.pinyin) for digit in "012345")
