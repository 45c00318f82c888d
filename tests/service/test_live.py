"""Live conversations over a real socket: turns, interruptions, frames, scenes, what is remembered, what is refused."""

import gc

import grpc
import pytest
from scenewright.v1 import dialogue_pb2, generation_pb2
from scenewright_server.service import app

from tests.conftest import LIMITS
from tests.service.talk import RATE_HZ, Talk, silence, voice
from tests.service.wire import Stubs, error_info, graph, image, kind, thing

MANUAL = dialogue_pb2.TURN_DETECTION_MANUAL
COMPLETED, TOKEN_LIMIT = generation_pb2.FINISH_REASON_COMPLETED, generation_pb2.FINISH_REASON_TOKEN_LIMIT
INTERRUPTED, FAILED = generation_pb2.FINISH_REASON_INTERRUPTED, generation_pb2.FINISH_REASON_FAILED


@pytest.fixture(scope="module")
def patient(settings):
    """A server that takes audio faster than it is spoken."""
    limits = LIMITS.model_copy(update={"max_live_lead_s": 1e6})
    with app.background_server(settings.model_copy(update={"limits": limits})) as server:
        yield server


@pytest.fixture
def quick(patient):
    with grpc.insecure_channel(patient.address) as channel:
        yield Stubs(channel)


def status(talk):
    """The reason with which the server ended the stream, and its ErrorInfo."""
    with pytest.raises(grpc.RpcError) as error:
        talk.rest()
    talk.cut()
    code, info, _ = error_info(error.value)
    return code.name, info.reason, info.metadata.get("field", "")


def test_a_typed_turn_is_answered(quick):
    talk = Talk(quick, image=image(frame_id="f1"))
    talk.send(text={"text": "where is the chair"})
    done = talk.until("done")
    assert done.response_event.done.finish_reason in (COMPLETED, TOKEN_LIMIT) and done.turn_index == 1
    started = next(event for event in talk.events if event.WhichOneof("event") == "response_started")
    assert started.response_started.frame_id == "f1" and started.response_started.question.text == "where is the chair"
    assert not talk.hang_up()
    talk.check()


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_spoken_turn_is_found_heard_and_answered(quick, rate_hz):
    talk = Talk(quick, sample_rate_hz=rate_hz, voice_activity={"end_silence_ms": 200})
    spoken = voice() if rate_hz == RATE_HZ else b"".join(voice()[i : i + 2] * 3 for i in range(0, len(voice()), 2))
    for data in (silence(0.5 * rate_hz / RATE_HZ), spoken, silence(rate_hz / RATE_HZ)):
        for at in range(0, len(data), 8000):
            talk.send(audio={"data": data[at : at + 8000]})
    started = talk.until("speech_started")
    assert 400 <= started.speech_started.audio_ms <= 900
    talk.until("speech_stopped")
    words = talk.until("transcript", is_final=True).transcript
    assert words.text and words.start_ms == started.speech_started.audio_ms
    timings = talk.until("done").response_event.done.timings
    assert timings.silence_ms >= 200 and 0 < timings.transcript_ms <= timings.total_ms
    talk.hang_up()
    talk.check()


def test_what_is_seen_is_run_while_the_user_speaks(quick):
    scene = graph(*(thing(f"chair{k}", position=(k, 0, 3)) for k in range(3)))
    cached = []
    for warms in (True, False):
        talk = Talk(quick, scene=scene if warms else graph(), turn_detection=MANUAL)
        talk.send(activity_start={})
        talk.say(voice())
        if not warms:
            talk.send(scene_update={"snapshot": scene})
        talk.send(activity_end={})
        done = talk.until("done").response_event.done
        assert done.finish_reason in (COMPLETED, TOKEN_LIMIT)
        cached.append(done.usage.cached_tokens)
        talk.hang_up()
        talk.check()
    assert cached == [4, 0]  # three things and the scene's beginning


def test_silence_gets_no_answer_but_to_a_pressed_button(quick):
    talk = Talk(quick)
    talk.say(silence(3))
    assert not [event for event in talk.hang_up() if event.event_seq]
    talk = Talk(quick, turn_detection=MANUAL)
    talk.say(voice())  # before the button is pressed: nobody listens
    talk.send(activity_start={})
    talk.say(silence(1))
    talk.send(activity_end={})
    assert talk.until("transcript").transcript.text == ""
    done = talk.until("done")
    assert talk.text(done.response_id) == "I did not hear a question."
    talk.hang_up()
    talk.check()


@pytest.mark.parametrize("cause", ["TEXT", "CLIENT", "SPEECH"])
@pytest.mark.parametrize("n_events", range(0, 7, 2))
def test_an_answer_is_interrupted_at_any_event(quick, cause, n_events):
    talk = Talk(quick, turn_detection=MANUAL, sampling={"max_new_tokens": 600, "temperature": 0.5})
    talk.send(text={"text": "red chair"})
    talk.until("setup_complete")
    for _ in range(n_events):
        while not talk.next().event_seq:
            pass
    message = {"TEXT": {"text": {"text": "mug"}}, "CLIENT": {"interrupt": {}}, "SPEECH": {"activity_start": {}}}[cause]
    talk.send(**message)
    talk.send(interrupt={})  # does nothing more to that one
    talk.hang_up()
    talk.check()
    ours = [event for event in talk.events if event.response_id == "r1"]
    done = ours[-1].response_event.done.finish_reason
    assert done == INTERRUPTED or (n_events and done in (COMPLETED, TOKEN_LIMIT)), "unless it was whole by then"
    if done == INTERRUPTED:
        name = dialogue_pb2.InterruptionCause.Name(ours[-2].interrupted.cause)
        assert name == f"INTERRUPTION_CAUSE_{cause}"


def test_of_many_typed_turns_the_last_is_answered(quick):
    talk = Talk(quick)
    for _ in range(20):
        talk.send(text={"text": "chair"})
    talk.hang_up()
    talk.check()
    reasons = [e.response_event.done.finish_reason for e in talk.events if kind(e) == "done"]
    assert len(reasons) == 20 and reasons[-1] != INTERRUPTED


def test_the_newest_frame_counts_and_a_bad_one_leaves_it(quick):
    talk = Talk(quick, image=image(frame_id="f0"))
    for k in range(1, 30):
        talk.send(image=image(seed=k, frame_id=f"f{k}"))
    talk.send(text={"text": "chair"})
    assert talk.until("response_started").response_started.frame_id == "f29"
    talk.until("done")
    talk.send(image={"encoded": b"no picture", "frame_id": "bad"})
    assert talk.until("error").error.reason == "IMAGE_UNDECODABLE"
    talk.send(text={"text": "chair"})
    assert talk.until("response_started").response_started.frame_id == "f29"
    talk.hang_up()
    talk.check()


def test_a_scene_changes_whole_or_not_at_all(quick, patient):
    talk = Talk(quick, scene=graph(thing("a", "red chair", anchor_id="one"), thing("b", "blue mug"), revision=1))

    def delta(**fields):
        talk.send(scene_update={"delta": fields})

    delta(base_revision=7, revision=8, removed_ids=["a"])
    assert talk.until("error").error.reason == "SCENE_OUTDATED"
    delta(base_revision=1, revision=2, removed_ids=["a", "nobody"])
    assert talk.until("error").error.reason == "FIELD_INVALID"
    delta(base_revision=1, revision=2, upserts=[thing(str(k)) for k in range(3)])
    assert talk.until("error").error.reason == "SCENE_TOO_LARGE"
    delta(base_revision=1, revision=2, removed_ids=["b"], upserts=[thing("a", "green lamp", anchor_id="two")])
    talk.send(text={"text": "lamp"})
    assert talk.until("response_started").response_started.scene_revision == 2
    talk.until("done")
    annotations = [event.response_event.annotation for event in talk.events if kind(event) == "annotation"]
    assert {(annotation.object_id, annotation.anchor_id) for annotation in annotations} <= {("a", "two")}
    session = patient.sessions.get(talk.events[0].setup_complete.session_id, "")
    assert [(item.id, item.label) for item in session.sight.world.objects.values()] == [("a", "green lamp")]
    talk.send(scene_update={"snapshot": graph(revision=1)})
    assert talk.until("error").error.reason == "SCENE_OUTDATED"
    talk.hang_up()
    talk.check()


def test_what_was_heard_is_remembered(quick, patient):
    talk = Talk(quick, sampling={"max_new_tokens": 60, "temperature": 1.0})

    def turns():
        return patient.sessions.get(talk.events[0].setup_complete.session_id, "").memory.n_turns

    talk.send(text={"text": "chair"})
    talk.until("done")
    assert turns() == 1
    for report, remembered in (
        ({"presented_chars": 0}, 0),
        ({"presented_chars": 0, "finished": True}, 1),
    ):
        before = turns() - 1
        last = talk.events[-1].response_id or next(e.response_id for e in reversed(talk.events) if e.response_id)
        talk.send(playback_report={"response_id": last, **report})
        talk.send(text={"text": "mug"})
        talk.until("done")
        assert turns() == before + remembered + 1
    talk.send(playback_report={"response_id": "r99"})
    assert talk.until("error").error.reason == "FIELD_INVALID"
    talk.hang_up()
    talk.check()


def test_speech_without_a_pause_is_cut_into_turns_and_memory_stays_flat(quick, patient):
    talk = Talk(quick, sampling={"max_new_tokens": 2})
    loud = voice()[: int(1.2 * RATE_HZ) * 2]

    def minute():
        for _ in range(50):
            talk.say(loud, 400)
        talk.send(activity_end={})  # refused: a mark in the log, once all of it has been dealt with
        talk.until("error")
        gc.collect()
        return len(gc.get_objects())

    minute()
    sizes = [minute() for _ in range(3)]
    assert sizes[-1] - sizes[0] < 5000, "a minute's events alone would be more, were they kept twice"
    talk.hang_up()
    cuts = [e.speech_stopped.cut for e in talk.events if e.WhichOneof("event") == "speech_stopped"]
    assert sum(cuts) >= 0.9 * 240 / LIMITS.max_audio_s * 0.5
    held = patient.sessions
    assert len(held) <= LIMITS.max_sessions


def test_conversations_know_nothing_of_each_other(quick):
    one, two = Talk(quick, image=image(1, frame_id="one")), Talk(quick, image=image(2, frame_id="two"))
    for _ in range(3):
        one.send(text={"text": "red chair"}), two.send(text={"text": "blue mug"})
    for talk, frame_id, words in ((one, "one", "red chair"), (two, "two", "blue mug")):
        talk.hang_up()
        talk.check()
        for event in talk.events:
            assert event.response_event.annotation.frame_id in ("", frame_id)
            assert event.response_started.frame_id in ("", frame_id)
            assert event.response_started.question.text in ("", words)
    assert one.events[0].setup_complete.resume_handle != two.events[0].setup_complete.resume_handle


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"audio": {"data": b"123"}}], "AUDIO_UNDECODABLE"),
        ([{"audio": {"data": b""}}], "FIELD_REQUIRED"),
        ([{"audio": {"data": silence(1.1)}}], "AUDIO_TOO_LONG"),
        ([{"text": {"text": "x" * 101}}], "TEXT_TOO_LONG"),
        ([{"text": {"text": " "}}], "FIELD_REQUIRED"),
        ([{"text": {"text": "?!"}}], "FIELD_INVALID"),
        ([{"image": image(encoded=bytes(300_000))}], "FRAME_TOO_LARGE"),
        ([{"activity_end": {}}], "OUT_OF_ORDER"),
        ([{"activity_start": {}}, {"activity_start": {}}], "OUT_OF_ORDER"),
        ([{"playback_report": {}}], "FIELD_REQUIRED"),
        ([{"scene_update": {}}], "FIELD_REQUIRED"),
        ([{}], "FIELD_REQUIRED"),
    ],
)
def test_what_is_refused_alone_leaves_the_conversation(quick, messages, reason):
    talk = Talk(quick, turn_detection=MANUAL)
    for message in messages:
        talk.send(**message)
    error = talk.until("error").error
    assert (error.reason, error.client_seq) == (reason, len(messages)) and error.message
    talk.send(text={"text": "chair"})
    assert talk.until("done").response_event.done.finish_reason != FAILED
    talk.hang_up()
    talk.check()


def test_a_response_that_fails_says_why(quick):
    talk = Talk(quick, scene=None)
    talk.send(text={"text": "chair"})
    error = talk.until("error")
    assert error.error.reason == "NOTHING_TO_SEE" and error.response_id == "r1"
    assert talk.until("done").response_event.done.finish_reason == FAILED
    talk.send(scene_update={"snapshot": graph()})
    talk.send(text={"text": "chair"})
    assert talk.until("done").response_event.done.finish_reason != FAILED
    talk.hang_up()
    talk.check()


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"setup": {}}], ("FAILED_PRECONDITION", "OUT_OF_ORDER", "setup")),
        ([{"interrupt": {}, "client_seq": 5}, {"interrupt": {}, "client_seq": 5}],
         ("FAILED_PRECONDITION", "OUT_OF_ORDER", "client_seq")),
        ([{"interrupt": {}, "client_seq": 0}], ("FAILED_PRECONDITION", "OUT_OF_ORDER", "client_seq")),
        ([{"audio": {"data": silence(1)}}] * 12, ("RESOURCE_EXHAUSTED", "AUDIO_TOO_FAST", "audio")),
    ],
)  # fmt: skip
def test_what_breaks_the_protocol_ends_the_stream_and_not_the_conversation(stubs, messages, expected):
    talk = Talk(stubs)
    handle = talk.until("setup_complete").setup_complete.resume_handle
    for message in messages:
        talk.send(**message)
    assert status(talk) == expected
    again = Talk(stubs, resume={"handle": handle})
    n_taken = again.until("setup_complete").setup_complete.last_consumed_client_seq
    again.send(text={"text": "chair"}, client_seq=n_taken + 1)
    again.until("done")
    again.hang_up()


@pytest.mark.parametrize(
    ("setup", "expected"),
    [
        ({"sample_rate_hz": 4000}, ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.sample_rate_hz")),
        (
            {"voice_activity": {"end_silence_ms": 50}},
            ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.voice_activity.end_silence_ms"),
        ),
        (
            {"voice_activity": {"start_threshold": 1.0}},
            ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.voice_activity.start_threshold"),
        ),
        (
            {"voice_activity": {"min_speech_ms": 2000}},
            ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.voice_activity.min_speech_ms"),
        ),
        ({"interruption": 9}, ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.interruption")),
        ({"model": "nobody"}, ("NOT_FOUND", "MODEL_NOT_FOUND", "model")),
        ({"turn_detection": 9}, ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.turn_detection")),
        ({"language": "xx"}, ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.language")),
        ({"session_id": "nobody's"}, ("NOT_FOUND", "SESSION_NOT_FOUND", "session_id")),
        ({"image": {"encoded": b"x"}}, ("INVALID_ARGUMENT", "IMAGE_UNDECODABLE", "image.encoded")),
        ({"resume": {}}, ("INVALID_ARGUMENT", "FIELD_REQUIRED", "setup.resume.handle")),
        ({"resume": {"handle": "x"}}, ("NOT_FOUND", "SESSION_NOT_FOUND", "setup.resume.handle")),
        ({"resume": {"handle": "x"}, "language": "en"}, ("INVALID_ARGUMENT", "FIELD_INVALID", "setup.language")),
    ],
)
def test_a_bad_setup_is_told_by_status(stubs, live_server, setup, expected):
    assert status(Talk(stubs, **setup)) == expected
    assert len(live_server.live) == 0


def test_a_stream_begins_with_its_setup(stubs):
    for requests in ([], [dialogue_pb2.ConverseRequest()], [dialogue_pb2.ConverseRequest(interrupt={}, client_seq=1)]):
        with pytest.raises(grpc.RpcError) as error:
            list(stubs.dialogue.Converse(iter(requests)))
        code, info, _ = error_info(error.value)
        assert (code.name, info.reason, info.metadata["field"]) == ("INVALID_ARGUMENT", "FIELD_REQUIRED", "setup")


def test_a_message_of_50_megabytes_is_refused_by_the_transport(quick):
    talk = Talk(quick)
    handle = talk.until("setup_complete").setup_complete.resume_handle
    talk.send(image={"encoded": bytes(50_000_000)})
    with pytest.raises(grpc.RpcError) as error:
        talk.hang_up()
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    again = Talk(quick, resume={"handle": handle})
    assert again.until("setup_complete").setup_complete.last_consumed_client_seq == 0
    again.hang_up()
