"""What a chat model sees and hears, and what of it the decoder is told. Real weights: tests/weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.hearing import is_said
from scenewright_server.families.chat.seeing import COLOURS, WHOLE, Seeing, colour_shares
from scenewright_server.families.family import SAMPLE_RATE_HZ, Mention, ModelError, Turn
from scenewright_server.model.clip import Clip
from scenewright_server.scene.entries import Detections

from tests.families.chat import tiny
from tests.families.chat.test_script import say, told


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Chat:
    return tiny.load(tmp_path_factory.mktemp("bundles") / "sensing", with_senses=True)


def detections(family: Chat, *kinds: str) -> Detections:
    n = len(kinds)
    at = np.linspace(0.1, 0.8, n, dtype=np.float32)
    boxes = np.stack([at, at * 0 + 0.4, at + 0.1, at * 0 + 0.6], 1)
    posteriors = np.full((n, len(family.looks["kind"])), 0.05, np.float32)
    colours = np.full((n, len(COLOURS)), 0.02, np.float32)
    for i, words in enumerate(kinds):
        colour, _, kind = words.rpartition(" ")
        posteriors[i, family.looks["kind"].index(kind)] = 0.9
        if colour:
            colours[i, COLOURS.index(colour)] = 0.8
    return Detections(boxes, at * 0 + 0.9, at * 0 + 2, {"kind": posteriors, "colour": colours})


def test_what_it_can_do_follows_from_its_parts(family: Chat, tmp_path: Path) -> None:
    assert family.spec.fusion == {"scene_graph": "text", "audio": "text", "image": "text"}
    able = {"voice", "transcribe", "describe", "ask", "scene_graph", "instructions", "generate"}
    assert able == family.spec.capabilities
    assert (family.spec.languages, family.spec.speech_languages) == (("en", "zh"), ("en", "zh"))
    deaf = tiny.load(tmp_path / "deaf").spec
    assert deaf.fusion == {"scene_graph": "text"} and not {"voice", "transcribe"} & deaf.capabilities
    assert deaf.speech_languages == () and deaf.max_audio_s == 0


def test_what_is_seen_is_told_without_a_distance_and_may_be_pointed_at(family: Chat) -> None:
    seen = detections(family, "red cup", "chair")
    script = family.open(Turn("ask", seen, question="what is here?"))
    text = told(family, script)
    assert "The red cup [1] is on the left." in text and "The chair [2] is on the right." in text
    assert "metres" not in text
    mentions = [event for event in say(family, script, "A cup and [2]") if isinstance(event, Mention)]
    assert [(mention.label, mention.entry.detection) for mention in mentions] == [("red cup", 0), ("chair", 1)]


def test_what_is_seen_where_the_app_has_a_thing_is_that_thing(family: Chat) -> None:
    seen = detections(family, "red cup")
    graph = (tiny.GRAPH[2], tiny.thing("c", "my mug"))
    graph = (graph[0], type(graph[1])(**{**vars(graph[1]), "box": tuple(map(float, seen.boxes[0]))}))
    text = told(family, family.open(Turn("ask", seen, graph, "what is here?")))
    assert "The my mug [2] is on the left, 2.0 metres away, looks like a red cup." in text and "[3]" not in text


@pytest.mark.parametrize("shape", [(64, 64), (16, 64), (48, 200), (300, 75), (1, 1), (480, 640)])
def test_frames_of_any_shape_are_fitted_and_seen(family: Chat, shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    fitted = family.fit(frame)
    assert max(fitted.shape[:2]) == min(64, max(shape))
    (found,) = family.see([fitted])
    n = len(found)
    assert found.boxes.shape == (n, 4) and found.boxes.dtype == np.float32
    for name, values in family.looks.items():
        posteriors = found.attributes[name]
        assert posteriors.shape == (n, len(values)) and np.allclose(posteriors.sum(1), 1, atol=1e-4)
    if shape == (480, 640):
        assert n > 0  # random weights find much in noise
        family.open(Turn("describe", found))


@pytest.fixture(scope="module")
def matching(tmp_path_factory: pytest.TempPathFactory) -> Chat:
    return tiny.load(tmp_path_factory.mktemp("bundles") / "matching", with_senses=True, with_clip=True)


@torch.inference_mode()
def naive_names(family: Chat, picture: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """The probability of each label for a picture, by open_clip's own network, one label after another."""
    part = tiny.clip()
    clip = Clip(part.config)
    clip.load_state_dict(part.state)
    network = clip.eval().network
    image = network.encode_image(clip.prepare(Image.fromarray(picture))[None], normalize=True)[0]
    texts = [network.encode_text(clip.tokenizer([f"a photo of a {label}."]), normalize=True)[0] for label in labels]
    scores = np.array([float(network.logit_scale.exp() * image @ text) for text in texts])
    return np.exp(scores) / np.exp(scores).sum()


def test_with_clip_images_and_texts_are_embedded(matching: Chat, family: Chat) -> None:
    assert family.embedder is None and not {"embed_image", "embed_text"} & family.spec.capabilities
    assert {"embed_image", "embed_text"} <= matching.spec.capabilities and matching.embedder is not None
    frame = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    image, texts = matching.embedder.embed_image(frame), matching.embedder.embed_text(["a cup", "a cat"])
    assert image.shape == (12,) and texts.shape == (2, 12) and image.dtype == texts.dtype == np.float32
    assert np.allclose([*np.linalg.norm(texts, axis=1), np.linalg.norm(image)], 1, atol=1e-5)
    assert (matching.embedder.dimension, matching.embedder.max_tokens, matching.embedder.n_tokens("a cup")) == (
        12,
        18,
        2,
    )


def test_clip_has_a_say_in_what_a_box_shows(matching: Chat, family: Chat) -> None:
    assert matching.looks["kind"][:3] == family.looks["kind"] and len(matching.looks["kind"]) > 100
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    (alone,), (both,) = family.see([frame]), matching.see([frame])
    assert len(both) == len(alone) > 0 and np.array_equal(both.boxes, alone.boxes)
    assert np.array_equal(both.scores, alone.scores)
    for box, before, after in zip(both.boxes, alone.attributes["kind"], both.attributes["kind"], strict=True):
        left, top, right, bottom = (np.array(box) * (64, 48, 64, 48)).astype(int)
        picture = frame[top : max(bottom, top + 1), left : max(right, left + 1)]
        expected = before * naive_names(matching, picture, family.looks["kind"])
        assert np.allclose(after[:3], expected / expected.sum(), atol=1e-4) and not after[3:].any()


def test_a_frame_in_which_no_box_is_found_is_named_as_a_whole(matching: Chat) -> None:
    assert matching.embedder is not None
    labels = matching.looks["kind"]
    sharp = Seeing(None, matching.embedder)
    named = 0
    for seed in range(8):
        frame = np.random.default_rng(seed).integers(0, 256, (40, 30, 3)).astype(np.uint8)
        probabilities = naive_names(matching, frame, labels)
        found = sharp.see(sharp.fit(frame))
        assert len(found) == (probabilities.max() >= WHOLE)
        if len(found):
            named += 1
            assert found.boxes.tolist() == [[0, 0, 1, 1]] and np.allclose(
                found.attributes["kind"][0], probabilities, atol=1e-3
            )
            assert labels[int(probabilities.argmax())] in told(
                matching, matching.open(Turn("ask", found, question="hm"))
            )
    assert named


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((200, 20, 30), "red"), ((240, 140, 20), "orange"), ((240, 220, 40), "yellow"), ((40, 150, 60), "green"),
        ((30, 80, 200), "blue"), ((130, 40, 180), "purple"), ((250, 150, 180), "pink"), ((110, 70, 35), "brown"),
        ((245, 245, 240), "white"), ((15, 15, 20), "black"),
    ],
)  # fmt: skip
def test_colours_have_their_words(rgb: tuple[int, int, int], word: str) -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (500, 3))
    shares = colour_shares(np.clip(np.array(rgb) + noise, 0, 255).astype(np.uint8))
    assert COLOURS[int(shares.argmax())] == word and shares.max() > 0.8 and shares.sum() == pytest.approx(1)


def test_grey_has_no_sure_colour() -> None:
    assert colour_shares(np.full((100, 3), 128, np.uint8)).max() <= 0.5


@pytest.mark.parametrize(
    ("text", "no_speech", "log_probability", "compression", "said"),
    [
        ("Where is the chair?", 0.1, -0.3, 0.8, True),
        ("Yes.", 0.45, -0.8, 0.3, True),
        ("you", 0.94, -0.75, 0.27, False),  # a hum
        ("Where is it?", 0.7, -0.1, 0.8, True),  # far away, but sure
        ("I put the oil in the pan.", 0.2, -1.8, 0.9, False),
        ("and so on and so on and so on", 0.0, -0.1, 9.4, False),
        (" ... ", 0.1, -0.1, 0.3, False),
    ],
)
def test_words_that_nobody_said_are_none(
    text: str, no_speech: float, log_probability: float, compression: float, said: bool
) -> None:
    assert is_said(text, no_speech, log_probability, compression) is said


def test_clips_without_words_are_silent_and_long_ones_refused(family: Chat) -> None:
    for clip in (np.zeros(0), np.zeros(SAMPLE_RATE_HZ), np.ones(800) * 0.5):
        heard = family.hear(clip.astype(np.float32))
        assert (heard.text, heard.confidence) == ("", 0.0)
    assert isinstance(family.hear(np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)).text, str)
    with pytest.raises(ModelError, match=r"audio lasts 30.50 s, the model hears 30.00 s") as refused:
        family.hear(np.ones(int(30.5 * SAMPLE_RATE_HZ), np.float32))
    assert refused.value.reason == "AUDIO_TOO_LONG"
