"""`scenewright demo`: everything once, on a sample scene; then a public model and a photograph."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from scenewright.cli import show
from scenewright.cli.connect import (
    JsonOption,
    ModelOption,
    ServerOption,
    TimeoutOption,
    TlsOption,
    TlsRootOption,
    TokenOption,
    connect,
)
from scenewright.cli.drawing import draw, print_legend
from scenewright.cli.paths import check_picture, check_readable
from scenewright.cli.pulling import bring
from scenewright.cli.talk import print_stream
from scenewright.client import Client
from scenewright.errors import InvalidInputError, ScenewrightError


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command(epilog="Example: scenewright demo --out boxes.png")(demo)


def demo(
    examples: Annotated[Path, typer.Option(metavar="DIR", help="Where demo.json and its files are.")] = Path(
        "examples"
    ),
    out: Annotated[Path, typer.Option(metavar="PNG", help="Where to save the frame with its boxes.")] = Path(
        "demo.png"
    ),
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing: leave the public model out.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Describe a sample frame, draw its boxes, and answer typed and spoken questions about it.

    Then, unless --server or --model names a model or --json is given, do the same for a photograph with a public
    model, which is fetched once; on a terminal you are asked first.
    """
    plan = _read_plan(examples)
    check_readable(plan["frame"], plan["scene"], *plan["voices"])
    check_picture("--out", out)
    with connect(server, model, tls, tls_root, token, timeout) as client:
        if as_json:
            show.print_json(_run_json(client, plan, out))
        else:
            _run(client, plan, out, Console(highlight=False))
    if server is None and model is None and not as_json:
        show_photograph(plan["public"], out, timeout, offline, Console(highlight=False))


def _read_plan(examples: Path) -> dict[str, Any]:
    """demo.json: {"frame", "scene", "questions": [text], "voices": [file], "public": {"model", "photo", "questions"}},
    files relative to it."""
    path = examples / "demo.json"
    try:
        found = json.loads(path.read_bytes())
        plan = {name: examples / found[name] for name in ("frame", "scene")}
        plan["voices"] = [examples / name for name in found["voices"]]
        plan["questions"] = [str(text) for text in found["questions"]]
        public = found["public"]
        plan["public"] = {
            "model": str(public["model"]),
            "photo": examples / public["photo"],
            "questions": [str(text) for text in public["questions"]],
        }
    except OSError as error:
        raise InvalidInputError(
            f"cannot read {path}: run the demo in a checkout of the repository, or pass --examples DIR"
        ) from error
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise InvalidInputError(f"{path} is no plan of a demo: {error}") from error
    return plan


def _questions(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"question": text} for text in plan["questions"]] + [{"audio": path} for path in plan["voices"]]


def _run(client: Client, plan: dict[str, Any], out: Path, console: Console) -> None:
    model = client.model()
    console.print(f"[bold]Model[/bold] {show.model_line(model)}")
    console.print(f"[bold]Knows[/bold] {model.knows}")
    console.print(f"[bold]Does not know[/bold] {model.does_not_know}")
    console.print(f"\n[bold]{plan['frame']}[/bold] with its scene graph {plan['scene'].name}")
    annotations = print_stream(console, client.describe_stream(plan["frame"], scene=plan["scene"]))
    print_legend(draw(plan["frame"], annotations, out))
    console.print(f"Boxes drawn: {out}")
    seen: dict[str, Any] = {"frame": plan["frame"], "scene": plan["scene"]}
    with client.session() as session:
        for question in _questions(plan):
            spoken = question.get("audio")
            console.print(f"\n[bold]>[/bold] {question.get('question') or f'(spoken) {spoken}'}")
            print_stream(console, session.ask_stream(**question, **seen))
            seen = {}


def show_photograph(public: dict[str, Any], out: Path, timeout_s: float, offline: bool, console: Console) -> None:
    """A photograph and a public model; where that cannot be had it is said, and that is no failure."""
    console.print(f"\n[bold]A photograph[/bold] with the public model {public['model']}")
    if offline:
        console.print("Left out: --offline. `scenewright models` tells what can be fetched.")
        return
    try:
        bundle = bring(public["model"], console, _ask)
    except ScenewrightError as error:
        console.print(f"Left out: {error}", markup=False, soft_wrap=True)
        return
    if bundle is None:
        console.print(f"Left out. Later: scenewright pull {public['model']}")
        return
    drawn = out.with_name(f"{out.stem}_photo{out.suffix}")
    with connect(None, str(bundle), False, None, None, timeout_s) as client:
        console.print(f"[bold]Knows[/bold] {client.model().knows}")
        console.print(f"\n[bold]{public['photo']}[/bold]")
        annotations = print_stream(console, client.describe_stream(public["photo"]))
        print_legend(draw(public["photo"], annotations, drawn))
        console.print(f"Boxes drawn: {drawn}")
        for question in public["questions"]:
            console.print(f"\n[bold]>[/bold] {question}")
            print_stream(console, client.ask_stream(question, frame=public["photo"]))


def _ask() -> bool:
    """Whether to fetch; where nobody can be asked, yes."""
    return not (sys.stdin.isatty() and sys.stdout.isatty()) or typer.confirm("Fetch it?", default=True)


def _run_json(client: Client, plan: dict[str, Any], out: Path) -> dict[str, Any]:
    model = client.model()
    description = client.describe(plan["frame"], scene=plan["scene"])
    print_legend(draw(plan["frame"], description.annotations, out))
    seen: dict[str, Any] = {"frame": plan["frame"], "scene": plan["scene"]}
    answers = []
    with client.session() as session:
        for question in _questions(plan):
            answers.append(show.answer_json(session.ask(**question, **seen)))
            seen = {}
    return {
        "model": {"name": model.name, "version": model.version, "does_not_know": model.does_not_know},
        "description": show.description_json(description),
        "answers": answers,
        "image": str(out),
    }
