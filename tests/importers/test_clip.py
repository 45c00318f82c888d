"""A CLIP that open_clip wrote, in the layouts that its checkpoints have, embeds what it embedded there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from scenewright_server.importers.clip import hub_of, read_clip, read_named_clip
from scenewright_server.importers.parts import ClipPart
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.clip import Clip

TEXT = {"context_length": 20, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
VIT = {"image_size": 32, "layers": 2, "width": 16, "patch_size": 16, "head_width": 8}
NETWORKS: dict[str, dict[str, Any]] = {
    "vision transformer": {"vision_cfg": VIT, "text_cfg": TEXT, "quick_gelu": True},
    "residual network": {
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None, "head_width": 32},
        "text_cfg": TEXT,
    },
    "a tower of texts of its own": {"vision_cfg": VIT, "text_cfg": TEXT, "custom_text": True},
    "a tower of timm's": {
        "vision_cfg": {"timm_model_name": "test_vit", "timm_model_pretrained": False, "image_size": 160},
        "text_cfg": TEXT,
    },
}
PREPARATIONS = (
    {},
    {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.4, 0.3], "interpolation": "bilinear", "resize_mode": "squash"},
    {"resize_mode": "longest", "fill_color": 127},
)
TEXTS = ["a red mug", "Two  CHAIRS & a table, isn't it?", "一只猫", " ".join(["very"] * 40) + " long", "x"]


def to_safetensors(directory: Path, state: dict[str, torch.Tensor]) -> Path:
    path = directory / "open_clip_model.safetensors"
    save_file({name: tensor.clone() for name, tensor in state.items()}, path)
    return path


def to_pickle(directory: Path, state: dict[str, torch.Tensor]) -> Path:
    """As open_clip's training saves it."""
    path = directory / "open_clip_pytorch_model.bin"
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, path)
    return path


def make(
    directory: Path,
    network: dict[str, Any],
    preparation: dict[str, Any] = PREPARATIONS[0],
    write: Callable[[Path, dict[str, torch.Tensor]], Path] = to_safetensors,
) -> tuple[torch.nn.Module, Any, Path]:
    """open_clip's model of random weights, how it prepares pictures, and its file in `directory`."""
    directory.mkdir(exist_ok=True)
    config = {"model_cfg": {"embed_dim": 12, **network}, "preprocess_cfg": preparation}
    (directory / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(5)
    made, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{directory}", load_weights=False)
    for name, parameter in made.named_parameters():
        if parameter.dim() > 1 and "embedding" not in name:
            parameter.data.mul_(2)  # so that every input matters
    return made.eval(), prepare, write(directory, made.state_dict())


def pictures() -> list[Image.Image]:
    generator = np.random.default_rng(0)
    made = [
        Image.fromarray(generator.integers(0, 256, (height, width, 3)).astype(np.uint8))
        for width, height in ((640, 480), (50, 300), (32, 32), (1, 1))
    ]
    return [*made, *(made[0].convert(mode) for mode in ("L", "RGBA", "P", "CMYK"))]


def loaded(part: ClipPart) -> Clip:
    clip = Clip(part.config)
    clip.load_state_dict(part.state)
    return clip.float().eval()


@torch.inference_mode()
def check_equal(part: ClipPart, theirs: Any, prepare: Any) -> None:
    ours = loaded(part)
    for picture in pictures():
        assert torch.equal(ours.prepare(picture), prepare(picture))
        expected = theirs.encode_image(prepare(picture)[None], normalize=True)
        assert expected.std() > 0.01 and (ours.embed_images([picture]) - expected).abs().max() < 1e-5
    ids = open_clip.tokenizer.SimpleTokenizer(context_length=TEXT["context_length"])(TEXTS)
    expected = theirs.encode_text(ids, normalize=True)
    assert (ours.embed_texts(TEXTS) - expected).abs().max() < 1e-5
    assert (expected[0] - expected[1]).abs().max() > 1e-3 and ours.scale == float(theirs.logit_scale.exp())


@pytest.mark.parametrize(
    ("kind", "write"), [*((kind, to_safetensors) for kind in NETWORKS), ("residual network", to_pickle)]
)
def test_a_directory_embeds_as_open_clip_does(kind: str, write: Any, tmp_path: Path) -> None:
    theirs, prepare, _ = make(tmp_path, NETWORKS[kind], write=write)
    check_equal(read_clip(tmp_path), theirs, prepare)


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_pictures_are_prepared_pixel_for_pixel(preparation: dict[str, Any], tmp_path: Path) -> None:
    theirs, prepare, _ = make(tmp_path, NETWORKS["vision transformer"], preparation)
    check_equal(read_clip(tmp_path), theirs, prepare)


def test_a_model_by_name_takes_its_weights_out_of_a_file(tmp_path: Path) -> None:
    network = NETWORKS["vision transformer"]
    theirs, prepare, file = make(tmp_path / "weights", network)
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "tiny-clip.json").write_text(json.dumps({"embed_dim": 12, **network}))
    open_clip.add_model_config(tmp_path / "names")
    check_equal(read_named_clip("tiny-clip", file), theirs, prepare)
    check_equal(read_named_clip("tiny-clip", file.parent), theirs, prepare)


def test_texts_are_counted_in_tokens(tmp_path: Path) -> None:
    make(tmp_path, NETWORKS["vision transformer"])
    clip = loaded(read_clip(tmp_path))
    assert (clip.max_tokens, clip.n_tokens("a red mug"), clip.n_tokens(TEXTS[3])) == (18, 3, 41)


def test_a_tag_names_a_hub_and_must_fit_the_name(tmp_path: Path) -> None:
    assert hub_of("ViT-B-32", "laion2b_s34b_b79k") == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    for refused, said in (
        (
            lambda: hub_of("ViT-B-32", "nothing"),
            "tag: expected a file, or one of .*, found 'nothing'",
        ),
        (lambda: read_named_clip("ViT-B-99", tmp_path), "name: expected a model of open_clip's"),
        (lambda: read_named_clip("ViT-B-32", tmp_path, "openai"), "name: expected ViT-B-32-quickgelu"),
    ):
        with pytest.raises(ImportRefused, match=said):
            refused()


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"vision_cfg": VIT}, "model_cfg: expected an architecture .*, found a CLIP has a vision_cfg and a text_cfg"),
        ({"vision_cfg": VIT, "text_cfg": {**TEXT, "hf_tokenizer_name": "bert"}}, "hf_tokenizer_name: needs CLIP's own"),
        ({"vision_cfg": VIT, "text_cfg": TEXT, "multimodal_cfg": {}}, "multimodal_cfg: needs CLIP's own"),
        ({"vision_cfg": {"timm_model_name": "hf-hub:a/b"}, "text_cfg": TEXT}, "takes weights from elsewhere"),
        ({"vision_cfg": {**VIT, "colour": 1}, "text_cfg": TEXT}, "model_cfg: expected an architecture"),
        ({"vision_cfg": {**VIT, "width": 24}, "text_cfg": TEXT}, r"class_embedding: expected shape \[24\], found"),
        (
            {"vision_cfg": {**VIT, "layers": 1}, "text_cfg": TEXT},
            "expected no such tensor, found 12 that",
        ),
        ({"vision_cfg": {**VIT, "layers": 3}, "text_cfg": TEXT}, r"resblocks.2.* expected a tensor .*, found none"),
    ],
)
def test_another_architecture_is_refused_by_name(network: dict[str, Any], said: str, tmp_path: Path) -> None:
    make(tmp_path, NETWORKS["vision transformer"])
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"embed_dim": 12, **network}}))
    with pytest.raises(ImportRefused, match=said):
        read_clip(tmp_path)


def test_a_pickle_that_wants_code_is_refused(tmp_path: Path) -> None:
    _, _, file = make(tmp_path, NETWORKS["vision transformer"], write=to_pickle)
    torch.save({"state_dict": {"visual.proj": pytest.fail}}, file)
    with pytest.raises(ImportRefused, match=r"open_clip_pytorch_model.bin: content: expected tensors and plain values"):
        read_clip(tmp_path)
    file.unlink()
    with pytest.raises(ImportRefused, match=r"file: expected open_clip_model.safetensors or .*, found neither"):
        read_clip(tmp_path)
