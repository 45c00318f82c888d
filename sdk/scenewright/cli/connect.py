"""From the options of a command to a client: of a given server, or of the embedded model in this process."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scenewright._channel import Tls
from scenewright.cli.paths import check_authority
from scenewright.client import Client
from scenewright.errors import InvalidInputError, ScenewrightError

SHIPPED = "diorama"
MAX_PORT = 65535

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="SCENEWRIGHT_SERVER",
        metavar="HOST:PORT",
        help="The server to ask. Without it the embedded model runs in this process.",
    ),
]
TlsOption = Annotated[bool, typer.Option("--tls", help="Encrypt the connection to --server.")]
TlsRootOption = Annotated[
    Path | None,
    typer.Option("--tls-root", metavar="PEM", help="Authority to trust in place of the system's; means --tls."),
]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="SCENEWRIGHT_TOKEN", metavar="TOKEN", help="Who you are to --server."),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="One that --server has, or one to run here: diorama, or the path of a bundle; NAME:ADAPTER speaks with "
        "one of its adapters.",
    ),
]


def _seconds(value: float) -> float:
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} is not a number of seconds above 0")
    return value


TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", callback=_seconds, help="Deadline of a call.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SceneOption = Annotated[
    Path | None,
    typer.Option("--scene", metavar="JSON", help="A scene graph: protobuf's JSON mapping of SceneGraph."),
]


@dataclass(frozen=True)
class Target:
    """The server to ask, which may be one of this process; `model` is "" where it has the one that is meant."""

    address: str
    tls: Tls | None
    model: str
    token: str


@contextmanager
def connect(
    server: str | None, model: str | None, tls: bool, tls_root: Path | None, token: str | None, timeout_s: float
) -> Iterator[Client]:
    """A client for the length of a command."""
    with reach(server, model, tls, tls_root, token) as target:
        with Client(
            target.address, tls=target.tls, model=target.model, token=target.token, timeout_s=timeout_s
        ) as client:
            yield client


@contextmanager
def reach(
    server: str | None, model: str | None, tls: bool, tls_root: Path | None, token: str | None
) -> Iterator[Target]:
    """The given server, or one of this process that runs `model`."""
    _check(server, model, tls_root)
    if server:
        yield Target(server, Tls(tls_root) if tls or tls_root else None, model or "", token or "")
        return
    bundle, adapter = split_adapter(model)
    with serve_here(bundle) as address:
        yield Target(address, None, _variant(bundle, adapter), token or "")


def _check(server: str | None, model: str | None, tls_root: Path | None) -> None:
    """Raises InvalidInputError for what can be told wrong before any work."""
    if server and not re.fullmatch(r"unix:.+|(?:[^\s:\[\]]+|\[[^\s\[\]]+\]):\d{1,5}", server):
        raise InvalidInputError(f"--server {server!r}: expected HOST:PORT, such as 127.0.0.1:7447")
    if server and not server.startswith("unix:") and not 0 < int(server.rpartition(":")[2]) <= MAX_PORT:
        raise InvalidInputError(f"--server {server!r}: the port must be 1 to {MAX_PORT}")
    check_authority(tls_root)
    if not server and model is not None and ("\0" in model or not model.strip()):
        raise InvalidInputError(f"--model {model!r}: expected diorama, a name that was pulled, or a path")


@contextmanager
def serve_here(model: str | None) -> Iterator[str]:
    """A real server of this process on a free loopback port; gives its address."""
    with needing("server"):
        from scenewright_server.families.bundle import BundleError
        from scenewright_server.service.app import serve_in_background
    with ExitStack() as stack:
        with Console(stderr=True).status("Loading the model"):
            try:
                address = stack.enter_context(serve_in_background(bundle_path(model)))
            except BundleError as error:
                raise InvalidInputError(f"--model: {error}" if model else str(error)) from error
        if model is None:
            print(f"model: {SHIPPED}", file=sys.stderr)
        yield address


def split_adapter(model: str | None) -> tuple[str | None, str]:
    """A model to run here, and the adapter that is named behind it, "" for none."""
    head, colon, adapter = (model or "").rpartition(":")
    path = bundle_path(model)
    if not colon or not head or path is None or path.exists():
        return model, ""
    return head, adapter


def _variant(bundle: str | None, adapter: str) -> str:
    """The name under which the server of this process offers a bundle with an adapter, "" for none."""
    path = bundle_path(bundle)
    if not adapter or path is None:
        return ""
    from scenewright_server.families.bundle import read_manifest

    return f"{read_manifest(path)['name']}:{adapter}"


def bundle_path(model: str | None) -> Path | None:
    """Where a model to run here lies; None for the one that comes with the package."""
    with needing("server"):
        from scenewright_server.families.bundle import find_bundle
    return None if model is None else find_bundle(model)


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """For imports of what only an extra brings: where one is missing, raises ScenewrightError with the remedy."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ScenewrightError(
            f"this needs the Python package {error.name!r}, which is not installed: pip install 'scenewright[{extra}]'"
        ) from error
