"""What a bundle says of the endpoint that decodes for it, and how a pass is asked for there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scenewright_server.families.endpoint import Completion
from scenewright_server.families.family import ModelError

SCHEME = "openai:"
"""What a manifest's `decoder` begins with where it is an endpoint."""
KEY_VARIABLE = "SCENEWRIGHT_ENDPOINT_KEY"
_KEY_VARIABLE = re.compile(r"SCENEWRIGHT_[A-Z0-9_]*KEY")

GRAMMARS: dict[str, Callable[[str], dict[str, Any]]] = {
    "": lambda grammar: {},
    "grammar": lambda grammar: {"grammar": grammar},
    "ebnf": lambda grammar: {"ebnf": grammar},
    "guided_grammar": lambda grammar: {"guided_grammar": grammar},
    "structured_outputs": lambda grammar: {"structured_outputs": {"grammar": grammar}},
}
"""How servers take a grammar, by the field of a request: llama.cpp, SGLang, vLLM before 0.12, vLLM."""
SCHEMAS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "response_format": lambda schema: {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "form", "schema": dict(schema), "strict": True},
        }
    },
    "json_schema": lambda schema: {"json_schema": dict(schema)},
}
"""How servers take a JSON schema, by the field of a request: all in chats, and llama.cpp behind a plain text."""
LIMITS = ("max_tokens", "max_completion_tokens")
TEXT_LOGPROBS = {"logprobs": 1, "n_probs": 1}
"""How the probabilities of a text's tokens are asked for: OpenAI's protocol, llama.cpp."""
SAMPLING = ("top_k", "repetition_penalty")
TEXTS = ("completions", "chat")


@dataclass(frozen=True)
class EndpointConfig:
    """A bundle's `endpoint`, and the URL that its `decoder` names.

    key_variable: the environment variable that holds the key; none need be set. at_once: completions at a time.
    first_s, next_s, total_s: to the first word, from one to the next, of all. grammar: how one is sent, of GRAMMARS.
    schema, logprobs: whether it takes a JSON schema and tells probabilities. limit: the field for max_new_tokens.
    sampling: what it calls those of SAMPLING that it knows. plans: whether it is asked for plans first. texts: how it
    goes on from a plain text: by "completions", or by a "chat" whose user says it. text_schema, text_logprobs: the
    fields of SCHEMAS ("" for none) and TEXT_LOGPROBS that completions take.
    Raises ValueError, which names field, value and bound.
    """

    url: str
    model: str
    key_variable: str = KEY_VARIABLE
    at_once: int = 16
    first_s: float = 30.0
    next_s: float = 20.0
    total_s: float = 110.0
    grammar: str = ""
    schema: bool = False
    logprobs: bool = False
    limit: str = "max_tokens"
    sampling: Mapping[str, str] = field(default_factory=dict)
    plans: bool = False
    texts: str = "completions"
    text_schema: str = ""
    text_logprobs: str = "logprobs"

    def __post_init__(self) -> None:
        check_url(self.url)
        for name, ok, bound in (
            ("model", isinstance(self.model, str) and 0 < len(self.model) <= 256, "1 to 256 characters"),
            ("key_variable", _KEY_VARIABLE.fullmatch(self.key_variable), "SCENEWRIGHT_...KEY"),
            ("at_once", 1 <= self.at_once <= 1024, "1 to 1024"),
            *((name, 0 < getattr(self, name) <= 3600, "more than 0, at most 3600") for name in _SECONDS),
            ("grammar", self.grammar in GRAMMARS, f"one of {', '.join(map(repr, GRAMMARS))}"),
            ("limit", self.limit in LIMITS, f"one of {', '.join(LIMITS)}"),
            ("texts", self.texts in TEXTS, f"one of {', '.join(TEXTS)}"),
            ("text_schema", self.text_schema in ("", *SCHEMAS), f"one of '', {', '.join(SCHEMAS)}"),
            ("text_logprobs", self.text_logprobs in TEXT_LOGPROBS, f"one of {', '.join(TEXT_LOGPROBS)}"),
            ("sampling", set(self.sampling) <= set(SAMPLING), f"keys of {', '.join(SAMPLING)}"),
        ):
            if not ok:
                raise ValueError(f"endpoint.{name} is {getattr(self, name)!r}, must be {bound}")

    @property
    def is_private(self) -> bool:
        """Nobody reads on the way what is sent: it is encrypted, or stays on this machine."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or _is_loopback(parts.hostname or "")

    @property
    def takes_schema(self) -> bool:
        """Whether what goes on from a plain text can be held to a JSON schema."""
        return self.schema if self.texts == "chat" else bool(self.text_schema)

    def is_plain(self, completion: Completion) -> bool:
        """Whether it is a request of `completions.create`, not of `chat.completions.create`."""
        return bool(completion.prompt) and self.texts == "completions"

    def request(self, completion: Completion, *, top_k: int, repetition_penalty: float) -> dict[str, Any]:
        """Arguments of `chat.completions.create`, or of `completions.create`. Raises ModelError FIELD_OUT_OF_RANGE for
        a way of sampling that the endpoint does not know."""
        extra: dict[str, Any] = {}
        for name, value, usual in (("top_k", top_k, 0), ("repetition_penalty", repetition_penalty, 1.0)):
            if value == usual:
                continue
            if name not in self.sampling:
                message = f"sampling.{name} is {value:g}, must be {usual:g}: this model's endpoint knows no other"
                raise ModelError("FIELD_OUT_OF_RANGE", message, field=f"sampling.{name}", value=value, bound=usual)
            extra[self.sampling[name]] = value
        request: dict[str, Any] = {"model": self.model, "stream": True, "stream_options": {"include_usage": True}}
        if self.is_plain(completion):
            request |= {"prompt": completion.prompt, "max_tokens": completion.max_new_tokens}
            if self.logprobs:
                extra[self.text_logprobs] = TEXT_LOGPROBS[self.text_logprobs]
            if completion.schema is not None:
                extra |= SCHEMAS[self.text_schema](completion.schema)
        else:
            messages = completion.messages or (("user", completion.prompt),)
            request["messages"] = [{"role": role, "content": text} for role, text in messages]
            request[self.limit] = completion.max_new_tokens
            if self.logprobs:
                request["logprobs"] = True
            form = completion.form
            schema = completion.schema if form is None else form.schema
            if schema is not None and self.schema:
                request |= SCHEMAS["response_format"](schema)
            elif form is not None and form.grammar:
                extra |= GRAMMARS[self.grammar](form.grammar)
        return {**request, "extra_body": extra} if extra else request


def endpoint_manifest(config: EndpointConfig) -> dict[str, Any]:
    """What a manifest says of an endpoint: its `decoder` and its `endpoint`."""
    values = asdict(config)
    return {"decoder": SCHEME + values.pop("url"), "endpoint": values}


def read_endpoint(manifest: Mapping[str, Any]) -> EndpointConfig:
    """The same back. Raises ValueError, TypeError, KeyError."""
    scheme, url = manifest["decoder"][: len(SCHEME)], manifest["decoder"][len(SCHEME) :]
    if scheme != SCHEME:
        raise ValueError(f"decoder begins with {scheme!r}, must begin with {SCHEME!r}")
    return EndpointConfig(url, **manifest["endpoint"])


_SECONDS = ("first_s", "next_s", "total_s")


def check_url(url: str) -> str:
    """An endpoint's address, as it is. Raises ValueError for one that is no such thing or holds a password."""
    try:
        parts = urlsplit(url)
        ok = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        ok = ok and not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        ok = False
    if not ok:
        shown = "one that may hold a password" if "@" in url else repr(url)
        raise ValueError(
            f"the endpoint's URL is {shown}, must be http(s)://HOST[:PORT]/PATH, without user, password, ? and #"
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
