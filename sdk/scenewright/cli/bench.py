"""`scenewright bench`: how fast, and how well, on this machine."""

from __future__ import annotations

import asyncio
import math
import os
import platform
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from scenewright.cli import show
from scenewright.cli.connect import JsonOption, ModelOption, ServerOption, needing, reach

if TYPE_CHECKING:
    from scenewright_server.bench.live import Row


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    bench = typer.Typer(help="Measures a server on this machine.", no_args_is_help=True)
    bench.command("live", epilog="Example: scenewright bench live --concurrency 1 4 8 --json")(live)
    app.add_typer(bench, name="bench")


def live(
    levels: Annotated[list[int] | None, typer.Argument(metavar="[N]...", help="Further levels.", min=1)] = None,
    concurrency: Annotated[
        list[int] | None,
        typer.Option("--concurrency", metavar="N...", min=1, help="Conversations at a time; 1 4 8 by default."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="Of spoken questions at each level.")] = 60.0,
    interruptions: Annotated[int, typer.Option(min=0, help="Answers interrupted by text, and by voice.")] = 40,
    minutes: Annotated[float, typer.Option(min=0, help="Of silence and noise, in ten conversations at a time.")] = 10.0,
    cuts: Annotated[int, typer.Option(min=0, help="Breaks of the network.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks the same questions.")] = 7,
    as_json: JsonOption = False,
    server: ServerOption = None,
    model: ModelOption = None,
) -> None:
    """Hold recorded conversations with a server in real time: latency, barge-in, invented words, resuming."""
    with needing("bench"):
        import espeakng_loader  # noqa: F401  the voices' library, which speaking would miss only later
        from scenewright_server.bench import live as measures
        from scenewright_server.bench.stage import Stage
    stage = Stage(seed)
    at_once = [*(concurrency or []), *(levels or [])] or [1, 4, 8]
    console = Console(stderr=True)
    with reach(server, model, False, None, None) as target:
        address = target.address
        works: list[tuple[str, Callable[[], Coroutine[Any, Any, list[Row]]]]] = [
            (f"{n} at a time", lambda n=n: measures.first_words(address, stage, n, seconds))  # type: ignore[misc]
            for n in (at_once if seconds else [])
        ]
        if interruptions:
            works.append(("interruptions", lambda: measures.interruptions(address, stage, interruptions)))
        if minutes:
            works.append(("silence and noise", lambda: measures.invented_words(address, stage, minutes)))
        if cuts:
            works.append(("a network that breaks", lambda: measures.resume_losses(address, stage, cuts, seed)))
        rows: list[Row] = []
        for name, work in works:
            with console.status(f"Talking: {name}"):
                rows += asyncio.run(work())
    if as_json:
        show.print_json({"machine": machine(), "rows": [_row_json(row) for row in rows]})
    else:
        _print(rows)


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": model, "cores": cores, "system": platform.platform(), "python": platform.python_version()}


def _row_json(row: Row) -> dict[str, Any]:
    value = None if math.isnan(row.value) else row.value
    return {"work": row.work, "value": value, "unit": row.unit, "bar": row.bar, "holds": row.holds}


def _print(rows: list[Row]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("work")
    for heading in ("value", "unit", "bar", ""):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    for row in rows:
        verdict = {None: "", True: "holds", False: "[red]broken[/red]"}[row.holds]
        table.add_row(row.work, f"{row.value:g}", row.unit, "" if row.bar is None else f"{row.bar:g}", verdict)
    Console(highlight=False).print(table)
