"""The command that makes bundles of public models: import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from scenewright.cli.connect import needing
from scenewright.cli.paths import check_readable
from scenewright.cli.pulling import refusing, show_progress
from scenewright.errors import InvalidInputError, ScenewrightError

if TYPE_CHECKING:
    from scenewright_server.importers.bundles import Origin
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
    texts: Annotated[
        str, typer.Option("--texts", help="How it goes on from a plain text: completions, or chat.")
    ] = "completions",
) -> None:
    """Make a bundle whose language model another server has: vLLM, SGLang, llama.cpp, Ollama. No key is written."""
    with needing("import"):
        from scenewright_server.importers.bundles import Origin
        from scenewright_server.importers.endpoint import read_endpoint
    with refusing():
        decoder = read_endpoint(
            url,
            model,
            server=server,
            n_context=context,
            at_once=at_once,
            first_s=first_s,
            key_variable=key_variable,
            plans=plans,
            texts=texts,
        )
    write(decoder, Origin(model, url, license), out, hearing, seeing, clip, None, name, language, "bfloat16", context)


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
    with refusing():
        decoder = read_part(format, path)
    assert isinstance(decoder, LanguagePart)
    origin = Origin(path.name, str(path.resolve().name), license, _sum(path))
    write(decoder, origin, out, hearing, seeing, clip, planner, name, language, dtype, context)


def write(
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
    """Write a bundle of a decoder and the parts that are named beside it."""
    with needing("import"):
        from scenewright_server.importers.bundles import Origin, Parts, write_bundle
        from scenewright_server.importers.parts import ClipPart, DetectorPart, WhisperPart
        from scenewright_server.importers.planner import read_planner
        from scenewright_server.importers.pull import read_part
    with refusing():
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
            Parts(decoder, ear, eye, origins, matcher, None if planner is None else read_planner(planner)),
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
    with show_progress() as progress:
        try:
            place = user_cache() / "hub" / repository.replace("/", "--")
            return fetch_repository(repository, wanted, place, progress)
        except SourceFailed as error:
            raise ScenewrightError(f"no directory {repository}, and no such hub's repository: {error}") from error


@importing.command(
    epilog="Example: scenewright import adapter runs/shopkeeper/adapter.safetensors --bundle guide --name shopkeeper "
    "--out bundles/guide && scenewright serve --model bundles/guide"
)
def adapter(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `scenewright train` wrote.")],
    bundle: Annotated[
        str, typer.Option("--bundle", metavar="NAME|DIR", help="A chat model that was pulled, or a bundle's directory.")
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name", help="The server offers the model as BUNDLE:NAME too; plan: it is the adapter that plans."
        ),
    ],
    out: OutOption,
) -> None:
    """Put an adapter into a copy of a bundle: how a persona speaks, or how questions are planned."""
    with needing("import"):
        from scenewright_server.families.bundle import find_bundle
        from scenewright_server.importers.adapters import add_adapter
    check_readable(file)
    with refusing():
        add_adapter(find_bundle(bundle), file, name, out)
    Console(highlight=False).print(f"bundle: {out}")
