"""Broken streams, and what becomes of the conversations that they carried."""

import random
import threading
from contextlib import ExitStack

import grpc
import pytest
from grpc._cython import cygrpc
from scenewright.v1 import generation_pb2, session_pb2
from scenewright_server.service import app

from tests.conftest import LIMITS
from tests.service.talk import Talk
from tests.service.test_lifecycle import GET_MODEL, sample, wait_until, with_settings
from tests.service.test_live import status
from tests.service.wire import Stubs, kind

LONG = {"max_new_tokens": 600, "temperature": 0.5}


def resume(stubs, talk, last):
    """Another stream of the same conversation, from event `last` on."""
    handle = next(entry for entry in talk.log if entry.kind == "setup_complete").message.setup_complete.resume_handle
    return Talk(stubs, talk.log, talk.seq, resume={"handle": handle, "last_event_seq": last})


def numbered(talks):
    return [(event.event_seq, event.SerializeToString()) for talk in talks for event in talk.events if event.event_seq]


def test_cut_anywhere_nothing_is_lost_and_nothing_comes_twice(stubs):
    """As often as a network can: after every few events, wherever an answer is."""
    rng = random.Random(0)
    talks = [Talk(stubs)]
    for _ in range(60):
        talk = talks[-1]
        talk.send(text={"text": "red chair"})
        for _ in range(rng.randrange(1, 9)):
            if kind(talk.next()) == "done":
                break
        talk.cut()
        last = max((event.event_seq for one in talks for event in one.events), default=0)
        again = resume(stubs, talk, last)
        taken = again.until("setup_complete").setup_complete.last_consumed_client_seq
        assert talk.seq - 1 <= taken <= talk.seq
        again.seq = taken
        talks.append(again)
    talks[-1].hang_up()
    assert [seq for seq, _ in numbered(talks)] == list(range(1, len(numbered(talks)) + 1))
    ends = [e.response_id for talk in talks for e in talk.events if kind(e) == "done"]
    assert len(ends) == len(set(ends)) > 30


def test_an_answer_goes_on_without_its_stream_and_is_replayed_as_it_was(stubs):
    talk = Talk(stubs)
    talk.send(text={"text": "red chair"})
    talk.until("response_started")
    talk.cut()
    once = resume(stubs, talk, 0)
    once.until("done")
    once.cut()
    twice = resume(stubs, once, 1)
    twice.until("done")
    assert numbered([twice]) == numbered([once])[1:]
    assert not [event for event in twice.hang_up() if event.event_seq]


@pytest.mark.parametrize("fails", ["setup_complete", "text_delta"])
def test_a_client_that_writing_finds_gone_has_cancelled_and_loses_nothing(settings, monkeypatch, capfd, fails):
    """A write can fail before the cancelling reaches the handler."""
    make = grpc.stream_stream_rpc_method_handler

    class Gone:
        def __init__(self, context):
            self._context = context

        def __getattr__(self, name):
            return getattr(self._context, name)

        async def write(self, response):
            if kind(response) == fails:
                raise cygrpc.ExecuteBatchError("the link has gone")
            await self._context.write(response)

    def break_off(handler, *codecs):
        async def broken(requests, context):
            await handler(requests, Gone(context))

        return make(broken, *codecs)

    with app.background_server(with_settings(settings, log_level="info")) as server:
        stubs = Stubs(grpc.insecure_channel(server.address))
        talk = Talk(stubs)
        talk.send(text={"text": "red chair"})
        last = talk.until("response_started").event_seq
        talk.cut()
        labels = {"method": "DialogueService/Converse", "code": "CANCELLED", "reason": ""}
        wait_until(stubs, lambda: sample(server, "scenewright_calls_total", **labels) == 1)
        with monkeypatch.context() as patched:
            patched.setattr(grpc, "stream_stream_rpc_method_handler", break_off)
            gone = resume(stubs, talk, last)
            wait_until(stubs, lambda: sample(server, "scenewright_calls_total", **labels) == 2)
            gone.cut()
        again = resume(stubs, talk, last)
        again.until("done")
        again.send(text={"text": "chair"})
        again.until("done")
        again.hang_up()
    came = [seq for seq, _ in numbered([talk, again])]
    assert came == list(range(1, len(came) + 1))
    assert "Traceback" not in (told := capfd.readouterr().err) and "handler failed" not in told


def test_the_newer_stream_has_the_conversation(stubs):
    talk = Talk(stubs)
    talk.until("setup_complete")
    again = resume(stubs, talk, 0)
    again.until("setup_complete")
    assert status(talk) == ("ABORTED", "TAKEN_OVER", "")
    again.send(text={"text": "chair"})
    again.until("done")
    again.hang_up()


def test_what_cannot_be_resumed_is_told(settings):
    narrow = with_settings(settings, limits={"max_live_events": 30, "max_resume_s": 300})
    with app.background_server(narrow) as server, grpc.insecure_channel(server.address) as channel:
        stubs = Stubs(channel)
        talk = Talk(stubs)
        for _ in range(4):
            talk.send(text={"text": "chair"})
            last = talk.until("done").event_seq
        talk.cut()
        assert status(resume(stubs, talk, last + 1))[1:] == ("FIELD_INVALID", "setup.resume.last_event_seq")
        assert last > 31 and status(resume(stubs, talk, 0))[:2] == ("FAILED_PRECONDITION", "EVENTS_LOST")
        again = resume(stubs, talk, last - 30)
        again.hang_up()
        while len(server.live):  # the client sees the end first
            stubs.model.GetModel(GET_MODEL)
        assert status(resume(stubs, talk, last))[:2] == ("NOT_FOUND", "SESSION_EXPIRED")


def test_a_conversation_waits_for_a_while_and_leaves_nothing(settings):
    hasty = with_settings(settings, limits={"max_resume_s": 0})
    with app.background_server(hasty) as server, grpc.insecure_channel(server.address) as channel:
        stubs = Stubs(channel)
        talk = Talk(stubs, sampling=LONG)
        talk.send(text={"text": "chair"})
        talk.until("response_started")
        assert len(server.live) == len(server.sessions) == 1
        talk.cut()
        while len(server.live) or len(server.sessions) or server.models.get().engine.n_inside:
            stubs.model.GetModel(GET_MODEL)
        assert status(resume(stubs, talk, 0))[:2] == ("NOT_FOUND", "SESSION_EXPIRED")


def test_a_named_session_outlives_the_conversation(stubs, live_server):
    session_id = stubs.session.CreateSession(session_pb2.CreateSessionRequest()).session.id
    talk = Talk(stubs, session_id=session_id)
    talk.send(text={"text": "chair"})
    talk.until("done")
    assert status(Talk(stubs, session_id=session_id))[:2] == ("FAILED_PRECONDITION", "SESSION_BUSY")
    talk.hang_up()
    found = stubs.session.GetSession(session_pb2.GetSessionRequest(session_id=session_id)).session
    assert found.turns == 1
    talk = Talk(stubs, session_id=session_id, scene=None)
    talk.send(text={"text": "chair"})
    assert talk.until("done").response_event.done.finish_reason != generation_pb2.FINISH_REASON_FAILED
    stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=session_id))
    assert status(talk)[:2] == ("NOT_FOUND", "SESSION_NOT_FOUND")


def test_a_stream_that_gets_old_is_told_and_can_be_resumed(settings):
    brief = with_settings(settings, limits={"max_live_s": 1})
    with app.background_server(brief) as server, grpc.insecure_channel(server.address) as channel:
        talk = Talk(Stubs(channel))
        assert talk.until("go_away").go_away.time_left.ToMilliseconds() == 500
        assert status(talk)[:2] == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        again = resume(Stubs(channel), talk, 0)
        again.send(text={"text": "chair"})
        again.until("done")
        again.hang_up()


@pytest.mark.parametrize("grace_s", [300, 0])
def test_a_server_that_stops_says_so_and_finishes_the_answer(settings, grace_s):
    with ExitStack() as stack:
        server = stack.enter_context(app.background_server(with_settings(settings, grace_s=grace_s)))
        idle, talking = (Talk(Stubs(grpc.insecure_channel(server.address)), sampling=LONG) for _ in range(2))
        idle.until("setup_complete")
        talking.send(text={"text": "chair"})
        talking.until("response_started")
        closing = threading.Thread(target=stack.pop_all().close)
        closing.start()
        assert status(idle)[:2] == ("UNAVAILABLE", "SHUTTING_DOWN")
        assert "go_away" in idle.kinds(numbered=False)
        assert status(talking)[:2] == ("UNAVAILABLE", "SHUTTING_DOWN")
        done = [e.response_event.done for e in talking.events if kind(e) == "done"]
        cancelled = generation_pb2.FINISH_REASON_CANCELLED
        assert len(done) == 1 and (done[0].finish_reason == cancelled) == (grace_s == 0)
        closing.join()


def test_limits_of_live_conversations_are_told(stubs):
    limits = stubs.model.GetModel(GET_MODEL).model.limits
    assert (limits.max_live_events, limits.max_resume_s) == (LIMITS.max_live_events, LIMITS.max_resume_s)
