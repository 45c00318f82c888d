"""Frames on disk, what the image tower is asked to say of them, and a few steps of its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.families.diorama.vision import STRIDE, Vision
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.renderer import render
from scenewright_server.simulator.scene import sample
from scenewright_server.training.frames import IMAGE_SIZE, Frames, draw
from scenewright_server.training.vision import augment, loss, match, targets

N = 6


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> Frames:
    return draw(tmp_path_factory.mktemp("frames"), N, "test")


def arrays(frames: Frames) -> dict[str, np.ndarray]:
    return {name: np.array(getattr(frames, name)) for name in Frames.__dataclass_fields__}


def goal(frames: Frames) -> dict[str, torch.Tensor]:
    picked = {name: torch.from_numpy(array) for name, array in arrays(frames).items() if name != "images"}
    return targets(**picked)


def test_drawing_continues_where_it_stopped(frames, tmp_path):
    draw(tmp_path, N, "test")
    labels = np.load(tmp_path / "labels.npy", mmap_mode="r+")
    labels[N - 1] = 0
    assert Frames.count(tmp_path) == N - 1
    again = draw(tmp_path, N, "test")
    assert Frames.count(tmp_path) == N
    for name, array in arrays(frames).items():
        np.testing.assert_array_equal(array, getattr(again, name))
    assert Frames.count(Path(tmp_path / "nothing")) == 0


def test_frames_hold_what_the_renderer_drew(frames):
    scenes = [sample(seed, "test") for seed in range(N)]
    rendered = render(scenes, (IMAGE_SIZE, IMAGE_SIZE), supersample=2)
    for b, scene in enumerate(scenes):
        for k, item in enumerate(scene.objects):
            seen = rendered.ids[b] == k
            assert frames.cover[b, k].sum() == seen.sum()
            if seen.any():
                np.testing.assert_allclose(frames.boxes[b, k] / IMAGE_SIZE, rendered.boxes(b, 6)[k], atol=1e-6)
            names = [values[i] for values, i in zip(ATTRIBUTES.values(), frames.labels[b, k, 1:], strict=True)]
            assert names == [getattr(item, name) for name in ATTRIBUTES]
            assert frames.depth[b, k] == pytest.approx(scene.camera.to_camera(item.centre)[2], rel=1e-5)


def test_every_seen_object_owns_cells_and_has_one_centre(frames):
    said = goal(frames)
    for b in range(N):
        for k in range(6):
            mine = said["owner"][b] == k
            assert mine.any() == said["seen"][b, k]
            if mine.any():
                assert (said["centre"][b][mine] == 1).sum() == 1
                assert all(frames.cover[b, k].reshape(-1)[cell] > 0 for cell in mine.nonzero()[:, 0])
    assert (said["centre"][said["owner"] < 0] == 0).all()


def test_mirroring_takes_boxes_and_cells_along(frames):
    plain, said = arrays(frames), goal(frames)
    side = IMAGE_SIZE // STRIDE
    both = set()
    for seed in range(8):
        mixed = augment({name: array.copy() for name, array in plain.items()}, np.random.default_rng(seed))
        for b in range(N):
            owner, before = (x["owner"][b].view(side, side) for x in (mixed, said))
            box, old = mixed["boxes"][b, 0], said["boxes"][b, 0]
            is_same = bool((owner == before).all())
            both.add(is_same)
            if not is_same:
                assert (owner.flip(1) == before).all()
                assert box.tolist() == [IMAGE_SIZE - old[2], old[1], IMAGE_SIZE - old[0], old[3]]
    assert both == {True, False}


def test_recoloured_images_do_not_teach_colours(frames):
    mixed = augment(arrays(frames), np.random.default_rng(0), recolour=1.0)
    column = list(ATTRIBUTES).index("colour")
    assert (mixed["labels"][..., column] == -100).all()
    others = [i for i in range(len(ATTRIBUTES)) if i != column]
    assert (mixed["labels"][..., others] >= 0).all()


def test_a_few_steps_bring_the_loss_down(frames):
    torch.manual_seed(0)
    model = Vision(VisionConfig(attributes=ATTRIBUTES, width=8, d_embed=16, vocab_size=64, d_text=32, n_features=32))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    batch = augment(arrays(frames), np.random.default_rng(0))
    batch["phrases"] = torch.tensor([[5, 6, 2, *[0] * 29], [7, 6, 2, *[0] * 29]])
    batch["truth"] = torch.tensor([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3)
    losses = []
    for _ in range(12):
        value, metrics = loss(model, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    assert losses[-1] < 0.8 * losses[0] and "match_loss" in metrics


def test_matching_uses_each_true_object_once():
    from scenewright_server.scene.entries import Detections

    boxes = np.array([[0, 0, 0.5, 0.5], [0.02, 0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    found = Detections(boxes, np.ones(3), np.ones(3), {})
    truth = np.array([[0, 0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    assert match(found, truth, np.array([True, True])) == [(0, 0), (2, 1)]
    assert match(found, truth, np.array([True, False])) == [(0, 0)]
