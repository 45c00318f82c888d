"""An adapter becomes part of a bundle: the one that plans, or one more that it may speak with, by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from scenewright_server.families.bundle import FORMAT, MANIFEST, BundleError, file_sha256, read_manifest
from scenewright_server.families.chat.remote import is_remote
from scenewright_server.families.chat.storage import (
    ADAPTER_NAME,
    CARD,
    FAMILY,
    MAX_ADAPTER_BYTES,
    MAX_ADAPTERS,
    PLAN,
    PLANNER,
    adapter_file,
)
from scenewright_server.importers.bundles import check_bundle, save_tensors, written_whole
from scenewright_server.importers.planner import kind_of, read_planner
from scenewright_server.importers.refusal import ImportRefused


def add_adapter(bundle: Path, file: Path, name: str, out: Path) -> Path:
    """Write the bundle with this adapter to `out`, over a bundle that is there, which may be the same.

    `name`: the server offers "BUNDLE:NAME" then; "plan": it is the adapter that the bundle plans with. An adapter of
    that name is replaced. Raises ImportRefused, and then `out` is as it was before.
    """
    if out.exists() and not (out / MANIFEST).is_file():
        raise ImportRefused(out, "path", "nothing, or a bundle to replace", "something else")
    if not ADAPTER_NAME.fullmatch(name):
        raise ImportRefused(file, "name", f"one of {ADAPTER_NAME.pattern}", name)
    manifest = _read(bundle)
    if file.is_file() and (n_bytes := file.stat().st_size) > MAX_ADAPTER_BYTES:
        raise ImportRefused(file, "size", f"at most {MAX_ADAPTER_BYTES} bytes", n_bytes)
    part, kind = read_planner(file), kind_of(file)
    if kind and (kind == PLAN) != (name == PLAN):
        raise ImportRefused(file, "kind", "plan by the name plan, speech by any other", f"{kind}, named {name}")
    speaking: dict[str, Any] = manifest.get("adapters", {})
    if name == PLAN:
        written = PLANNER
        manifest["planner"] = part.told
    else:
        written = adapter_file(name)
        manifest["adapters"] = speaking | {name: {"rank": part.rank, "languages": part.languages}}
        if len(manifest["adapters"]) > MAX_ADAPTERS:
            raise ImportRefused(bundle, "adapters", f"at most {MAX_ADAPTERS}", len(manifest["adapters"]))
    origin = {"name": name, "source": file.resolve().name, "license": "unknown", "sha256": file_sha256(file)}
    label = "planner" if name == PLAN else f"adapter {name}"
    manifest["provenance"]["sources"][label] = origin
    with written_whole(out) as path:
        shutil.copytree(bundle, path, dirs_exist_ok=True)
        (path / written).parent.mkdir(exist_ok=True)
        save_tensors(part.state, path / written)
        (path / CARD).write_text(_with_row(bundle / CARD, label, origin))
        manifest["files"] = manifest["files"] | {its: file_sha256(path / its) for its in (written, CARD)}
        (path / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        check_bundle(path, out)
    return out


def _read(bundle: Path) -> dict[str, Any]:
    try:
        manifest = read_manifest(bundle)
        if manifest["family"] != FAMILY or is_remote(bundle):
            raise ImportRefused(bundle, "family", "a chat bundle whose decoder is here", manifest["family"])
    except BundleError as error:
        raise ImportRefused(bundle, "bundle", f"one of format {FORMAT}", error) from None
    return manifest


def _with_row(card: Path, label: str, origin: dict[str, str]) -> str:
    """The card with a line for the adapter behind those of the other parts, in place of an older one."""
    row = "| " + " | ".join((label, *origin.values())) + " |"
    lines = [line for line in card.read_text().splitlines() if not line.startswith(f"| {label} |")]
    last = max((n for n, line in enumerate(lines) if line.startswith("|")), default=len(lines) - 1)
    return "\n".join([*lines[: last + 1], row, *lines[last + 1 :]]) + "\n"
