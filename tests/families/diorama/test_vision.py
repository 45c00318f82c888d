"""The image tower: shapes, and that decoding finds what the cells say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.families.diorama.vision import STRIDE, DenseOutput, Vision, pair_iou, preprocess

ATTRIBUTES = {"colour": ("red", "green", "blue"), "kind": ("chair", "table")}
SIDE = 96 // STRIDE


@pytest.fixture(scope="module")
def vision() -> Vision:
    torch.manual_seed(0)
    config = VisionConfig(
        attributes=ATTRIBUTES, image_size=96, width=8, d_embed=16, vocab_size=64, d_text=32, n_features=16
    )
    return Vision(config).eval()


def test_config_survives_json():
    config = VisionConfig(attributes=ATTRIBUTES)
    as_json = {**config.to_dict(), "layers": [1, 1, 2, 1], "attributes": {k: list(v) for k, v in ATTRIBUTES.items()}}
    assert VisionConfig.from_dict(as_json) == config


@pytest.mark.parametrize("shape", [(96, 96), (480, 640), (31, 17)])
def test_preprocess_squashes_any_frame(shape):
    pixels = np.full((*shape, 3), 51, np.uint8)
    image = preprocess(pixels, 96)
    assert image.shape == (3, 96, 96)
    assert torch.allclose(image, torch.tensor(0.2), atol=0.01)


def test_every_cell_speaks(vision):
    dense = vision(torch.rand(2, 3, 96, 96), embed=True)
    n = SIDE**2
    assert dense.scores.shape == dense.log_depth.shape == dense.log_height.shape == dense.raised.shape == (2, n)
    assert dense.known.shape == (2,)
    assert dense.boxes.shape == (2, n, 4)
    assert {name: x.shape[-1] for name, x in dense.attributes.items()} == {"colour": 3, "kind": 2}
    assert dense.embedding.shape == (2, 16)


def test_embeddings_are_unit_and_ignore_what_follows_eot(vision):
    ids = torch.tensor([[5, 6, 2, *[0] * 29], [5, 6, 2, *[9] * 29], [7, 6, 2, *[0] * 29]])
    text = vision.embed_text(ids)
    assert torch.allclose(text.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(text[0], text[1], atol=1e-6) and not torch.allclose(text[0], text[2], atol=1e-3)
    image = vision.embed_image(torch.rand(2, 3, 96, 96))
    assert torch.allclose(image.norm(dim=1), torch.ones(2), atol=1e-5)


def test_decoding_finds_the_objects_that_the_cells_describe(vision):
    truth = torch.tensor([[8.0, 8, 40, 48], [56, 24, 88, 80]])
    dense = _say(truth, colours=[2, 0], kinds=[0, 1], depths=[1.5, 3.0])
    (found,) = vision.decode(dense)
    assert len(found) == 2
    order = np.argsort(found.boxes[:, 0])
    np.testing.assert_allclose(found.boxes[order] * 96, truth.numpy(), atol=1.5)
    np.testing.assert_allclose(found.depth[order], [1.5, 3.0], rtol=1e-3)
    np.testing.assert_allclose(found.height[order], np.sqrt([1.5, 3.0]), rtol=1e-3)
    assert (found.raised < 0.5).all()
    assert found.attributes["colour"][order].argmax(1).tolist() == [2, 0]
    assert found.attributes["kind"][order].argmax(1).tolist() == [0, 1]
    assert (np.diff(found.scores) <= 0).all()


def test_what_is_said_of_a_mirrored_image_is_turned_back(vision):
    truth = torch.tensor([[8.0, 8, 40, 48]])
    mirrored = torch.stack([96 - truth[:, 2], truth[:, 1], 96 - truth[:, 0], truth[:, 3]], 1)
    (found,) = vision.decode(vision._unmirror(_say(mirrored, [2], [0], [1.5])))
    np.testing.assert_allclose(found.boxes * 96, truth.numpy(), atol=1.5)
    with torch.inference_mode():
        said = vision(torch.rand(1, 3, 96, 96))
    again = vision._unmirror(vision._unmirror(said))
    torch.testing.assert_close(again.boxes, said.boxes)
    torch.testing.assert_close(again.attributes, said.attributes)


def test_nothing_is_found_where_nothing_is_said(vision):
    dense = _say(torch.zeros(0, 4), [], [], [])
    (found,) = vision.decode(dense)
    assert len(found) == 0 and found.boxes.shape == (0, 4) and found.attributes["kind"].shape == (0, 2)


def test_a_box_inside_one_that_looks_alike_is_the_same_object(vision):
    boxes = torch.tensor([[8.0, 8, 72, 72], [10, 40, 40, 70]])
    for kinds, n_found in (([0, 0], 1), ([0, 1], 2)):
        (found,) = vision.decode(_say(boxes, [2, 2], kinds, [1.5, 1.5]))
        assert len(found) == n_found


def test_an_unknown_frame_shows_nothing(vision):
    truth = torch.tensor([[8.0, 8, 40, 48]])
    assert len(vision.decode(_say(truth, [2], [0], [1.5]))[0]) == 1
    assert len(vision.decode(_say(truth, [2], [0], [1.5], known=-3.0))[0]) == 0


def test_a_colour_is_what_kind_and_surface_agree_on(vision):
    surface = torch.tensor([0.0, 8, 0]).expand(1, SIDE**2, 3)
    dense = _say(torch.tensor([[8.0, 8, 40, 48]]), [2], [0], [1.5], local={"colour": surface})
    assert vision.decode(dense)[0].attributes["colour"].argmax(1).tolist() == [1]


def _say(
    boxes: torch.Tensor,
    colours: list[int],
    kinds: list[int],
    depths: list[float],
    known: float = 3.0,
    local: dict[str, torch.Tensor] | None = None,
) -> DenseOutput:
    """One image whose cells inside each box describe it, a pixel askew, surest in the middle."""
    centres = (torch.arange(SIDE) + 0.5) * STRIDE
    y, x = (c.flatten() for c in torch.meshgrid(centres, centres, indexing="ij"))
    n = SIDE**2
    scores, said = torch.full((n,), -6.0), torch.zeros(n, 4)
    log_depth, colour, kind = torch.zeros(n), torch.zeros(n, 3), torch.zeros(n, 2)
    for box, c, k, depth in zip(boxes, colours, kinds, depths, strict=True):
        inside = (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])
        middle = (box[:2] + box[2:]) / 2
        scores[inside] = 3 - 0.05 * ((x - middle[0]).abs() + (y - middle[1]).abs())[inside]
        said[inside] = box + torch.linspace(-1, 1, int(inside.sum()))[:, None]
        log_depth[inside] = float(np.log(depth))
        colour[inside], kind[inside] = 0.0, 0.0
        colour[inside, c], kind[inside, k] = 5.0, 5.0
    attributes = {"colour": colour[None], "kind": kind[None]}
    return DenseOutput(
        scores[None], torch.tensor([known]), said[None], log_depth[None], log_depth[None] / 2, -log_depth[None],
        attributes, local or {}, None,
    )  # fmt: skip


def test_pair_iou():
    a = torch.tensor([[0.0, 0, 2, 2]])
    b = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]])
    assert torch.allclose(pair_iou(a, b), torch.tensor([[1.0, 1 / 3, 0.0]]))
