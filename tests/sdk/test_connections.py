"""Clients and their connections: closed ones, dead ones, loops, proxies, and what addresses may be."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import scenewright
from scenewright import _channel, aio, errors
from scenewright._channel import is_loopback
from scenewright.v1 import model_pb2, model_pb2_grpc
from scenewright_server.bench.proxy import Proxy
from scenewright_server.service.app import background_server

PNG = b"not looked at"


@pytest.fixture
def own_address(settings) -> Iterator[str]:
    """Of a server for one test, which may leave on it what only time ends."""
    with background_server(settings) as server:
        yield server.address


async def drain(events) -> list:
    return [event async for event in events]


def test_nothing_is_done_after_close(own_address):
    with scenewright.Client(own_address) as client:
        session, ended = client.session(), client.session()
        ended.close()
        ended.close()
        with pytest.raises(errors.NotFoundError, match="the session is closed"):
            ended.ask("what")
        streams = client.describe_stream(PNG), client.ask_stream("what"), client.transcribe_stream([bytes(320)], 16_000)
    for use in (
        client.model,
        lambda: client.describe(PNG),
        lambda: client.describe_stream(PNG),
        lambda: client.transcribe_stream([], 16_000),
        lambda: client.session(),
        lambda: session.ask("what"),
        client.__enter__,
        *(lambda stream=stream: list(stream) for stream in streams),
    ):
        with pytest.raises(errors.ClosedError, match="the client is closed"):
            use()
    session.close()
    client.close()


async def test_nothing_is_done_after_close_in_asyncio(own_address):
    async with aio.Client(own_address) as client:
        session, ended = await client.session(), await client.session()
        await ended.close()
        with pytest.raises(errors.NotFoundError, match="the session is closed"):
            await ended.ask("what")
        with pytest.raises(errors.NotFoundError, match="the session is closed"):
            client.converse(session=ended)
        streams = client.describe_stream(PNG), client.transcribe_stream([bytes(320)], 16_000)
        unbegun = client.converse()
        talk = await client.converse(hearing=None).__aenter__()
    for use in (client.converse, lambda: client.describe_stream(PNG), lambda: client.transcribe_stream([], 16_000)):
        with pytest.raises(errors.ClosedError, match="the client is closed"):
            use()
    for coroutine in (
        client.model(),
        session.ask("what"),
        unbegun.__aenter__(),
        talk.send_text("what"),
        drain(talk),
        *map(drain, streams),
    ):
        with pytest.raises(errors.ClosedError, match="the client is closed"):
            await asyncio.wait_for(coroutine, 30)
    await session.close()
    await talk.close()


async def test_a_conversation_is_used_between_its_beginning_and_its_end(server_address):
    async with aio.Client(server_address) as client:
        talk = client.converse(hearing=None)
        for coroutine in (talk.send_text("what"), anext(talk)):
            with pytest.raises(errors.PreconditionError, match="has not begun"):
                await coroutine
        async with talk:
            with pytest.raises(errors.PreconditionError, match="only once"):
                await talk.__aenter__()
        with pytest.raises(errors.ClosedError, match="the conversation is over"):
            await talk.send_text("what")


class Waiting(model_pb2_grpc.ModelServiceServicer):
    """Answers when it is let."""

    def __init__(self):
        self.came, self.go = threading.Event(), threading.Event()

    def GetModel(self, request, context):
        self.came.set()
        self.go.wait(60)
        return model_pb2.GetModelResponse()


@pytest.fixture
def waiting():
    server, servicer = grpc.server(ThreadPoolExecutor(2)), Waiting()
    model_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    servicer.go.set()
    server.stop(None).wait()


async def test_closing_ends_calls_under_way(waiting):
    client = scenewright.Client(waiting.address)
    call = asyncio.create_task(asyncio.to_thread(client.model))
    assert await asyncio.to_thread(waiting.came.wait, 60)
    client.close()
    with pytest.raises(errors.ClosedError):
        await call
    waiting.came.clear()
    other = aio.Client(waiting.address)
    call = asyncio.create_task(other.model())
    assert await asyncio.to_thread(waiting.came.wait, 60)
    await other.close()
    with pytest.raises(errors.ClosedError):
        await call


async def test_a_cancelled_task_stays_cancelled(waiting):
    async with aio.Client(waiting.address) as client:
        call = asyncio.create_task(client.model())
        assert await asyncio.to_thread(waiting.came.wait, 60)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


def test_an_asyncio_client_is_made_anywhere_and_used_in_any_loop(server_address):
    async def name(client: aio.Client) -> str:
        return (await client.model()).name

    async def make() -> aio.Client:
        return aio.Client(server_address)

    names = []
    for client in (aio.Client(server_address), asyncio.run(make())):
        names += [asyncio.run(name(client)), asyncio.run(name(client))]
        with ThreadPoolExecutor(1) as thread:
            names.append(thread.submit(asyncio.run, name(client)).result())
        asyncio.run(client.close())
        with pytest.raises(errors.ClosedError):
            asyncio.run(name(client))
    assert names == ["tiny"] * 6


async def test_a_dead_link_is_given_up_for_another(server_address, monkeypatch):
    """Over a network that holds everything back on the old connection and tells nobody."""
    monkeypatch.setattr(_channel, "PING_AFTER_S", 0.2)
    monkeypatch.setattr(_channel, "PING_TIMEOUT_S", 0.2)
    async with Proxy(server_address) as proxy:
        client = scenewright.Client(proxy.address, timeout_s=60)
        assert (await asyncio.to_thread(client.model)).name == "tiny"
        proxy.stall()
        assert (await asyncio.to_thread(client.model)).name == "tiny"
        proxy.stall()
        session = await asyncio.to_thread(client.session)
        proxy.stall()
        await asyncio.to_thread(session.close)
        client.close()
        async with aio.Client(proxy.address, timeout_s=60) as other:
            await other.model()
            proxy.stall()
            assert (await other.model()).name == "tiny"


def test_an_idle_connection_may_ping(server_address):
    """More often than the SDK does, and for longer than the three strikes that gRPC allows."""
    options = [
        ("grpc.keepalive_time_ms", 1_100),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    states = []
    with grpc.insecure_channel(server_address, options) as channel:
        grpc.channel_ready_future(channel).result(60)
        channel.subscribe(states.append)
        model_pb2_grpc.ModelServiceStub(channel).GetModel(model_pb2.GetModelRequest())
        deadline = time.monotonic() + 5.5
        while time.monotonic() < deadline and grpc.ChannelConnectivity.IDLE not in states:
            threading.Event().wait(0.1)
        model_pb2_grpc.ModelServiceStub(channel).GetModel(model_pb2.GetModelRequest())
    assert grpc.ChannelConnectivity.IDLE not in states


@pytest.mark.parametrize("variable", ["http_proxy", "grpc_proxy", "https_proxy"])
def test_loopback_uses_no_proxy(server_address, monkeypatch, variable):
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    port = server_address.rpartition(":")[2]
    for address in (server_address, f"localhost:{port}", f"ipv4:127.0.0.1:{port}", f"dns:///localhost:{port}"):
        with scenewright.Client(address, max_attempts=1) as client:
            assert client.model().name == "tiny"


@pytest.mark.parametrize(
    "address", "127.0.0.1:1 127.8.8.8:1 localhost:1 LOCALHOST.:1 a.localhost:1 [::1]:1 [::ffff:127.0.0.1]:1 0.0.0.0:1 "
    "unix:/a unix-abstract:a dns:///localhost:1 ipv4:127.0.0.1:1 ipv6:[::1]:1".split()
)  # fmt: skip
def test_what_is_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", "example.org:1 10.0.0.1:1 [fe80::1]:1 dns:///example.org:1 localhost.org:1".split())
def test_what_is_not_loopback(address):
    assert not is_loopback(address)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "localhost"}, "address: expected host:port with a port from 1 to 65535, got 'localhost'"),
        ({"address": "localhost:99999"}, "address: expected host:port"),
        ({"address": "localhost:http"}, "address: expected host:port"),
        ({"address": "http://localhost:7447"}, "address: expected host:port"),
        ({"address": "::1:7447"}, "address: expected host:port"),
        ({"address": 7447}, "address: expected text, got 7447"),
        ({"tls": True}, "tls: expected a Tls, got True"),
        ({"tls": scenewright.Tls("/nope.pem")}, r"tls.root_certificates: cannot read '/nope.pem'"),
        ({"tls": scenewright.Tls(private_key="/k")}, "tls.private_key: expected .* together"),
        ({"timeout_s": -1}, "timeout_s: expected seconds from 0 on, or None, got -1"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"timeout_s": "3"}, "timeout_s: expected a number, got '3'"),
        ({"max_attempts": 0}, "max_attempts: expected a whole number from 1"),
        ({"model": None, "token": 5}, "expected text"),
    ],
)
def test_what_no_client_can_be_made_of(arguments, message):
    for kind in (scenewright.Client, aio.Client):
        with pytest.raises(errors.InvalidInputError, match=message):
            kind(**arguments)
