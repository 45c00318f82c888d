"""What both clients do with a language model alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from scenewright import types
from scenewright._calls import Call, Stream
from scenewright._convert import language
from scenewright.v1 import language_pb2_grpc


def _generate(*wanted: Any) -> Call[types.Generation]:
    request = language.generate_to_proto(*wanted)
    return Call(language_pb2_grpc.LanguageServiceStub, "Generate", request, language.generation_from_proto)


def _generate_stream(*wanted: Any) -> Stream[types.ResponseEvent]:
    request = language.stream_generate_to_proto(*wanted)
    return Stream(language_pb2_grpc.LanguageServiceStub, "StreamGenerate", request, language.event_from_proto)


class Language:
    """Of `scenewright.Client`."""

    _run: Any
    _stream: Any
    _model: Any

    def generate(
        self,
        prompt: str,
        *,
        sampling: types.Sampling | None = None,
        num_return_sequences: int = 1,
        num_beams: int = 1,
        early_stopping: bool = False,
        length_penalty: float | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        include_tokens: bool = False,
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.Generation:
        """Go on from a text, with the meaning that transformers' `generate` gives to these names.

        More sequences than one need a temperature above 0, or as many beams; `early_stopping` and `length_penalty` are
        for beams, which take no temperature and no schema. With `json_schema` the text is JSON that it allows.
        """
        wanted = (sampling, num_return_sequences, num_beams, early_stopping, length_penalty, json_schema)
        call = _generate(self._model(model), prompt, *wanted, include_tokens)
        generation: types.Generation = self._run(call, timeout_s)
        return generation

    def generate_stream(
        self,
        prompt: str,
        *,
        sampling: types.Sampling | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        model: str = "",
        timeout_s: float | None = None,
    ) -> Iterator[types.ResponseEvent]:
        """The same for one sequence as it is made: `TextDelta`, then `Done`. Leaving the loop cancels the call."""
        call = _generate_stream(self._model(model), prompt, sampling, json_schema)
        events: Iterator[types.ResponseEvent] = self._stream(call, timeout_s)
        return events


class AsyncLanguage:
    """Of `scenewright.aio.Client`: see `Language`."""

    _run: Any
    _stream: Any
    _model: Any

    async def generate(
        self,
        prompt: str,
        *,
        sampling: types.Sampling | None = None,
        num_return_sequences: int = 1,
        num_beams: int = 1,
        early_stopping: bool = False,
        length_penalty: float | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        include_tokens: bool = False,
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.Generation:
        """Go on from a text."""
        wanted = (sampling, num_return_sequences, num_beams, early_stopping, length_penalty, json_schema)
        call = _generate(self._model(model), prompt, *wanted, include_tokens)
        generation: types.Generation = await self._run(call, timeout_s)
        return generation

    def generate_stream(
        self,
        prompt: str,
        *,
        sampling: types.Sampling | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        model: str = "",
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.ResponseEvent]:
        """The same for one sequence as it is made: `TextDelta`, then `Done`."""
        call = _generate_stream(self._model(model), prompt, sampling, json_schema)
        events: AsyncIterator[types.ResponseEvent] = self._stream(call, timeout_s)
        return events
