"""A session that remembers part of an answer goes on as a fresh one that was given just those tokens."""

import pytest
import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.memory import remember, taken_in
from scenewright_server.engine.request import Request, Sampling
from scenewright_server.engine.session import Session

from tests.engine.oracle import N_CTX, detections, finish, text_of

SAMPLING = Sampling(max_new_tokens=24, temperature=2.0, seed=7)
FIRST, SECOND, THIRD = "where is it", "what colour is the chair", "and the mug"


def ask(session, question, frame=None):
    return Request("ask", frame, None, question, sampling=SAMPLING, session=session)


def read(model, ids):
    """What an answer of these tokens says."""
    spoken = ids[ids.index(model.tokenizer.say) :] if model.tokenizer.say in ids else []
    text = model.tokenizer.raw([id for id in spoken if id >= model.tokenizer.n_specials])
    return text.removeprefix(" ").rstrip("\ufffd").encode()  # half a character is not said yet


def after(model, session, *turns):
    """The third answer of this session, and of one that was given just these turns after the first answer."""
    ids = []
    for remembers in (session, fresh := Session()):
        engine = Engine(model)
        if remembers is fresh:
            finish(engine, ask(fresh, FIRST, detections(5)))
            for turn in turns:
                with torch.inference_mode():
                    fresh.open_turn(turn[0], 0, N_CTX)
                    fresh.close_turn(turn[1])
            fresh.focus = session.focus
        [(run, _)] = finish(engine, ask(remembers, THIRD))
        ids.append(run.ids)
    return ids


@pytest.mark.parametrize("n_steps", [1, 5, 16])
def test_an_answer_is_remembered_as_far_as_it_was_heard(model, n_steps):
    n_turns = set()
    for n_bytes in (0, 1, 7, 20, 1000):
        engine, session = Engine(model), Session()
        finish(engine, ask(session, FIRST, detections(5)))
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
            answer = model.embed([*kept, model.tokenizer.eot])
        assert session.n_turns == 1 + bool(kept)
        n_turns.add(session.n_turns)
        given, told = after(model, session, *([(model.prompt_question(SECOND), answer)] if kept else []))
        assert given == told
    assert n_turns == ({1, 2} if n_steps == 16 else {1} if n_steps == 1 else n_turns)


def test_a_whole_answer_can_be_shortened_and_forgotten_later(model):
    engine, session = Engine(model), Session()
    finish(engine, ask(session, FIRST, detections(5)))
    [(run, events)] = finish(engine, ask(session, SECOND))
    n_half = len(text_of(events).encode()) // 2
    half = taken_in(model, run, n_half)
    assert 0 < len(half) < len(run.ids)
    with torch.inference_mode():
        remember(model, run, n_half)
        answer = model.embed([*half, model.tokenizer.eot])
    given, told = after(model, session, (model.prompt_question(SECOND), answer))
    assert given == told
    assert session.n_turns == 3
    with torch.inference_mode():
        remember(model, run, 0)
    assert session.n_turns == 2


def test_a_request_that_never_began_changes_nothing(model):
    engine, session = Engine(model), Session()
    finish(engine, ask(session, FIRST, detections(5)))
    waiting = engine.add(ask(session, SECOND))
    waiting.cancelled = True
    engine.step()
    remember(model, waiting, 0)
    assert session.n_turns == 1
