"""What `scenewright bench live` measures: recorded conversations, played to a server in real time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from scenewright import aio, live, types
from scenewright.live.microphone import Microphone

from scenewright_server.bench.follower import Follower
from scenewright_server.bench.proxy import Proxy
from scenewright_server.bench.stage import LIST_QUESTION, RATE_HZ, Stage

END_SILENCE_MS = 600
MIN_SPEECH_MS = 64
HEARING = live.Hearing(
    RATE_HZ, voice_activity=types.VoiceActivity(end_silence_ms=END_SILENCE_MS, min_speech_ms=MIN_SPEECH_MS)
)
QUIET_S = 0.3


@dataclass(frozen=True)
class Row:
    """One figure. `bar` is what it may be at most; without one it `holds` nothing."""

    work: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the bar is kept."""
        return None if self.bar is None else self.value <= self.bar


@dataclass
class Waits:
    """What conversations at one concurrency gave: milliseconds from the end of speech to the answer's first word."""

    first_word_ms: list[float] = field(default_factory=list)
    server_first_text_ms: list[float] = field(default_factory=list)
    n_unanswered: int = 0


async def first_words(address: str, stage: Stage, n: int, seconds: float) -> list[Row]:
    """`n` conversations at a time for `seconds`, one spoken question after the other."""
    waits = Waits()
    async with aio.Client(address) as client:
        await asyncio.gather(*(_ask_aloud(client, stage, waits, seconds, i / n) for i in range(n)))
    who = f"{n} conversation{'s' if n > 1 else ''}"
    beyond = [ms - END_SILENCE_MS for ms in waits.first_word_ms]
    work = f"end of speech to first word, beyond {END_SILENCE_MS} ms of silence, {who}"
    first_text = _percentile(waits.server_first_text_ms, 50)
    rows = [Row(f"{work}, p{p}", _percentile(beyond, p), "ms", 700 if (n, p) == (1, 50) else None) for p in (50, 95)]
    return [
        *rows,
        Row(f"end of turn to first word by the server's clock, {who}, p50", first_text, "ms"),
        Row(f"spoken questions answered, {who}", len(waits.first_word_ms), "questions"),
        Row(f"spoken questions without an answer, {who}", waits.n_unanswered, "questions"),
    ]


async def _ask_aloud(client: aio.Client, stage: Stage, waits: Waits, seconds: float, offset: float) -> None:
    now = asyncio.get_running_loop().time
    pixels, kinds = stage.room()
    lines = [stage.question(kinds) for _ in range(6)]
    async with _talking(client, pixels) as (_, follower, microphone):
        await asyncio.sleep(offset * 2)  # conversations don't speak in step
        until, i = now() + seconds, 0
        while now() < until:
            since = len(follower.heard)
            await microphone.say(lines[i % len(lines)].voice)
            ended = now()
            i += 1
            text = await follower.first(live.TextDelta, since)
            done = None if text is None else await follower.first(live.ResponseDone, since)
            if text is None or done is None:
                waits.n_unanswered += 1
                continue
            waits.first_word_ms.append((text[0] - ended) * 1000)
            waits.server_first_text_ms.append(done[1].timings.first_text_ms)
            await follower.floor.settled(QUIET_S)


async def interruptions(address: str, stage: Stage, n: int) -> list[Row]:
    """`n` answers interrupted by a typed question, and as many by voice."""
    now = asyncio.get_running_loop().time
    pixels, kinds = stage.room()
    lines = [stage.question(kinds) for _ in range(6)]
    typed_ms: list[float] = []
    spoken_ms: list[float] = []
    n_late = 0
    async with aio.Client(address) as client, _talking(client, pixels) as (conversation, follower, microphone):
        for i in range(2 * n):
            line, since = lines[i % len(lines)], len(follower.heard)
            await conversation.send_text(LIST_QUESTION)
            by_voice = i % 2 == 1
            await follower.first(live.ResponseStarted if by_voice else live.TextDelta, since)
            began = now()
            if by_voice:
                await microphone.say(line.voice)
                began = now() - len(line.voice) / RATE_HZ
            else:
                await conversation.send_text(line.text)
            done = await follower.first(live.ResponseDone, since)
            silenced = [at for at, event in follower.heard[since:] if isinstance(event, live.Interrupted)]
            if done is None or done[1].finish_reason is not types.FinishReason.INTERRUPTED:
                n_late += 1
            else:
                (spoken_ms if by_voice else typed_ms).append((silenced[0] - began) * 1000)
            await follower.floor.settled(QUIET_S)
    beyond = [ms - MIN_SPEECH_MS for ms in spoken_ms]
    work = f"spoken barge-in to silence, beyond {MIN_SPEECH_MS} ms of speech"
    return [
        Row("typed barge-in to silence, p95", _percentile(typed_ms, 95), "ms", 100),
        Row(f"{work}, p50", _percentile(beyond, 50), "ms"),
        Row(f"{work}, p95", _percentile(beyond, 95), "ms", 100),
        Row("answers interrupted", len(typed_ms) + len(spoken_ms), "answers"),
        Row("answers over before the barge-in was heard", n_late, "answers"),
    ]


async def invented_words(address: str, stage: Stage, minutes: float, n: int = 10) -> list[Row]:
    """`n` conversations at a time, together `minutes` long, in which nobody speaks."""
    words: list[int] = []
    starts: list[int] = []
    pixels, _ = stage.room()

    async def be_silent(number: int) -> None:
        async with _talking(client, pixels, lambda size: stage.noise(number, size)) as (_, follower, _):
            await asyncio.sleep(minutes * 60 / n)
        said: dict[int, int] = {}
        for _, event in follower.heard:
            if isinstance(event, live.Transcript):
                said[event.turn_index] = max(said.get(event.turn_index, 0), len(event.text.split()))
        words.append(sum(said.values()))
        starts.append(sum(isinstance(event, live.SpeechStarted) for _, event in follower.heard))

    async with aio.Client(address) as client:
        await asyncio.gather(*(be_silent(i) for i in range(n)))
    return [
        Row(f"words invented in {minutes:g} minutes of silence and noise", sum(words), "words", 0),
        Row(f"sounds taken for speech in {minutes:g} minutes of silence and noise", sum(starts), "turns"),
    ]


async def resume_losses(address: str, stage: Stage, n_cuts: int, seed: int) -> list[Row]:
    """Typed questions over a network that breaks at random bytes; the answers must be those of a network that holds."""
    rng = random.Random(seed)
    pixels, kinds = stage.room()
    questions: list[str] = []
    async with Proxy(address) as proxy, aio.Client(proxy.address) as client:
        async with _talking(client, pixels) as (conversation, follower, _):
            broken: list[str] = []
            proxy.cut_always(lambda: rng.randint(1, 1500))
            while proxy.n_cuts < n_cuts:
                questions.append(f"where is the {rng.choice(kinds)}")
                since = len(follower.heard)
                await conversation.send_text(questions[-1])
                await follower.first(live.ResponseDone, since)
                broken.append(follower.said(since))
            n_done = sum(isinstance(event, live.ResponseDone) for _, event in follower.heard)
            n_cut = proxy.n_cuts
            proxy.cut_always(None)
    async with aio.Client(address) as client, _talking(client, pixels) as (conversation, follower, _):
        whole: list[str] = []
        for question in questions:
            since = len(follower.heard)
            await conversation.send_text(question)
            await follower.first(live.ResponseDone, since)
            whole.append(follower.said(since))
    n_wrong = sum(a != b for a, b in zip(broken, whole, strict=True))
    return [
        Row(f"answers lost or doubled over {n_cut} cuts", abs(n_done - len(questions)), "answers", 0),
        Row(f"answers with words lost or doubled over {n_cut} cuts", n_wrong, "answers", 0),
    ]


@asynccontextmanager
async def _talking(
    client: aio.Client, pixels: np.ndarray, background: Callable[[int], np.ndarray] | None = None
) -> AsyncIterator[tuple[live.Conversation, Follower, Microphone]]:
    async with client.converse(pixels, hearing=HEARING) as conversation, Follower(conversation) as follower:
        async with Microphone(conversation, RATE_HZ, background=background) as microphone:
            yield conversation, follower, microphone


def _percentile(values: Sequence[float], p: int) -> float:
    return round(float(np.percentile(values, p)), 1) if values else float("nan")
