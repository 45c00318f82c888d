"""What a decoder costs and how well it foretells text, of two bundles in turn: before and after a compression."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.families.bundle import load_family
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.planned import PLAN
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.families.family import Family
from scenewright_server.model.quantised import count_bytes

TEXTS = {tag: Path(__file__).with_name(f"perplexity_{tag}.txt") for tag in ("en", "zh")}
N_PREFILL, N_PROMPT, N_DECODE = 512, 128, 64
N_SCENE, N_QUESTION, N_PLAN = 400, 20, 20
"""Tokens of a planner's scene, which is cached, of its question and of its plan."""
N_WINDOW = 512

Report = Callable[[str, int, int], None]
"""Told of the progress: what is measured, how much is done, and of how much."""


@dataclass(frozen=True)
class Cost:
    """Of a bundle: bytes on disk of all, and in memory of its decoder, its planner's weights among them; greedy tokens
    a second after a prompt of 128; seconds of a prefill of 512 and of a planner's plan, None without a planner;
    perplexity by token of the texts beside this module, {} of a model that cannot write them."""

    disk_bytes: int
    memory_bytes: int
    tokens_per_s: float
    prefill_s: float
    plan_s: float | None
    perplexity: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Subject:
    path: Path
    family: Family
    decoder: GPTDecoder


def measure(paths: Sequence[Path], rounds: int, report: Report) -> list[Cost]:
    """The costs of bundles whose decoders are here. Each time is the median of `rounds`, in which the bundles take
    turns, so that whatever else the machine does falls on all of them. With one thread of torch it is the CPU's time,
    without that of other processes. Raises `load_family`'s errors."""
    subjects = [_load(path) for path in paths]
    works: dict[str, Callable[[GPTDecoder], float]] = {"decode": _time_decode, "prefill": _time_prefill}
    if all(isinstance(subject.family, Chat) and subject.family.plans for subject in subjects):
        works["plan"] = _time_plan
    times: dict[tuple[str, int], list[float]] = {}
    n_steps = rounds * len(works) + len(TEXTS)
    for n in range(rounds):
        for m, (name, work) in enumerate(works.items()):
            report(name, n * len(works) + m, n_steps)
            for i, subject in enumerate(subjects):
                times.setdefault((name, i), []).append(work(subject.decoder))
    perplexity: list[dict[str, float]] = [{} for _ in subjects]
    for m, (tag, file) in enumerate(TEXTS.items()):
        report(f"perplexity {tag}", rounds * len(works) + m, n_steps)
        for i, subject in enumerate(subjects):
            if isinstance(subject.family, Chat):
                ids = subject.family.tokenizer.encode(file.read_text(encoding="utf-8"))
                perplexity[i][tag] = perplexity_of(subject.decoder, ids)
    report("", n_steps, n_steps)

    def median(name: str, i: int) -> float:
        return statistics.median(times[name, i])

    return [
        Cost(
            sum(file.stat().st_size for file in subject.path.iterdir()),
            count_bytes(*subject.decoder.gpts),
            N_DECODE / median("decode", i),
            median("prefill", i),
            median("plan", i) if "plan" in works else None,
            perplexity[i],
        )
        for i, subject in enumerate(subjects)
    ]


@torch.inference_mode()
def perplexity_of(decoder: GPTDecoder, ids: Sequence[int]) -> float:
    """exp of the mean cross-entropy of tokens, each foretold from those before it in its window of 512."""
    gpt, losses = decoder.gpts[0], list[Tensor]()
    n = min(N_WINDOW, gpt.config.n_ctx)
    for start in range(0, len(ids) - 1, n):
        window = torch.tensor(ids[start : start + n], device=gpt.device)
        hidden = gpt(gpt.embed(window)[None])[0, :-1]
        for some, wanted in zip(hidden.split(64), window[1:].split(64), strict=True):
            losses.append(F.cross_entropy(gpt.logits(some).float(), wanted, reduction="none"))
    return math.exp(float(torch.cat(losses).mean()))


def _load(path: Path) -> _Subject:
    family = load_family(path)
    assert isinstance(family.decoder, GPTDecoder)
    return _Subject(path, family, family.decoder)


@contextmanager
def _clock() -> Iterator[list[float]]:
    """The seconds that its block takes, at its end."""
    now = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds: list[float] = []
    start = now()
    yield seconds
    seconds.append(now() - start)


def _ids(decoder: GPTDecoder, n: int) -> list[int]:
    """So many ids, or fewer where the context has no room for 64 after them."""
    n = min(n, decoder.shape.n_ctx - N_DECODE)
    return torch.randint(
        0, decoder.gpts[0].config.vocab_size, (n,), generator=torch.Generator().manual_seed(0)
    ).tolist()


def _decode(decoder: GPTDecoder, cache: KVCache, logits: Tensor, n: int, adapter: str = "") -> None:
    for _ in range(n):
        token = int(logits.argmax())
        logits = decoder.forward(decoder.embed([token])[None], [cache], adapter=adapter)


@torch.inference_mode()
def _time_decode(decoder: GPTDecoder) -> float:
    cache = KVCache(decoder.shape)
    logits = decoder.forward(decoder.embed(_ids(decoder, N_PROMPT))[None], [cache])
    with _clock() as seconds:
        _decode(decoder, cache, logits, N_DECODE)
    return seconds[0]


@torch.inference_mode()
def _time_prefill(decoder: GPTDecoder) -> float:
    cache, x = KVCache(decoder.shape), decoder.embed(_ids(decoder, N_PREFILL))[None]
    with _clock() as seconds:
        decoder.forward(x, [cache])
    return seconds[0]


@torch.inference_mode()
def _time_plan(decoder: GPTDecoder) -> float:
    """A question is read and its plan written, over a scene that was read before."""
    cache, scene = KVCache(decoder.shape), _ids(decoder, N_SCENE)
    decoder.forward(decoder.embed(scene)[None], [cache], adapter=PLAN)
    with _clock() as seconds:
        logits = decoder.forward(decoder.embed(_ids(decoder, N_QUESTION))[None], [cache], adapter=PLAN)
        _decode(decoder, cache, logits, N_PLAN - 1, PLAN)
    return seconds[0]
