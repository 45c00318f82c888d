"""StreamingTranscribe: speech written down as it comes in, utterance by utterance."""

import grpc
import pytest
from scenewright.v1 import speech_pb2
from scenewright_server.service import app

from tests.conftest import LIMITS
from tests.service.talk import RATE_HZ, silence, voice
from tests.service.wire import Stubs, error_info, refusal


@pytest.fixture(scope="module")
def stubs(settings):
    limits = LIMITS.model_copy(update={"max_live_lead_s": 30.0})
    with app.background_server(settings.model_copy(update={"limits": limits})) as server:
        with grpc.insecure_channel(server.address) as channel:
            yield Stubs(channel)


def requests(*sounds, **setup):
    fields = {"sample_rate_hz": RATE_HZ, "voice_activity": {"end_silence_ms": 200}, **setup}
    yield speech_pb2.StreamingTranscribeRequest(setup=fields)
    for sound in sounds:
        for at in range(0, len(sound), 3200):
            yield speech_pb2.StreamingTranscribeRequest(audio={"data": sound[at : at + 3200]})


def test_each_utterance_ends_with_its_words_and_its_place(stubs):
    spoken = voice()[: int(1.5 * RATE_HZ) * 2]
    sound = [silence(0.5), spoken, silence(1), spoken, silence(1)]
    transcripts = [answer.transcript for answer in stubs.speech.StreamingTranscribe(requests(*sound))]
    final = [transcript for transcript in transcripts if transcript.is_final]
    assert len(final) >= 2 and all(transcript.text for transcript in final)
    assert all(transcript.HasField("confidence") == transcript.is_final for transcript in transcripts)
    places = [(transcript.start_ms, transcript.end_ms) for transcript in final]
    assert places == sorted(places) and all(start < end for start, end in places)
    assert 300 <= places[0][0] <= 900


def test_what_is_under_way_when_the_client_ends_is_written_down(stubs):
    answers = list(stubs.speech.StreamingTranscribe(requests(voice()[: RATE_HZ * 2])))
    assert answers[-1].transcript.is_final and answers[-1].transcript.text


def test_silence_has_no_transcript(stubs):
    assert list(stubs.speech.StreamingTranscribe(requests(silence(3)))) == []


AUDIO = speech_pb2.StreamingTranscribeRequest(audio={"data": b"1234"})
SETUP = speech_pb2.StreamingTranscribeRequest(setup={"sample_rate_hz": RATE_HZ})


@pytest.mark.parametrize(
    ("messages", "reason", "field"),
    [
        ([], "FIELD_REQUIRED", "setup"),
        ([AUDIO], "FIELD_REQUIRED", "setup"),
        ([SETUP, SETUP], "OUT_OF_ORDER", "message"),
        ([SETUP, speech_pb2.StreamingTranscribeRequest()], "FIELD_REQUIRED", "message"),
        (list(requests(sample_rate_hz=4000)), "FIELD_INVALID", "setup.sample_rate_hz"),
        (list(requests(language="zh")), "FIELD_INVALID", "setup.language"),
        (list(requests(model="nobody")), "MODEL_NOT_FOUND", "model"),
        (list(requests(voice_activity={"min_speech_ms": 9})), "FIELD_INVALID", "setup.voice_activity.min_speech_ms"),
        ([SETUP, speech_pb2.StreamingTranscribeRequest(audio={"data": b"123"})], "AUDIO_UNDECODABLE", "audio.data"),
        ([SETUP, speech_pb2.StreamingTranscribeRequest(audio={"data": silence(1.1)})], "AUDIO_TOO_LONG", "audio.data"),
        (list(requests(silence(40))), "AUDIO_TOO_FAST", "audio"),
    ],
)
def test_what_is_wrong_ends_the_stream_with_its_reason(stubs, messages, reason, field):
    _, info, _ = error_info(refusal(stubs.speech.StreamingTranscribe, iter(messages)))
    assert (info.reason, info.metadata["field"]) == (reason, field)
