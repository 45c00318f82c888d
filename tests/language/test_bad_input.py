"""What LanguageService does not take is refused, with field, value and bound."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from scenewright.v1 import generation_pb2, language_pb2, language_pb2_grpc
from scenewright_server.families.chat.schema import make_guides
from scenewright_server.families.family import ModelError
from scenewright_server.service.app import Server

from tests.service.wire import error_info, refusal, said


@pytest.fixture
def stub(server: Server) -> Iterator[language_pb2_grpc.LanguageServiceStub]:
    with grpc.insecure_channel(server.address) as channel:
        yield language_pb2_grpc.LanguageServiceStub(channel)


DEEP: Any = {"type": "string"}
for _ in range(100):
    DEEP = {"type": "array", "items": DEEP}

BAD: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "no prompt": ({}, "FIELD_REQUIRED", "input", "", ""),
    "an empty prompt": ({"prompt": ""}, "FIELD_REQUIRED", "prompt", "", ""),
    "a long prompt": ({"prompt": "a" * 1001}, "TEXT_TOO_LONG", "prompt", "1001 characters", "at most 1000"),
    "the whole context": ({"prompt": "n " * 64}, "CONTEXT_FULL", "prompt", "128", "127"),
    "sequences without chance": (
        {"sampling": {"num_return_sequences": 2}},
        "FIELD_INVALID", "sampling.num_return_sequences", "2", "1 without a temperature or beams",
    ),
    "nine sequences": (
        {"sampling": {"num_return_sequences": 9, "temperature": 1}},
        "FIELD_INVALID", "sampling.num_return_sequences", "9", "1 to 8",
    ),
    "no beam": ({"sampling": {"num_beams": 0}}, "FIELD_INVALID", "sampling.num_beams", "0", "1 to 8"),
    "beams with sampling": (
        {"sampling": {"num_beams": 4, "temperature": 0.5}},
        "FIELD_INVALID", "sampling.temperature", "0.5", "0 with num_beams above 1",
    ),
    "more sequences than beams": (
        {"sampling": {"num_beams": 2, "num_return_sequences": 3}},
        "FIELD_INVALID", "sampling.num_return_sequences", "3", "at most num_beams = 2",
    ),
    "no mass": ({"sampling": {"top_p": 0}}, "FIELD_INVALID", "sampling.top_p", "0", "more than 0, at most 1"),
    "an empty stop": ({"sampling": {"stop": [""]}}, "FIELD_INVALID", "sampling.stop[0]", "empty", "1 to 64 characters"),
    "early without beams": ({"early_stopping": True}, "FIELD_INVALID", "early_stopping", "True", "num_beams above 1"),
    "length without beams": ({"length_penalty": 2}, "FIELD_INVALID", "length_penalty", "2.0", "num_beams above 1"),
    "an endless length penalty": (
        {"length_penalty": float("inf"), "sampling": {"num_beams": 2}},
        "FIELD_INVALID", "length_penalty", "inf", "-4 to 4",
    ),
    "beams by a schema": (
        {"json_schema": "{}", "sampling": {"num_beams": 2}}, "FIELD_INVALID", "json_schema", "set", "num_beams of 1",
    ),
    "a deep schema": ({"json_schema": json.dumps(DEEP)}, "FIELD_INVALID", "json_schema", "101", "32"),
    "a bottomless schema": ({"json_schema": "[" * 8000}, "FIELD_INVALID", "json_schema", "", ""),
    "a long schema": (
        {"json_schema": " " * 16385}, "TEXT_TOO_LONG", "json_schema", "16385 characters", "at most 16384",
    ),
    "no schema": ({"json_schema": "{"}, "FIELD_INVALID", "json_schema", "", ""),
    "a schema elsewhere": ({"json_schema": '{"$ref": "http://a.b/c"}'}, "FIELD_INVALID", "json_schema", "", ""),
    "a schema that nothing fits": (
        {"json_schema": '{"allOf": [{"type": "string"}, {"type": "integer"}]}'}, "FIELD_INVALID", "json_schema", "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_by_its_field(stub: language_pb2_grpc.LanguageServiceStub, name: str) -> None:
    fields, reason, field, value, bound = BAD[name]
    given = fields if "prompt" in fields or name == "no prompt" else {"prompt": "a", **fields}
    _, info, _ = error_info(refusal(stub.Generate, language_pb2.GenerateRequest(model="gpt2", **given)))
    assert (info.reason, info.metadata["field"]) == (reason, field)
    assert (info.metadata.get("value", ""), info.metadata.get("bound", "")) == (value, bound)


@pytest.mark.parametrize("sampling", [{}, {"num_beams": 4}, {"temperature": 1.0, "num_return_sequences": 3}], ids=str)
def test_one_token_is_a_prompt(stub: language_pb2_grpc.LanguageServiceStub, sampling: dict[str, Any]) -> None:
    request = language_pb2.GenerateRequest(model="gpt2", prompt="a", sampling={"max_new_tokens": 3, **sampling})
    answer = stub.Generate(request)
    assert answer.usage.text_tokens == 1 and all(1 <= one.output_tokens <= 3 for one in answer.sequences)


@pytest.mark.parametrize("num_beams", [1, 3])
def test_stops_that_never_come_hold_nothing_back(stub: language_pb2_grpc.LanguageServiceStub, num_beams: int) -> None:
    """Each begins as the text ends, so that its last words are in doubt until no token follows."""
    sampling = {"max_new_tokens": 8, "num_beams": num_beams}
    plain = stub.Generate(language_pb2.GenerateRequest(model="gpt2", prompt="the", sampling=sampling)).sequences[0]
    assert plain.finish_reason == generation_pb2.FINISH_REASON_TOKEN_LIMIT and plain.text
    stops = [plain.text[-n:] + "\N{SNOWMAN}" for n in range(1, 1 + min(8, len(plain.text)))]
    asked = language_pb2.GenerateRequest(model="gpt2", prompt="the", sampling={**sampling, "stop": stops})
    assert stub.Generate(asked).sequences[0] == plain
    if num_beams == 1:
        stream = language_pb2.StreamGenerateRequest(model="gpt2", prompt="the", sampling=asked.sampling)
        assert said(stub.StreamGenerate(stream)) == plain.text


def test_a_stream_takes_one_sequence_and_no_beams(stub: language_pb2_grpc.LanguageServiceStub) -> None:
    for name in ("num_beams", "num_return_sequences"):
        request = language_pb2.StreamGenerateRequest(model="gpt2", prompt="a", sampling={name: 2, "temperature": 1})
        _, info, _ = error_info(refusal(stub.StreamGenerate, request))
        assert (info.metadata["field"], info.metadata["bound"]) == (f"sampling.{name}", "1 in this call")


def test_the_last_position_of_the_context_is_used(stub: language_pb2_grpc.LanguageServiceStub) -> None:
    request = language_pb2.GenerateRequest(model="gpt2", prompt="n " * 63 + "n", sampling={"max_new_tokens": 9})
    answer = stub.Generate(request)
    assert answer.usage.text_tokens == 127 and answer.sequences[0].output_tokens == 1


def test_a_model_that_cannot_says_so(stub: language_pb2_grpc.LanguageServiceStub) -> None:
    for call, kind in ((stub.Generate, "GenerateRequest"), (stub.StreamGenerate, "StreamGenerateRequest")):
        code, info, _ = error_info(refusal(call, getattr(language_pb2, kind)(model="tiny", prompt="a")))
        assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CAPABILITY_MISSING")
        assert info.metadata["capability"] == "CAPABILITY_GENERATE"
        assert (
            error_info(refusal(call, getattr(language_pb2, kind)(model="x", prompt="a")))[1].reason == "MODEL_NOT_FOUND"
        )


def test_a_server_without_llguidance_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(ModelError, match=r"pip install 'scenewright\[json\]'") as refused:
        make_guides("{}", 1, frozenset())
    assert refused.value.reason == "CAPABILITY_MISSING"
