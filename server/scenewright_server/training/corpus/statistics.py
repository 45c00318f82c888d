"""What was prepared and what was dropped, in numbers and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenewright_server.training.shards import KINDS, SPLITS, Shards

MAX_BARS = 8
QUANTILES = {"shortest": 0.0, "median": 0.5, "p95": 0.95, "longest": 1.0}


@dataclass
class Tally:
    """What is counted on the way. dropped: reason -> documents. groups: of documents that stay on one side of the
    split; largest_group: how many documents it has."""

    n_read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    groups: int = 0
    largest_group: int = 0


def summarise(tally: Tally, shards: Shards) -> dict[str, Any]:
    """Everything that stats.json holds; equal for equal documents."""
    lengths = np.array([its.length for its in shards.documents])
    learnt = np.array([int(shards.read(k)[1].sum()) for k in range(len(shards))])
    splits = {}
    for split in SPLITS:
        own = shards.of(split)
        splits[split] = {
            "documents": len(own),
            "tokens": int(lengths[own].sum()) if own else 0,
            "learnt": int(learnt[own].sum()) if own else 0,
        }
    n_dropped = sum(tally.dropped.values())
    return {
        "read": tally.n_read,
        "kept": tally.n_read - n_dropped,
        "dropped": _sorted(tally.dropped),
        "kinds": {kind: tally.kinds[kind] for kind in KINDS if tally.kinds[kind]},
        "languages": _sorted(tally.languages),
        "splits": splits,
        "groups": {"number": tally.groups, "largest": tally.largest_group},
        "lengths": {name: int(np.quantile(lengths, q, method="lower")) for name, q in QUANTILES.items()},
    }


def draw(stats: Mapping[str, Any], shards: Shards, path: Path) -> None:
    """A picture: lengths of the documents of each split, languages, and what became of what was read."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    FigureCanvasAgg(figure)
    lengths, languages, dropped = figure.subplots(1, 3)
    by_split = {split: [shards.documents[k].length for k in shards.of(split)] for split in SPLITS}
    most = max(map(max, filter(None, by_split.values())))
    bins = np.unique(np.geomspace(1, most + 1, 30).astype(int))
    lengths.hist(list(by_split.values()), bins=bins, stacked=True, label=list(by_split))
    lengths.set(xscale="log", xlabel="tokens of a document", ylabel="documents")
    lengths.legend(fontsize=8)
    _bars(languages, _largest(stats["languages"]), "documents by language")
    _bars(dropped, {"kept": stats["kept"], **stats["dropped"]}, "documents read, kept and dropped")
    figure.savefig(path, dpi=100)


def _bars(axes: Any, counts: Mapping[str, int], title: str) -> None:
    names, numbers = list(counts), list(counts.values())
    bars = axes.barh(names[::-1], numbers[::-1])
    axes.bar_label(bars, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.margins(x=0.15)


def _largest(counts: Mapping[str, int]) -> dict[str, int]:
    """The largest bars, and one for all others."""
    items = list(counts.items())
    rest = sum(n for _, n in items[MAX_BARS:])
    return dict(items[:MAX_BARS]) | ({"others": rest} if rest else {})


def _sorted(counts: Counter[str]) -> dict[str, int]:
    """Most first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
