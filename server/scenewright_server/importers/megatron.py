"""A checkpoint of Megatron-LM becomes a language model's part of a bundle."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from scenewright_server.importers.fields import Fields
from scenewright_server.importers.gpt2_tokenizer import END, gpt2_tokenizer
from scenewright_server.importers.megatron_names import check_state, join, read_config, rename
from scenewright_server.importers.parts import LanguagePart, check_ids, check_tokenizer
from scenewright_server.importers.pickles import read_distributed, read_pickle
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.config import GPTConfig

VERSIONS = (0.0, 1.0, 2.0, 3.0)
_RANK = re.compile(r"mp_rank_(\d\d)(?:_(\d\d\d))?")
_KEPT = ("model", "model0", "args", "checkpoint_version")
_OTHERS = ("megatron", "numpy")  # their values, enumerations and random states, come as nothing
_345M = {  # of NVIDIA's release, whose file has no arguments
    "num_layers": 24, "hidden_size": 1024, "num_attention_heads": 16, "max_position_embeddings": 1024,
}  # fmt: skip


def read_megatron(directory: Path, tokenizer: bytes | None = None, end: str = END) -> LanguagePart:
    """A GPT of Megatron-LM: legacy and core layouts, tensor- and pipeline-parallel shards, torch_dist directories.

    directory: what --save named, or one iteration of it.
    tokenizer: a tokenizer.json; None: GPT-2's. The vocabulary's padding beyond it is cut off.
    end: the token that begins and ends a text.
    Raises ImportRefused, which names the file, the key, what was expected and what was found.
    """
    data = gpt2_tokenizer() if tokenizer is None else tokenizer
    known = check_tokenizer("tokenizer", data, 2**22)
    n_vocab = max(known.get_vocab(with_added_tokens=True).values()) + 1
    stop = known.token_to_id(end)
    if stop is None:
        raise ImportRefused("tokenizer", "end", f"a token {end}", "none")
    iteration = _find_iteration(directory)
    read = _read_distributed if (iteration / ".metadata").is_file() else _read_ranks
    config, state = read(iteration, n_vocab)
    stops = check_ids("tokenizer", end, (stop,), config.vocab_size)
    return LanguagePart(config, state, data, chat_template=None, bos=stop, stops=stops)


def _find_iteration(directory: Path) -> Path:
    """The directory that latest_checkpointed_iteration.txt names; without that file, the directory itself."""
    tracker = directory / "latest_checkpointed_iteration.txt"
    if not directory.is_dir():
        raise ImportRefused(directory, "directory", "to be there", "nothing")
    if not tracker.is_file():
        return directory
    name = tracker.read_text(errors="replace")[:100].strip()
    if name != "release" and not re.fullmatch(r"\d{1,9}", name):
        raise ImportRefused(tracker, "content", "release or a number", repr(name))
    iteration = directory / ("release" if name == "release" else f"iter_{int(name):07d}")
    if not iteration.is_dir():
        raise ImportRefused(iteration, "directory", f"to be there, as {tracker.name} says", "nothing")
    return iteration


def _read_ranks(directory: Path, n_vocab: int) -> tuple[GPTConfig, dict[str, Tensor]]:
    """One file a rank: mp_rank_TT[_PPP]/model_optim_rng.pt."""
    files = _find_ranks(directory)
    return merge_ranks(files, lambda file: read_pickle(file, keep=_KEPT, stand_ins=_OTHERS), n_vocab)


def merge_ranks(
    files: list[list[Path]], read: Callable[[Path], dict[str, Any]], n_vocab: int
) -> tuple[GPTConfig, dict[str, Tensor]]:
    """The ranks' files, [pipeline stage][tensor rank], as `read` has them, into one state of `n_vocab` tokens.

    Layers are numbered from 0 in each stage. Raises ImportRefused for shards that do not fit each other.
    """
    first, whole, n_layers = files[0][0], dict[str, Tensor](), 0
    for stage in files:
        shards, n_here = [], 0
        for file in stage:
            saved = read(file)
            model = saved.get("model")
            if not isinstance(model, dict) or not model:
                raise ImportRefused(
                    file, "model", "its tensors, in one part", "several" if "model0" in saved else "none"
                )
            if file == first:
                version, args = _version(file, saved), _arguments(file, saved)
                config = read_config(args, n_vocab)
                args.require("tensor_model_parallel_size", len(stage), len(stage))
                args.require("pipeline_model_parallel_size", len(files), len(files))
            elif (other := _version(file, saved)) != version:
                raise ImportRefused(file, "checkpoint_version", version, other)
            named, n_here = rename(str(file), _flatten(model), n_layers)
            if config.tied_head:
                named.pop("head.weight", None)  # the last stage's copy of the embedding
            shards.append(named)
        whole |= join(str(stage[0]), config, version, shards, halved=True)
        n_layers += n_here
    if n_layers != config.n_layers:
        raise ImportRefused(first, "num_layers", config.n_layers, f"{n_layers} layers in {len(files)} stages")
    n_padded = _check_padding(args, n_vocab, whole, len(files[0]))
    return config, check_state(str(first), config, n_padded, whole, args.flag("apply_layernorm_1p", False))


def _read_distributed(directory: Path, n_vocab: int) -> tuple[GPTConfig, dict[str, Tensor]]:
    """torch_dist: common.pt has the arguments; the tensors are whole, and a SwiGLU's halves are in order."""
    common = directory / "common.pt"
    args = _arguments(common, read_pickle(common, keep=_KEPT, stand_ins=_OTHERS))
    config = read_config(args, n_vocab)
    named, n_layers = rename(str(directory), read_distributed(directory), 0)
    if n_layers != config.n_layers:
        raise ImportRefused(directory, "num_layers", config.n_layers, f"{n_layers} layers")
    whole = join(str(directory), config, VERSIONS[-1], [named], halved=False)
    n_padded = _check_padding(args, n_vocab, whole, args.count("tensor_model_parallel_size", 1))
    plus_one = args.flag("apply_layernorm_1p", False)
    return config, check_state(str(directory), config, n_padded, whole, plus_one)


def _find_ranks(directory: Path) -> list[list[Path]]:
    """The ranks' files, [pipeline stage][tensor rank]. Raises ImportRefused when one is missing."""
    found: dict[tuple[int, int], Path] = {}
    for entry in sorted(directory.iterdir()):
        if match := _RANK.fullmatch(entry.name):
            found[int(match.group(2) or 0), int(match.group(1))] = entry / "model_optim_rng.pt"
        elif entry.name.startswith("mp_rank_"):
            raise ImportRefused(entry, "name", "mp_rank_TT or mp_rank_TT_PPP (no expert parallelism)", entry.name)
    if not found:
        raise ImportRefused(directory, "directory", "mp_rank_00 or .metadata in it", "neither")
    n_pipeline, n_tensor = (max(ranks) + 1 for ranks in zip(*found, strict=True))
    deep = any("_" in file.parent.name.removeprefix("mp_rank_") for file in found.values())
    for p in range(n_pipeline):
        for t in range(n_tensor):
            name = f"mp_rank_{t:02d}_{p:03d}" if deep else f"mp_rank_{t:02d}"
            if not (directory / name / "model_optim_rng.pt").is_file():
                raise ImportRefused(directory / name / "model_optim_rng.pt", "file", "to be there", "nothing")
    return [[found[p, t] for t in range(n_tensor)] for p in range(n_pipeline)]


def _version(file: Path, saved: Mapping[str, Any]) -> float:
    version = saved.get("checkpoint_version", 0.0)
    if version not in VERSIONS:
        raise ImportRefused(file, "checkpoint_version", f"one of {', '.join(map(str, VERSIONS))}, or none", version)
    return float(version)


def _arguments(file: Path, saved: Mapping[str, Any]) -> Fields:
    args = saved.get("args")
    if args is None:
        return Fields(file, _345M)
    if not isinstance(args, dict):
        raise ImportRefused(file, "args", "a namespace", type(args).__name__)
    return Fields(f"{file}: args", args)


def _flatten(values: Mapping[str, Any], root: str = "") -> dict[str, Tensor]:
    """Nested names joined by dots; what is no tensor is left out."""
    flat: dict[str, Tensor] = {}
    for name, value in values.items():
        if isinstance(value, Tensor):
            flat[root + name] = value
        elif isinstance(value, Mapping):
            flat |= _flatten(value, f"{root}{name}.")
    return flat


def _check_padding(args: Fields, n_vocab: int, whole: Mapping[str, Tensor], n_tensor: int) -> int:
    """The padded vocabulary. Raises ImportRefused unless it is the tokenizer's, padded as the arguments say."""
    if "tokens.weight" not in whole:
        raise ImportRefused(args.file, "word_embeddings", "a tensor", "none")
    found = len(whole["tokens.weight"])
    unit = args.count("make_vocab_size_divisible_by", 128) * n_tensor
    expected = args.count("padded_vocab_size", math.ceil(n_vocab / unit) * unit)
    if found != expected or n_vocab > found or found - n_vocab >= unit:
        raise ImportRefused(
            args.file,
            "padded_vocab_size",
            f"{math.ceil(n_vocab / unit) * unit}, {n_vocab} tokens padded to {unit}s",
            found,
        )
    return found
