"""What the live tests say over the wire, and how they read what comes back."""

from __future__ import annotations

import io

import grpc
import numpy as np
import soundfile
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from PIL import Image
from scenewright.v1 import (
    audio_pb2,
    dialogue_pb2_grpc,
    embedding_pb2_grpc,
    graph_pb2,
    image_pb2,
    model_pb2_grpc,
    scene_pb2_grpc,
    session_pb2_grpc,
    speech_pb2_grpc,
)

RATE_HZ = 16_000


class Stubs:
    """Every service of one server."""

    def __init__(self, channel):
        self.scene = scene_pb2_grpc.SceneServiceStub(channel)
        self.dialogue = dialogue_pb2_grpc.DialogueServiceStub(channel)
        self.session = session_pb2_grpc.SessionServiceStub(channel)
        self.speech = speech_pb2_grpc.SpeechServiceStub(channel)
        self.embedding = embedding_pb2_grpc.EmbeddingServiceStub(channel)
        self.model = model_pb2_grpc.ModelServiceStub(channel)


def pixels(height=48, width=64, seed=0):
    """A picture with something to find in it, (H, W, 3) uint8."""
    return np.random.default_rng([seed, height, width]).integers(0, 256, (height, width, 3), np.uint8)


def png(rgb):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def bearer(token):
    """A call's metadata with a token."""
    return (("authorization", f"Bearer {token}"),)


def image(seed=0, **fields):
    return image_pb2.ImageInput(**{"encoded": png(pixels(seed=seed)), **fields})


def pcm(seconds=0.5, rate_hz=RATE_HZ):
    wave = 0.3 * np.sin(np.arange(int(seconds * rate_hz)) ** 1.3)
    return audio_pb2.PcmAudio(data=(wave * 32767).astype("<i2").tobytes(), sample_rate_hz=rate_hz)


def wav(seconds=0.5, rate_hz=RATE_HZ, channels=1):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.full((int(seconds * rate_hz), channels), 0.1), rate_hz, format="WAV")
    return buffer.getvalue()


def thing(id="chair", label="red chair", position=(0, 0, 3), **fields):
    x, y, z = position
    fields = {"pose": {"position": {"x": x, "y": y, "z": z}}, "extents": {"x": 1, "y": 1, "z": 1}, **fields}
    return graph_pb2.SceneObject(id=id, label=label, **fields)


def graph(*objects, **fields):
    return graph_pb2.SceneGraph(objects=objects or [thing()], **fields)


def finish(call):
    """The response of a unary call or the responses of a stream: until then nothing has failed."""
    return list(call) if hasattr(call, "__iter__") else call


def kind(message):
    """What a streamed message is: of a response's events which one."""
    name = message.WhichOneof("event") if message.DESCRIPTOR.oneofs else "response_event"
    return message.response_event.WhichOneof("event") if name == "response_event" else name


def inner(message):
    """The event itself."""
    return getattr(message.response_event, kind(message))


def said(messages):
    """The words of streamed messages."""
    return "".join(message.response_event.text_delta.text for message in messages)


def error_info(error):
    """(code, ErrorInfo, retry delay in seconds or None) of a failed call."""
    status = rpc_status.from_call(error)
    assert status is not None, f"no rich status: {error.code()} {error.details()}"
    info, retry_s = error_details_pb2.ErrorInfo(), None
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
        else:
            retry = error_details_pb2.RetryInfo()
            assert detail.Unpack(retry)
            retry_s = retry.retry_delay.ToMilliseconds() / 1e3
    assert info.domain == "scenewright"
    return error.code(), info, retry_s


def refusal(call, *arguments, **keywords):
    """The failed call's error; fails itself when the call succeeds."""
    try:
        answer = finish(call(*arguments, **keywords))
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"not refused: {answer}")
