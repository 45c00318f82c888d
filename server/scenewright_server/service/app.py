"""The server: wiring, health, reflection, signals, and its background form for tests and the command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import torch
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server
from scenewright.v1 import (
    dialogue_pb2,
    dialogue_pb2_grpc,
    embedding_pb2,
    embedding_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    scene_pb2,
    scene_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    speech_pb2,
    speech_pb2_grpc,
)

from scenewright_server.engine.compute import ComputeThread
from scenewright_server.engine.request import Sampling
from scenewright_server.families.bundle import find_bundle, load_family
from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.perception.perception import PerceptionThreads
from scenewright_server.service import servicers
from scenewright_server.service.auth import Tokens
from scenewright_server.service.calls import CallInterceptor, Gate
from scenewright_server.service.embedding import EmbeddingServicer
from scenewright_server.service.exchange import Exchange
from scenewright_server.service.language import LanguageServicer
from scenewright_server.service.live.live import Live
from scenewright_server.service.logs import make_logger
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.models import Models
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.served import ServedModel, Stopwatch
from scenewright_server.service.sessions import SessionStore
from scenewright_server.service.settings import Settings, local_settings

SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (scene_pb2, "SceneService"),
        (dialogue_pb2, "DialogueService"),
        (session_pb2, "SessionService"),
        (speech_pb2, "SpeechService"),
        (embedding_pb2, "EmbeddingService"),
        (language_pb2, "LanguageService"),
        (model_pb2, "ModelService"),
    )
)


class Server:
    """One server on one port. `start`, `load`, then serve until `drain`.

    `address` is what it listens on once started; `models` are there once they are loaded.
    """

    def __init__(self, settings: Settings, log: Any) -> None:
        self.settings = settings
        self.log = log
        self.metrics = Metrics()
        self.sessions = SessionStore(settings.limits.max_sessions)
        self.gate = Gate(settings.limits.max_calls)
        self.models = Models()
        self.live = Live(self.models, self.sessions, settings.limits, self.metrics, log)
        self.address = ""
        self._compute = ComputeThread(settings.threads)
        self._perception = PerceptionThreads(settings.threads)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        tokens = Tokens(settings.tokens, log)
        size = settings.limits.max_message_bytes
        self._server = grpc.aio.server(
            interceptors=[CallInterceptor(self.gate, tokens, self.metrics, log, settings.limits)],
            options=[
                ("grpc.max_receive_message_length", size),
                ("grpc.max_send_message_length", size),
                # Two servers on one port would share its calls by chance.
                ("grpc.so_reuseport", 0),
                # A phone that has left its network says no goodbye; and clients may look after us likewise.
                ("grpc.keepalive_time_ms", 20_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
            ],
        )
        self._register()

    async def start(self) -> None:
        """Listen; until `load` is through, calls are refused with MODEL_LOADING and health is NOT_SERVING."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        settings = self.settings
        host = settings.address.rpartition(":")[0]
        port = self._bind()
        self.address = f"{host}:{port}"
        await self._server.start()
        self.log.info("listening", address=self.address, port=port)
        if settings.is_open:
            self.log.warning(
                "open to everybody who reaches it",
                address=self.address,
                remedy="set tokens, and tls_certificate and tls_key",
            )
        elif settings.tokens is not None and settings.tls_certificate is None and not settings.is_local:
            self.log.warning("tokens travel in plain text", address=self.address, remedy="set tls_certificate, tls_key")

    async def load(self) -> None:
        """Load the bundles, run each once on every sense, and let calls in. Raises BundleError."""
        settings, models, loaded = self.settings, self.models, list[ServedModel]()
        device = _choose_device(settings.device)
        for name in settings.models:
            family = await asyncio.to_thread(load_family, find_bundle(name), device, settings.dtype)
            loaded.append(ServedModel(family, settings, self._compute, self._perception))
            for model in (loaded[-1], *loaded[-1].variants):
                models.add(model)
        watch = self.metrics.watch
        watch("scenewright_engine_requests", "In engines.", lambda: sum(m.engine.n_inside for m in loaded))
        watch("scenewright_perception_requests", "In perception.", lambda: sum(m.perception.n_inside for m in loaded))
        watch("scenewright_sessions", "Sessions held.", lambda: len(self.sessions))
        watch("scenewright_conversations", "Live conversations held.", lambda: len(self.live))
        await self.live.load()
        for model in loaded:
            await self._warm_up(model)
        self.gate.open()
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        self.log.info("serving", address=self.address, models=[model.name for model in models])

    async def drain(self) -> None:
        """Refuse new calls, give those running `grace_s` to finish, and stop."""
        await self._health.enter_graceful_shutdown()
        self.live.go_away(self.settings.grace_s)
        finished = await self.gate.drain(self.settings.grace_s)
        self.log.info("stopping", all_calls_finished=finished)
        await self.live.close()
        await self._server.stop(0)
        for model in self.models:
            await model.close()
        await asyncio.to_thread(self._compute.close)
        await asyncio.to_thread(self._perception.close)

    def _register(self) -> None:
        models, metrics, server, sessions = self.models, self.metrics, self._server, self.sessions
        scene_pb2_grpc.add_SceneServiceServicer_to_server(servicers.SceneServicer(models, metrics), server)
        dialogue_pb2_grpc.add_DialogueServiceServicer_to_server(
            servicers.DialogueServicer(models, metrics, sessions, self.live), server
        )
        session_pb2_grpc.add_SessionServiceServicer_to_server(servicers.SessionServicer(models, sessions), server)
        speech_pb2_grpc.add_SpeechServiceServicer_to_server(servicers.SpeechServicer(models, self.live), server)
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(EmbeddingServicer(models), server)
        language_pb2_grpc.add_LanguageServiceServicer_to_server(LanguageServicer(models, metrics), server)
        model_pb2_grpc.add_ModelServiceServicer_to_server(servicers.ModelServicer(models), server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    def _bind(self) -> int:
        settings = self.settings
        if settings.tls_certificate is None or settings.tls_key is None:
            return self._server.add_insecure_port(settings.address)
        pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
        return self._server.add_secure_port(settings.address, grpc.ssl_server_credentials([pair]))

    async def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None:
        for service in ("", *SERVICES):
            await self._health.set(service, status)

    async def _warm_up(self, model: ServedModel) -> None:
        """Lazy kernels and allocations belong to nobody's first call."""
        capabilities = model.family.spec.capabilities
        frame = model.family.fit(np.zeros((64, 64, 3), np.uint8))
        sight = Sight(Frame("", frame, None, None, None))
        sees = "image" in model.family.spec.fusion
        if sees and model.is_remote:  # nobody pays for a word that nobody wants
            await model.perception.see(frame)
        elif sees and "describe" in capabilities:
            async for _ in Exchange(model, Metrics(), sight, Sampling(max_new_tokens=2), Stopwatch()).events():
                pass
        if "embed_image" in capabilities:
            await model.perception.embed_image(frame)
        if "embed_text" in capabilities:
            await model.perception.embed_text(["a"])
        if "voice" in capabilities or "transcribe" in capabilities:
            await model.perception.hear(np.sin(np.arange(SAMPLE_RATE_HZ // 2, dtype=np.float32)))


@asynccontextmanager
async def running(settings: Settings, log: Any) -> AsyncIterator[Server]:
    """A server from listening and loaded to drained."""
    server = Server(settings, log)
    try:
        await server.start()
        await server.load()
        yield server
    finally:
        await server.drain()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    log = make_logger(settings.log_format, settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if settings.until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(loop, stop), name="stdin", daemon=True).start()
    server = Server(settings, log)
    with contextlib.ExitStack() as stack:
        if settings.metrics_port is not None:
            http, thread = start_http_server(settings.metrics_port, settings.metrics_host, server.metrics.registry)
            stack.callback(thread.join)
            stack.callback(http.server_close)
            stack.callback(http.shutdown)
        try:
            await server.start()
            loading = asyncio.create_task(server.load())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                await loading
                await stop.wait()
            loading.cancel()
        finally:
            await server.drain()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when standard input ends: whoever started this process has gone."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):  # not sys.stdin, whose lock a thread that still waits would hold when the process ends
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended before
        loop.call_soon_threadsafe(stop.set)


@contextmanager
def serve_in_background(
    bundle: Path | None = None, address: str = "127.0.0.1:0", settings: Settings | None = None
) -> Iterator[str]:
    """A whole server on a thread of its own; yields its address once it serves.

    Without `settings` it runs on the defaults: the environment's are for servers that others reach. Raises what
    starting raised: BundleError, or RuntimeError for an address that is taken.
    """
    given = settings if settings is not None else local_settings(log_level="warning")
    models = given.models if bundle is None else (str(bundle),)
    given = given.model_copy(update={"models": models, "address": address})
    with background_server(given) as server:
        yield server.address


@contextmanager
def background_server(settings: Settings) -> Iterator[Server]:
    """The server behind `serve_in_background`, for those who want to look inside."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def live() -> None:
        stop = asyncio.Event()
        box.update(loop=asyncio.get_running_loop(), stop=stop)
        async with running(settings, make_logger(settings.log_format, settings.log_level)) as server:
            box["server"] = server
            ready.set()
            await stop.wait()

    def work() -> None:
        try:
            asyncio.run(live())
        except Exception as error:
            box["error"] = error
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="scenewright-server", daemon=True)
    thread.start()
    ready.wait()
    if "error" in box:
        raise box["error"]
    try:
        yield box["server"]
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join()


def _choose_device(device: str) -> torch.device:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)
