"""A CLIP of open_clip's: its architecture by name or by its open_clip_config.json, its weights out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CustomTextCLIP, convert_to_custom_text_state_dict
from torch import Tensor

from scenewright_server.importers.fields import Fields, read_json
from scenewright_server.importers.parts import ClipPart
from scenewright_server.importers.pickles import read_pickle
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.stores import SafetensorsStore
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.clip import Clip, ClipConfig

CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_PREPARATION = ("mean", "std", "interpolation", "resize_mode", "fill_color")
_NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size", "text.transformer.embeddings.position_ids")


def read_clip(path: Path) -> ClipPart:
    """A directory as open_clip's are on a hub: open_clip_config.json, and the weights beside it.

    Raises ImportRefused, which names the file, the key, what was expected and what was found.
    """
    fields = Fields(path / CONFIG, read_json(path / CONFIG))
    network, preparation = fields.inside("model_cfg").values, fields.inside("preprocess_cfg").values
    return _read(path / CONFIG, network, preparation, _find_weights(path))


def read_named_clip(name: str, weights: Path, tag: str = "") -> ClipPart:
    """A model by open_clip's name, with the weights in a file of safetensors or of torch.save, or in a hub's directory.

    tag: of the pretrained weights, by which open_clip knows how pictures are prepared. Raises ImportRefused.
    """
    network = open_clip.get_model_config(name)
    if network is None:
        raise ImportRefused(name, "name", "a model of open_clip's (open_clip.list_models())", repr(name))
    known = _tag(name, tag) if tag else {}
    if known and bool(known.get("quick_gelu")) != bool(network.get("quick_gelu")):
        other = name.removesuffix("-quickgelu") if network.get("quick_gelu") else f"{name}-quickgelu"
        raise ImportRefused(f"{name}:{tag}", "name", f"{other}, which has the activation of these weights", name)
    return _read(name, network, known, _find_weights(weights) if weights.is_dir() else weights)


def hub_of(name: str, tag: str) -> str:
    """The hub's repository that holds pretrained weights. Raises ImportRefused for a tag without one."""
    repository = str(_tag(name, tag).get("hf_hub", "")).rstrip("/")
    if not repository:
        raise ImportRefused(f"{name}:{tag}", "tag", "one whose weights are on a hub", "none")
    return repository


def _tag(name: str, tag: str) -> dict[str, Any]:
    known: dict[str, Any] = open_clip.get_pretrained_cfg(name, tag)
    if not known:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise ImportRefused(f"{name}:{tag}", "tag", f"a file, or one of open_clip's tags of {name}: {tags}", repr(tag))
    return known


def _find_weights(directory: Path) -> Path:
    for name in WEIGHTS:
        if (directory / name).is_file():
            return directory / name
    raise ImportRefused(directory, "file", " or ".join(WEIGHTS), "neither")


def _read(file: Path | str, network: Mapping[str, Any], preparation: Mapping[str, Any], weights: Path) -> ClipPart:
    vision = network.get("vision_cfg")
    if isinstance(vision, dict) and "timm_model_name" in vision:
        network = {**network, "vision_cfg": {**vision, "timm_model_pretrained": False}}
    given = {name: preparation[name] for name in _PREPARATION if preparation.get(name) is not None}
    try:
        config = ClipConfig(dict(network), **given)
        with torch.device("meta"):
            wanted = Clip(config).network
            shapes = {name: tuple(tensor.shape) for name, tensor in wanted.state_dict().items()}
    except (ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
        raise ImportRefused(file, "model_cfg", "an architecture of open_clip's", error) from None
    found = _read_state(weights)
    if isinstance(wanted, CustomTextCLIP):
        found = convert_to_custom_text_state_dict(found)
    for name in ("logit_scale", "logit_bias"):  # a number in some files, a list of one in others
        if name in found and name in shapes and found[name].numel() == 1:
            found[name] = found[name].reshape(shapes[name])
    counters = [name for name in shapes if name.endswith("num_batches_tracked")]  # of training alone
    tensors = Tensors(weights, found, skipped=(*_NO_WEIGHTS, *counters))
    state = {f"network.{name}": tensors.take(name, *shapes[name]) for name in shapes if name not in counters}
    tensors.finish()
    return ClipPart(config, state | {f"network.{name}": torch.zeros((), dtype=torch.int64) for name in counters})


def _read_state(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, without the `module.` of a training on several machines."""
    if file.suffix == ".safetensors":
        found: dict[str, Any] = dict(SafetensorsStore([file]))
    else:
        found = read_pickle(file)
        found = found["state_dict"] if isinstance(found.get("state_dict"), dict) else found
    return {name.removeprefix("module."): value for name, value in found.items() if isinstance(value, Tensor)}
