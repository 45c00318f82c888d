"""What the engine points at -> the contract's annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scenewright.v1 import annotation_pb2

from scenewright_server.engine.request import Mentioned
from scenewright_server.scene.entries import Detections

_NAMING = ("colour", "kind")
"""The attributes that make a short name, in the order in which they are said."""


class Annotator:
    """Turns one response's mentions into annotations.

    An id is made of the thing's place in the scene: the same thing has the same id in every answer about the
    same frame and graph.
    """

    def __init__(self, frame_id: str, detections: Detections | None, values: Mapping[str, Sequence[str]]) -> None:
        self._frame_id = frame_id
        self._detections = detections
        self._values = values

    def annotate(self, mention: Mentioned) -> annotation_pb2.Annotation:
        """The annotation of a mention."""
        entry = mention.entry
        annotation = annotation_pb2.Annotation(
            id=f"a{mention.ref + 1}", frame_id=self._frame_id, label=mention.words or self._name(mention)
        )
        if entry.graph is not None:
            annotation.object_id = entry.graph.id
            annotation.anchor_id = entry.graph.anchor_id
        if entry.detection is not None:
            annotation.confidence = mention.confidence * entry.score
        if entry.box is not None:
            x0, y0, x1, y1 = entry.box
            annotation.box.CopyFrom(annotation_pb2.Box2D(x=x0, y=y0, width=x1 - x0, height=y1 - y0))
        return annotation

    def _name(self, mention: Mentioned) -> str:
        """A name for what the answer looked at without naming it."""
        entry = mention.entry
        if entry.graph is not None:
            return entry.graph.label
        if self._detections is None or entry.detection is None:
            return ""
        posteriors = self._detections.attributes
        return " ".join(
            self._values[name][int(posteriors[name][entry.detection].argmax())]
            for name in _NAMING
            if name in posteriors
        )
