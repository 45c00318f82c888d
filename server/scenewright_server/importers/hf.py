"""A directory in Hugging Face's layout becomes a language model's part of a bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from scenewright_server.importers.fields import MAX_JSON_BYTES, Fields, read_json
from scenewright_server.importers.hf_names import read_config, read_state
from scenewright_server.importers.parts import LanguagePart, check_ids, check_tokenizer
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.stores import open_weights
from scenewright_server.importers.tensors import Tensors

MAX_TEMPLATE_CHARS = 200_000


def read_hf(directory: Path) -> LanguagePart:
    """GPT-2, Llama 2 and 3, Mistral, Qwen2, Qwen2.5 or Qwen3 out of a directory that transformers can load.

    It has config.json, model.safetensors (or shards and their index, or pytorch_model.bin), tokenizer.json, and perhaps
    a chat template (chat_template.jinja, or inside tokenizer_config.json) and generation_config.json.
    Raises ImportRefused, which names the file, the key, what was expected and what was found.
    """
    fields = Fields(directory / "config.json", read_json(directory / "config.json"))
    config = read_config(fields)
    path = directory / "tokenizer.json"
    data = _read_bounded(path)
    tokenizer = check_tokenizer(path, data, config.vocab_size)
    store = open_weights(directory)
    state = read_state(config, fields.get("model_type"), Tensors(directory / "model.safetensors", store))
    names = _optional(directory / "tokenizer_config.json")
    generation = _optional(directory / "generation_config.json")
    bos = _ids(fields, "bos_token_id") + _named(tokenizer, names, "bos_token")
    stops = _ids(fields, "eos_token_id") + _ids(generation, "eos_token_id") + _named(tokenizer, names, "eos_token")
    return LanguagePart(
        config,
        state,
        data,
        _read_template(directory, names),
        bos=check_ids(fields.file, "bos_token_id", bos[-1:], config.vocab_size)[0] if bos else None,
        stops=check_ids(fields.file, "eos_token_id", stops, config.vocab_size),
    )


def _optional(path: Path) -> Fields:
    return Fields(path, read_json(path) if path.is_file() else {})


def _read_bounded(path: Path) -> bytes:
    if not path.is_file():
        raise ImportRefused(path, "file", "to be there", "nothing")
    if (size := path.stat().st_size) > MAX_JSON_BYTES:
        raise ImportRefused(path, "size", f"at most {MAX_JSON_BYTES} bytes", size)
    return path.read_bytes()


def _ids(fields: Fields, key: str) -> tuple[Any, ...]:
    """None, one id or several."""
    value = fields.get(key, ())
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _named(tokenizer: Tokenizer, fields: Fields, key: str) -> tuple[int, ...]:
    """The id of a token that tokenizer_config.json names, as a string or as an object with its content."""
    value = fields.get(key, None)
    if isinstance(value, dict):
        value = value.get("content")
    if value is None:
        return ()
    token = tokenizer.token_to_id(value) if isinstance(value, str) else None
    if token is None:
        raise ImportRefused(fields.file, key, "a token of tokenizer.json", json.dumps(value))
    return (token,)


def _read_template(directory: Path, names: Fields) -> str | None:
    """The chat template; of several the one called default."""
    path = directory / "chat_template.jinja"
    template = _read_bounded(path).decode("utf-8", "replace") if path.is_file() else names.get("chat_template", None)
    if isinstance(template, list):
        template = {
            entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)
        }.get("default")  # fmt: skip
    return check_template(names.file if not path.is_file() else path, "chat_template", template)


def check_template(file: Path | str, key: str, template: Any) -> str | None:
    """A chat template, or None. Raises ImportRefused when it is no text or longer than MAX_TEMPLATE_CHARS."""
    if template is not None and not isinstance(template, str):
        raise ImportRefused(file, key, "text", type(template).__name__)
    if template and len(template) > MAX_TEMPLATE_CHARS:
        raise ImportRefused(file, key, f"at most {MAX_TEMPLATE_CHARS} characters", len(template))
    return template or None
