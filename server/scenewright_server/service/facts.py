"""What the loaded bundle is and can do, as GetModel tells it."""

from __future__ import annotations

from scenewright.v1 import model_pb2

from scenewright_server.families.diorama.storage import Bundle
from scenewright_server.service.reading.features import FeatureCodec
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused

_CAPABILITIES = {
    "describe": model_pb2.CAPABILITY_DESCRIBE,
    "ask": model_pb2.CAPABILITY_ANSWER,
    "voice": model_pb2.CAPABILITY_AUDIO_INPUT,
    "scene_graph": model_pb2.CAPABILITY_SCENE_INPUT,
    "transcribe": model_pb2.CAPABILITY_TRANSCRIBE,
    "embed_image": model_pb2.CAPABILITY_EMBED_IMAGE,
    "embed_text": model_pb2.CAPABILITY_EMBED_TEXT,
}
_FUSIONS = {"soft": model_pb2.FUSION_KIND_SOFT, "text": model_pb2.FUSION_KIND_TEXT}


class Facts:
    """A bundle's capabilities, and the bounds that hold for it."""

    def __init__(self, bundle: Bundle, limits: Limits) -> None:
        self.bundle = bundle
        self.limits = limits.model_copy(
            update={"max_audio_s": min(limits.max_audio_s, bundle.model.config.audio.max_seconds)}
        )
        vision = bundle.model.config.vision
        self.codec = FeatureCodec(bundle.info.name, bundle.info.sha256, vision, limits.max_image_aspect)
        self.capabilities = {_CAPABILITIES[name] for name in bundle.info.capabilities if name in _CAPABILITIES}
        if "ask" in bundle.info.capabilities:
            self.capabilities.add(model_pb2.CAPABILITY_CONVERSE)
        if "image" in bundle.info.fusion:
            self.capabilities |= {model_pb2.CAPABILITY_IMAGE_INPUT, model_pb2.CAPABILITY_GROUND}

    def need(self, *capabilities: model_pb2.Capability.ValueType) -> None:
        """Raises `Refused` (CAPABILITY_MISSING), the capability named, unless the model has all of these."""
        for capability in capabilities:
            if capability not in self.capabilities:
                name = model_pb2.Capability.Name(capability)
                raise Refused("CAPABILITY_MISSING", f"model {self.bundle.info.name!r} lacks {name}", capability=name)

    def describe(self) -> model_pb2.Model:
        """The Model message."""
        info, model = self.bundle.info, self.bundle.model
        gpt, vision, audio = model.config.gpt, model.config.vision, model.config.audio
        embeds = model_pb2.CAPABILITY_EMBED_IMAGE in self.capabilities
        return model_pb2.Model(
            name=info.name,
            version=info.version,
            sha256=info.sha256,
            architecture=(
                f"decoder of {gpt.n_layers} layers, {gpt.d_model} wide, context {gpt.n_ctx}; "
                f"open_clip ModifiedResNet {vision.layers}, {vision.width} wide, {vision.image_size} px, "
                f"with a detection head; Whisper of {audio.n_layers} layers, {audio.d_model} wide, "
                f"{audio.max_seconds:g} s, with a CTC head"
            ),
            n_parameters=sum(parameter.numel() for parameter in model.parameters()),
            capabilities=sorted(self.capabilities),
            languages=info.languages,
            image_fusion=_FUSIONS.get(info.fusion.get("image", ""), model_pb2.FUSION_KIND_UNSPECIFIED),
            audio_fusion=_FUSIONS.get(info.fusion.get("audio", ""), model_pb2.FUSION_KIND_UNSPECIFIED),
            scene_fusion=_FUSIONS.get(info.fusion.get("scene_graph", ""), model_pb2.FUSION_KIND_UNSPECIFIED),
            embedding_dimension=vision.d_embed if embeds else 0,
            encoders=[self.codec.encoder],
            limits=self._limits(),
            knows=info.knows,
            does_not_know=info.knows_not,
            license=str(info.provenance.get("license", "")),
            device=str(model.device),
        )

    def _limits(self) -> model_pb2.Limits:
        shared = {field.name for field in model_pb2.Limits.DESCRIPTOR.fields} & set(Limits.model_fields)
        return model_pb2.Limits(
            max_context_tokens=self.bundle.model.config.gpt.n_ctx,
            **{name: getattr(self.limits, name) for name in shared},
        )
