from __future__ import annotations

import numpy as np
import pytest
import torch
from scenewright_server.engine.engine import NO_SPEECH_TEXT, Engine
from scenewright_server.engine.request import (
    Done,
    EngineError,
    Failed,
    FinishReason,
    Request,
    Sampling,
    Started,
    TextDelta,
    Transcript,
)
from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.audio import Heard
from scenewright_server.families.diorama.fusion import FusedModel

from tests.engine.oracle import N_CTX, detections, finish, graph, naive_ids, prompt, said, text_of

GREEDY = Sampling(max_new_tokens=40)
SAMPLED = Sampling(max_new_tokens=40, temperature=1.3, top_k=50, top_p=0.95, repetition_penalty=1.2, seed=7)
GOBLIN = graph("goblin king", "health potion")


def heard(model: FusedModel, *ids: int) -> Heard:
    posteriors = np.full((len(ids), model.tokenizer.n_vocab), 0.2 / model.tokenizer.n_vocab, np.float32)
    posteriors[range(len(ids)), list(ids)] += 0.8
    return Heard(posteriors, list(ids), 0.8)


def failure(events: list) -> Exception:
    assert isinstance(events[-1], Failed)
    return events[-1].error


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("seen", [detections(1), None], ids=["frame", "blind"])
@pytest.mark.parametrize("known", [GOBLIN, None], ids=["graph", "no_graph"])
@pytest.mark.parametrize("task", ["describe", "ask", "voice"])
def test_cached_generation_equals_the_naive_one(model, task, seen, known, sampling) -> None:
    asked = {"describe": None, "ask": "Where is the mug?", "voice": heard(model, 60, 77)}[task]
    request = Request(
        "ask" if asked else "describe",
        seen,
        known,
        question=asked if task == "ask" else None,
        audio=asked if task == "voice" else None,
        sampling=sampling,
    )
    [(run, events)] = finish(Engine(model), request)
    scene = model.read(seen, known or ())
    assert run.ids == naive_ids(model, seen, known or (), [], asked, sampling)
    started = [event for event in events if isinstance(event, Started)]
    assert [event.entries for event in started] == [scene.entries]
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.usage.prefix, done.usage.prompt, done.usage.cached) == (len(scene), len(prompt(model, asked)), 0)
    assert done.usage.generated == len(run.ids)
    assert 0 <= done.timings.queue <= done.timings.total and done.timings.first_token <= done.timings.total
    assert 0 <= done.confidence <= 1


def test_a_frame_of_pixels_answers_as_its_detections_do(model: FusedModel) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    [(a, _), (b, _)] = finish(
        Engine(model),
        Request("describe", frame, sampling=GREEDY),
        Request("describe", model.see(frame), sampling=GREEDY),
    )
    assert a.ids == b.ids


def test_the_second_turn_runs_only_its_own_tokens_and_equals_the_naive_dialogue(model: FusedModel) -> None:
    engine, session, sampling = Engine(model), Session(), Sampling(max_new_tokens=24)
    seen, turns = detections(2), []
    n_scene = len(model.read(seen, GOBLIN))
    finish(engine, Request("ask", seen, GOBLIN, "what is it", sampling=sampling))  # another's, with the same scene
    for question in ["where is the mug", "what colour is it", "and the lamp"]:
        frame, objects = (None, None) if turns else (seen, GOBLIN)  # None: the one that the session has
        request = Request("ask", frame, objects, question, sampling=sampling, session=session)
        [(run, events)] = finish(engine, request)
        assert run.ids == naive_ids(model, seen, GOBLIN, turns, question, sampling)
        # The last token of a turn has never been an input: it is run with the next turn.
        in_cache = n_scene + sum(map(len, turns)) - (1 if run.ids[-1] == model.tokenizer.eot else 2)
        assert events[-1].usage.cached == (in_cache if turns else 0)
        turns.append(said(model, question, run.ids))
    assert session.n_turns == 3


@pytest.mark.parametrize("change", ["frame", "graph", "both"])
def test_a_new_scene_is_put_before_the_old_dialogue(model: FusedModel, change: str) -> None:
    engine, session, sampling = Engine(model), Session(), Sampling(max_new_tokens=24)
    frame, objects = detections(3), GOBLIN
    [(first, _)] = finish(engine, Request("ask", frame, objects, "where is it", sampling=sampling, session=session))
    past = said(model, "where is it", first.ids)
    new_frame = detections(4) if change != "graph" else None
    new_objects = graph("red lamp") if change != "frame" else None
    request = Request("ask", new_frame, new_objects, "and now", sampling=sampling, session=session)
    [(second, events)] = finish(engine, request)
    assert second.ids == naive_ids(model, new_frame or frame, new_objects or objects, [past], "and now", sampling)
    assert events[-1].usage.cached == 0


def test_a_cancelled_turn_leaves_no_trace(model: FusedModel) -> None:
    engine, session, sampling = Engine(model), Session(), Sampling(max_new_tokens=24)
    ask = {"sampling": sampling, "session": session}
    [(first, _)] = finish(engine, Request("ask", detections(5), None, "where is it", **ask))
    dropped = engine.add(Request("ask", None, None, "what colour is the chair", **ask))
    for _ in range(4):
        engine.step()
    assert len(dropped.ids) >= 4
    dropped.cancelled = True
    [(_, event)] = engine.step()
    assert isinstance(event, Done) and event.reason is FinishReason.CANCELLED
    assert session.n_turns == 1 and not session.busy
    [(after, _)] = finish(engine, Request("ask", None, None, "and the mug", **ask))
    turns = [said(model, "where is it", first.ids)]
    assert after.ids == naive_ids(model, detections(5), (), turns, "and the mug", sampling)


def test_a_failed_turn_leaves_no_trace_and_the_others_run_on(model, monkeypatch) -> None:
    engine, session, sampling = Engine(model), Session(), Sampling(max_new_tokens=24)
    good = Request("ask", detections(6), GOBLIN, "where is it", sampling=sampling, session=session)
    [(first, _)] = finish(engine, good)
    deaf = Request("ask", None, None, audio=np.ones(16_000, np.float32), sampling=sampling, session=session)
    monkeypatch.setattr(model, "hear", lambda audio: 1 / 0)
    [(_, events), (other, _)] = finish(engine, deaf, Request("describe", detections(7), sampling=sampling))
    assert isinstance(failure(events), ZeroDivisionError)
    assert len(other.ids) == sampling.max_new_tokens and not engine.has_work
    [(after, _)] = finish(engine, Request("ask", None, None, "and the mug", sampling=sampling, session=session))
    turns = [said(model, "where is it", first.ids)]
    assert after.ids == naive_ids(model, detections(6), GOBLIN, turns, "and the mug", sampling)


def test_the_oldest_turns_are_dropped_when_the_context_is_short(model: FusedModel) -> None:
    engine, session, sampling = Engine(model), Session(), Sampling(max_new_tokens=45)
    n_scene, turns = len(model.read(detections(8), ())), []
    dropped = 0
    for k in range(5):
        question = f"question {k}"
        while n_scene + sum(map(len, turns)) + len(prompt(model, question)) + 45 > N_CTX:
            turns.pop(0)
            dropped += 1
        [(run, events)] = finish(
            engine, Request("ask", detections(8), None, question, sampling=sampling, session=session)
        )
        assert run.ids == naive_ids(model, detections(8), (), turns, question, sampling)
        turns.append(said(model, question, run.ids))
        assert session.n_turns == len(turns)
        assert events[-1].usage.cached >= (n_scene if k else 0)
    assert dropped >= 2


def test_a_request_that_fills_the_context_is_refused_with_numbers_and_changes_nothing(
    model: FusedModel,
) -> None:
    engine, session = Engine(model), Session()
    finish(engine, Request("describe", detections(9), sampling=GREEDY, session=session))
    before = session.scene_key, session.n_turns
    crowd = graph(*["a very long label of an object"] * 20)
    [(_, events)] = finish(engine, Request("describe", None, crowd, session=session))
    error = failure(events)
    assert isinstance(error, EngineError) and error.reason == "CONTEXT_FULL"
    assert error.metadata["bound"] == str(N_CTX) and error.metadata["scene"] in error.message
    assert (session.scene_key, session.n_turns) == before


def test_generation_ends_at_the_end_of_the_context(model: FusedModel) -> None:
    [(run, events)] = finish(Engine(model), Request("describe", detections(1), sampling=Sampling(10_000)))
    if events[-1].reason is FinishReason.TOKEN_LIMIT:
        assert events[-1].usage.prefix + events[-1].usage.prompt + len(run.ids) == N_CTX


def test_silence_is_answered_honestly_without_generation(model: FusedModel) -> None:
    engine, session = Engine(model), Session()
    request = Request("ask", detections(1), audio=np.zeros(16_000, np.float32), session=session)
    [(run, events)] = finish(engine, request)
    assert events[:2] == [Transcript("", 0.0), TextDelta(NO_SPEECH_TEXT)]
    assert isinstance(events[2], Done) and events[2].reason is FinishReason.NO_SPEECH
    assert not run.ids and session.n_turns == 0 and not session.busy


def test_audio_longer_than_the_model_hears_is_refused(model: FusedModel) -> None:
    bound_s = model.config.audio.max_seconds
    wave = np.ones(round((bound_s + 0.25) * 16_000), np.float32)
    [(_, events)] = finish(Engine(model), Request("ask", audio=wave))
    error = failure(events)
    assert isinstance(error, EngineError) and error.reason == "AUDIO_TOO_LONG"
    assert f"{bound_s + 0.25:.2f} s" in error.message and f"{bound_s:.2f} s" in error.message


def test_an_unchanged_frame_and_recording_are_encoded_once(model, monkeypatch) -> None:
    calls = []
    see, hear = model.see, model.hear
    monkeypatch.setattr(model, "see", lambda x: calls.append("see") or see(x))
    monkeypatch.setattr(model, "hear", lambda x: calls.append("hear") or hear(x))
    frame = np.zeros((64, 64, 3), np.uint8)
    wave = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    engine = Engine(model)
    for _ in range(2):
        finish(engine, Request("ask", frame.copy(), audio=wave.copy(), sampling=Sampling(1)))
    finish(engine, Request("describe", frame[:32].copy(), sampling=Sampling(1)))
    assert sorted(calls) == ["hear", "see", "see"]


def test_an_ask_without_a_question_is_refused() -> None:
    with pytest.raises(EngineError, match="question"):
        Request("ask", detections(1))


def test_seeds_decide_sampled_answers(model: FusedModel) -> None:
    def ids(seed: int | None) -> list[int]:
        sampling = Sampling(40, temperature=2.0, seed=seed)
        [(run, _)] = finish(Engine(model), Request("describe", detections(1), sampling=sampling))
        return run.ids

    assert ids(1) == ids(1)
    assert len({tuple(ids(seed)) for seed in (1, 2, None, None)}) > 1


def test_a_stop_string_ends_the_text_before_it(model: FusedModel) -> None:
    free = Request("describe", detections(1), sampling=Sampling(40, temperature=2.0, seed=3))
    [(_, events)] = finish(Engine(model), free)
    text = text_of(events)
    stop = text[len(text) // 2 : len(text) // 2 + 3]
    sampling = Sampling(40, temperature=2.0, seed=3, stop=(stop, "never said"))
    [(_, stopped)] = finish(Engine(model), Request("describe", detections(1), sampling=sampling))
    assert text_of(stopped) == text[: text.index(stop)]
    assert stopped[-1].reason is FinishReason.STOP


def test_embeddings_are_unit_vectors(model: FusedModel) -> None:
    engine = Engine(model)
    texts = engine.embed_text(["a red chair", "word " * 100])
    image = engine.embed_image(np.zeros((32, 48, 3), np.uint8))
    assert texts.shape == (2, 16) and image.shape == (16,)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5) and np.isclose(np.linalg.norm(image), 1, atol=1e-5)
    with torch.inference_mode():
        assert np.allclose(engine.embed_text(["a red chair"])[0], texts[0], atol=1e-5)
