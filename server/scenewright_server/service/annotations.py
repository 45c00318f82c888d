"""What a response points at -> the contract's annotations."""

from __future__ import annotations

from collections.abc import Sequence

from scenewright.v1 import annotation_pb2

from scenewright_server.families.family import Mention


def annotate(
    mention: Mention, frame_id: str, spans: Sequence[annotation_pb2.TextSpan] = ()
) -> annotation_pb2.Annotation:
    """The annotation of a mention; `spans` are the words of the response that mean the thing.

    Its id is made of the thing's place in the scene: the same thing has the same id in every answer about the same
    frame and graph.
    """
    entry = mention.entry
    annotation = annotation_pb2.Annotation(
        id=f"a{mention.ref + 1}", frame_id=frame_id, label=mention.label, spans=spans
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
