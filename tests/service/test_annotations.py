"""What the engine points at, told by the contract."""

import pytest
from scenewright_server.families.family import Mention
from scenewright_server.scene.entries import Entry, GraphObject
from scenewright_server.service.annotations import annotate

BOX = (0.1, 0.2, 0.5, 0.8)
KNOWN = GraphObject("id-1", "goblin king", (0, 0, 2), (1, 1, 1), BOX, "anchor-1")


def entry(detection=None, graph=None, box=BOX):
    return Entry(detection, graph, (0, 0, 2), (1, 1, 1), box, 0.5 if detection is not None else 1.0)


def annotation_of(label, entry, confidence=0.8):
    return annotate(Mention(2, label, confidence, entry), "f")


def test_a_detection():
    annotation = annotation_of("the blue mug", entry(detection=0))
    assert (annotation.id, annotation.frame_id, annotation.label) == ("a3", "f", "the blue mug")
    assert annotation.confidence == pytest.approx(0.4)
    box = annotation.box
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.1, 0.2, 0.4, 0.6))
    assert not annotation.object_id and not annotation.anchor_id


def test_an_object_of_the_graph():
    annotation = annotation_of("goblin king", entry(graph=KNOWN))
    assert (annotation.label, annotation.object_id, annotation.anchor_id) == (
        "goblin king",
        "id-1",
        "anchor-1",
    )
    assert not annotation.HasField("confidence")


def test_an_object_that_is_also_seen_has_a_confidence():
    annotation = annotation_of("the king", entry(detection=0, graph=KNOWN))
    assert annotation.object_id == "id-1" and annotation.confidence == pytest.approx(0.4)


def test_out_of_view_there_is_no_target():
    assert annotation_of("the king", entry(graph=KNOWN, box=None)).WhichOneof("target") is None
