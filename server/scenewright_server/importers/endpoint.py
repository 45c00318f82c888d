"""Language models that live elsewhere as parts of a bundle: what each kind of server takes and tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scenewright_server.families.chat.endpoint import KEY_VARIABLE, EndpointConfig
from scenewright_server.importers.parts import EndpointPart
from scenewright_server.importers.refusal import ImportRefused

SERVERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "openai": {"schema": True, "limit": "max_completion_tokens"},
    "vllm": {
        "grammar": "structured_outputs",
        "schema": True,
        "text_schema": "response_format",
        "logprobs": True,
        "sampling": {"top_k": "top_k", "repetition_penalty": "repetition_penalty"},
    },
    "sglang": {
        "grammar": "ebnf",
        "schema": True,
        "text_schema": "response_format",
        "logprobs": True,
        "sampling": {"top_k": "top_k", "repetition_penalty": "repetition_penalty"},
    },
    "llama.cpp": {
        "grammar": "grammar",
        "schema": True,
        "text_schema": "json_schema",
        "text_logprobs": "n_probs",
        "logprobs": True,
        "sampling": {"top_k": "top_k", "repetition_penalty": "repeat_penalty"},
    },
    "llama-cpp-python": {
        "grammar": "grammar",
        "sampling": {"top_k": "top_k", "repetition_penalty": "repeat_penalty"},
    },
    "ollama": {"schema": True},
}
"""Kinds of server; "plain" takes what OpenAI's protocol has had from the start, and no more is asked of it."""


def read_endpoint(
    url: str,
    model: str,
    *,
    server: str = "plain",
    n_context: int = 8192,
    at_once: int = 16,
    first_s: float = 30.0,
    key_variable: str = KEY_VARIABLE,
    plans: bool = False,
    texts: str = "completions",
) -> EndpointPart:
    """The model that the server at `url` calls `model`; nobody is asked whether it is there. Raises ImportRefused."""
    if server not in SERVERS:
        raise ImportRefused(url, "server", f"one of {', '.join(SERVERS)}", server)
    try:
        config = EndpointConfig(
            url, model, key_variable=key_variable, at_once=at_once, first_s=first_s, plans=plans, texts=texts
        )
        return EndpointPart(replace(config, **SERVERS[server]), n_context)
    except ValueError as error:
        raise ImportRefused("endpoint", "settings", "an endpoint's", error) from None
