"""What the renderer draws agrees with what the scene says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scenewright_server.simulator.kinds import KINDS
from scenewright_server.simulator.parts import ASSEMBLIES, assemble
from scenewright_server.simulator.renderer import Rendered, render
from scenewright_server.simulator.scene import Scene, sample

SIZE = (160, 160)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [sample(seed, split) for seed in range(5) for split in ("train", "compositional")]


@pytest.fixture(scope="module")
def rendered(scenes: list[Scene]) -> Rendered:
    return render(scenes, SIZE)


def test_shapes_and_types(scenes, rendered):
    assert rendered.images.shape == (len(scenes), *SIZE, 3) and rendered.images.dtype == torch.uint8
    assert rendered.ids.shape == rendered.depth.shape == (len(scenes), *SIZE)
    assert rendered.ids.dtype == torch.int16 and rendered.depth.isfinite().all()


def test_boxes_hold_exactly_the_visible_pixels(scenes, rendered):
    for b, scene in enumerate(scenes):
        boxes = rendered.boxes(b, len(scene.objects)) * 160
        for i, (x0, y0, x1, y1) in enumerate(boxes):
            seen = rendered.ids[b] == i
            inside = seen[int(y0) : int(y1), int(x0) : int(x1)]
            assert inside.sum() == seen.sum() > 0
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_projected_corners_enclose_the_visible_box(scenes, rendered):
    for b, scene in enumerate(scenes):
        for item, seen in zip(scene.objects, rendered.boxes(b, len(scene.objects)), strict=True):
            whole = scene.camera.box(item)
            margin = 1.5 / 160
            assert (seen[:2] > np.array(whole[:2]) - margin).all(), item
            assert (seen[2:] < np.array(whole[2:]) + margin).all(), item


def test_depth_lies_between_the_nearest_and_farthest_corner(scenes, rendered):
    for b, scene in enumerate(scenes):
        for i, item in enumerate(scene.objects):
            seen = rendered.depth[b][rendered.ids[b] == i]
            corners = scene.camera.to_camera(item.corners())[:, 2]
            assert seen.min() > corners.min() - 0.03 and seen.max() < corners.max() + 0.03


def test_a_scene_is_reproducible_and_the_same_alone_and_in_a_batch(scenes, rendered):
    again = render(scenes, SIZE)
    assert torch.equal(again.images, rendered.images)
    for b in (0, 3, 9):
        alone = render([scenes[b]], SIZE)
        assert torch.equal(alone.ids[0], rendered.ids[b])
        # Vector and scalar code may round differently, so a texel on an edge may fall either side.
        differs = (alone.images[0].int() - rendered.images[b].int()).abs() > 2
        assert differs.float().mean() < 1e-3


def test_supersampling_keeps_ids_and_mean_colour(scenes, rendered):
    fine = render(scenes[:2], SIZE, supersample=2)
    assert (fine.ids == rendered.ids[:2]).float().mean() > 0.97
    assert (fine.images.float().mean() - rendered.images[:2].float().mean()).abs() < 1.5


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_parts_fill_their_extents_and_no_more(kind):
    for seed in range(8):
        extents = np.array([0.7, 0.9, 0.5])
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for part in assemble(kind, tuple(extents), seed):
            turned = np.eye(3) if part.rotation is None else part.rotation
            # An ellipsoid reaches |row of its matrix|; a box or frustum at most the sum of the row.
            matrix = np.abs(turned * part.half)
            reach = np.linalg.norm(matrix, axis=1) if part.shape == "ellipsoid" else matrix.sum(1)
            low, high = np.minimum(low, part.centre - reach), np.maximum(high, part.centre + reach)
        bounds = np.array([[-0.5, 0, -0.5], [0.5, 1, 0.5]]) * extents
        assert (low > bounds[0] - 0.02).all() and (high < bounds[1] + 0.02).all(), (low, high)
        assert abs(high[1] - extents[1]) < 0.03 and abs(low[1]) < 0.01


def test_every_kind_has_an_assembly():
    assert set(ASSEMBLIES) == {kind.name for kind in KINDS}
