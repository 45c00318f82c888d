import numpy as np
import pytest
from scenewright_server.simulator import noises, speech


def test_the_same_words_by_the_same_voice_sound_the_same():
    delivery = speech.draw_delivery(np.random.default_rng(3))
    assert delivery == speech.draw_delivery(np.random.default_rng(3))
    first = speech.speak("is the ball behind the table", delivery)
    speech.speak("what colour is it", speech.Delivery("en-gb-scotland+f4", rate_wpm=200))
    np.testing.assert_array_equal(first, speech.speak("is the ball behind the table", delivery))
    assert first.dtype == np.float32 and 0.8 < len(first) / speech.SAMPLE_RATE_HZ < 3
    assert 0.05 < np.abs(first).max() <= 1


def test_faster_is_shorter_and_voices_differ():
    text = "how many blue things are there"
    slow, fast = (speech.speak(text, speech.Delivery(rate_wpm=rate)) for rate in (130, 210))
    assert len(fast) < 0.8 * len(slow)
    other = speech.speak(text, speech.Delivery("en-us+f2", rate_wpm=130))
    assert len(other) != len(slow) or not np.allclose(other, slow)


def test_held_out_voices_are_not_trained_on():
    assert not set(speech.TRAIN_VOICES) & set(speech.TEST_VOICES)
    variants = [{voice.split("+")[1] for voice in voices} for voices in (speech.TRAIN_VOICES, speech.TEST_VOICES)]
    assert len(variants[1] - variants[0]) == 8
    for voice in speech.TEST_VOICES:
        assert len(speech.speak("red", speech.Delivery(voice))) > 1000


def test_words_begin_in_order_within_the_clip():
    text = "what is to the left of the striped sofa"
    samples, starts_s = speech.speak_words(text)
    assert starts_s.shape == (9,) and starts_s[0] < 0.05
    assert (np.diff(starts_s) > 0.03).all()
    assert starts_s[-1] < len(samples) / speech.SAMPLE_RATE_HZ - 0.1
    # The word by itself is about as long as its span in the sentence.
    alone = len(speech.speak("striped")) / speech.SAMPLE_RATE_HZ
    assert 0.5 < alone / (starts_s[8] - starts_s[7]) < 2


def test_recorded_noise_has_the_level_asked_for():
    rng = np.random.default_rng(0)
    spoken = speech.speak("is there a red lamp")
    clean, lead_s = speech.record(spoken, np.random.default_rng(1))
    noisy, _ = speech.record(spoken, np.random.default_rng(1), snr_db=10, noise=noises.coloured_noise(160_000, rng))
    at = int(lead_s * speech.SAMPLE_RATE_HZ)
    said = clean[at : at + len(spoken)]
    np.testing.assert_allclose(said / said.max(), spoken / spoken.max(), atol=1e-3)
    snr = 10 * np.log10(np.mean(said**2) / np.mean((noisy - clean) ** 2))
    assert snr == pytest.approx(10, abs=1.5)
    assert speech.record(spoken, rng, room=True)[0].dtype == np.float32


def test_refuses_an_unknown_voice_and_nothing_to_say():
    with pytest.raises(ValueError, match="no voice 'en-us-moon'"):
        speech.speak("hello", speech.Delivery("en-us-moon"))
    with pytest.raises(ValueError, match="nothing to say"):
        speech.speak("   ")
