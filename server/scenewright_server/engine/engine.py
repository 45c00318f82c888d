"""Runs sequences on the model, one forward a step. Synchronous: AsyncEngine gives it its thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.engine.output import Output
from scenewright_server.engine.request import (
    Done,
    EngineError,
    Event,
    Failed,
    FinishReason,
    Request,
    Started,
    TextDelta,
    Transcript,
)
from scenewright_server.engine.sampler import sample
from scenewright_server.engine.scheduler import Scheduler
from scenewright_server.engine.sequence import Sequence
from scenewright_server.families.diorama.audio import SAMPLE_RATE_HZ, Heard
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.script import Script
from scenewright_server.families.diorama.vision import preprocess
from scenewright_server.perception.content import Recent, digest
from scenewright_server.scene.entries import Detections
from scenewright_server.scene.words import is_chinese, normalise

NO_SPEECH_TEXT = "I did not hear a question."
N_KEPT = 64  # frames, and as many recordings, whose encoding is kept


class Engine:
    """One model, `n_slots` sequences at a time."""

    def __init__(self, model: FusedModel, *, n_slots: int = 8) -> None:
        self.model = model.eval()
        self.scheduler = Scheduler(n_slots)
        self._seen: Recent[Detections] = Recent(N_KEPT)
        self._heard: Recent[Heard] = Recent(N_KEPT)
        self._events: list[tuple[Sequence, Event]] = []

    def add(self, request: Request) -> Sequence:
        """Take a request in. Its events come out of `step`, Done or Failed the last."""
        sequence = Sequence(request)
        self.scheduler.add(sequence)
        return sequence

    @property
    def has_work(self) -> bool:
        return self.scheduler.has_work

    @torch.inference_mode()
    def step(self) -> list[tuple[Sequence, Event]]:
        """Drop what was cancelled, then run one forward: a prefill, or one more token for all that run."""
        for sequence in self.scheduler.cancelled():
            self._finish(sequence, FinishReason.CANCELLED)
        batch = self.scheduler.next()
        logits: Iterable[Tensor | None] = ()  # and so it stays when the run fails
        with self._ending(*batch):
            logits = self._run(batch)
        for sequence, row in zip(batch, logits, strict=False):
            with self._ending(sequence):
                self._postprocess(sequence, row)
        events, self._events = self._events, []
        return events

    def see(self, frame: np.ndarray | Detections) -> Detections:
        """What is in a frame (H, W, 3) uint8; the last frames' results are kept."""
        if isinstance(frame, Detections):
            return frame
        return self._seen.get(digest(frame), lambda: self.model.see(frame))

    def hear(self, audio: np.ndarray | Heard) -> Heard:
        """What is said in (n,) float32 at 16 kHz; the last recordings' results are kept.

        Raises EngineError AUDIO_TOO_LONG.
        """
        if isinstance(audio, Heard):
            return audio
        n_s, bound_s = len(audio) / SAMPLE_RATE_HZ, self.model.config.audio.max_seconds
        if n_s > bound_s:
            raise EngineError(
                "AUDIO_TOO_LONG",
                f"audio lasts {n_s:.2f} s, the model hears {bound_s:.2f} s",
                field="audio",
                value=n_s,
                bound=bound_s,
            )
        return self._heard.get(digest(audio), lambda: self.model.hear(audio))

    def transcribe(self, audio: np.ndarray | Heard) -> Transcript:
        """The words of a recording; errors as for `hear`."""
        heard = self.hear(audio)
        return Transcript(self.model.tokenizer.decode(heard.ids), heard.confidence)

    @torch.inference_mode()
    def embed_image(self, frame: np.ndarray) -> np.ndarray:
        """The unit CLIP embedding (E,) float32 of a frame (H, W, 3) uint8."""
        model = self.model
        image = preprocess(frame, model.config.vision.image_size).to(model.device)
        return model.vision.embed_image(image[None])[0].float().cpu().numpy()

    @torch.inference_mode()
    def embed_text(self, texts: Iterable[str]) -> np.ndarray:
        """Unit CLIP embeddings (N, E) float32 of texts, each cut to the text tower's context."""
        model, n_ctx = self.model, self.model.config.vision.n_text_ctx
        rows = [[*model.tokenizer.words(normalise(text))[: n_ctx - 1], model.tokenizer.eot] for text in texts]
        ids = torch.tensor([row + [0] * (n_ctx - len(row)) for row in rows], device=model.device)
        return model.vision.embed_text(ids).float().cpu().numpy()

    def _run(self, batch: list[Sequence]) -> Iterable[Tensor | None]:
        """Each next token's logits (V,) float32; None for a question without words."""
        if not batch:
            return []
        if batch[0].ids:
            return self._decode(batch)
        sequence = batch[0]
        prompt = self._read(sequence)
        if prompt is None:
            return [None]
        x = torch.cat([self._open(sequence, prompt), *self._forced(sequence)])
        return self._forward(x[None], [sequence], sequence.session.prefix_len)

    def _decode(self, batch: list[Sequence]) -> list[Tensor]:
        """One more token for all; what a script forces upon a sequence runs at once, on its own."""
        rows: dict[Sequence, Tensor] = {}
        for sequence in batch:
            last = self.model.embed(sequence.ids[-1:])
            forced = self._forced(sequence)
            if forced:
                rows[sequence] = self._forward(torch.cat([last, *forced])[None], [sequence])[0]
        free = [sequence for sequence in batch if sequence not in rows]
        if free:
            x = self.model.embed([sequence.ids[-1] for sequence in free])[:, None]
            rows |= zip(free, self._forward(x, free), strict=True)
        return [rows[sequence] for sequence in batch]

    def _forward(self, x: Tensor, batch: list[Sequence], prefix_len: int = 0) -> Tensor:
        """Each next token's logits (B, V) float32 after x (B, T, D)."""
        hidden = self.model.gpt(x, prefix_len=prefix_len, caches=[s.session.cache for s in batch])
        return self.model.gpt.logits(hidden[:, -1]).float()

    def _forced(self, sequence: Sequence) -> list[Tensor]:
        """Say what the script leaves no choice about, as far as the limit goes; its embeddings (T, D), if any."""
        script = sequence.script
        assert script is not None
        ids: list[int] = []
        while more := script.forced[: sequence.max_new_tokens - len(sequence.ids) - 1]:
            sure = 1.0 if script.finding is None or script.is_speaking else script.finding.confidence
            for token in more:
                self._say(sequence, token, sure)
            ids += more
        return [self.model.embed(ids)] if ids else []

    def _read(self, sequence: Sequence) -> Tensor | None:
        """Look and listen: puts the scene into the session, returns the prompt's embeddings (T, D)."""
        request, session, model = sequence.request, sequence.session, self.model
        queued_ms = sequence.age_ms
        prompt: Tensor | None = None
        if request.task == "describe":
            prompt = model.prompt_describe(request.language)
        elif request.question is not None:
            sequence.ask(model.tokenizer.words(normalise(request.question)), is_chinese(request.question))
            prompt = model.prompt_question(request.question)
        elif request.audio is not None:
            heard = self.hear(request.audio)
            self._emit(sequence, self.transcribe(heard))
            if heard.ids:
                sequence.ask(heard.ids)
                prompt = model.prompt_voice(heard)
        heard_ms = sequence.age_ms
        if prompt is not None:
            self._look(sequence, len(prompt))
            self._emit(sequence, Started(session.entries))
        sequence.timings = replace(
            sequence.timings,
            queue=queued_ms,
            encode_audio=heard_ms - queued_ms if request.audio is not None else 0.0,
            encode_image=sequence.age_ms - heard_ms,
        )
        return prompt

    def _look(self, sequence: Sequence, n_prompt: int) -> None:
        """Bring the session's scene up to date, or leave it as it was and raise EngineError CONTEXT_FULL."""
        request, session, model = sequence.request, sequence.session, self.model
        detections = session.detections if request.frame is None else self.see(request.frame)
        graph = session.graph if request.graph is None else request.graph
        key = digest((detections, graph))
        changed = key != session.scene_key
        scene = model.read(detections, graph) if changed else None
        n_prefix = session.prefix_len if scene is None else len(scene)
        n_ctx = model.config.gpt.n_ctx
        if n_prefix + n_prompt >= n_ctx:
            raise EngineError(
                "CONTEXT_FULL",
                f"the context holds {n_ctx} positions, received {n_prefix} (scene) + {n_prompt} (question)",
                bound=n_ctx,
                scene=n_prefix,
                question=n_prompt,
            )
        if scene is not None:
            prefix = model.prefix(scene)
            session.detections, session.graph, session.scene_key = detections, graph, key
            session.see(scene.entries, prefix)

    def _open(self, sequence: Sequence, prompt: Tensor) -> Tensor:
        """Open the turn: the embeddings (N, D) to prefill."""
        request, session, model = sequence.request, sequence.session, self.model
        if session.cache is None:
            session.cache = KVCache(model.config.gpt, prompt.device, prompt.dtype)
        room = model.config.gpt.n_ctx - session.prefix_len - len(prompt)
        sequence.max_new_tokens = min(request.sampling.max_new_tokens, room)
        x = session.open_turn(prompt, sequence.max_new_tokens, model.config.gpt.n_ctx)
        is_description = request.task == "describe"
        sequence.output = Output(model.tokenizer, session.entries, not is_description, request.sampling.stop)
        sequence.script = Script(
            model,
            session.entries,
            session.detections,
            asked=None if is_description else sequence.asked,
            language=sequence.language,
            focus=session.focus_refs,
        )
        sequence.generator = torch.Generator(prompt.device)
        if request.sampling.seed is None:
            sequence.generator.seed()
        else:
            sequence.generator.manual_seed(request.sampling.seed)
        sequence.usage = replace(
            sequence.usage, prefix=session.prefix_len, prompt=len(prompt), cached=session.cache.length
        )
        return x

    def _postprocess(self, sequence: Sequence, logits: Tensor | None) -> None:
        """Choose the token, tell what it says, end the sequence where it ends."""
        if logits is None:
            self._emit(sequence, TextDelta(NO_SPEECH_TEXT))
            self._finish(sequence, FinishReason.NO_SPEECH)
            return
        output, generator, sampling = sequence.output, sequence.generator, sequence.request.sampling
        script = sequence.script
        assert output is not None and script is not None and generator is not None  # set with the prefill
        n_specials = self.model.tokenizer.n_specials
        words = [id for id in sequence.ids if id >= n_specials]
        token, probability = sample(script.mask(logits), sampling, words, generator)
        if script.finding is None:
            sequence.plan_confidence = min(sequence.plan_confidence, probability)
        if not sequence.timings.prefill:
            timings = sequence.timings
            prefill_ms = sequence.age_ms - timings.queue - timings.encode_audio - timings.encode_image
            sequence.timings = replace(timings, prefill=prefill_ms)
        self._say(sequence, token, probability)
        if token == self.model.tokenizer.eot or output.stopped:
            self._finish(sequence, FinishReason.STOP)
        elif len(sequence.ids) >= sequence.max_new_tokens:
            self._finish(sequence, FinishReason.TOKEN_LIMIT)

    def _say(self, sequence: Sequence, token: int, probability: float) -> None:
        """Take a token into the answer and tell what it says."""
        output, script = sequence.output, sequence.script
        assert output is not None and script is not None
        script.feed(token)
        sequence.ids.append(token)
        for event in output.feed(token, probability):
            if isinstance(event, TextDelta) and not sequence.timings.first_token:
                sequence.timings = replace(sequence.timings, first_token=sequence.age_ms)
            self._emit(sequence, event)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        """End a sequence that did not fail; a cancelled or empty turn leaves no trace in its session."""
        complete = reason in (FinishReason.STOP, FinishReason.TOKEN_LIMIT)
        if complete and sequence.output is not None:
            for event in sequence.output.finish():
                self._emit(sequence, event)
        usage = replace(sequence.usage, generated=len(sequence.ids))
        timings = replace(sequence.timings, total=sequence.age_ms)
        finding = None if sequence.script is None else sequence.script.finding
        confidence = 1.0 if finding is None else finding.confidence * sequence.plan_confidence
        self._end(sequence, Done(reason, usage, timings, confidence), complete)

    def _end(self, sequence: Sequence, last: Event, complete: bool = False) -> None:
        """Free the slot. The turn of a sequence that had one is kept, ended by eot, when it is `complete`."""
        if self.scheduler.remove(sequence):
            eot = self.model.tokenizer.eot
            spoken = [id for id in sequence.ids if id != eot]
            answer = self.model.embed([*spoken, eot]) if complete else None
            sequence.session.close_turn(answer, sequence.settled)
        self._emit(sequence, last)

    @contextmanager
    def _ending(self, *sequences: Sequence) -> Iterator[None]:
        """An error ends these sequences and no other."""
        try:
            yield
        except Exception as error:
            for sequence in sequences:
                self._end(sequence, Failed(error))

    def _emit(self, sequence: Sequence, event: Event) -> None:
        self._events.append((sequence, event))
