"""From the options of a command to a client: of a given server, or of the embedded model in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scenewright._channel import Tls
from scenewright.client import Client
from scenewright.errors import ScenewrightError

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
BundleOption = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="DIR", help="The model to run here in place of the embedded one."),
]
TimeoutOption = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="Deadline of a call.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SceneOption = Annotated[
    Path | None,
    typer.Option("--scene", metavar="JSON", help="A scene graph: protobuf's JSON mapping of SceneGraph."),
]


@contextmanager
def connect(
    server: str | None, bundle: Path | None, tls: bool, tls_root: Path | None, timeout_s: float
) -> Iterator[Client]:
    """A client for the length of a command; raises typer.BadParameter for options that contradict."""
    with reach(server, bundle, tls, tls_root) as (address, security):
        with Client(address, tls=security, timeout_s=timeout_s) as client:
            yield client


@contextmanager
def reach(
    server: str | None, bundle: Path | None, tls: bool, tls_root: Path | None
) -> Iterator[tuple[str, Tls | None]]:
    """The address and security of the server to ask, which may be one of this process."""
    if server and bundle:
        raise typer.BadParameter("--bundle names a model to run here, but --server is given too")
    if server:
        yield server, Tls(tls_root) if tls or tls_root else None
        return
    with serve_here(bundle) as address:
        yield address, None


@contextmanager
def serve_here(bundle: Path | None) -> Iterator[str]:
    """A real server of this process on a free loopback port; gives its address."""
    with needing("server"):
        from scenewright_server.families.diorama.storage import BundleError
        from scenewright_server.service.app import serve_in_background
    with ExitStack() as stack:
        with Console(stderr=True).status("Loading the model"):
            try:
                address = stack.enter_context(serve_in_background(bundle))
            except BundleError as error:
                raise ScenewrightError(str(error)) from error
        yield address


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """For imports of what only an extra brings: where one is missing, raises ScenewrightError with the remedy."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ScenewrightError(
            f"this needs the Python package {error.name!r}, which is not installed: pip install 'scenewright[{extra}]'"
        ) from error
