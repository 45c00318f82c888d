import copy

import numpy as np
import pytest
import torch
from scenewright_server.families.diorama.audio import Audio, log_mel, pad_mels, settle, trim
from scenewright_server.families.diorama.config import AudioConfig

SMALL = AudioConfig(vocab_size=32, n_ctx=25, d_model=32, n_heads=2, n_layers=2, n_text_ctx=8)


@pytest.fixture(scope="module")
def audio():
    torch.manual_seed(0)
    return Audio(SMALL).eval()


def tone(seconds):
    return (0.3 * np.sin(np.arange(int(seconds * 16_000)) * 0.2)).astype(np.float32)


def test_encode_equals_whispers_encoder_at_the_full_length(audio):
    mel = pad_mels([log_mel(tone(0.6)), log_mel(tone(1.0))])
    assert mel.shape == (2, 80, 100)
    torch.testing.assert_close(audio.encode(mel), audio.whisper.encoder(audio.stack(mel)))


def test_stacking_puts_neighbouring_frames_side_by_side(audio):
    mel = torch.arange(2 * 80 * 5.0).reshape(2, 80, 5)
    stacked = audio.stack(mel)
    assert stacked.shape == (2, 160, 2)
    assert set(stacked[0, :, 1].tolist()) == set(mel[0, :, 2:4].flatten().tolist())


def test_padding_is_digital_silence():
    wave = tone(0.5)
    padded = log_mel(np.pad(wave, (0, 8000)))
    torch.testing.assert_close(pad_mels([log_mel(wave)], 100)[0, :, 55:], padded[:, 55:])


def test_loudness_does_not_matter():
    torch.testing.assert_close(log_mel(tone(0.5)), log_mel(0.05 * tone(0.5)), atol=1e-3, rtol=0)


def test_trim_keeps_the_sound_and_a_margin():
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.standard_normal(64_000).astype(np.float32)
    for background in (0 * noise, noise):
        wave = background.copy()
        wave[32_000:40_000] += tone(0.5)
        assert trim(wave) == (24_960, 47_040)
        settled, later = settle(wave, 128_000)
        np.testing.assert_array_equal(settled, np.pad(wave[24_960:47_040], 3200))
        assert later == 3200 - 24_960
        assert len(settle(wave, 24_000)[0]) == 24_000
    assert trim(noise) == (0, 64_000)


def test_hears_what_the_decoder_writes_where_the_ctc_head_finds_words(audio):
    with torch.no_grad():
        wave, _ = settle(tone(0.6), 16_000)
        states = audio.encode(log_mel(wave)[None])
        heard = audio.hear(tone(0.6))
        ids = [SMALL.bos_id, *heard.ids]
        rows = audio.decode(torch.tensor([ids]), states)[0].softmax(-1)
    assert heard.ids == rows.argmax(-1)[: len(heard.ids)].tolist() and heard.ids
    wanted = rows[: len(heard.ids)].clone()
    wanted[:, [SMALL.blank_id, SMALL.bos_id, SMALL.eot_id]] = 0
    np.testing.assert_allclose(heard.posteriors, wanted / wanted.sum(1, keepdim=True), atol=1e-5)
    assert 0 < heard.confidence < 1
    silent = copy.deepcopy(audio)
    torch.nn.init.zeros_(silent.ctc.weight)
    silent.ctc.bias.data[:] = torch.nn.functional.one_hot(torch.tensor(SMALL.blank_id), 32) * 20.0
    assert silent.hear(tone(0.6)).ids == []


def test_silence_holds_no_words(audio):
    for wave in (np.zeros(8000, np.float32), np.full(8000, 5e-4, np.float32), np.zeros(0, np.float32)):
        heard = audio.hear(wave)
        assert heard.ids == [] and heard.posteriors.shape == (0, 32) and heard.confidence == 0


def test_hears_within_its_bounds(audio):
    heard = audio.hear(tone(1.0))
    assert heard.posteriors.shape == (len(heard.ids), 32) and heard.posteriors.dtype == np.float32
    assert len(heard.ids) < SMALL.n_text_ctx
    with pytest.raises(ValueError, match=r"audio has 1\.20 s, at most 1\.00 s fit"):
        audio.hear(tone(1.2))


def test_weights_survive_safetensors(audio, tmp_path):
    from safetensors.torch import load_file, save_file

    save_file(audio.state_dict(), tmp_path / "audio.safetensors")
    other = Audio(SMALL).eval()
    other.load_state_dict(load_file(tmp_path / "audio.safetensors"))
    np.testing.assert_array_equal(other.hear(tone(0.7)).posteriors, audio.hear(tone(0.7)).posteriors)
