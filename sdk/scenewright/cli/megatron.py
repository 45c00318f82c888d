"""The command that imports a checkpoint of Megatron-LM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenewright.cli import models
from scenewright.cli.connect import needing
from scenewright.cli.pulling import refusing
from scenewright.errors import InvalidInputError

TokenizerOption = Annotated[
    Path | None,
    typer.Option(
        "--tokenizer", metavar="JSON", help="A tokenizer.json of the tokenizers library; GPT-2's if left out."
    ),
]
EndOption = Annotated[
    str | None,
    typer.Option("--end", metavar="TOKEN", help="That begins and ends a text; <|endoftext|> if left out."),
]


def register(app: typer.Typer) -> None:
    """Add this module's command to those of `import`."""
    example = "Example: scenewright import megatron ./megatron_lm_345m --out bundles/megatron --context 1024"
    models.importing.command(epilog=example)(megatron)


def megatron(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="What --save named, or one iteration of it; torch_dist too.")
    ],
    out: models.OutOption,
    tokenizer: TokenizerOption = None,
    end: EndOption = None,
    hearing: models.HearingOption = None,
    seeing: models.SeeingOption = None,
    clip: models.ClipOption = None,
    name: models.NameOption = None,
    language: models.LanguageOption = None,
    dtype: models.DtypeOption = "bfloat16",
    context: models.ContextOption = 8192,
    license: models.LicenseOption = models.LICENSE,
) -> None:
    """Import a GPT of Megatron-LM, its tensor- and pipeline-parallel shards merged."""
    with needing("import"):
        from scenewright_server.importers.bundles import Origin
        from scenewright_server.importers.gpt2_tokenizer import END
        from scenewright_server.importers.megatron import read_megatron
    if tokenizer is not None and not tokenizer.is_file():
        raise InvalidInputError(f"--tokenizer {tokenizer}: expected a tokenizer.json, found no file")
    with refusing():
        data = None if tokenizer is None else tokenizer.read_bytes()
        decoder = read_megatron(directory, data, END if end is None else end)
    origin = Origin(directory.name, directory.resolve().name, license)
    models.write(decoder, origin, out, hearing, seeing, clip, None, name, language, dtype, context)
