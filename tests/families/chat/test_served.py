"""A chat bundle behind the real server, asked by the real client."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scenewright
import torch
from PIL import Image
from scenewright import types
from scenewright_server.families.bundle import FAMILIES, MANIFEST
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.importers.bundles import write_bundle
from scenewright_server.service.app import background_server
from scenewright_server.service.settings import load_settings

from tests.families.chat import tiny

SCENE = types.SceneGraph(
    [
        types.SceneObject("k", "goblin king", types.Pose((-1.0, 0.0, 2.0)), facts=[types.Fact("age", 340.0, "years")]),
        types.SceneObject("t", "brass telescope", types.Pose((1.0, 0.0, 2.0)), description="It is old."),
    ]
)
SHORT = types.Sampling(max_new_tokens=16, temperature=2.0, seed=1)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scenewright.Client]:
    path = tmp_path_factory.mktemp("bundles") / "tiny"
    write_bundle(path, tiny.parts(with_senses=True, with_clip=True), name="tiny", languages=("en", "zh"))
    settings = load_settings(models=(str(path),), address="127.0.0.1:0", log_level="error", device="cpu")
    with background_server(settings) as server, scenewright.Client(server.address) as client:
        yield client


def picture() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def test_the_model_says_what_it_is(client: scenewright.Client) -> None:
    model = client.model()
    assert (model.name, model.license, model.languages) == ("tiny", "CC0-1.0", ("en", "zh"))
    assert model.limits.max_scene_objects == 512 and model.limits.max_context_tokens == 2048


def test_it_describes_and_answers_about_a_scene_and_a_picture(client: scenewright.Client) -> None:
    for told in (client.describe(scene=SCENE, sampling=SHORT), client.describe(picture(), sampling=SHORT)):
        assert told.usage.output_tokens > 0
    answer = client.ask("Where is the goblin king?", scene=SCENE, sampling=SHORT)
    assert answer.text and answer.question.text == "Where is the goblin king?"


def test_a_session_prefills_its_scene_once(client: scenewright.Client) -> None:
    with client.session() as session:
        first = session.ask("Where is the goblin king?", scene=SCENE, sampling=SHORT)
        second = session.ask("And the telescope?", sampling=SHORT)
    assert first.usage.cached_tokens == 0 and second.usage.cached_tokens > 60


def test_a_silent_question_is_none(client: scenewright.Client) -> None:
    answer = client.ask(audio=(np.zeros(16_000, np.float32), 16_000), scene=SCENE, sampling=SHORT)
    assert answer.text == "I did not hear a question."


def test_a_model_that_plans_answers_by_its_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its decoder writes plans that are dictated, and its scene's text stays in the session."""
    path = write_bundle(tmp_path / "planner", tiny.parts(plans=True), name="planner", dtype="float32")
    manifest = json.loads((path / MANIFEST).read_text()) | {"family": "dictated"}
    (path / MANIFEST).write_text(json.dumps(manifest))

    def load(path: Path, device: torch.device, dtype: torch.dtype | None) -> Chat:
        family = Chat(load_bundle(path, device, dtype))
        family.reads_words = False
        family.decoder = tiny.Dictated(family, "fact age | goblin king", "where those", "beyond")
        return family

    monkeypatch.setitem(FAMILIES, "dictated", load)
    settings = load_settings(models=(str(path),), address="127.0.0.1:0", log_level="error", device="cpu")
    with (
        background_server(settings) as server,
        scenewright.Client(server.address) as client,
        client.session() as session,
    ):
        first = session.ask("How old is he?", scene=SCENE)
        second = session.ask("And where?")
        third = session.ask("Sing!", sampling=SHORT)
    assert "340 years" in first.text and [item.object_id for item in first.annotations] == ["k"]
    assert "goblin king" in second.text and "left" in second.text
    (span,) = second.annotations[0].spans
    assert second.text[span.start : span.start + span.length] == "goblin king"
    assert second.usage.cached_tokens > 20 and third.usage.output_tokens > 16


def test_a_scene_that_does_not_fit_is_refused_with_numbers(client: scenewright.Client) -> None:
    many = [types.SceneObject(f"o{i}", f"thing number {i}", types.Pose((0.0, 0.0, 2.0))) for i in range(300)]
    with pytest.raises(scenewright.errors.ScenewrightError, match="the context holds 2048 positions") as refused:
        client.ask("hm", scene=types.SceneGraph(many))
    assert refused.value.reason == "CONTEXT_FULL"


def test_images_and_texts_are_embedded_and_labels_ranked(client: scenewright.Client) -> None:
    assert client.model().embedding_dimension == 12
    labels = ["a cup", "a chair", "a cat"]
    image, texts = client.embed_image(picture()).values, client.embed_text(labels)
    cosines = texts @ image
    ranked = client.rank_labels(picture(), labels)
    assert [one.label for one in ranked] == [labels[i] for i in np.argsort(-cosines)]
    assert np.allclose([one.similarity for one in ranked], sorted(cosines, reverse=True), atol=1e-5)
