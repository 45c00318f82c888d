"""Beam search: the most likely continuations, several at a time.

What is kept and when it ends is as in transformers' `generate` (its `_beam_search`, version 5), for one prompt: the
best 2 n candidates of a step (more with several end tokens) are looked at, those of the first n that end are kept as
found if their score is among the n best, and the best n that do not end go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenewright_server.engine.request import Sampling
from scenewright_server.engine.sampler import penalise
from scenewright_server.families.family import FinishReason
from scenewright_server.families.writing import LocalWriting


@dataclass(frozen=True)
class Beam:
    """A continuation. score: its log probability so far, as the repetition penalty left it; once it has ended, over its
    length to the power of the length penalty. log_probabilities: of its tokens, as the model has them."""

    ids: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    score: float = 0.0
    reason: FinishReason = FinishReason.TOKEN_LIMIT


class Search:
    """One prompt's beams: `n_beams` go on, after the first step; `found` are those that have ended, the best first."""

    def __init__(self, script: LocalWriting, sampling: Sampling, max_new_tokens: int) -> None:
        self.running: list[Beam] = [Beam()]
        self.found: list[Beam] = []
        self.is_over = False
        self._script, self._sampling, self._n_max = script, sampling, max_new_tokens
        self._scores = torch.zeros(1)  # of those that run
        self._n_kept = max(2, 1 + len(script.stops)) * sampling.n_beams

    def step(self, logits: Tensor) -> list[int]:
        """Take the logits (R, V) after each running beam; which of them each that runs now came from."""
        log_probs = logits.float().cpu().log_softmax(-1)
        scores = self._penalised(log_probs) + self._scores[:, None]
        n_vocab = scores.shape[1]
        best, places = scores.flatten().topk(min(self._n_kept, scores.numel()))
        origins = [place // n_vocab for place in places.tolist()]
        tokens = [place % n_vocab for place in places.tolist()]
        raw = log_probs.flatten()[places].tolist()
        candidates = [
            self._extend(origin, token, log_probability, score)
            for origin, token, log_probability, score in zip(origins, tokens, raw, best.tolist(), strict=True)
        ]
        ended = torch.tensor([self._has_ended(beam) for beam in candidates])
        n_tokens = len(candidates[0].ids)
        self._keep_ended(candidates, ended.tolist(), best / n_tokens**self._sampling.length_penalty)
        going = best + ended * -1e9  # those that have ended go on only where there are no others
        chosen = going.topk(min(self._sampling.n_beams, len(going))).indices.tolist()
        self.running, self._scores = [candidates[i] for i in chosen], going[chosen]
        self.is_over = bool(ended.all()) or not self._may_go_on(n_tokens)
        return [origins[i] for i in chosen]

    def _penalised(self, log_probs: Tensor) -> Tensor:
        penalty, prompt = self._sampling.repetition_penalty, self._script.prompt
        if penalty == 1:
            return log_probs
        seen = [torch.tensor(sorted({*prompt, *beam.ids})) for beam in self.running]
        return torch.stack([penalise(row, ids, penalty) for row, ids in zip(log_probs, seen, strict=True)])

    def _extend(self, origin: int, token: int, log_probability: float, score: float) -> Beam:
        before = self.running[origin]
        ids = (*before.ids, token)
        return Beam(ids, (*before.log_probabilities, log_probability), score, self._reason(ids))

    def _reason(self, ids: tuple[int, ...]) -> FinishReason:
        """STOP for what an end token or a stop string ends."""
        stop = self._sampling.stop
        is_stopped = ids[-1] in self._script.stops
        if stop and not is_stopped:
            text = self._script.text(ids)
            is_stopped = any(one in text for one in stop)
        return FinishReason.STOP if is_stopped else FinishReason.TOKEN_LIMIT

    def _has_ended(self, beam: Beam) -> bool:
        return beam.reason is FinishReason.STOP or len(beam.ids) >= self._n_max

    def _keep_ended(self, candidates: Sequence[Beam], ended: Sequence[bool], scores: Tensor) -> None:
        """Of the first n that have ended, those with the best scores; none once enough are found and it stops early."""
        n = self._sampling.n_beams
        if self._sampling.early_stopping and len(self.found) == n:
            return
        for beam, has_ended, score in list(zip(candidates, ended, scores.tolist(), strict=True))[:n]:
            if has_ended:
                self.found.append(Beam(beam.ids, beam.log_probabilities, score, beam.reason))
        self.found = sorted(self.found, key=lambda beam: -beam.score)[:n]

    def _may_go_on(self, n_tokens: int) -> bool:
        """Whether what runs may become better than what was found: judged by its length so far."""
        if len(self.found) < self._sampling.n_beams:
            return True
        best = self._scores[0] / n_tokens**self._sampling.length_penalty
        return not self._sampling.early_stopping and bool(best > self.found[-1].score)
