"""Which documents say the same again, and which are so alike that they belong on one side of a split."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from datasketch import MinHash, MinHashLSH

N_WORDS = 3
"""Words, or characters of a script without spaces, of a shingle."""
N_HASHES = 128
N_AT_ONCE = 4096  # shingles that are hashed together
RECALL = (0.1, 0.9)
"""How much a false candidate and a missed one count: candidates are looked at again, so misses count more."""
MAX_THRESHOLD = 0.95
"""Of the search for candidates: above it there would be one band alone."""
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def digest(*parts: str) -> str:
    """The sha256 of texts, 64 hexadecimal digits; no two lists of texts run together."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode()
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


def shingles(text: str) -> frozenset[str]:
    """Every N_WORDS words in a row, in lower case and without punctuation; of a shorter text all its words as one, of a
    text without words itself."""
    words = WORD.findall(text.lower())
    if len(words) <= N_WORDS:
        return frozenset((" ".join(words) or text,))
    return frozenset(" ".join(words[k : k + N_WORDS]) for k in range(len(words) - N_WORDS + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of two sets' shingles that both have, 0..1."""
    return len(one & other) / len(one | other)


@dataclass(frozen=True)
class Likeness:
    """dropped: document -> the kept one that says the same, its shingles alike to at least `drop`. groups: for each
    kept document the key of its group; two that are alike to `together` are in one group, through others too."""

    dropped: Mapping[str, str]
    groups: Mapping[str, str]


def compare(documents: Mapping[str, tuple[str, str]], drop: float, together: float) -> Likeness:
    """Find what is nearly the same, by MinHash and LSH (Broder, 1997) and then by the exact Jaccard index.

    documents: key -> (place, text); only documents of one place are compared. They are taken in the order of their
    keys, so that the result does not depend on the order in which they come. A document is dropped where it is alike to
    `drop` to one that is kept. A pair at a threshold may be missed, one well above it hardly ever is; none is found
    that is not there.
    """
    index = MinHashLSH(num_perm=N_HASHES, params=_bands(min(drop, together)))
    blank = MinHash(N_HASHES, hashfunc=int)
    parents: dict[str, str] = {}
    dropped: dict[str, str] = {}
    for key in sorted(documents):
        place, text = documents[key]
        parents[key] = key
        found = shingles(text)
        sketch = _sketch(blank, place, found)
        alike = sorted(_alike(index.query(sketch), documents, place, found), reverse=True)
        for likeness, other in alike:
            if likeness >= together or likeness >= drop:
                _join(parents, key, other)
        if alike and alike[0][0] >= drop:
            dropped[key] = alike[0][1]
        else:
            index.insert(key, sketch)
    return Likeness(dropped, {key: _root(parents, key) for key in documents if key not in dropped})


@cache
def _bands(threshold: float) -> tuple[int, int]:
    """How many bands of how many hashes suit a threshold; the library's search for them takes a second."""
    index = MinHashLSH(min(threshold, MAX_THRESHOLD), N_HASHES, RECALL)
    return index.b, index.r


def _alike(
    candidates: Iterable[str], documents: Mapping[str, tuple[str, str]], place: str, found: frozenset[str]
) -> Iterator[tuple[float, str]]:
    for key in candidates:
        its_place, its_text = documents[key]
        if its_place == place:
            yield jaccard(found, shingles(its_text)), key


def _sketch(blank: MinHash, place: str, found: frozenset[str]) -> MinHash:
    """Of a document's shingles; where places differ, equal shingles have different hashes."""
    start, sketch = zlib.crc32(place.encode()), blank.copy()
    hashes = sorted({zlib.crc32(one.encode(), start) for one in found})
    for k in range(0, len(hashes), N_AT_ONCE):
        sketch.update_batch(hashes[k : k + N_AT_ONCE])
    return sketch


def _root(parents: Mapping[str, str], key: str) -> str:
    while parents[key] != key:
        key = parents[key]
    return key


def _join(parents: dict[str, str], one: str, other: str) -> None:
    """Make two groups one, whose key is the smaller of theirs."""
    low, high = sorted((_root(parents, one), _root(parents, other)))
    parents[high] = low


def join_by(groups: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Groups in which documents of the same label, "" being none, are together as well. Keys as `compare` has them."""
    parents = {key: key for key in sorted({*groups, *groups.values()})}
    for key, group in sorted(groups.items()):
        _join(parents, key, group)
    first: dict[str, str] = {}
    for key in sorted(groups):
        if label := labels.get(key, ""):
            _join(parents, key, first.setdefault(label, key))
    return {key: _root(parents, key) for key in groups}


def split(groups: Mapping[str, str], held: float) -> frozenset[str]:
    """The keys of the documents to hold out: whole groups, a share of about `held` of them by their hash, never the
    largest, and at least one where there are two or more."""
    sizes = Counter(groups.values())
    largest = max(sizes, key=lambda key: (sizes[key], key), default="")
    others = sorted(sizes.keys() - {largest}, key=_place_of)
    chosen = {key for key in others if _place_of(key) < held}
    if held > 0:
        chosen |= set(others[:1])
    return frozenset(key for key, group in groups.items() if group in chosen)


def _place_of(group: str) -> float:
    """A number in [0, 1) that only depends on the group's key."""
    return int(digest("split", group)[:13], 16) / 16**13
