"""What the decoder is told of a scene, its markup, and bundles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scenewright_server.families.bundle import BundleError
from scenewright_server.families.diorama.markup import MarkupReader, Pointed
from scenewright_server.families.diorama.storage import BundleInfo, load_bundle, save_bundle
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.family import TextDelta
from scenewright_server.scene.entries import Detections, GraphObject, merge


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([" a red chair on the left, two", " goblin king"] * 9, 330)


def detections(*boxes: tuple[float, float, float, float]) -> Detections:
    n = len(boxes)
    looks = {"size": np.full((n, 2), 0.5, np.float32), "kind": np.full((n, 3), 1 / 3, np.float32)}
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4), np.ones(n, np.float32), np.full(n, 2, np.float32), looks
    )


def known(id: str, x: float, z: float, box: tuple[float, float, float, float] | None) -> GraphObject:
    return GraphObject(id, id, (x, 0.0, z), (0.5, 0.5, 0.5), box)


def test_merge_joins_what_overlaps_and_lists_left_to_right_then_behind():
    seen = detections((0.7, 0.4, 0.9, 0.8), (0.1, 0.4, 0.3, 0.8))
    graph = [
        known("behind", 0.0, -2.0, None),
        known("lamp", 0.7, 2.0, (0.72, 0.42, 0.9, 0.8)),
        known("middle", 0.0, 2.0, (0.4, 0.4, 0.6, 0.8)),
    ]
    entries = merge(seen, graph)
    assert [(e.graph.id if e.graph else None, e.detection) for e in entries] == [
        (None, 1), ("middle", None), ("lamp", 0), ("behind", None),
    ]  # fmt: skip
    assert entries[2].box == pytest.approx((0.7, 0.4, 0.9, 0.8)), "a seen box is better than a projected one"


def read(reader: MarkupReader, tokens: list[int]) -> list[TextDelta | Pointed]:
    return [event for token in tokens for event in reader.feed(token)] + reader.finish()


@pytest.mark.parametrize("points", [True, False])
def test_markup_points_then_speaks(tokenizer: Tokenizer, points: bool):
    """What comes before `<say>` is not for the reader, but for what it points at."""
    t = tokenizer
    plan, result = [*t.words("chair"), t.call], [t.refs[1], *t.words("red"), t.refs[7], t.say]
    mention = [t.refs[1], *t.words("red chair"), t.end]
    events = read(MarkupReader(t, 2, points), [*plan, *result, *t.words("a"), *mention, *t.words("on"), t.eot])
    pointed = [Pointed(1, "")] if points else []
    assert [e for e in events if isinstance(e, Pointed)] == [*pointed, Pointed(1, "red chair")]
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "a red chair on"


def test_markup_holds_back_half_a_character(tokenizer: Tokenizer):
    events = read(MarkupReader(tokenizer, 0, True), [tokenizer.say, *tokenizer.encode(" é…龙")])
    texts = [e.text for e in events if isinstance(e, TextDelta)]
    assert "".join(texts) == "é…龙" and not any("\ufffd" in text for text in texts)


def test_a_bundle_comes_back_as_it_was_saved(model_factory, tmp_path: Path):
    model = model_factory()
    info = save_bundle(model, BundleInfo("tiny", "1", languages=("en",), knows="nothing"), tmp_path, torch.float32)
    loaded = load_bundle(tmp_path)
    assert loaded.info == info and loaded.model.config == model.config
    for (name, a), (_, b) in zip(model.state_dict().items(), loaded.model.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("weights.safetensors", lambda b: b[:-1] + b"x", "damaged: sha256"),
        ("tokenizer.json", lambda b: b + b" ", "damaged: sha256"),
        ("model.json", lambda b: b[:-9], "no JSON"),
        ("model.json", lambda b: b.replace(b'"format": 1', b'"format": 9'), "not of bundle format 1"),
        ("model.json", lambda b: b.replace(b"n_layers", b"n_layerz"), "does not fit this version"),
        ("weights.safetensors", None, "missing"),
    ],
)
def test_a_damaged_bundle_is_refused_by_name(model_factory, tmp_path: Path, name, damage, message):
    save_bundle(model_factory(), BundleInfo("tiny", "1"), tmp_path)
    path = tmp_path / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path)
