"""The command that makes texts and dialogues ready for training."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from scenewright.cli import show
from scenewright.cli.connect import JsonOption, bundle_path, needing
from scenewright.errors import InvalidInputError, ScenewrightError

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILES...", help="JSON lines (.jsonl) or text (.txt).")]
TokenizerOption = Annotated[
    str, typer.Option("--tokenizer", metavar="NAME|BUNDLE", help="The chat model that is to be trained.")
]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    example = "Example: scenewright prepare dialogues.jsonl notes.txt --tokenizer smollm2-135m --out runs/data"
    app.command(epilog=example)(prepare)


def prepare(
    files: FilesArgument,
    tokenizer: TokenizerOption,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The directory to write.")],
    held: Annotated[float, typer.Option("--held", help="Share of the documents to hold out.")] = 0.05,
    split_by: Annotated[
        str, typer.Option("--split-by", help="scene: all about one scene stays on one side; document: need not.")
    ] = "scene",
    drop: Annotated[
        float, typer.Option("--drop", help="Drop what is so alike to another; 1: the same words alone.")
    ] = 0.8,
    together: Annotated[
        float, typer.Option("--together", help="What is so alike stays on one side of the split.")
    ] = 0.5,
    language: Annotated[
        list[str] | None,
        typer.Option("--language", metavar="TAG", help="That may occur, any if left out; may be given again."),
    ] = None,
    by_blank_lines: Annotated[
        bool, typer.Option("--by-blank-lines", help="A blank line ends a document of a .txt file.")
    ] = False,
    max_file_bytes: Annotated[int, typer.Option("--max-file-bytes", help="Larger files are refused.")] = 1 << 30,
    max_chars: Annotated[int, typer.Option("--max-chars", help="Longer texts are dropped.")] = 1_000_000,
    max_documents: Annotated[int, typer.Option("--max-documents", help="More are refused.")] = 1_000_000,
    as_json: JsonOption = False,
) -> None:
    """Clean, tag, de-duplicate, split and tokenise texts and dialogues into what `train` reads.

    A line of JSON is {"text": ...}, {"messages": [{"role", "content"}, ...], "scene", "instructions"} or
    {"scene", "question", "before", "plan"}; a .txt file is one document. Writes shards/, stats.json and stats.png.
    """
    with needing("train"):
        from scenewright_server.families.bundle import BundleError
        from scenewright_server.training.corpus import prepare as preparing
        from scenewright_server.training.corpus.records import PrepareError
        from scenewright_server.training.dialogues import LineError
    began = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        try:
            options = preparing.Options(
                held, drop, together, split_by, tuple(language or ()), by_blank_lines, max_file_bytes, max_chars,
                max_documents,
            )  # fmt: skip
            path = bundle_path(tokenizer)
            assert path is not None
            stats = preparing.prepare(files, path, out, options, report)
        except (PrepareError, LineError, BundleError) as error:
            raise InvalidInputError(f"cannot prepare: {error}") from error
        except OSError as error:
            raise ScenewrightError(f"cannot prepare: {error.filename or out}: {error.strerror or error}") from error
    seconds = time.monotonic() - began
    if as_json:
        show.print_json({**stats, "seconds": round(seconds, 2)})
        return
    _print(Console(highlight=False), stats, out, seconds)


def _print(console: Console, stats: dict[str, Any], out: Path, seconds: float) -> None:
    table = Table("", "documents", "tokens", "learnt")
    for split, counts in stats["splits"].items():
        table.add_row(split, *(f"{counts[name]:,}" for name in ("documents", "tokens", "learnt")))
    console.print(table)
    dropped = ", ".join(f"{n:,} {reason}" for reason, n in stats["dropped"].items()) or "none"
    languages = ", ".join(f"{n:,} {tag}" for tag, n in stats["languages"].items())
    console.print(f"read {stats['read']:,}, kept {stats['kept']:,}; dropped: {dropped}", soft_wrap=True)
    console.print(f"languages: {languages}", soft_wrap=True)
    if not stats["splits"]["held"]["documents"]:
        console.print("Nothing is held out: all documents belong together; see --split-by and --together.")
    console.print(f"{out}: {stats['read'] / seconds:,.0f} documents/s, {seconds:.1f} s", soft_wrap=True)
