"""What good calls give: text, annotations, features, sessions, rankings."""

import grpc
import numpy as np
import pytest
from google.protobuf import duration_pb2
from scenewright.v1 import (
    audio_pb2,
    dialogue_pb2,
    embedding_pb2,
    generation_pb2,
    geometry_pb2,
    image_pb2,
    model_pb2,
    scene_pb2,
    session_pb2,
    speech_pb2,
)
from scenewright_server.service.app import background_server
from scenewright_server.service.reading.sounds import read_audio

from tests.service.wire import Stubs, error_info, graph, image, inner, kind, pcm, pixels, refusal, thing, wav
from tests.service.wire import said as text_of

SHORT = generation_pb2.SamplingConfig(max_new_tokens=40, temperature=0.8, seed=2)
LIVELY = generation_pb2.SamplingConfig(max_new_tokens=150, temperature=0.8, seed=3)


def describe(stubs, **fields):
    return stubs.scene.DescribeScene(scene_pb2.DescribeSceneRequest(**{"sampling": LIVELY, **fields}))


def mentioned(stubs, **fields):
    """Annotations by object id."""
    return {a.object_id: a for a in describe(stubs, **fields).annotations}


def ask(stubs, **fields):
    """The events of an answer: [(name, value), ...]."""
    request = dialogue_pb2.AskRequest(**{"sampling": SHORT, **fields})
    events = list(stubs.dialogue.Ask(request))
    assert all(event.session_id == request.session_id for event in events)
    return [(kind(event), event.question if kind(event) == "question" else inner(event)) for event in events]


def said(events):
    return "".join(value.text for name, value in events if name == "text_delta")


def without_times(response):
    copy = type(response)()
    copy.CopyFrom(response)
    copy.ClearField("timings")
    return copy


def raw(form, rgb, *planes):
    """Planes are (data, row_stride, pixel_stride)."""
    return image_pb2.ImageInput(
        raw=image_pb2.RawImage(
            format=form,
            height=rgb.shape[0],
            width=rgb.shape[1],
            planes=[image_pb2.ImagePlane(data=d, row_stride=r, pixel_stride=p) for d, r, p in planes],
        )
    )


def test_a_description_has_text_places_and_times(stubs):
    response = describe(stubs, image=image(frame_id="frame-7"), scene=graph(thing(anchor_id="anchor-1")))
    assert response.text and response.finish_reason == generation_pb2.FINISH_REASON_TOKEN_LIMIT
    assert response.usage.output_tokens == 150 and response.usage.image_tokens
    assert 0 < response.timings.first_token_ms < response.timings.total_ms
    assert response.annotations
    for annotation in response.annotations:
        assert annotation.frame_id == "frame-7"
        assert annotation.label
        box = annotation.box
        assert 0 <= box.x < box.x + box.width <= 1.0001 and 0 <= box.y < box.y + box.height <= 1.0001
    ids = [annotation.id for annotation in response.annotations]
    assert len(set(ids)) == len(ids)


def test_objects_of_the_graph_come_back_with_their_ids(stubs):
    things = [thing("a", "red mug", (-1, 0, 3), anchor_id="A"), thing("b", "blue lamp", (1, 0, -3))]
    told = mentioned(stubs, scene=graph(*things))
    assert set(told) == {"a", "b"}
    assert told["a"].anchor_id == "A" and told["a"].WhichOneof("target") == "box"
    assert told["b"].anchor_id == "" and told["b"].WhichOneof("target") is None
    assert not any(annotation.HasField("confidence") for annotation in told.values())


def test_stream_and_unary_say_the_same(stubs):
    fields = {"image": image(), "scene": graph(), "sampling": LIVELY}
    whole = describe(stubs, **fields)
    events = list(stubs.scene.StreamDescribeScene(scene_pb2.StreamDescribeSceneRequest(**fields)))
    assert text_of(events) == whole.text
    streamed = {inner(event).id: inner(event) for event in events if kind(event) == "annotation"}
    assert set(streamed) == {annotation.id for annotation in whole.annotations}
    assert list(streamed.values()) == list(whole.annotations), "the last of an id counts"
    assert [kind(event) for event in events].index("done") == len(events) - 1
    assert inner(events[-1]).confidence == whole.confidence == 0.5


def test_sampling_reaches_the_engine(stubs):
    short = generation_pb2.SamplingConfig(max_new_tokens=5)
    assert describe(stubs, image=image(), sampling=short).usage.output_tokens == 5
    whole = describe(stubs, image=image()).text
    assert describe(stubs, image=image()).text == whole
    other = generation_pb2.SamplingConfig(max_new_tokens=150, temperature=0.8, seed=4)
    assert describe(stubs, image=image(), sampling=other).text != whole
    stop = whole[3:6]
    LIVELY_STOPPED = generation_pb2.SamplingConfig(max_new_tokens=150, temperature=0.8, seed=3, stop=[stop])
    stopped = describe(stubs, image=image(), sampling=LIVELY_STOPPED)
    assert stopped.text == whole[: whole.index(stop)]
    assert stopped.finish_reason == generation_pb2.FINISH_REASON_COMPLETED


def test_raw_and_encoded_give_the_same_answer(stubs):
    rgb = pixels()
    padded = np.pad(rgb, ((0, 0), (0, 2), (0, 1)))
    forms = [
        image_pb2.ImageInput(encoded=image().encoded),
        raw(image_pb2.PIXEL_FORMAT_RGB24, rgb, (rgb.tobytes(), 0, 0)),
        raw(image_pb2.PIXEL_FORMAT_RGBA32, rgb, (padded.tobytes(), padded.strides[0], 4)),
    ]
    answers = [without_times(describe(stubs, image=form)) for form in forms]
    assert answers[0] == answers[1] == answers[2]


def test_features_give_the_same_answer_as_their_frame(stubs):
    frame = image(5, frame_id="f")
    request = embedding_pb2.EmbedImageRequest(image=frame, include_features=True)
    seen = stubs.embedding.EmbedImage(request)
    features = image_pb2.ImageInput(features=seen.features, frame_id="f")
    scene = graph(thing(position=(0.3, 0.1, 2)))
    assert without_times(describe(stubs, image=frame)) == without_times(describe(stubs, image=features))
    both = [without_times(describe(stubs, image=shown, scene=scene)) for shown in (frame, features)]
    assert both[0] == both[1]
    asked = [ask(stubs, image=shown, text="red?")[:-1] for shown in (frame, features)]
    assert asked[0] == asked[1]
    again = stubs.embedding.EmbedImage(embedding_pb2.EmbedImageRequest(image=features, include_features=True))
    assert again.features == seen.features and again.embedding == seen.embedding
    ranked = [
        stubs.embedding.RankLabels(embedding_pb2.RankLabelsRequest(image=shown, labels=["mug", "lamp"]))
        for shown in (frame, features)
    ]
    assert ranked[0].labels == ranked[1].labels


def test_get_model_lists_the_encoder_of_the_features(stubs, settings):
    model = stubs.model.GetModel(model_pb2.GetModelRequest()).model
    features = stubs.embedding.EmbedImage(
        embedding_pb2.EmbedImageRequest(image=image(), include_features=True)
    ).features
    encoder, hearing = model.encoders
    assert (encoder.modality, hearing.modality) == (model_pb2.MODALITY_IMAGE, model_pb2.MODALITY_AUDIO)
    for name in ("checkpoint_sha256", "preprocessing_id"):
        assert getattr(features, name) == getattr(encoder, name)
    assert (features.encoder_id, features.shape[1]) == (encoder.id, encoder.feature_shape[1])
    assert (model.name, model.knows, model.does_not_know, model.license) == (
        "tiny", "nothing", "everything", "CC0-1.0",
    )  # fmt: skip
    assert model_pb2.CAPABILITY_ANSWER in model.capabilities
    assert model_pb2.CAPABILITY_CONVERSE in model.capabilities
    assert model.limits.max_image_pixels == settings.limits.max_image_pixels
    assert {name.name for name, _ in model.limits.ListFields()} == set(model.limits.DESCRIPTOR.fields_by_name)


def test_a_typed_question_comes_back_first(stubs):
    events = ask(stubs, image=image(), text="What is red?")
    names = [name for name, _ in events]
    assert names[0] == "question" and names[-1] == "done" and names.count("done") == 1
    question = events[0][1]
    assert question.text == "What is red?" and not question.spoken and not question.HasField("confidence")


@pytest.mark.parametrize("audio", [{"pcm": pcm(0.6)}, {"encoded": wav(0.6, 22_050)}])
def test_a_spoken_question_comes_back_as_heard(stubs, audio, fake, settings):
    """A question's text is what the decoder was given, and what Transcribe gives."""
    heard = fake.hear(read_audio(audio_pb2.AudioInput(**audio), settings.limits))
    events = ask(stubs, image=image(), audio=audio)
    question = events[0][1]
    assert heard.text and question.spoken and question.text == heard.text
    assert question.confidence == pytest.approx(heard.confidence)
    transcript = stubs.speech.Transcribe(speech_pb2.TranscribeRequest(audio=audio))
    assert transcript.text == question.text
    assert transcript.confidence == pytest.approx(heard.confidence)
    assert transcript.duration_s == pytest.approx(0.6, abs=0.01)


def test_silence_is_no_question(stubs):
    silence = {"pcm": {"data": bytes(16_000), "sample_rate_hz": 16_000}}
    heard = stubs.speech.Transcribe(speech_pb2.TranscribeRequest(audio=silence))
    assert heard.no_speech and not heard.text
    events = ask(stubs, image=image(), audio=silence)
    assert events[0][1].spoken and not events[0][1].text
    assert events[-1][1].finish_reason == generation_pb2.FINISH_REASON_NO_SPEECH


def open_session(stubs, **fields):
    return stubs.session.CreateSession(session_pb2.CreateSessionRequest(**fields)).session


def look_up(stubs, session):
    return stubs.session.GetSession(session_pb2.GetSessionRequest(session_id=session.id)).session


def end(stubs, session):
    stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=session.id))


def test_a_session_remembers_frame_graph_and_turns(stubs):
    session = open_session(stubs, ttl=duration_pb2.Duration(seconds=30))
    assert (
        session.language == ""
        and session.model == "tiny"
        and session.ttl.seconds == 30
        and session.max_context_tokens == 768
    )
    error = refusal(stubs.dialogue.Ask, dialogue_pb2.AskRequest(session_id=session.id, text="red?"))
    assert error_info(error)[1].reason == "NOTHING_TO_SEE"
    scene = graph(revision=4)
    first = ask(stubs, session_id=session.id, image=image(frame_id="f1"), scene=scene, text="red?")
    second = ask(stubs, session_id=session.id, text="red?")
    assert first[-1][1].usage.cached_tokens == 0 and second[-1][1].usage.cached_tokens > 0
    assert {value.frame_id for name, value in second if name == "annotation"} <= {"f1"}
    now = look_up(stubs, session)
    assert (now.turns, now.frame_id, now.scene_revision) == (2, "f1", 4) and now.context_tokens > 0
    old = dialogue_pb2.AskRequest(session_id=session.id, scene=graph(revision=3), text="red?")
    assert error_info(refusal(stubs.dialogue.Ask, old))[1].reason == "SCENE_OUTDATED"
    ask(stubs, session_id=session.id, image=image(1, frame_id="f2"), text="red?")
    assert look_up(stubs, session).frame_id == "f2" and look_up(stubs, session).scene_revision == 4
    end(stubs, session)
    assert error_info(refusal(look_up, stubs, session))[1].reason == "SESSION_NOT_FOUND"


def test_a_refused_turn_leaves_no_trace(stubs):
    session = open_session(stubs)
    ask(stubs, session_id=session.id, image=image(), text="red?")
    before = look_up(stubs, session)
    bad = dialogue_pb2.AskRequest(session_id=session.id, image=image(2, frame_id="x"), text="?")
    refusal(stubs.dialogue.Ask, bad)
    after = look_up(stubs, session)
    assert (after.turns, after.frame_id, after.context_tokens) == (
        before.turns, before.frame_id, before.context_tokens,
    )  # fmt: skip
    end(stubs, session)


def test_the_session_answers_as_one_shot_does(stubs):
    session = open_session(stubs)
    kept = ask(stubs, session_id=session.id, image=image(), scene=graph(), text="red?")
    alone = ask(stubs, image=image(), scene=graph(), text="red?")
    assert said(kept) == said(alone)
    end(stubs, session)


def test_a_session_is_for_one_call_at_a_time(stubs):
    session = open_session(stubs)
    long = generation_pb2.SamplingConfig(max_new_tokens=600, temperature=0.5, seed=1)
    request = dialogue_pb2.AskRequest(session_id=session.id, image=image(), text="red?", sampling=long)
    running = stubs.dialogue.Ask(request)
    next(running)
    assert error_info(refusal(stubs.dialogue.Ask, request))[1].reason == "SESSION_BUSY"
    end(stubs, session)
    assert error_info(refusal(list, running))[1].reason == "SESSION_NOT_FOUND"


def test_sessions_are_bounded_and_listed_page_by_page(settings):
    """On a server of its own: nobody else's sessions count."""
    with background_server(settings) as server, grpc.insecure_channel(server.address) as channel:
        stubs = Stubs(channel)
        ids = [open_session(stubs).id for _ in range(settings.limits.max_sessions)]
        _, info, _ = error_info(refusal(open_session, stubs))
        assert info.reason == "TOO_MANY_SESSIONS" and info.metadata["bound"] == "8"
        listed, token = [], ""
        while True:
            page = stubs.session.ListSessions(session_pb2.ListSessionsRequest(page_size=3, page_token=token))
            listed += [session.id for session in page.sessions]
            token = page.next_page_token
            if not token:
                break
        assert listed == ids


def test_texts_are_embedded_and_ranked(stubs):
    texts = ["red chair", "blue mug"]
    response = stubs.embedding.EmbedText(embedding_pb2.EmbedTextRequest(texts=texts))
    vectors = np.array([embedding.values for embedding in response.embeddings])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    seen = stubs.embedding.EmbedImage(embedding_pb2.EmbedImageRequest(image=image()))
    assert not seen.HasField("features")
    ranked = stubs.embedding.RankLabels(embedding_pb2.RankLabelsRequest(image=image(), labels=texts)).labels
    cosines = dict(zip(texts, vectors @ np.array(seen.embedding.values), strict=True))
    assert {label.label: label.similarity for label in ranked} == pytest.approx(cosines, abs=1e-5)
    assert sum(label.probability for label in ranked) == pytest.approx(1)
    assert ranked[0].similarity >= ranked[1].similarity


def test_the_camera_moves_the_box(stubs):
    """The frame's pose places the graph's objects in the picture."""
    request = embedding_pb2.EmbedImageRequest(image=image(), include_features=True)
    nothing_found = stubs.embedding.EmbedImage(request).features
    nothing_found.data = nothing_found.data[: 4 * nothing_found.shape[1]]
    nothing_found.shape[0] = 1

    def left_edge(x):
        camera = geometry_pb2.Pose(position=geometry_pb2.Vector3(x=x))
        frame = image_pb2.ImageInput(features=nothing_found, camera_pose=camera)
        return mentioned(stubs, image=frame, scene=graph(thing(extents={})))["chair"].box.x

    assert left_edge(-0.5) > 0.6 and left_edge(0.5) < 0.4
