"""A Whisper checkpoint in one of three layouts becomes openai-whisper's dimensions and state."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from scenewright_server.importers.ctranslate2 import read_model_bin
from scenewright_server.importers.fields import Fields, read_json
from scenewright_server.importers.parts import WhisperPart
from scenewright_server.importers.pickles import read_pickle
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.stores import open_weights
from scenewright_server.importers.tensors import Tensors
from scenewright_server.importers.whisper_names import (
    name_in_ctranslate2,
    name_in_transformers,
    read_fused_state,
    read_state,
)
from scenewright_server.model.whisper import WhisperConfig

_DIMENSIONS = tuple(WhisperConfig.__dataclass_fields__)


def read_whisper(path: Path) -> WhisperPart:
    """openai's `.pt` file, a directory of transformers with safetensors, or one of CTranslate2 with a model.bin.

    Raises ImportRefused, which names the file, the key, what was expected and what was found.
    """
    if path.is_file():
        return _read_openai(path)
    if not path.is_dir():
        raise ImportRefused(path, "path", "a file or a directory", "nothing")
    if (path / "model.bin").is_file():
        return _read_ctranslate2(path / "model.bin")
    return _read_transformers(path)


def _read_openai(path: Path) -> WhisperPart:
    saved = read_pickle(path, keep=("dims", "model_state_dict"))
    fields = Fields(path, saved).inside("dims")
    state = saved.get("model_state_dict")
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ImportRefused(path, "model_state_dict", "tensors", type(state).__name__)
    config = _config(fields, {name: name for name in _DIMENSIONS})
    return WhisperPart(config, read_state(config, Tensors(path, state)))


def _read_transformers(directory: Path) -> WhisperPart:
    fields = Fields(directory / "config.json", read_json(directory / "config.json"))
    fields.choose("model_type", {"whisper": "whisper"})
    fields.require("activation_function", "gelu", "gelu")
    fields.require("scale_embedding", False, False)
    config = _config(
        fields,
        {
            "n_mels": "num_mel_bins",
            "n_audio_ctx": "max_source_positions",
            "n_audio_state": "d_model",
            "n_audio_head": "encoder_attention_heads",
            "n_audio_layer": "encoder_layers",
            "n_vocab": "vocab_size",
            "n_text_ctx": "max_target_positions",
            "n_text_state": "d_model",
            "n_text_head": "decoder_attention_heads",
            "n_text_layer": "decoder_layers",
        },
    )
    for side in ("encoder", "decoder"):
        fields.require(f"{side}_ffn_dim", 4 * config.n_audio_state)
    tensors = Tensors(
        directory / "model.safetensors", open_weights(directory), name_in_transformers, skipped=("proj_out.weight",)
    )
    return WhisperPart(config, read_state(config, tensors))


def _read_ctranslate2(path: Path) -> WhisperPart:
    found = read_model_bin(path, "WhisperSpec")
    if scaled := [name for name in found if name.endswith("weight_scale")]:
        raise ImportRefused(path, scaled[0], "float32, float16 or bfloat16 weights", "quantised ones")
    for name, n_dims in (
        ("encoder/conv1/weight", 3),
        ("encoder/position_encodings/encodings", 2),
        ("decoder/embeddings/weight", 2),
        ("decoder/position_encodings/encodings", 2),
    ):
        if name not in found or found[name].dim() != n_dims:
            raise ImportRefused(path, name, f"a tensor of {n_dims} dimensions", "none")
    for name in ("encoder/num_heads", "decoder/num_heads"):
        if name not in found or found[name].numel() != 1:
            raise ImportRefused(path, name, "a number", "none")
    sizes = {
        "n_mels": found["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": found["encoder/position_encodings/encodings"].shape[0],
        "n_audio_state": found["encoder/conv1/weight"].shape[0],
        "n_audio_head": int(found["encoder/num_heads"]),
        "n_audio_layer": _n_layers(found, "encoder"),
        "n_vocab": found["decoder/embeddings/weight"].shape[0],
        "n_text_ctx": found["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": found["decoder/embeddings/weight"].shape[1],
        "n_text_head": int(found["decoder/num_heads"]),
        "n_text_layer": _n_layers(found, "decoder"),
    }
    config = _config(Fields(path, sizes), {name: name for name in _DIMENSIONS})
    settings = [name for name, tensor in found.items() if tensor.dim() < 2 and not tensor.is_floating_point()]
    tensors = Tensors(path, found, name_in_ctranslate2, skipped=(*settings, "decoder/projection/weight"))
    return WhisperPart(config, read_fused_state(config, tensors))


def _n_layers(found: dict[str, Tensor], side: str) -> int:
    return len({name.split("/")[1] for name in found if name.startswith(f"{side}/layer_") and name.count("/") > 2})


def _config(fields: Fields, names: dict[str, str]) -> WhisperConfig:
    try:
        return WhisperConfig(**{ours: fields.count(theirs, high=2**20) for ours, theirs in names.items()})
    except ValueError as error:
        if isinstance(error, ImportRefused):
            raise
        raise ImportRefused(fields.file, "sizes", "sizes that fit each other", error) from None
