"""Varied scenes, distorted frames and strangers: the truth goes along, and nothing is shown that is held out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.families.diorama.vision import Vision
from scenewright_server.simulator.distortions import DISTORTIONS, distort, reframe
from scenewright_server.simulator.kinds import ATTRIBUTES, is_held_out
from scenewright_server.simulator.parts import OTHER
from scenewright_server.simulator.renderer import PALETTE, render
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.strangers import PHOTOGRAPHS, SORTS, TEST_ONLY, stranger
from scenewright_server.training.frames import Frames, draw, draw_strangers
from scenewright_server.training.norms import hold_norms
from scenewright_server.training.variety import vary


def drawn(seed: int, name: str = "") -> tuple[np.ndarray, np.ndarray]:
    rendered = render([reframe(sample(seed, "test"), name, np.random.default_rng(seed))])
    return rendered.images[0].numpy(), rendered.ids[0].numpy()


@pytest.mark.parametrize("name", DISTORTIONS)
def test_a_distortion_changes_the_frame_and_keeps_or_hides_objects(name):
    plain, _ = drawn(3)
    framed, framed_ids = drawn(3, name)
    pixels, seen = distort(framed, framed_ids, name, np.random.default_rng(0))
    assert pixels.shape == plain.shape and pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - plain).mean() > 0.5
    if name == "occluded":
        hidden = (seen != framed_ids).sum() / (framed_ids >= 0).sum()
        assert 0 < hidden < 0.5 and (seen[seen != framed_ids] == -1).all()
    else:
        assert (seen == framed_ids).all()


def test_smaller_objects_are_seven_tenths_as_large():
    sizes = [np.sqrt((ids >= 0).sum()) for seed in range(6) for ids in (drawn(seed)[1], drawn(seed, "smaller")[1])]
    ratio = np.array(sizes[1::2]) / sizes[::2]
    assert 0.62 < ratio.mean() < 0.78


def test_free_paints_keep_held_out_pairs_out():
    n_painted = 0
    for seed in range(60):
        for item in vary(sample(seed), np.random.default_rng(seed)).objects:
            if item.paint is not None and item.kind != OTHER:
                n_painted += 1
                distance = {name: np.abs(np.subtract(item.paint, tone)).sum() for name, tone in PALETTE.items()}
                assert not is_held_out(item.kind, min(distance, key=distance.__getitem__))
    assert n_painted > 20


def test_frames_say_what_a_varied_scene_shows(tmp_path):
    frames = draw(tmp_path, 32, varied=True)
    assert len(frames.ready()) == 32
    colour = 1 + list(ATTRIBUTES).index("colour")
    rng = np.random.default_rng([0, 7])
    for labels, scene in zip(frames.labels, [vary(sample(seed), rng) for seed in range(32)], strict=True):
        assert labels[0, 0] == (1 if scene.objects and scene.objects[0].kind != OTHER else -1)
        for row, item in zip(labels, scene.objects, strict=False):
            if item.kind != OTHER:
                assert (row[colour] == -100) == (item.paint is not None)


def test_strangers_of_training_and_test_share_no_photograph(tmp_path):
    assert not set(PHOTOGRAPHS["train"]) & set(PHOTOGRAPHS["test"])
    sorts = {part: {stranger(seed, part, 32)[0] for seed in range(80)} for part in ("train", "test")}
    assert sorts["train"] == set(SORTS) and sorts["test"] == {*SORTS, *TEST_ONLY}
    frames = draw_strangers(tmp_path, 3)
    assert Frames.count(tmp_path) == 3 and (frames.labels[:, 0, 0] == -1).all() and frames.cover.sum() == 0


def test_held_norms_compute_the_same_and_keep_the_names():
    torch.manual_seed(0)
    model = Vision(VisionConfig(attributes=ATTRIBUTES, width=8, d_embed=16, vocab_size=64, d_text=32, n_features=16))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    images, names = torch.rand(2, 3, 160, 160), list(model.state_dict())
    before = model.eval()(images)
    hold_norms(model)
    after = model.train()(images)
    assert list(model.state_dict()) == names
    torch.testing.assert_close(after.boxes, before.boxes, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(after.scores, before.scores, rtol=1e-3, atol=1e-3)
