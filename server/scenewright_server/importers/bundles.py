"""Parts become a bundle of the family `chat`: written whole and checked, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from scenewright_server.families.bundle import FORMAT, MANIFEST, BundleError, file_sha256
from scenewright_server.families.chat.endpoint import endpoint_manifest
from scenewright_server.families.chat.matching import embed_labels
from scenewright_server.families.chat.remote import is_remote, read_remote_bundle
from scenewright_server.families.chat.storage import (
    CARD,
    CLIP,
    DECODER,
    FAMILY,
    HEARING,
    LABELS,
    PLANNER,
    SEEING,
    TEMPLATE,
    TOKENIZER,
    Bundle,
    load_bundle,
)
from scenewright_server.families.chat.template import Template
from scenewright_server.importers import labels
from scenewright_server.importers.parts import (
    ClipPart,
    DetectorPart,
    EndpointPart,
    LanguagePart,
    PlannerPart,
    WhisperPart,
)
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.clip import Clip

DTYPES = ("bfloat16", "float32")
MAX_OBJECTS = 512
N_CONTEXT = 8192


@dataclass(frozen=True)
class Origin:
    """Where a part comes from: its name, what it was read from, its licence and the file's sum, "" where unknown."""

    name: str
    source: str
    license: str
    sha256: str = ""


@dataclass(frozen=True)
class Parts:
    """What a bundle is made of; `origins` has one for "language", "hearing", "seeing", "clip" and "planner" each,
    where it is there."""

    language: LanguagePart | EndpointPart
    hearing: WhisperPart | None
    seeing: DetectorPart | None
    origins: Mapping[str, Origin]
    clip: ClipPart | None = None
    planner: PlannerPart | None = None


def write_bundle(
    out: Path,
    parts: Parts,
    *,
    name: str,
    languages: Sequence[str] = ("en",),
    dtype: str = "bfloat16",
    n_context: int = N_CONTEXT,
) -> Path:
    """Write a bundle to the directory `out`, over a bundle that is there, and over nothing else.

    dtype: of the decoder's weights, keys and values, if they are here; n_context: positions, at most the model's own.
    Raises ImportRefused, and then `out` is as it was before.
    """
    if out.exists() and not (out / MANIFEST).is_file():
        raise ImportRefused(out, "path", "nothing, or a bundle to replace", "something else")
    if dtype not in DTYPES:
        raise ImportRefused(out, "dtype", f"one of {', '.join(DTYPES)}", dtype)
    if not languages:
        raise ImportRefused(out, "languages", "one at least", "none")
    with written_whole(out) as path:
        _write(path, parts, name, tuple(languages), dtype, n_context)
        check_bundle(path, out)
    return out


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A directory beside `out` that takes its place at the end, or vanishes."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise ImportRefused(out, "path", "a place to write to", error) from None
    try:
        yield path
        path.chmod(0o755)
        if out.exists():
            old = path.with_name(f"{path.name}-old")
            out.rename(old)
            path.rename(out)
            shutil.rmtree(old, ignore_errors=True)
        else:
            path.rename(out)
    except OSError as error:
        raise ImportRefused(out, "writing", "room and leave to write", error) from None
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, parts: Parts, name: str, languages: tuple[str, ...], dtype: str, n_context: int) -> None:
    language, hearing, seeing, clip = parts.language, parts.hearing, parts.seeing, parts.clip
    all_parts = (language, hearing, seeing, clip)
    weighty = [part for part in all_parts if part is not None and not isinstance(part, EndpointPart)]
    n_bytes = sum(tensor.nbytes for part in weighty for tensor in part.state.values())
    if (free := shutil.disk_usage(path).free) < n_bytes:
        raise ImportRefused(path.parent, "room", f"{n_bytes} bytes free", free)
    if isinstance(language, EndpointPart):
        decoder, n_model = endpoint_manifest(language.config), language.n_context
    else:
        decoder, n_model = (
            _write_decoder(path, language, dtype, parts.origins["language"].source),
            language.config.n_ctx,
        )
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "family": FAMILY,
        "name": name,
        "version": "1",
        "capabilities": ["describe", "ask", "scene_graph", "instructions"],
        "languages": languages,
        "speech_languages": [],
        "fusion": {"scene_graph": "text"},
        "knows": "What the scene graph tells: labels, other names, places, facts and descriptions.",
        "knows_not": "Anything that is in the picture alone.",
        "limits": {"context_tokens": min(n_context, n_model), "objects": MAX_OBJECTS},
        **decoder,
    }
    if (planner := parts.planner) is not None:
        save_tensors(planner.state, path / PLANNER)
        manifest["planner"] = planner.told
    if hearing is not None:
        save_tensors(hearing.state, path / HEARING)
        manifest["hearing"] = hearing.config.to_dict()
        manifest["capabilities"] += ["voice", "transcribe"]
        is_multilingual = hearing.config.n_vocab >= 51865
        manifest["speech_languages"] = languages if is_multilingual else ["en"]
        manifest["fusion"]["audio"] = "text"
    if seeing is not None:
        save_tensors(seeing.state, path / SEEING)
        manifest["seeing"] = seeing.config.to_dict()
        manifest["fusion"]["image"] = "text"
        kinds = seeing.config.labels
        manifest["knows"] += f" In a picture it knows {len(kinds)} kinds of thing: {', '.join(kinds)}."
        manifest["knows_not"] = "Any other kind of thing in a picture, and how far away it is."
    if clip is not None:
        save_tensors(clip.state, path / CLIP)
        learnt = () if seeing is None else seeing.config.labels
        words = tuple(dict.fromkeys((*learnt, *labels.LABELS)))
        save_tensors({"labels": _embed(clip, words)}, path / LABELS)
        manifest |= {"clip": clip.config.to_dict(), "labels": words}
        manifest["capabilities"] += ["embed_image", "embed_text"]
        manifest["fusion"]["image"] = "text"
        manifest["knows"] += f" A picture without any of these it calls by one of {len(words)} words."
        if seeing is None:
            manifest["knows_not"] = "Where in a picture a thing is."
    licenses = dict.fromkeys(origin.license for origin in parts.origins.values())
    manifest["provenance"] = {
        "license": ", ".join(licenses),
        "sources": {part: vars(origin) for part, origin in parts.origins.items()},
    }
    (path / CARD).write_text(_card(manifest))
    manifest["files"] = {file.name: file_sha256(file) for file in sorted(path.iterdir())}
    (path / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _write_decoder(path: Path, language: LanguagePart, dtype: str, source: str) -> dict[str, Any]:
    """A language model's files, and what the manifest says of it."""
    save_tensors(_as_type(language.state, getattr(torch, dtype)), path / DECODER)
    (path / TOKENIZER).write_bytes(language.tokenizer)
    if language.chat_template is not None:
        try:
            Template(language.chat_template)
        except ValueError as error:
            raise ImportRefused(source, "chat template", "one for dialogues", error) from None
        (path / TEMPLATE).write_text(language.chat_template)
    config = language.config.to_dict()
    return {"decoder": {"dtype": dtype, "config": config, "bos": language.bos, "stops": language.stops}}


def _embed(clip: ClipPart, words: Sequence[str]) -> Tensor:
    """What CLIP makes of words (n_words, E). Raises ImportRefused for weights that give no numbers."""
    network = Clip(clip.config).eval()
    network.load_state_dict(clip.state)
    made = embed_labels(network.float(), words)
    if not made.isfinite().all():
        raise ImportRefused(CLIP, "weights", "weights that give numbers", "others")
    return made


def _as_type(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def save_tensors(state: Mapping[str, Tensor], path: Path) -> None:
    """Tensors that share their memory are written each for itself, and all of it is on the disk at the end."""
    try:
        save_file({name: tensor.detach().clone().contiguous() for name, tensor in state.items()}, path)
    except Exception as error:  # safetensors' own, which is no OSError, where the disk is full
        raise OSError(f"{path.name}: {error}") from None
    path.chmod(0o644)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def check_bundle(path: Path, out: Path) -> None:
    """Raises ImportRefused unless the bundle at `path`, which is to become `out`, loads, and its decoder, where it is
    here, gives numbers."""
    try:
        if is_remote(path):
            read_remote_bundle(path, torch.device("cpu"))
            return
        bundle = load_bundle(path, torch.device("cpu"), None)
    except BundleError as error:
        raise ImportRefused(out, "bundle", "one that loads", error) from None
    ids = bundle.tokenizer.encode("The lamp is on the table.")
    with torch.inference_mode():
        logits = _logits(bundle, ids)
    if not logits.isfinite().all():
        raise ImportRefused(out, DECODER, "weights that give numbers", "others")


def _logits(bundle: Bundle, ids: Sequence[int]) -> Tensor:
    gpt = bundle.gpt
    return gpt.logits(gpt(gpt.embed(torch.tensor([ids])))[:, -1])


def _card(manifest: Mapping[str, Any]) -> str:
    lines = [f"# {manifest['name']}", "", "A bundle of public weights for Scenewright, imported without training.", ""]
    lines += ["| part | what | from | licence | sha256 |", "| --- | --- | --- | --- | --- |"]
    for part, origin in manifest["provenance"]["sources"].items():
        lines.append("| " + " | ".join((part, *map(str, origin.values()))) + " |")
    lines += ["", f"Knows: {manifest['knows']}", "", f"Does not know: {manifest['knows_not']}"]
    return "\n".join(lines) + "\n"
