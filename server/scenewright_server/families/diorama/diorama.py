"""The embedded family behind the seam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.families.diorama.codec import DioramaAudioCodec, DioramaCodec
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.memory import DioramaMemory
from scenewright_server.families.diorama.prefix import MAX_LABEL_TOKENS, spell
from scenewright_server.families.diorama.reading import ReadScript, understand
from scenewright_server.families.diorama.script import DioramaScript, by_heart, past_turn, prompt_spans
from scenewright_server.families.diorama.storage import Bundle
from scenewright_server.families.diorama.vision import preprocess, squash
from scenewright_server.families.family import SAMPLE_RATE_HZ, Heard, Memory, ModelError, Script, Spec, Turn
from scenewright_server.scene.entries import Detections
from scenewright_server.scene.words import normalise

SPEECH_LANGUAGES = ("en",)
"""What Diorama's Whisper learnt to hear."""


MAX_OBJECTS = 512
"""Of a scene that questions are read of; the decoder tells `tokenizer.N_REFS` apart."""


class ClipEmbedder:
    """See `families.family.Embedder`."""

    def __init__(self, model: FusedModel) -> None:
        self._model = model
        self.dimension = model.config.vision.d_embed
        self.scale = float(model.vision.clip.logit_scale.detach().exp())
        self.max_tokens = model.config.vision.n_text_ctx - 1

    def n_tokens(self, text: str) -> int:
        return len(self._model.tokenizer.words(normalise(text)))

    @torch.inference_mode()
    def embed_image(self, frame: np.ndarray) -> np.ndarray:
        model = self._model
        image = preprocess(frame, model.config.vision.image_size).to(model.device, model.dtype)
        return model.vision.embed_image(image[None])[0].float().cpu().numpy()

    @torch.inference_mode()
    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        model, n_ctx = self._model, self._model.config.vision.n_text_ctx
        rows = [[*model.tokenizer.words(normalise(text))[: n_ctx - 1], model.tokenizer.eot] for text in texts]
        ids = torch.tensor([row + [0] * (n_ctx - len(row)) for row in rows], device=model.device)
        return model.vision.embed_text(ids).float().cpu().numpy()


class Diorama:
    """See `families.family.Family`."""

    writer = None
    variants = ()

    def __init__(self, bundle: Bundle) -> None:
        model, info = bundle.model, bundle.info
        self.model = model
        self.spec = Spec(
            name=info.name,
            version=info.version,
            sha256=info.sha256,
            architecture=_describe(model),
            n_parameters=sum(parameter.numel() for parameter in model.parameters()),
            capabilities=frozenset(info.capabilities),
            languages=info.languages,
            speech_languages=SPEECH_LANGUAGES,
            fusion=info.fusion,
            knows=info.knows,
            knows_not=info.knows_not,
            license=str(info.provenance.get("license", "")),
            max_audio_s=model.config.audio.max_seconds,
            max_objects=MAX_OBJECTS,
            n_frames_at_once=1 if model.device.type == "cpu" else 8,
        )
        self.decoder = GPTDecoder(model.gpt)
        self.embedder = ClipEmbedder(model)
        self.codec = DioramaCodec(info.name, model.config.vision)
        self.audio_codec = DioramaAudioCodec(info.name, model.config.audio, model.tokenizer)

    def fit(self, frame: np.ndarray) -> np.ndarray:
        return squash(frame, self.model.config.vision.image_size)

    def see(self, frames: Sequence[np.ndarray]) -> list[Detections]:
        return self.model.see_all(frames)

    def hear(self, clip: np.ndarray) -> Heard:
        n_s, bound_s = len(clip) / SAMPLE_RATE_HZ, self.spec.max_audio_s
        if n_s > bound_s:
            raise ModelError(
                "AUDIO_TOO_LONG",
                f"audio lasts {n_s:.2f} s, the model hears {bound_s:.2f} s",
                field="audio",
                value=n_s,
                bound=bound_s,
            )
        heard = self.model.hear(clip)
        return Heard(self.model.tokenizer.decode(heard.ids), heard.confidence, heard)

    def read(self, text: str) -> str:
        return normalise(text)

    def fault(self, label: str) -> tuple[str, str] | None:
        n = len(spell(label, self.model.tokenizer))
        return (f"{n} tokens", f"at most {MAX_LABEL_TOKENS}") if n > MAX_LABEL_TOKENS else None

    def past(self, history: Sequence[tuple[str, str]]) -> DioramaMemory:
        turns = tuple(
            past_turn(prompt_spans(self.model, question), by_heart(self.model.tokenizer, answer))
            for question, answer in history
        )
        return DioramaMemory(turns=turns, last=history[-1] if history else None)

    @torch.inference_mode()
    def open(self, turn: Turn, memory: Memory | None = None) -> Script:
        assert memory is None or isinstance(memory, DioramaMemory)
        before = memory or DioramaMemory()
        understood = understand(turn, before, self.model.tokenizer)
        if understood is not None:
            return ReadScript(self.model, turn, before, understood)
        return DioramaScript(self.model, turn, before, self.spec.languages[0])

    @torch.inference_mode()
    def warm(self, turn: Turn, memory: Memory | None = None) -> Script:
        assert memory is None or isinstance(memory, DioramaMemory)
        return DioramaScript(self.model, turn, memory or DioramaMemory(), self.spec.languages[0]).ahead()


def _describe(model: FusedModel) -> str:
    gpt, vision, audio = model.config.gpt, model.config.vision, model.config.audio
    return (
        f"decoder of {gpt.n_layers} layers, {gpt.d_model} wide, context {gpt.n_ctx}; "
        f"open_clip ModifiedResNet {vision.layers}, {vision.width} wide, {vision.image_size} px, "
        f"with a detection head; Whisper of {audio.n_layers} layers, {audio.d_model} wide, "
        f"{audio.max_seconds:g} s, with a CTC head"
    )
