"""Records tests/golden/live: conversations with the embedded model, word by word, for any client to replay.

python tests/golden/record_live.py [HOST:PORT]    (a server of its own without an address; `make golden` does it)

Each conversation is a log (see scenewright/conformance/log.py), the microphone's sound beside it as a WAV file, and the
frames that it names. They are checked before they take the place of those before.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from PIL import Image
from scenewright import aio, conformance, live, types
from scenewright.cli.connect import serve_here
from scenewright.live.microphone import Microphone
from scenewright_server.bench.follower import Follower
from scenewright_server.bench.proxy import Proxy
from scenewright_server.bench.stage import RATE_HZ, Stage

GOLDEN = Path(__file__).parent / "live"
EXAMPLES = Path(__file__).parents[2] / "examples"
N_TRIES = 8
QUIET_S, PATIENCE_S = 0.5, 20.0
CUES: tuple[type[live.Event], ...] = (live.TextDelta, live.ResponseStarted, live.SpeechStopped)
POSE = types.Pose((0.0, 1.4, 0.0))


class Take:
    """One try at a conversation: it is logged into `folder`, and `stage` gives it its voices."""

    def __init__(self, client: aio.Client, stage: Stage, folder: Path, name: str, **setup: object) -> None:
        self.stage = stage
        self.frames = (folder / "living_room.jpg", folder / "living_room_left.jpg")
        self._log = conformance.LogWriter(folder / f"{name}.jsonl", keep_audio=True, files=self.frames)
        self._conversation = client.converse(self.frame(0), log=self._log, **setup)  # type: ignore[arg-type]
        self._stack = AsyncExitStack()
        self.cue: type[live.Event] = CUES[0]

    async def __aenter__(self) -> Take:
        self.talk = await self._stack.enter_async_context(self._conversation)
        self.follower = await self._stack.enter_async_context(Follower(self.talk))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.talk.finish()
        await self.follower.over()
        await self._stack.aclose()
        self._log.close()

    def frame(self, number: int) -> types.Frame:
        return types.Frame(self.frames[number], frame_id=f"frame-{number + 1}", camera_pose=POSE)

    def voice(self, text: str):
        return self.stage.line(text).voice


async def five_turns(take: Take) -> None:
    """Five spoken turns; the first is interrupted by voice, the third by text; a new frame, another scene."""
    async with Microphone(take.talk, RATE_HZ) as microphone:

        async def ask(text: str) -> None:
            n_spoken = take.follower.floor.n_spoken + 1
            await microphone.say(take.voice(text))
            await take.follower.floor.settled(QUIET_S, n_spoken=n_spoken, patience_s=PATIENCE_S)

        await microphone.say(take.voice("what do you see"))
        await take.follower.first(take.cue, 0)
        await ask("what colour is the chair")
        since = len(take.follower.heard)
        await microphone.say(take.voice("what do you see"))
        await take.follower.first(live.TextDelta, since)
        await take.talk.send_text("where is the barrel")
        await take.follower.first(live.ResponseDone, since, lambda done: done.finish_reason.value != "interrupted")
        await take.talk.send_frame(take.frame(1))
        await ask("what do you see")
        goblin = types.SceneObject("goblin", "goblin", types.Pose((0.5, 0.5, 2.0)), (0.5, 1.0, 0.5), "anchor-goblin")
        await take.talk.send_scene(live.SceneDelta(1, 2, [goblin]))
        await ask("where is the goblin")


async def push_to_talk(take: Take) -> None:
    """The user holds a key: a question, a turn without a word, an answer that the client stops."""
    silence = take.stage.noise(0, RATE_HZ)
    for sound in (take.voice("is there a chair"), silence):
        since = len(take.follower.heard)
        await take.talk.activity_start()
        await take.talk.send_audio(sound)
        await take.talk.activity_end()
        await take.follower.first(live.ResponseDone, since)
    since = len(take.follower.heard)
    await take.talk.send_text("what do you see")
    await take.follower.first(live.TextDelta, since)
    await take.talk.interrupt()
    done = await take.follower.first(live.ResponseDone, since)
    assert done is not None
    await take.talk.report_playback(done[1].response_id, take.follower.said(since))
    since = len(take.follower.heard)
    await take.talk.send_text("where is the chair")
    await take.follower.first(live.ResponseDone, since)


def resumed(proxy: Proxy) -> Callable[[Take], Awaitable[None]]:
    async def talk(take: Take) -> None:
        """The network breaks twice, once in the middle of an answer."""
        for question in ("what do you see", "where is the chair", "is there a mug"):
            since = len(take.follower.heard)
            await take.talk.send_text(question)
            if question != "is there a mug":
                await take.follower.first(live.TextDelta, since)
                proxy.cut()
            await take.follower.first(live.ResponseDone, since)

    return talk


def went_as_planned(path: Path, causes: set[int], n_spoken: int) -> bool:
    """Every cause in `causes` interrupted an answer, and so many spoken turns were heard."""
    entries = list(conformance.read_log(path))
    found = {entry.body.cause for entry in entries if entry.kind == "interrupted"}
    return found >= causes and sum(entry.kind == "speech_started" for entry in entries) >= n_spoken


async def record(
    client: aio.Client,
    name: str,
    talk: Callable[[Take], Awaitable[None]],
    causes: set[int],
    n_spoken: int,
    **setup: object,
) -> None:
    """Try until the conversation went as its script says: what interrupts must come before the answer is over.

    Each try has other voices, and interrupts earlier in turn.
    """
    for seed in range(N_TRIES):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            with Image.open(EXAMPLES / "living_room.jpg") as image:
                image.crop((0, 0, image.width // 2, image.height)).save(folder / "living_room_left.jpg", quality=90)
            shutil.copy(EXAMPLES / "living_room.jpg", folder)
            async with Take(client, Stage(seed), folder, name, **setup) as take:
                take.cue = CUES[seed % len(CUES)]
                await talk(take)
            broken = conformance.check(conformance.read_log(folder / f"{name}.jsonl"))
            assert not broken, "\n".join(map(str, broken))
            if went_as_planned(folder / f"{name}.jsonl", causes, n_spoken):
                for path in folder.iterdir():
                    shutil.copy(path, GOLDEN)
                print(f"{name}: recorded")
                return
        print(f"{name}: an answer was over before its interruption, or a turn was not heard; again")
    raise SystemExit(f"{name}: {N_TRIES} tries did not give {n_spoken} spoken turns and the interruptions {causes}")


async def main(address: str) -> None:
    GOLDEN.mkdir(exist_ok=True)
    scene = EXAMPLES / "living_room.json"
    async with aio.Client(address) as client:
        await record(client, "five_turns", five_turns, {1, 2}, 5, scene=scene)
        await record(client, "push_to_talk", push_to_talk, {3}, 2, hearing=live.Hearing(RATE_HZ, turns="manual"))
    async with Proxy(address) as proxy, aio.Client(proxy.address) as client:
        await record(client, "resumed", resumed(proxy), set(), 0, hearing=None)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(main(sys.argv[1]))
    else:
        with serve_here(None) as own:
            asyncio.run(main(own))
