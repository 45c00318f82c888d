"""Live conversations from Python: against the live server, and over a network that delays, stalls and breaks."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenewright import aio, conformance, errors, live, types
from scenewright.cli.app import main
from scenewright.errors import ScenewrightError
from scenewright.live.outbox import Outbox
from scenewright.live.patience import Patience
from scenewright.v1 import audio_pb2, dialogue_pb2
from scenewright_server.bench import follower
from scenewright_server.bench.follower import Follower
from scenewright_server.bench.proxy import Proxy

VOICE = Path(__file__).parents[2] / "examples" / "what_colour_is_the_chair.wav"
PIXELS = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
FRAME = types.Frame(PIXELS, frame_id="f1")
SHORT = types.Sampling(max_new_tokens=40)
QUESTIONS = ["what is there", "where is the chair", "and the mug", "and the lamp"]


async def answer(conversation: live.Conversation, question: str) -> str:
    """What is said until the next response is over."""
    await conversation.send_text(question)
    words = ""
    async for event in conversation:
        if isinstance(event, live.TextDelta):
            words += event.text
        elif isinstance(event, live.ResponseDone):
            return words
    raise AssertionError("the conversation ended before the answer")


async def answers(address: str) -> list[str]:
    """The answers that a network that holds gives."""
    async with aio.Client(address) as client, client.converse(FRAME, hearing=None, sampling=SHORT) as talk:
        return [await answer(talk, question) for question in QUESTIONS]


async def test_typed_and_spoken_turns_frames_and_scenes(server_address, tmp_path):
    scene = types.SceneGraph([types.SceneObject("o1", "red chair", types.Pose((0.0, 0.0, 3.0)))], revision=1)
    with conformance.LogWriter(tmp_path / "talk.jsonl", keep_audio=True) as log:
        async with aio.Client(server_address) as client:
            setup = {"scene": scene, "hearing": live.Hearing(turns="manual"), "sampling": SHORT, "log": log}
            async with client.converse(FRAME, **setup) as talk, Follower(talk) as follower:
                await talk.send_text("what is there")
                await follower.first(live.ResponseDone, 0)
                refused = await talk.send_text("?!")
                await talk.send_frame(types.Frame(PIXELS[:, ::-1], frame_id="f2"))
                await talk.send_scene(live.SceneDelta(1, 2, removed_ids=["o1"]))
                await talk.activity_start()
                await talk.send_audio((np.sin(np.arange(8000) / 5) * 0.3).astype(np.float32))
                await talk.activity_end()
                talk.finish()
                await follower.over()
                with pytest.raises(errors.CancelledError):
                    await talk.send_text("is anyone there")
    heard = [event for _, event in follower.heard]
    problem = next(event for event in heard if isinstance(event, live.Problem))
    assert (problem.client_seq, problem.error.reason) == (refused, "FIELD_INVALID")
    typed, spoken = [event for event in heard if isinstance(event, live.ResponseStarted)]
    assert (typed.question.text, typed.frame_id, typed.scene_revision) == ("what is there", "f1", 1)
    assert (spoken.question.spoken, spoken.frame_id, spoken.scene_revision) == (True, "f2", 2)
    entries = list(conformance.read_log(tmp_path / "talk.jsonl"))
    assert conformance.check(entries) == []
    assert [entry.end for entry in entries if entry.kind == "end"] == ["HALF_CLOSE", "OK"]
    taken = [entry.bytes for entry in entries if entry.bytes]
    assert taken[0]["setup.image.raw.planes.0.data"]["n"] == PIXELS.size
    with wave.open(str(tmp_path / "talk.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (16_000, 8000)
    assert [item["audio.data"]["at"] for item in taken if "audio.data" in item] == [0, 3200, 6400, 9600, 12800]


async def test_a_network_that_breaks_at_any_byte_loses_and_doubles_nothing(server_address, tmp_path):
    whole = await answers(server_address)
    async with Proxy(server_address) as proxy, aio.Client(proxy.address) as client:
        for n_bytes in range(1, 400, 80):
            with conformance.LogWriter(tmp_path / "log.jsonl") as log:
                async with client.converse(FRAME, hearing=None, sampling=SHORT, log=log) as talk:
                    broken = []
                    for question in QUESTIONS:
                        proxy.cut_after(n_bytes)
                        broken.append(await answer(talk, question))
            assert broken == whole
            assert conformance.check(conformance.read_log(tmp_path / "log.jsonl")) == []
        assert proxy.n_cuts >= 10


async def test_a_stalled_connection_is_given_up_for_another(server_address):
    whole = await answers(server_address)
    async with Proxy(server_address) as proxy, aio.Client(proxy.address) as client:
        async with client.converse(FRAME, hearing=None, sampling=SHORT, stall_s=1.0) as talk:
            first = await answer(talk, QUESTIONS[0])
            proxy.stall()
            assert [first, *[await answer(talk, question) for question in QUESTIONS[1:]]] == whole
            assert talk.n_connections >= 2


async def test_a_slow_network_needs_no_second_connection(server_address):
    async with Proxy(server_address) as proxy, aio.Client(proxy.address) as client:
        proxy.delay_s = 0.02
        async with client.converse(FRAME, hearing=None, sampling=SHORT) as talk:
            await answer(talk, QUESTIONS[0])
            assert talk.n_connections == 1


async def test_what_ends_a_conversation_is_raised_by_reading_and_sending(server_address):
    async with aio.Client(server_address) as client:
        with pytest.raises(errors.InvalidInputError) as refused:
            async with client.converse(hearing=live.Hearing(700)):
                pass
        assert refused.value.reason == "FIELD_INVALID"
        session = await client.session()
        async with client.converse(FRAME, session=session, hearing=None) as talk:
            await session.close()
            with pytest.raises(errors.NotFoundError) as gone:
                async for _ in talk:
                    pass
            assert gone.value.reason == "SESSION_NOT_FOUND"
            with pytest.raises(errors.NotFoundError):
                await talk.send_text("what is there")


async def test_an_answer_that_is_long_in_coming_is_not_lost(monkeypatch):
    monkeypatch.setattr(follower, "PATIENCE_S", 1.0)

    async def talk() -> AsyncIterator[live.LiveEvent]:
        for seq in range(1, 13):
            await asyncio.sleep(0.1)
            yield live.TextDelta(seq, 1, "r1", "word ")
        while True:  # connections that break, and no answer any more
            yield live.SetupComplete(0, 0, "", "s1", True, 0.0, "tiny", "0.1.0", 2)
            await asyncio.sleep(0.1)

    async with Follower(talk()) as listener:
        assert await listener.first(live.TextDelta, 0, lambda event: event.event_seq == 12)
        assert await listener.first(live.ResponseDone, 0) is None


def audio(n: int) -> dialogue_pb2.ConverseRequest:
    return dialogue_pb2.ConverseRequest(audio=audio_pb2.AudioChunk(data=bytes(n)))


def text() -> dialogue_pb2.ConverseRequest:
    return dialogue_pb2.ConverseRequest(text=dialogue_pb2.TextTurn(text="what"))


def drained(outbox: Outbox) -> list[int]:
    return [message.client_seq for message in iter(outbox.next, None)]


def test_the_outbox_sends_again_what_was_not_taken_in():
    outbox = Outbox(max_bytes=3000)
    assert [outbox.add(message) for message in (audio(1000), text(), audio(1000))] == [1, 2, 3]
    assert drained(outbox) == [1, 2, 3]
    assert outbox.awaits_answer and not outbox.full
    outbox.add(audio(1000))
    assert outbox.full
    outbox.acknowledge(1)
    assert not outbox.full
    assert drained(outbox) == [4]
    assert outbox.rewind(2, max_audio_bytes=9000) == 0
    assert drained(outbox) == [3, 4]
    assert not outbox.awaits_answer  # a few pieces of audio are acknowledged with later ones


def test_the_outbox_forgets_the_oldest_audio_of_a_long_break():
    outbox = Outbox(max_bytes=100_000)
    for message in (audio(1000), audio(1000), text(), audio(1000)):
        outbox.add(message)
    assert outbox.rewind(0, max_audio_bytes=1500) == 2000
    assert drained(outbox) == [3, 4]


def test_patience_ends_with_the_servers():
    broken = errors.UnavailableError("the network is gone", code=errors.grpc.StatusCode.UNAVAILABLE)
    patience = Patience()
    now, waits = 100.0, []
    while (wait := patience.delay_s(broken, now, ttl_s=30)) is not None:
        waits.append(wait)
        now += wait
    assert waits[0] == 0 and 0.08 <= waits[1] <= 0.12 and 1.6 <= max(waits) <= 2.4
    assert 27 < now - 100 < 30
    patience = Patience()
    taken_over = ScenewrightError("taken over", code=errors.grpc.StatusCode.ABORTED, reason="TAKEN_OVER")
    assert patience.delay_s(taken_over, 0.0, ttl_s=30) is None
    too_fast = ScenewrightError("too fast", reason="AUDIO_TOO_FAST", retry_after_s=1.0)
    assert patience.delay_s(too_fast, 0.0, ttl_s=30) == 1.0


def test_the_command_plays_files_and_checks_its_log(server_address, tmp_path, capsys):
    image = tmp_path / "frame.png"
    Image.fromarray(PIXELS).save(image)
    log = tmp_path / "log.jsonl"
    for arguments in (
        ["live", image, "--voice", VOICE, VOICE, "--log", log, "--json", "--server", server_address],
        ["live", "--check", log, "--json"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        assert not ended.value.code
    talk, _, checked = capsys.readouterr().out.partition("{\n")
    events = [json.loads(line)["event"] for line in talk.splitlines()]
    assert events[0] == "setup_complete"
    assert events.count("speech_started") == events.count("speech_stopped") >= 2
    assert json.loads("{" + checked)["violations"] == []
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("\n".join(lines[1:]), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["live", "--check", str(log)])
    assert ended.value.code == 1
    assert "stream-opening" in capsys.readouterr().out


def test_the_benchmark_prints_its_figures(server_address, capsys):
    arguments = ["bench", "live", "--seconds", "0", "--interruptions", "0", "--minutes", "0", "--cuts", "3", "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--server", server_address])
    assert not ended.value.code
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["machine"]) == {"cpu", "cores", "system", "python"}
    assert len(printed["rows"]) == 2
    for row in printed["rows"]:
        assert set(row) == {"work", "value", "unit", "bar", "holds"}
        assert (row["value"], row["holds"]) == (0, True)
