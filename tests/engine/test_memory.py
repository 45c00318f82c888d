"""A session that remembers part of an answer goes on as a fresh one that was given just those tokens."""

import pytest
import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.memory import remember, taken_in
from scenewright_server.engine.request import Request, Sampling
from scenewright_server.engine.session import Session

from tests.engine.oracle import detections, finish, naive_ids, said, text_of

SAMPLING = Sampling(max_new_tokens=16, temperature=2.0, seed=3)
FIRST, SECOND, THIRD = "where is it", "what colour is the chair", "and the mug"


def ask(session, question, frame=None):
    return Request("ask", frame, None, question, sampling=SAMPLING, session=session)


def read(model, ids):
    """What an answer of these tokens says."""
    text = model.tokenizer.raw([id for id in ids if id >= model.tokenizer.n_specials])
    return text.removeprefix(" ").rstrip("\ufffd").encode()  # half a character is not said yet


@pytest.mark.parametrize("n_steps", [1, 5, 16])
def test_an_answer_is_remembered_as_far_as_it_was_heard(model, n_steps):
    scene = model.prefix(model.read(detections(5), ()))
    for n_bytes in (0, 1, 7, 20, 1000):
        engine, session = Engine(model), Session()
        [(first, _)] = finish(engine, ask(session, FIRST, detections(5)))
        cut = engine.add(ask(session, SECOND))
        for _ in range(n_steps):
            engine.step()
        cut.cancelled = True
        engine.step()
        kept = taken_in(model, cut, n_bytes)
        assert kept == cut.ids[: len(kept)]
        assert cut.output is not None and len(read(model, kept)) <= n_bytes
        longer = (cut.ids[:n] for n in range(len(kept) + 1, len(cut.ids) + 1))
        assert all(read(model, ids) == read(model, kept) or len(read(model, ids)) > n_bytes for ids in longer)
        with torch.inference_mode():
            remember(model, cut, n_bytes)
        turns = [said(model, model.prompt_question(FIRST), first.ids)]
        turns += [said(model, model.prompt_question(SECOND), kept)] if kept else []
        assert session.n_turns == len(turns)
        [(after, _)] = finish(engine, ask(session, THIRD))
        assert after.ids == naive_ids(model, scene, turns, model.prompt_question(THIRD), SAMPLING)


def test_a_whole_answer_can_be_shortened_and_forgotten_later(model):
    engine, session = Engine(model), Session()
    scene = model.prefix(model.read(detections(5), ()))
    [(run, events)] = finish(engine, ask(session, FIRST, detections(5)))
    half = taken_in(model, run, len(text_of(events).encode()) // 2)
    assert 0 < len(half) < len(run.ids)
    with torch.inference_mode():
        remember(model, run, len(text_of(events).encode()) // 2)
    [(after, _)] = finish(engine, ask(session, THIRD))
    turns = [said(model, model.prompt_question(FIRST), half)]
    assert after.ids == naive_ids(model, scene, turns, model.prompt_question(THIRD), SAMPLING)
    with torch.inference_mode():
        remember(model, after, 0)
    assert session.n_turns == 1


def test_a_request_that_never_began_changes_nothing(model):
    engine, session = Engine(model), Session()
    finish(engine, ask(session, FIRST, detections(5)))
    waiting = engine.add(ask(session, SECOND))
    waiting.cancelled = True
    engine.step()
    remember(model, waiting, 0)
    assert session.n_turns == 1
