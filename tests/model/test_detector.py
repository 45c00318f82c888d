from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scenewright_server.model.detector import (
    STRIDES,
    Detector,
    DetectorConfig,
    decode,
    detect,
    fit,
    prepare,
    suppress,
)

CONFIG = DetectorConfig(labels=("cup", "chair", "cat"), size=96, n_bins=5, width=4, n_neck=8)


@pytest.fixture
def detector() -> Detector:
    torch.manual_seed(0)
    return Detector(CONFIG).eval()


@torch.no_grad()
def test_every_cell_of_three_strides_says_something(detector: Detector) -> None:
    probabilities, distances = detector(torch.randn(2, 3, 96, 96))
    n_cells = 12 * 12 + 6 * 6 + 3 * 3
    assert probabilities.shape == (2, n_cells, 3) and distances.shape == (2, n_cells, 4, 5)
    assert (probabilities > 0).all() and (probabilities < 1).all()


def test_distances_become_corners_as_by_hand() -> None:
    n_cells = sum((96 // stride) ** 2 for stride in STRIDES)
    logits = torch.randn(n_cells, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected, cell = [], 0
    for stride in STRIDES:
        for row in range(96 // stride):
            for column in range(96 // stride):
                sides = []
                for side in logits[cell]:
                    weights = [float(value.exp()) for value in side]
                    sides.append(stride * sum(i * weight for i, weight in enumerate(weights)) / sum(weights))
                x, y = (column + 0.5) * stride, (row + 0.5) * stride
                expected.append([x - sides[0], y - sides[1], x + sides[2], y + sides[3]])
                cell += 1
    assert np.allclose(decode(logits, CONFIG).numpy(), expected, atol=1e-3)


def test_boxes_are_suppressed_as_by_hand() -> None:
    rng = np.random.default_rng(0)
    low = rng.random((60, 2))
    corners = np.concatenate([low, low + rng.random((60, 2)) * 0.4], 1)
    corners[7, 2:] = corners[7, :2]  # no area
    scores, classes = rng.random(60), rng.integers(0, 2, 60)
    expected: list[int] = []
    for i in sorted(range(60), key=lambda i: -scores[i]):
        stays = i != 7
        for j in expected:
            w = min(corners[i, 2], corners[j, 2]) - max(corners[i, 0], corners[j, 0])
            h = min(corners[i, 3], corners[j, 3]) - max(corners[i, 1], corners[j, 1])
            both = max(w, 0) * max(h, 0)
            areas = sum((corners[k, 2] - corners[k, 0]) * (corners[k, 3] - corners[k, 1]) for k in (i, j))
            if classes[i] == classes[j] and both / (areas - both) > 0.3:
                stays = False
        if stays:
            expected.append(i)
    assert suppress(corners, scores, classes, 0.3) == expected
    assert 5 < len(expected) < 55


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((96, 96), (0, 0, 96, 96)),
        ((400, 100), (0, 36, 96, 24)),
        ((30, 64), (25, 0, 45, 96)),
        ((1, 999), (47, 0, 1, 96)),
    ],
)
def test_a_picture_keeps_its_proportions(size: tuple[int, int], expected: tuple[int, int, int, int]) -> None:
    assert fit(*size, 96) == expected
    left, top, width, height = expected
    white = prepare(Image.new("L", size, 255), CONFIG)
    bright = (white > 0).all(0)
    assert bright[top : top + height, left : left + width].all() and bright.sum() == width * height


def test_pixels_are_shifted_and_scaled_channel_by_channel() -> None:
    prepared = prepare(Image.new("RGB", (8, 8), (10, 20, 30)), CONFIG)
    expected = [(30 - 103.53) / 57.375, (20 - 116.28) / 57.12, (10 - 123.675) / 58.395]
    assert torch.allclose(prepared.amax((1, 2)), torch.tensor(expected), atol=1e-5)
    assert torch.allclose(prepared.amin((1, 2)), torch.tensor(expected), atol=1e-5)


def test_boxes_come_back_in_the_pictures_own_measure(detector: Detector) -> None:
    """One cell is made sure of itself: the box around it is where the cell lies in a wide picture."""
    with torch.no_grad():
        for head in detector.heads:
            head[1].weight.zero_()
            head[1].bias.fill_(-9.0)
        coarse = detector.heads[2][1].bias
        coarse[1] = 9.0  # chairs everywhere at stride 32
        coarse[3:].view(4, 5)[:, 1] = 40.0  # one stride to each side
    found = detect(detector, Image.new("RGB", (192, 96)), most_overlap=0.9)
    # The square's rows 24..72 hold the picture: 96 x 48 of its pixels.
    centres = [(x, y) for y in (16, 48, 80) for x in (16, 48, 80)]
    expected = np.array([[x - 32, y - 32 - 24, x + 32, y + 32 - 24] for x, y in centres]) / [96, 48, 96, 48]
    expected = expected.clip(0, 1)
    assert np.allclose(np.array(sorted(found.corners.tolist())), sorted(expected.tolist()), atol=1e-5)
    assert len(found.corners) == 9 and set(found.classes) == {1}
    assert np.allclose(found.posteriors[:, 1], 1 / (1 + np.exp(-9.0)), atol=1e-5)
    assert len(detect(detector, Image.new("RGB", (192, 96)), most_overlap=0.9, most=2).corners) == 2
    assert len(detect(detector, Image.new("RGB", (192, 96)), threshold=0.9999).corners) == 0


def test_the_config_survives_json_and_refuses_what_does_not_fit() -> None:
    assert DetectorConfig.from_dict(json.loads(json.dumps(CONFIG.to_dict()))) == CONFIG
    for changed, said in (
        ({"size": 100}, "multiple of 32, received 100"),
        ({"labels": ()}, "received none"),
        ({"std": (1.0, 0.0, 1.0)}, "std is above 0, received 0"),
    ):
        with pytest.raises(ValueError, match=said):
            DetectorConfig(**{**CONFIG.to_dict(), **changed})
