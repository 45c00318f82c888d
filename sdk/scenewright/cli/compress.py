"""The command that makes a bundle smaller: packed weights, pruned weights, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scenewright.cli import show
from scenewright.cli.connect import JsonOption, needing
from scenewright.cli.pulling import refusing
from scenewright.errors import InvalidInputError


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    example = "Example: scenewright compress smollm2-135m --out bundles/smollm2-int8 --weights int8"
    app.command(epilog=example)(compress)


def compress(
    source: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundle that was pulled, or a directory.")],
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The directory to write.")],
    weights: Annotated[
        str, typer.Option("--weights", metavar="int8|int4", help="Pack the decoder's weights, its head among them.")
    ] = "",
    group: Annotated[int, typer.Option("--group", help="Columns with one scale in int4: 32, 64, 128 or 256.")] = 32,
    prune: Annotated[
        str,
        typer.Option(
            "--prune",
            metavar="magnitude:SHARE|2:4",
            help="Set the smallest numbers of each layer to zero: a share of them, or two of every four. "
            "They stay in the file and in memory.",
        ),
    ] = "",
    name: Annotated[str | None, typer.Option("--name", help="Of the bundle; the directory's name if left out.")] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=0, help="Of timing, old and new in turn; 0 measures nothing.")
    ] = 5,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of torch, while it measures.")] = 1,
    split: Annotated[
        str, typer.Option("--eval", metavar="people", help="Ask the questions of this split before and after.")
    ] = "",
    half: Annotated[str, typer.Option("--half", help="Of the split people: held or dev.")] = "held",
    as_json: JsonOption = False,
) -> None:
    """Write a bundle with a smaller decoder, and say what it costs: size, memory, speed, perplexity.

    Pruned weights save neither room nor time: on a CPU no kernel gains by their zeros.
    """
    with needing("train" if split else "server"):
        from scenewright_server.families.bundle import BundleError, find_bundle
        from scenewright_server.importers.compressing import Compression, CompressionRefused, compress_bundle
        from scenewright_server.training.evaluation.compression import measure

        if split:
            from scenewright_server.training.evaluation.people_answers import HALVES, evaluate_people
    if split not in ("", "people"):
        raise InvalidInputError(f"--eval {split}: expected people")
    if split and half not in HALVES:
        raise InvalidInputError(f"--half {half}: expected one of {', '.join(HALVES)}")
    path = find_bundle(source)
    told: dict[str, Any] = {}
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        report = _reporting(progress)
        try:
            with refusing():
                how = Compression(weights, group, prune)
                compress_bundle(path, out, how, name or out.resolve().name, report)
            pair = {"before": path, "after": out}
            if rounds:
                _set_threads(threads)
                costs = measure(list(pair.values()), rounds, report)
                told |= {when: cost.to_dict() for when, cost in zip(pair, costs, strict=True)}
            if split:
                chosen = next(known for known in HALVES if known == half)
                for when, bundle in pair.items():
                    ask = partial(report, f"people, {when}")
                    told.setdefault(when, {})["people"] = evaluate_people(bundle, chosen, ask)[0]
        except (BundleError, CompressionRefused) as error:
            raise InvalidInputError(str(error)) from error
    if as_json:
        show.print_json({"bundle": str(out), "compression": how.to_dict(), "threads": threads, **told})
        return
    console = Console(highlight=False)
    if told:
        _print(console, told["before"], told["after"])
    console.print(f"bundle: {out}", soft_wrap=True)


def _set_threads(n: int) -> None:
    import torch

    torch.set_num_threads(n)


def _reporting(progress: Progress) -> Callable[[str, int, int], None]:
    """Something that shows what is under way as one bar."""
    task = progress.add_task("", total=None)
    return lambda what, done, n: progress.update(task, description=what, completed=done, total=n)


def _print(console: Console, before: dict[str, Any], after: dict[str, Any]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    pairs = zip(_rows(before), _rows(after), strict=True)
    for (what, old), (_, new) in pairs:
        table.add_row(what, old, new)
    console.print(table)


def _rows(told: dict[str, Any]) -> list[tuple[str, str]]:
    """What is measured, as a person reads it."""
    rows: list[tuple[str, str]] = []
    if "disk_bytes" in told:
        rows += [
            ("bundle on disk, MB", f"{told['disk_bytes'] / 1e6:.1f}"),
            ("decoder in memory, MB", f"{told['memory_bytes'] / 1e6:.1f}"),
            ("greedy decoding, tokens/s", f"{told['tokens_per_s']:.1f}"),
            ("prefill of 512 tokens, ms", f"{1e3 * told['prefill_s']:.0f}"),
        ]
        if told["plan_s"] is not None:
            rows.append(("a plan over a cached scene, ms", f"{1e3 * told['plan_s']:.0f}"))
        rows += [(f"perplexity, {tag}", f"{value:.3f}") for tag, value in told["perplexity"].items()]
    if "people" in told:
        scores = told["people"]
        for tag, row in scores["languages"].items():
            rows += [(f"people, {scores['half']}, {tag}: {grade}", f"{row[grade]:.3f}") for grade in ("right", "false")]
            rows.append((f"people, {scores['half']}, {tag}: made up", f"{row['made_up']:.3f}"))
    return rows
