"""The command's entry: its subcommands, and what an error looks like to a person."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn

import typer

from scenewright.cli import bench, compress, demo, generate, host, live, megatron, models, prepare, pulling, talk
from scenewright.errors import (
    DeadlineError,
    InvalidInputError,
    NotFoundError,
    ScenewrightError,
    UnavailableError,
)

EXIT_FAILED = 1
EXIT_INPUT = 2
EXIT_UNREACHABLE = 3

HINTS = {
    "IMAGE_UNDECODABLE": "Give a JPEG, PNG or WebP file.",
    "FRAME_TOO_LARGE": "Scale the image down; `scenewright info` lists the bounds.",
    "AUDIO_UNDECODABLE": "Give a WAV, FLAC or OGG file.",
    "AUDIO_TOO_LONG": "Cut the recording; `scenewright info` lists the bounds.",
    "TEXT_TOO_LONG": "Shorten the text; `scenewright info` lists the bounds.",
    "SCENE_TOO_LARGE": "Leave objects out; `scenewright info` lists the bounds.",
    "NOTHING_TO_SEE": "Give an image, or a scene graph with --scene.",
    "CAPABILITY_MISSING": "`scenewright info` lists what the model can do.",
    "ENCODER_MISMATCH": "`scenewright info --json` lists the encoders whose features are taken.",
    "CONTEXT_FULL": "Begin a new session.",
    "MODEL_NOT_FOUND": "`scenewright info` lists the models that the server has.",
    "UNAUTHENTICATED": "Give a token with --token or SCENEWRIGHT_TOKEN.",
    "SESSION_EXPIRED": "Begin a new session.",
    "OVERLOADED": "Try again in a moment.",
    "MODEL_LOADING": "The server is up but its model is not yet: try again in a moment.",
    "SHUTTING_DOWN": "The server is going down: use another, or wait for its return.",
}


def build() -> typer.Typer:
    """The command with all of its subcommands."""
    app = typer.Typer(
        name="scenewright",
        help="Describes scenes, anchors labels to the things in them, and talks about them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    for module in (demo, talk, generate, live, host, prepare, models, megatron, compress, pulling, bench):
        module.register(app)
    return app


@cache
def command() -> Any:
    """The same as a click command, put together once. Some releases of typer bring a click of their own."""
    return typer.main.get_command(build())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Exit status: 0, 1 failed, 2 wrong input, 3 no server or no answer in time."""
    _prepare_streams()
    try:
        try:
            command()(args=arguments)
        except SystemExit:
            _flush()
            raise
    except ScenewrightError as error:
        _fail(error.message, _status(error), _hint(error))
    except UnicodeError as error:
        _fail(f"a text that cannot be encoded: {error}", EXIT_INPUT)
    except OSError as error:
        _fail(f"{error.filename or 'the output'}: {error.strerror or error}", EXIT_FAILED)


def _prepare_streams() -> None:
    """What a terminal's encoding lacks is replaced in what is printed, and in what is typed."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # none, closed, or not a text file
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _flush() -> None:
    """Write all that was printed, or raise OSError: a full disk is not to be met at the interpreter's end."""
    with suppress(AttributeError, ValueError):
        sys.stdout.flush()


def _fail(message: str, status: int, hint: str = "") -> NoReturn:
    """One line, perhaps a second with the remedy, and the end."""
    with suppress(OSError, ValueError):
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        if hint:
            print(hint, file=sys.stderr)
    try:
        _flush()
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.ENOSPC):
            _drop_output()
    sys.exit(status)


def _drop_output() -> None:
    """What can no longer be written is written nowhere, so that the interpreter does not try again when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _hint(error: ScenewrightError) -> str:
    if error.reason in HINTS:
        return HINTS[error.reason]
    if isinstance(error, UnavailableError):
        return (
            "Start a server with `scenewright serve` (add --tls if it speaks TLS), or leave --server and"
            " SCENEWRIGHT_SERVER out to run the embedded model here."
        )
    if isinstance(error, DeadlineError):
        return "Allow more time with --timeout."
    return ""


def _status(error: ScenewrightError) -> int:
    if isinstance(error, (InvalidInputError, NotFoundError)):
        return EXIT_INPUT
    if isinstance(error, (UnavailableError, DeadlineError)):
        return EXIT_UNREACHABLE
    return EXIT_FAILED
