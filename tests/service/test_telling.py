"""What a client tells beside its question: persona, past, pointer, viewpoint, axes, facts; and features of sound."""

import grpc
import pytest
from scenewright.v1 import (
    dialogue_pb2,
    embedding_pb2,
    geometry_pb2,
    session_pb2,
    speech_pb2,
)
from scenewright_server.service import app

from tests.conftest import LIMITS
from tests.fake import write_bundle
from tests.service.talk import Talk
from tests.service.wire import Stubs, error_info, graph, image, inner, kind, pcm, refusal, said, thing

SHORT = {"max_new_tokens": 12, "temperature": 1.5, "seed": 1}
LEFT, RIGHT = geometry_pb2.HANDEDNESS_LEFT_HANDED, geometry_pb2.HANDEDNESS_RIGHT_HANDED


@pytest.fixture(scope="module")
def server(settings, tmp_path_factory):
    models = tuple(
        str(write_bundle(tmp_path_factory.mktemp(name), name=name, **more))
        for name, more in (("tiny", {}), ("plain", {"capabilities": ["describe", "ask", "scene_graph"]}))
    )
    limits = LIMITS.model_copy(update={"max_history_turns": 3, "max_instruction_chars": 50, "max_live_lead_s": 60.0})
    with app.background_server(settings.model_copy(update={"models": models, "limits": limits})) as server:
        yield server


@pytest.fixture
def stubs(server):
    with grpc.insecure_channel(server.address) as channel:
        yield Stubs(channel)


@pytest.fixture
def session(stubs):
    made = []

    def make(**fields):
        made.append(stubs.session.CreateSession(session_pb2.CreateSessionRequest(**fields)).session)
        return made[-1].id

    yield make
    for one in made:
        stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=one.id))


def ask(stubs, **fields):
    return list(stubs.dialogue.Ask(dialogue_pb2.AskRequest(**{"text": "hello", "sampling": SHORT, **fields})))


def pointed(events):
    return [inner(event).object_id for event in events if kind(event) == "annotation"]


def test_instructions_hold_until_others_come(stubs, session):
    """The fake model's words follow from all that it is told."""

    def words(**fields):
        return said(ask(stubs, scene=graph(), **fields))

    plain, pirate = words(), words(instructions="be a pirate")
    assert plain != pirate
    kept = session(instructions="be a pirate")
    assert words(session_id=kept) == pirate
    changing = session()
    assert words(session_id=changing, instructions="be a pirate") == pirate
    talk = Talk(stubs, instructions="be a pirate", sampling=SHORT)
    talk.send(text={"text": "hello"})
    assert talk.text(talk.until("done").response_id) == pirate
    talk.send(session_update={"instructions": "x" * 51})
    assert talk.until("error").error.metadata["field"] == "session_update.instructions"
    talk.hang_up()
    talk.check()


def test_what_was_said_before_is_remembered(stubs, session):
    history = [{"question": "what is here", "answer": "a chair"}, {"question": "and else"}]
    told, silent = session(history=history), session()
    events = {id: ask(stubs, session_id=id, scene=graph()) for id in (told, silent)}
    assert said(events[told]) != said(events[silent])
    shown = stubs.session.GetSession(session_pb2.GetSessionRequest(session_id=told)).session
    assert shown.turns == 1 and shown.context_tokens > 0
    talk = Talk(stubs, history=history, sampling=SHORT)
    talk.send(text={"text": "hello"})
    assert talk.text(talk.until("done").response_id) == said(events[told])
    talk.hang_up()


BAD = [
    ({"history": [{"question": "a"}] * 10_000}, "FIELD_INVALID", "history", "at most 3"),
    ({"history": [{"answer": "a"}]}, "FIELD_REQUIRED", "history[0].question", "1 to 100"),
    ({"history": [{"question": "a", "answer": "x" * 101}]}, "TEXT_TOO_LONG", "history[0].answer", "at most 100"),
    ({"instructions": "x" * 51}, "TEXT_TOO_LONG", "instructions", "at most 50"),
    ({"language": "zh"}, "FIELD_INVALID", "language", "one of en"),
    ({"handedness": 7}, "FIELD_INVALID", "handedness", "Handedness"),
]


@pytest.mark.parametrize(("fields", "reason", "field", "bound"), BAD)
def test_what_a_session_cannot_be_told_is_refused_by_name(stubs, fields, reason, field, bound):
    error = refusal(stubs.session.CreateSession, session_pb2.CreateSessionRequest(**fields))
    _, info, _ = error_info(error)
    assert (info.reason, info.metadata["field"]) == (reason, field) and bound in error.details()


def test_a_model_that_could_only_ignore_instructions_refuses_them(stubs):
    request = session_pb2.CreateSessionRequest(model="plain", instructions="be a pirate")
    _, info, _ = error_info(refusal(stubs.session.CreateSession, request))
    assert (info.reason, info.metadata["capability"]) == ("CAPABILITY_MISSING", "CAPABILITY_INSTRUCTIONS")


def ray(x, y, z, handedness=0, origin=(0, 0, 0)):
    named = [dict(zip("xyz", values, strict=True)) for values in (origin, (x, y, z))]
    return {"origin": named[0], "direction": named[1], "handedness": handedness}


@pytest.mark.parametrize("handedness", [LEFT, RIGHT])
def test_this_is_what_is_pointed_at(stubs, handedness):
    forward = 1 if handedness == LEFT else -1
    scene = graph(
        thing("near", "red mug", (0, 0, 2 * forward)),
        thing("far", "blue mug", (0, 0, 5 * forward)),
        thing("beside", "green mug", (3, 0, 3 * forward)),
        handedness=handedness,
    )
    for pointer, met in (
        (ray(0, 0, 9 * forward), ["near"]),
        (ray(0, 0, forward, origin=(0, 0, 3 * forward)), ["far"]),
        (ray(1, 0, forward), ["beside"]),
        (ray(0, 0, forward, handedness), ["near"]),
        (ray(0, 1, 0), []),
        (ray(0, 0, 1, LEFT), ["near"]),
        (ray(0, 0, 1, RIGHT), []),
    ):
        assert pointed(ask(stubs, scene=scene, text="what is this", pointer=pointer)) == met


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        (ray(0, 0, 0), "pointer.direction"),
        (ray(0, float("nan"), 1), "pointer.direction.y"),
        (ray(0, float("inf"), 1), "pointer.direction.y"),
        (ray(0, 0, 1, origin=(0, 0, 20_000)), "pointer.origin.z"),
        ({"direction": {"z": 1}}, "pointer.origin"),
        ({"origin": {}}, "pointer.direction"),
        (ray(0, 0, 1, 9), "pointer.handedness"),
    ],
)
def test_a_pointer_that_points_nowhere_is_refused(stubs, pointer, field):
    request = dialogue_pb2.AskRequest(scene=graph(), text="what is this", pointer=pointer)
    _, info, _ = error_info(refusal(stubs.dialogue.Ask, request))
    assert info.metadata["field"] == field


def test_live_the_newest_pointer_counts_until_it_ends(stubs):
    talk = Talk(
        stubs, scene=graph(thing("a", "red mug", (-2, 0, 2)), thing("b", "blue mug", (2, 0, 2))), sampling=SHORT
    )

    def turn():
        talk.send(text={"text": "what is this"})
        id = talk.until("done").response_id
        return [
            e.response_event.annotation.object_id
            for e in talk.events
            if e.response_id == id and kind(e) == "annotation"
        ]

    talk.send(pointer=ray(-1, 0, 1))
    talk.send(pointer=ray(1, 0, 1))
    assert turn() == ["b"] == turn()
    talk.send(pointer=ray(0, 0, 0))
    assert talk.until("error").error.metadata["field"] == "pointer.direction"
    talk.send(pointer=ray(-1, 0, 1))
    assert turn() == ["a"]
    talk.send(pointer_end={})
    assert turn() == []
    talk.hang_up()
    talk.check()


def test_live_a_user_who_walks_sends_neither_frame_nor_graph_again(stubs, server):
    talk = Talk(stubs, scene=graph(thing(position=(0, 0, 3)), revision=2), handedness=RIGHT)
    talk.until("setup_complete")
    sight = server.sessions.get(talk.events[0].setup_complete.session_id, "")

    def seen():
        talk.send(text={"text": "chair"})
        talk.until("done")
        return sight.sight.graph[0].position

    assert seen() == (0, 0, -3), "right-handed: behind the user"
    talk.send(viewpoint={"pose": {"position": {"x": 1, "z": 5}}})
    assert seen() == (-1, 0, 2), "they have stepped back beyond it"
    talk.send(viewpoint={"pose": {}})
    assert talk.until("error").error.metadata["field"] == "viewpoint.pose.position"
    talk.send(scene_update={"delta": {"base_revision": 2, "revision": 3, "upserts": [thing(position=(0, 1, 3))]}})
    assert seen() == (-1, 1, 2), "the delta's axes are the scene's"
    talk.send(scene_update={"delta": {"base_revision": 3, "revision": 4, "handedness": LEFT}})
    assert talk.until("error").error.metadata["field"] == "scene_update.delta.handedness"
    talk.hang_up()
    talk.check()


@pytest.mark.parametrize(
    ("interruption", "typed", "spoken"),
    [("NONE", False, False), ("TEXT", True, False), ("SPEECH", True, True), ("UNSPECIFIED", True, True)],
)
def test_live_what_may_stop_a_response(stubs, interruption, typed, spoken):
    long = {"max_new_tokens": 300}
    for stops, message in ((typed, {"text": {"text": "mug"}}), (spoken, {"activity_start": {}})):
        value = dialogue_pb2.Interruption.Value(f"INTERRUPTION_{interruption}")
        talk = Talk(stubs, interruption=value, turn_detection=dialogue_pb2.TURN_DETECTION_MANUAL, sampling=long)
        talk.send(text={"text": "chair"})
        talk.until("text_delta")
        talk.send(**message)
        done = talk.until("done")
        assert done.response_id == "r1"
        assert ("interrupted" in talk.kinds()) == stops
        talk.hang_up()
        talk.check()


def test_features_of_sound_give_the_same_words_and_answers(stubs):
    recording = {"pcm": pcm(1.2)}
    features = stubs.embedding.EncodeAudio(embedding_pb2.EncodeAudioRequest(audio=recording)).features
    ways = [recording, {"features": features}]
    heard = [stubs.speech.Transcribe(speech_pb2.TranscribeRequest(audio=audio)) for audio in ways]
    assert heard[0].text == heard[1].text != "" and heard[0].confidence == heard[1].confidence
    answers = [said(ask(stubs, scene=graph(), text=None, audio=audio)) for audio in ways]
    assert answers[0] == answers[1] != ""
    features.checkpoint_sha256 = "ab"
    bad = speech_pb2.TranscribeRequest(audio={"features": features})
    assert error_info(refusal(stubs.speech.Transcribe, bad))[1].reason == "ENCODER_MISMATCH"
    again = embedding_pb2.EncodeAudioRequest(audio={"features": features})
    assert error_info(refusal(stubs.embedding.EncodeAudio, again))[1].metadata["field"] == "audio"


def test_words_that_mean_a_thing_are_marked_in_code_points(stubs):
    scene = graph(thing("a", "红色椅子 🪑", (-1, 0, 3)), thing("b", "naïve mug", (1, 0, 3)))
    events = ask(stubs, scene=scene, text="🪑 mug")
    text = said(events)
    marked = {
        a.label: [text[s.start : s.start + s.length] for s in a.spans]
        for a in map(inner, events[1:])
        if hasattr(a, "spans")
    }
    assert marked == {"红色椅子 🪑": ["红色椅子 🪑"], "naïve mug": ["naïve mug"]}


def test_a_label_that_the_model_cannot_take_is_refused_wherever_it_comes(stubs):
    bad = thing("d", "dragon")
    request = dialogue_pb2.AskRequest(scene=graph(thing(), bad), text="red")
    _, info, _ = error_info(refusal(stubs.dialogue.Ask, request))
    assert dict(info.metadata) == {
        "field": "scene.objects[1].label",
        "value": "a dragon",
        "bound": "a thing that there is",
    }
    talk = Talk(stubs, scene=graph(revision=1))
    talk.send(scene_update={"delta": {"base_revision": 1, "revision": 2, "upserts": [bad]}})
    error = talk.until("error").error
    assert error.metadata["field"] == "scene_update.delta.upserts[0].label" and error.metadata["value"] == "a dragon"
    talk.send(text={"text": "chair"})
    assert talk.until("response_started").response_started.scene_revision == 1
    talk.hang_up()


FACTS = [
    ([{"key": f"k{i}", "number": i} for i in range(33)], "facts"),
    ([{"key": "price", "number": 1}, {"key": "price", "text": "a"}], "facts[1].key"),
    ([{"key": "price", "number": float("nan")}], "facts[0].number"),
    ([{"key": "price", "number": float("inf")}], "facts[0].number"),
    ([{"key": "", "number": 1}], "facts[0].key"),
    ([{"key": "x" * 65, "number": 1}], "facts[0].key"),
    ([{"key": "price"}], "facts[0]"),
    ([{"key": "maker", "text": ""}], "facts[0].text"),
    ([{"key": "maker", "text": "x" * 501}], "facts[0].text"),
    ([{"key": "maker", "text": "a", "unit": "kg"}], "facts[0].unit"),
    ([{"key": "price", "number": 1, "unit": "x" * 33}], "facts[0].unit"),
]


@pytest.mark.parametrize(("facts", "field"), FACTS)
def test_facts_that_are_none_are_refused(stubs, facts, field):
    request = dialogue_pb2.AskRequest(scene=graph(thing(facts=facts)), text="red")
    _, info, _ = error_info(refusal(stubs.dialogue.Ask, request))
    assert info.metadata["field"] == f"scene.objects[0].{field}"


def test_good_facts_reach_the_model(stubs, server):
    facts = [{"key": "价格", "number": 24, "unit": "EUR"}, {"key": "maker", "text": "Thonet"}]
    talk = Talk(stubs, scene=graph(thing(facts=facts, aliases=["stool"], description="old")), image=image(9))
    talk.send(text={"text": "chair"})
    talk.until("done")
    sight = server.sessions.get(talk.events[0].setup_complete.session_id, "").sight
    [item] = sight.graph
    assert [(fact.key, fact.value, fact.unit) for fact in item.facts] == [
        ("价格", 24.0, "EUR"),
        ("maker", "Thonet", ""),
    ]
    assert (item.aliases, item.description) == (("stool",), "old")
    talk.hang_up()


def test_live_a_viewpoint_counts_until_something_newer_says_where_the_user_stands(stubs, server):
    talk = Talk(stubs, scene=graph(thing(position=(0, 0, 9)), revision=1), sampling=SHORT)
    talk.until("setup_complete")
    session = server.sessions.get(talk.events[0].setup_complete.session_id, "")

    def distance():
        talk.send(text={"text": "chair"})
        talk.until("done")
        return session.sight.graph[0].position[2]

    def pose(z):
        return {"pose": {"position": {"z": z}}}

    talk.send(viewpoint=pose(5))
    talk.send(image=image(1))
    assert distance() == 4, "a frame without a pose is seen from there"
    talk.send(image=image(2, camera_pose=pose(1)["pose"], frame_id="posed"))
    assert distance() == 8 and session.sight.frame_id == "posed"
    talk.send(viewpoint=pose(6))
    assert distance() == 3 and session.sight.frame_id == "", "a frame from elsewhere is put aside"
    talk.send(scene_update={"snapshot": graph(thing(position=(0, 0, 9)), revision=2)})
    assert distance() == 3
    talk.send(scene_update={"snapshot": graph(thing(position=(0, 0, 9)), revision=3, viewpoint=pose(2))})
    assert distance() == 7
    talk.hang_up()
    talk.check()
