"""The commands that ask a server something: describe, ask, chat, transcribe, info."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scenewright import types
from scenewright._convert import outputs
from scenewright.cli import show
from scenewright.cli.connect import (
    JsonOption,
    ModelOption,
    SceneOption,
    ServerOption,
    TimeoutOption,
    TlsOption,
    TlsRootOption,
    TokenOption,
    connect,
)
from scenewright.cli.drawing import draw as draw_boxes
from scenewright.cli.drawing import print_legend
from scenewright.cli.paths import check_picture, check_readable
from scenewright.client import Session
from scenewright.errors import AccessError, ScenewrightError, ServerError, UnavailableError

VoiceOption = Annotated[
    Path | None,
    typer.Option("--voice", metavar="AUDIO", help="The question as speech: WAV, FLAC or OGG."),
]
LanguageOption = Annotated[
    str,
    typer.Option("--language", metavar="TAG", help="Of the description, such as zh; the model's first when not given."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(epilog="Example: scenewright describe room.png --scene room.json --draw boxes.png")(describe)
    app.command(epilog='Example: scenewright ask room.png "what is left of the lamp?"')(ask)
    app.command(epilog="Example: scenewright chat room.png")(chat)
    app.command(epilog="Example: scenewright transcribe question.wav --json")(transcribe)
    app.command(epilog="Example: scenewright info --server ar.example.org:7447 --tls")(info)


def describe(
    image: Annotated[Path | None, typer.Argument(help="JPEG, PNG or WebP; optional with --scene.")] = None,
    scene: SceneOption = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", metavar="PNG", help="Save the image with the boxes drawn on it."),
    ] = None,
    language: LanguageOption = "",
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Say in words what an image, a scene graph or both show, and where."""
    if image is None and scene is None:
        raise typer.BadParameter("give an IMAGE, --scene graph.json, or both")
    if draw is not None and image is None:
        raise typer.BadParameter("--draw needs an IMAGE to draw on")
    check_readable(image, scene)
    check_picture("--draw", draw)
    console = Console(highlight=False)
    with connect(server, model, tls, tls_root, token, timeout) as client:
        if as_json:
            description = client.describe(image, scene=scene, language=language)
            annotations = description.annotations
            show.print_json(show.description_json(description))
        else:
            annotations = print_stream(console, client.describe_stream(image, scene=scene, language=language))
    if draw is not None and image is not None:
        print_legend(draw_boxes(image, annotations, draw))


def ask(
    image: Annotated[
        str | None,
        typer.Argument(metavar="IMAGE", help="JPEG, PNG or WebP; optional with --scene."),
    ] = None,
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="Or --voice.")] = None,
    voice: VoiceOption = None,
    scene: SceneOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Ask one question, typed or spoken, about an image, a scene graph or both."""
    if scene is not None and voice is None and question is None:
        image, question = None, image
    if (question is None) == (voice is None):
        raise typer.BadParameter("give a QUESTION or --voice question.wav, and exactly one of them")
    if image is None and scene is None:
        raise typer.BadParameter("give an IMAGE, --scene graph.json, or both")
    check_readable(image, voice, scene)
    console = Console(highlight=False)
    with connect(server, model, tls, tls_root, token, timeout) as client:
        if as_json:
            answer = client.ask(question, audio=voice, frame=image, scene=scene)
            show.print_json(show.answer_json(answer))
            return
        print_stream(console, client.ask_stream(question, audio=voice, frame=image, scene=scene))


def chat(
    image: Annotated[Path | None, typer.Argument(help="JPEG, PNG or WebP; optional with --scene.")] = None,
    scene: SceneOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Talk about an image, a scene graph or both, line by line.

    A line is a question. `/voice FILE` asks by speech, `/image FILE` shows another image, an empty line is
    skipped, and the end of input (Ctrl-D) ends the chat. With --json every answer is one line of JSON.
    """
    if image is None and scene is None:
        raise typer.BadParameter("give an IMAGE, --scene graph.json, or both")
    check_readable(image, scene)
    console = Console(highlight=False)
    with connect(server, model, tls, tls_root, token, timeout) as client, client.session() as session:
        if not as_json:
            print_stream(console, client.describe_stream(image, scene=scene))
        first: tuple[Path | None, Path | None] = image, scene  # until the session has them
        new = first
        with suppress(EOFError, KeyboardInterrupt):
            while True:
                line = _read_line(console, "" if as_json else "[bold]> [/bold]")
                try:
                    if line.startswith("/image "):
                        path = Path(line.removeprefix("/image ").strip())
                        check_readable(path)
                        new = path, new[1]
                    elif line:
                        _turn(console, session, line, *new, as_json)
                        first = new = None, None
                except (UnavailableError, AccessError, ServerError):
                    raise
                except ScenewrightError as error:  # the chat outlives a wrong line, and the picture before a wrong one
                    print(f"error: {error.message}", file=sys.stderr)
                    new = first if _is_of_picture(error) else new


def _is_of_picture(error: ScenewrightError) -> bool:
    return error.metadata.get("field", error.message).startswith(("image", "frame")) or "IMAGE" in error.reason


def _read_line(console: Console, prompt: str) -> str:
    """A line without the spaces around it; raises EOFError where there is no input, or no longer."""
    try:
        return console.input(prompt).strip().lstrip("\ufeff")
    except (ValueError, RuntimeError) as error:  # standard input is closed, or there is none
        raise EOFError from error


def _turn(console: Console, session: Session, line: str, frame: Path | None, graph: Path | None, as_json: bool) -> None:
    voice = Path(line.removeprefix("/voice ").strip()) if line.startswith("/voice ") else None
    question = line if voice is None else None
    events = session.ask_stream(question, audio=voice, frame=frame, scene=graph)
    if as_json:
        show.print_json(show.answer_json(outputs.answer_from_events(events)), indent=None)
    else:
        print_stream(console, events)


def transcribe(
    audio: Annotated[Path, typer.Argument(help="WAV, FLAC or OGG.")],
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Write down a recording."""
    check_readable(audio)
    with connect(server, model, tls, tls_root, token, timeout) as client:
        heard = client.transcribe(audio)
    if as_json:
        show.print_json(
            {
                "text": heard.text,
                "confidence": round(heard.confidence, 4),
                "no_speech": heard.no_speech,
                "duration_s": round(heard.duration_s, 3),
                "timings": show.timings_json(heard.timings),
            }
        )
        return
    console = Console(highlight=False)
    if heard.no_speech:
        console.print("no speech", style="dim")
    else:
        console.print(heard.text, markup=False)


def info(
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Say what the server runs, what its model knows, and every bound on the input."""
    with connect(server, model, tls, tls_root, token, timeout) as client:
        about = client.model()
        served = [item.name for item in client.list_models()]
    if as_json:
        show.print_json({**asdict(about), "served": served})
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    senses = ", ".join(f"{sense} {kind}" for sense, kind in about.fusion.items())
    rows = {
        "model": show.model_line(about),
        "served": ", ".join(served),
        "server": f"{about.server_version}, contract {about.contract}",
        "sha256": about.sha256,
        "architecture": about.architecture,
        "can": ", ".join(about.capabilities),
        "fusion": senses,
        "languages": ", ".join(about.languages),
        "hears": ", ".join(about.speech_languages) or "nothing",
        "knows": about.knows,
        "does not know": about.does_not_know,
        "license": about.license,
        **{name.replace("_", " "): f"{value:,}" for name, value in asdict(about.limits).items()},
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console(highlight=False).print(table)


def print_stream(console: Console, events: Iterable[types.AskEvent]) -> tuple[types.Annotation, ...]:
    """Print a description or an answer as it comes, then its objects and timings; gives the objects."""
    annotations: dict[str, types.Annotation] = {}
    done = None
    for event in show.stream(console, events):
        if isinstance(event, types.Question) and event.spoken:
            console.print(f"heard: {event.text}", style="italic", markup=False)
        elif isinstance(event, types.Annotation):
            annotations[event.id] = event
        elif isinstance(event, types.Done):
            done = event
    objects = tuple(annotations.values())
    show.print_objects(console, objects)
    if done is not None:
        show.print_timings(console, done.timings, done.usage, done.confidence)
    return objects
