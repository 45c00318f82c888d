"""Bearer tokens: who comes in, whose session is whose, and how the list of tokens is kept."""

import hashlib
import importlib
import pkgutil

import grpc
import pytest
import scenewright.v1
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from scenewright.v1 import dialogue_pb2, session_pb2
from scenewright_server.service import app
from scenewright_server.service.auth import Tokens, read_sums
from scenewright_server.service.logs import make_logger
from scenewright_server.service.settings import load_settings
from scenewright_server.service.status import Refused

from tests.service.talk import Talk
from tests.service.wire import Stubs, bearer, error_info, graph, refusal

MINE, YOURS = "a secret of mine", "a secret of yours"
UNAUTHENTICATED, NOT_FOUND = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.NOT_FOUND


def line(token, name=""):
    return f"{hashlib.sha256(token.encode()).hexdigest()} {name}\n"


@pytest.fixture(scope="module")
def guarded(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text(f"# who may come in\n{line(MINE, 'me')}\n{line(YOURS)}")
    with app.background_server(settings.model_copy(update={"tokens": path})) as server:
        yield server


@pytest.fixture
def channel(guarded):
    with grpc.insecure_channel(guarded.address) as channel:
        yield channel


def methods():
    """Every RPC of the contract, from the descriptors: a new one cannot be forgotten."""
    for module in pkgutil.iter_modules(scenewright.v1.__path__, "scenewright.v1."):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(module.name).DESCRIPTOR
            for service in descriptor.services_by_name.values():
                yield from ((service, method) for method in service.methods)


METHODS = {f"{service.name}/{method.name}": (service, method) for service, method in methods()}


def call(channel, service, method, request, metadata):
    """Any RPC by its descriptor, one message up."""
    answer_type = GetMessageClass(method.output_type)
    up, down = method.client_streaming, method.server_streaming
    make = getattr(channel, f"{'stream' if up else 'unary'}_{'stream' if down else 'unary'}")
    rpc = make(
        f"/{service.full_name}/{method.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer_type.FromString,
    )
    return rpc(iter([request]) if up else request, metadata=metadata)


@pytest.mark.parametrize("metadata", [(), bearer("a guess"), (("authorization", MINE),), bearer("")])
@pytest.mark.parametrize("name", METHODS)
def test_without_a_known_token_nobody_comes_in(channel, name, metadata):
    service, method = METHODS[name]
    request = GetMessageClass(method.input_type)()
    code, info, _ = error_info(refusal(call, channel, service, method, request, metadata))
    assert (code, info.reason) == (UNAUTHENTICATED, "UNAUTHENTICATED")


@pytest.mark.parametrize("name", METHODS)
def test_anothers_session_is_not_there(channel, name):
    service, method = METHODS[name]
    kind = GetMessageClass(method.input_type)
    fields = kind.DESCRIPTOR.fields_by_name
    stubs = Stubs(channel)
    create = session_pb2.CreateSessionRequest()
    theirs = stubs.session.CreateSession(create, metadata=bearer(YOURS)).session.id
    talk = Talk(stubs, metadata=bearer(YOURS))
    handle = talk.until("setup_complete").setup_complete.resume_handle
    requests = []
    if "session_id" in fields:
        requests.append(kind(session_id=theirs, **({"text": "red?", "scene": graph()} if "text" in fields else {})))
    if "setup" in fields and "session_id" in fields["setup"].message_type.fields_by_name:
        requests += [kind(setup={"session_id": theirs}), kind(setup={"resume": {"handle": handle}})]
    for request in requests:
        code, info, _ = error_info(refusal(call, channel, service, method, request, bearer(MINE)))
        assert (code, info.reason) == (NOT_FOUND, "SESSION_NOT_FOUND")
    named = {field.name for field in fields.values()} | {
        field.name for one in fields.values() if one.message_type for field in one.message_type.fields
    }
    assert bool(requests) == bool(named & {"session_id", "resume"}), "a new way to name a session needs its case here"
    talk.hang_up()
    stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=theirs), metadata=bearer(YOURS))


def test_each_lists_its_own_and_keeps_it(channel):
    stubs = Stubs(channel)
    ids = {}
    for token in (MINE, YOURS):
        created = stubs.session.CreateSession(session_pb2.CreateSessionRequest(), metadata=bearer(token))
        ids[token] = created.session.id
    for token, id in ids.items():
        listed = stubs.session.ListSessions(session_pb2.ListSessionsRequest(), metadata=bearer(token)).sessions
        assert [session.id for session in listed] == [id]
        request = dialogue_pb2.AskRequest(session_id=id, text="red?", scene=graph(), sampling={"max_new_tokens": 2})
        assert list(stubs.dialogue.Ask(request, metadata=bearer(token)))
        stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=id), metadata=bearer(token))


def test_health_is_for_everybody_and_reflection_is_not(channel):
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
    reflect = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
    ask = [reflection_pb2.ServerReflectionRequest(list_services="")]
    assert error_info(refusal(reflect, iter(ask)))[0] == UNAUTHENTICATED
    assert list(reflect(iter(ask), metadata=bearer(MINE)))


def test_the_list_is_read_again_and_a_spoilt_one_changes_nothing(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(line("old"))
    tokens = Tokens(path, make_logger("json", "error"))
    assert tokens.admit(bearer("old")) == hashlib.sha256(b"old").hexdigest()
    path.write_text(line("new", "a longer line"))
    with pytest.raises(Refused):
        tokens.admit(bearer("old"))
    assert tokens.admit(bearer("new"))
    path.write_text("no sum at all")
    assert tokens.admit(bearer("new"))
    path.unlink()
    assert tokens.admit(bearer("new"))
    assert Tokens(None, None).admit(()) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no token in it"), ("# nothing\n", "no token in it"), (f"{line('a')}secret\n", "line 2: 'secret' is no SHA")],
)
def test_a_wrong_list_is_told_at_the_start(tmp_path, text, message):
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_sums(path)
    with pytest.raises(ValueError, match="tokens: no file at"):
        load_settings(tokens=tmp_path / "missing")


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_half_of_a_pair_is_told_at_the_start(tmp_path, given):
    other = {"tls_certificate": "tls_key", "tls_key": "tls_certificate"}[given]
    path = tmp_path / "one.pem"
    path.write_text("pem")
    with pytest.raises(ValueError, match=f"{given} is given without {other}"):
        load_settings(**{given: path})


@pytest.mark.parametrize(
    ("address", "is_open"),
    [("0.0.0.0:1", True), ("[::]:1", True), ("10.0.0.1:1", True), ("127.0.0.1:1", False), ("[::1]:1", False),
     ("localhost:1", False)],
)  # fmt: skip
def test_an_address_that_others_reach_is_open_without_tokens(tmp_path, address, is_open):
    assert load_settings(address=address).is_open == is_open
    (tmp_path / "tokens").write_text(line("a"))
    assert not load_settings(address=address, tokens=tmp_path / "tokens").is_open


def test_every_service_is_among_them():
    assert {service.name for service, _ in METHODS.values()} >= {"DialogueService", "SessionService", "LanguageService"}
