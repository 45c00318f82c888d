"""What both clients do with a language model alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from scenewright import tasks, types
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
    """Of `scenewright.Client`. The tasks' prompts are in `scenewright.tasks`; a small model is often wrong in them."""

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

    def translate(
        self, text: str, *, to: str, source: str = "English", model: str = "", timeout_s: float | None = None
    ) -> str:
        """A text, as one line, in the language `to`, as in "German"; `source` names its own."""
        return self._task(tasks.translate(text, to, source), model, timeout_s).strip()

    def summarize(self, text: str, *, model: str = "", timeout_s: float | None = None) -> str:
        """A text, as one line, in a sentence."""
        return self._task(tasks.summarize(text), model, timeout_s).strip()

    def answer(self, question: str, *, context: str, model: str = "", timeout_s: float | None = None) -> str:
        """What a text says about a question."""
        return self._task(tasks.answer(question, context), model, timeout_s).strip()

    def sentiment(self, text: str, *, model: str = "", timeout_s: float | None = None) -> str:
        """ "positive" or "negative"; "" where the model says neither."""
        return tasks.read_sentiment(self._task(tasks.sentiment(text), model, timeout_s))

    def complete_code(self, code: str, *, model: str = "", timeout_s: float | None = None) -> str:
        """What comes after some code, up to the next function, class or top-level line of its own."""
        return self._task(tasks.complete_code(code), model, timeout_s)

    def _task(self, task: tasks.Task, model: str, timeout_s: float | None) -> str:
        return self.generate(task.prompt, sampling=task.sampling, model=model, timeout_s=timeout_s).text


class AsyncLanguage:
    """Of `scenewright.aio.Client`: see `Language`."""

    _channels: Any
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
        generation: types.Generation = await self._channels.run(call, timeout_s)
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
        events: AsyncIterator[types.ResponseEvent] = self._channels.stream(call, timeout_s)
        return events

    async def translate(
        self, text: str, *, to: str, source: str = "English", model: str = "", timeout_s: float | None = None
    ) -> str:
        """A text, as one line, in the language `to`, as in "German"; `source` names its own."""
        return (await self._task(tasks.translate(text, to, source), model, timeout_s)).strip()

    async def summarize(self, text: str, *, model: str = "", timeout_s: float | None = None) -> str:
        """A text, as one line, in a sentence."""
        return (await self._task(tasks.summarize(text), model, timeout_s)).strip()

    async def answer(self, question: str, *, context: str, model: str = "", timeout_s: float | None = None) -> str:
        """What a text says about a question."""
        return (await self._task(tasks.answer(question, context), model, timeout_s)).strip()

    async def sentiment(self, text: str, *, model: str = "", timeout_s: float | None = None) -> str:
        """ "positive" or "negative"; "" where the model says neither."""
        return tasks.read_sentiment(await self._task(tasks.sentiment(text), model, timeout_s))

    async def complete_code(self, code: str, *, model: str = "", timeout_s: float | None = None) -> str:
        """What comes after some code, up to the next function, class or top-level line of its own."""
        return await self._task(tasks.complete_code(code), model, timeout_s)

    async def _task(self, task: tasks.Task, model: str, timeout_s: float | None) -> str:
        return (await self.generate(task.prompt, sampling=task.sampling, model=model, timeout_s=timeout_s)).text
