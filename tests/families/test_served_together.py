"""The embedded model, with its weights, beside another family on one server."""

import grpc
from scenewright.v1 import dialogue_pb2
from scenewright_server.service import app

from tests.service.talk import Talk
from tests.service.wire import Stubs, graph, inner, kind, said

SHORT = {"max_new_tokens": 60}


def test_the_embedded_model_and_another_answer_from_one_server(settings, tiny_bundle):
    """With weights: the embedded model beside the fake one, described, asked and talked to."""
    both = settings.model_copy(update={"models": ("diorama", str(tiny_bundle))})
    with app.background_server(both) as server, grpc.insecure_channel(server.address) as channel:
        stubs = Stubs(channel)
        words = {}
        for name in ("diorama", "tiny"):
            ask = dialogue_pb2.AskRequest(model=name, scene=graph(), text="where is the red chair", sampling=SHORT)
            events = list(stubs.dialogue.Ask(ask))
            words[name] = said(events)
            assert [inner(event).object_id for event in events if kind(event) == "annotation"][:1] == ["chair"]
            talk = Talk(stubs, model=name)
            talk.send(text={"text": "where is the red chair"})
            assert talk.until("done").response_id == "r1" and talk.text("r1")
            talk.hang_up()
            talk.check()
        assert words["diorama"] == "In the middle." != words["tiny"]
