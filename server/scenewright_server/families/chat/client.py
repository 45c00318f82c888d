"""OpenAI's protocol, from the asking side: chat completions as streams of text, bounded in bytes and seconds.

The key comes out of the environment when the client is made, and goes to no log and no error. Redirects are not
followed. Needs the packages of the extra `endpoint`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import httpx2
import openai

from scenewright_server.families.chat.endpoint import EndpointConfig
from scenewright_server.families.endpoint import Completion, Ended, Piece
from scenewright_server.families.family import FinishReason, ModelError

T = TypeVar("T")

MAX_BYTES = 4 << 20
"""Of one response, streamed or not."""
CONNECT_S = 5.0
REST_S = 1.0
"""How long the count of tokens may come after a completion's last word."""
MAX_STOPS = 4
"""Stop texts that OpenAI's protocol takes; the others are looked for here, as all are in chats."""
RETRY_S, MAX_RETRY_S = 5.0, 600.0
BUSY = frozenset({408, 425, 429})  # statuses of a server that may take the same request later, as 500 and above


class TooMuch(Exception):
    """A response passes MAX_BYTES, or is compressed, so that its bytes cannot be bounded before they are there."""


class Foreign(Exception):
    """A response is not of the protocol; says what was found."""


class Broken(Exception):
    """A response ended before the completion did."""


class OpenAIClient:
    """See `families.endpoint.Endpoint`. For one event loop."""

    def __init__(self, config: EndpointConfig, n_ctx: int) -> None:
        self.n_ctx, self.n_at_once = n_ctx, config.at_once
        self._config = config
        self._client = openai.AsyncOpenAI(
            base_url=config.url,
            api_key=os.environ.get(config.key_variable) or "none",
            max_retries=0,
            default_headers={"Accept-Encoding": "identity"},
            http_client=httpx2.AsyncClient(
                follow_redirects=False,
                timeout=httpx2.Timeout(None, connect=CONNECT_S),
                limits=httpx2.Limits(max_connections=config.at_once, max_keepalive_connections=config.at_once),
                event_hooks={"response": [_bound]},
            ),
        )
        self._client.organization = self._client.project = None  # which the package takes out of the environment

    async def complete(
        self,
        completion: Completion,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
        repetition_penalty: float,
        seed: int | None,
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece | Ended, None]:
        request = self._config.request(completion, top_k=top_k, repetition_penalty=repetition_penalty)
        request |= {"temperature": temperature, "top_p": top_p}
        if seed is not None and temperature:
            request["seed"] = seed
        is_plain = self._config.is_plain(completion)
        if is_plain and stop:
            request["stop"] = list(stop[:MAX_STOPS])
        client = self._client if is_plain else self._client.chat
        create: Any = client.completions.create  # the package's types know OpenAI's own models
        clock = _Clock(self._config)
        with self._translating():
            stream = await clock.wait(create(**request))
            async with stream:
                async for piece in _read(stream, clock, completion.max_new_tokens, is_plain):
                    yield piece

    async def close(self) -> None:
        await self._client.close()

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        """What goes wrong on the way as a ModelError, which names the endpoint and nothing of what was sent."""
        name = f"the endpoint {self._config.url}"
        try:
            yield
        except (asyncio.TimeoutError, openai.APITimeoutError) as error:
            said = str(error) or f"no connection within {CONNECT_S:g} s"
            raise ModelError("ENDPOINT_TIMEOUT", f"{name}: {said}", retry_after_s=RETRY_S) from None
        except openai.APIStatusError as error:
            raise self._refusal(error.status_code, error.response.headers.get("retry-after", "")) from None
        except openai.APIConnectionError as error:
            cause = type(error.__cause__).__name__
            message = f"{name}: the connection failed ({cause})"
            raise ModelError("ENDPOINT_UNAVAILABLE", message, retry_after_s=RETRY_S) from None
        except (TooMuch, Foreign) as error:
            raise ModelError("ENDPOINT_INVALID", f"{name}: {error}") from None
        except (Broken, openai.APIError):  # the latter for an error that is told in the stream
            message = f"{name}: it broke off before the end"
            raise ModelError("ENDPOINT_UNAVAILABLE", message, retry_after_s=RETRY_S) from None
        except ValueError:
            raise ModelError("ENDPOINT_INVALID", f"{name}: expected JSON in its stream, found none") from None

    def _refusal(self, status: int, retry_after: str) -> ModelError:
        config = self._config
        if status in BUSY or status >= 500:
            message = f"the endpoint {config.url} answered {status}"
            return ModelError("ENDPOINT_UNAVAILABLE", message, retry_after_s=_seconds(retry_after), status=status)
        why = {
            401: f"it does not take the key in {config.key_variable}",
            403: f"it does not take the key in {config.key_variable}",
            404: f"it has no model {config.model!r}, or is no such address",
        }.get(status, "redirects are not followed" if status < 400 else "it does not take the request")
        return ModelError("ENDPOINT_REFUSED", f"the endpoint {config.url} answered {status}: {why}", status=status)


class _Clock:
    """The seconds that a completion may take: to its first word, from one piece to the next, and in all."""

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._begun = self._last = time.monotonic()
        self._bound = config.first_s

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        now, config = time.monotonic(), self._config
        left_s = min(self._last + self._bound, self._begun + config.total_s) - now
        try:
            return await asyncio.wait_for(work, max(left_s, 0.0))
        except asyncio.TimeoutError:
            is_first = self._bound == config.first_s and self._last == self._begun
            what = "no first word" if is_first else "no next word"
            bound = f"{self._bound:g} s"
            if self._begun + config.total_s <= self._last + self._bound:
                what, bound = "no end", f"{config.total_s:g} s"
            raise asyncio.TimeoutError(f"{what} within {bound}") from None

    def tick(self, bound_s: float) -> None:
        """Something came; the next has so many seconds."""
        self._last, self._bound = time.monotonic(), bound_s

    def heard(self) -> None:
        """A word came."""
        self.tick(self._config.next_s)


async def _read(stream: Any, clock: _Clock, max_new_tokens: int, is_plain: bool) -> AsyncIterator[Piece | Ended]:
    """Pieces of a stream of chunks, Ended the last. No more of them than tokens were asked for."""
    reason: FinishReason | None = None
    usage: Any = None
    n = 0
    while n <= max_new_tokens:
        try:
            chunk = await clock.wait(stream.__anext__())
        except StopAsyncIteration:
            break
        except asyncio.TimeoutError:
            if reason is None:
                raise
            break
        piece, ended, usage = _parse(chunk, usage, is_plain)
        if piece is not None and reason is None:
            n += 1
            clock.heard()
            if n <= max_new_tokens:
                yield piece
        if ended and reason is None:
            reason = FinishReason.TOKEN_LIMIT if ended == "length" else FinishReason.STOP
            clock.tick(REST_S)
    if n > max_new_tokens:
        reason = FinishReason.TOKEN_LIMIT
    if reason is None:
        raise Broken
    yield Ended(reason, *_counts(usage))


def _parse(chunk: Any, usage: Any, is_plain: bool) -> tuple[Piece | None, str, Any]:
    """A chunk's text, why the completion ended with it or "", and the usage so far. Nothing of a chunk is certain."""
    try:
        usage = getattr(chunk, "usage", None) or usage
        if not chunk.choices:
            return None, "", usage
        choice = chunk.choices[0]
        text, ended = choice.text if is_plain else choice.delta.content, choice.finish_reason
        is_text = isinstance(text, str) or (text is None and not is_plain)
        if not is_text or not (ended is None or isinstance(ended, str)):
            raise TypeError
        tokens = _tokens(getattr(choice, "logprobs", None))
    except (AttributeError, TypeError, ValueError, LookupError):
        what = "text" if is_plain else "chat"
        raise Foreign(f"expected chunks of a {what} completion, found another schema") from None
    is_piece = text or (is_plain and tokens)  # a token that ends a text has no words
    return Piece(text or "", tokens) if is_piece else None, ended or "", usage


def _tokens(told: Any) -> tuple[tuple[str, float], ...]:
    """A choice's tokens with the logarithms of their probabilities: as chats tell them (and llama.cpp behind a text),
    or as two lists. Raises what comes of another schema."""
    listed = getattr(told, "content", None)
    if listed:
        found = [one if isinstance(one, dict) else vars(one) for one in listed]
        pairs = [(one["token"], one["logprob"]) for one in found]
    else:
        names, logs = getattr(told, "tokens", None) or (), getattr(told, "token_logprobs", None) or ()
        pairs = list(zip(names, logs, strict=True))
    return tuple((str(name), float(log)) for name, log in pairs)


def _counts(usage: Any) -> tuple[int, int, int]:
    """Tokens given, cached and generated, as far as they are told."""
    details = getattr(usage, "prompt_tokens_details", None)
    told = (
        getattr(usage, "prompt_tokens", 0),
        getattr(details, "cached_tokens", 0),
        getattr(usage, "completion_tokens", 0),
    )
    given, cached, generated = (n if isinstance(n, int) and 0 <= n < 1 << 31 else 0 for n in told)
    return given, cached, generated


def _seconds(retry_after: str) -> float:
    """Of a Retry-After header that tells seconds, within bounds."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return RETRY_S
    return min(max(seconds, 1.0), MAX_RETRY_S) if math.isfinite(seconds) else RETRY_S


async def _bound(response: httpx2.Response) -> None:
    """Count a response's bytes as they come, and let nothing through that is no stream of events."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise TooMuch("a response is compressed, which was not asked for")
    kind = response.headers.get("content-type", "")
    if response.is_success and not kind.startswith("text/event-stream"):
        raise Foreign(f"expected text/event-stream, found {kind[:64] or 'no content type'}")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Counted(response.stream)


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        n = 0
        async for data in self._stream:
            n += len(data)
            if n > MAX_BYTES:
                raise TooMuch(f"a response has at most {MAX_BYTES} bytes, found more")
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()
