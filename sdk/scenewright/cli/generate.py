"""The command that lets a language model go on from a text."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scenewright import types
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
from scenewright.errors import InvalidInputError


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    example = 'Example: scenewright generate "The king of the goblins" --model smollm2-135m --max-new-tokens 40 --json'
    app.command(epilog=example)(generate)


def generate(
    prompt: Annotated[str, typer.Argument(help="The text to go on from.")],
    max_new_tokens: Annotated[
        int | None, typer.Option("--max-new-tokens", help="The model's limit if left out.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="0 to 2; 0, the default, is greedy.")
    ] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Of the likeliest tokens alone; 0: of all.")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Of those that together are so likely.")] = None,
    repetition_penalty: Annotated[
        float | None, typer.Option("--repetition-penalty", help="1 to 2, on what was said and asked.")
    ] = None,
    num_return_sequences: Annotated[
        int, typer.Option("--num-return-sequences", help="1 to 8; with --temperature or --num-beams.")
    ] = 1,
    num_beams: Annotated[int, typer.Option("--num-beams", help="Of a beam search, 1 to 8; 1 is none.")] = 1,
    early_stopping: Annotated[
        bool, typer.Option("--early-stopping", help="End when as many beams have ended as there are.")
    ] = False,
    length_penalty: Annotated[
        float | None, typer.Option("--length-penalty", help="Of beams, -4 to 4: above 0 favours long texts.")
    ] = None,
    stop: Annotated[list[str] | None, typer.Option("--stop", help="End before this text; may be given again.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The same one gives the same text.")] = None,
    json_schema: Annotated[
        Path | None, typer.Option("--json-schema", metavar="FILE", help="Write JSON that this JSON schema allows.")
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Go on from a text with a language model alone, as transformers' `generate` does."""
    sampling = types.Sampling(
        max_new_tokens, temperature, top_k, top_p, repetition_penalty, tuple(stop or ()), seed
    )  # fmt: skip
    schema = None if json_schema is None else _read(json_schema)
    console = Console(highlight=False)
    is_stream = num_return_sequences == num_beams == 1 and not early_stopping and length_penalty is None and not as_json
    with connect(server, model, tls, tls_root, token, timeout) as client:
        if is_stream:
            for event in show.stream(console, client.generate_stream(prompt, sampling=sampling, json_schema=schema)):
                if isinstance(event, types.Done):
                    done = event
            show.print_timings(console, done.timings, done.usage, done.confidence)
            return
        generation = client.generate(
            prompt,
            sampling=sampling,
            num_return_sequences=num_return_sequences,
            num_beams=num_beams,
            early_stopping=early_stopping,
            length_penalty=length_penalty,
            json_schema=schema,
            include_tokens=as_json,
        )
    if as_json:
        show.print_json({**asdict(generation), "prompt": prompt})
        return
    for n, sequence in enumerate(generation.sequences, 1):
        console.print(f"{n}, log probability {sequence.log_probability:.2f}:", style="dim")
        console.print(sequence.text, markup=False, soft_wrap=True)
    show.print_timings(console, generation.timings, generation.usage, None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"--json-schema {path}: expected a file of text: {error}") from None
