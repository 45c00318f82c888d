"""A diorama's responses through the engine: as the slow way gives them, with what they point at and what they leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.bundle import load_family
from scenewright_server.families.diorama.audio import HeardTokens
from scenewright_server.families.diorama.diorama import Diorama
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.memory import DioramaMemory
from scenewright_server.families.diorama.storage import Bundle, BundleInfo
from scenewright_server.families.family import FinishReason, Heard, Mention, ModelError, TextDelta, Turn
from scenewright_server.languages import LANGUAGES
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.lookup import Lookup
from torch import Tensor

from tests.families.diorama.scenes import ATTRIBUTES, N_CTX, detections, graph
from tests.oracle import finish, naive, text_of

GREEDY = Sampling(max_new_tokens=40)
SAMPLED = Sampling(max_new_tokens=40, temperature=1.3, top_k=50, top_p=0.95, repetition_penalty=1.2, seed=7)
GOBLIN = graph("goblin king", "health potion")


@pytest.fixture(scope="session")
def diorama(model: FusedModel) -> Diorama:
    return Diorama(Bundle(model, BundleInfo("tiny", "0")))


@pytest.fixture(scope="session")
def shipped() -> Diorama:
    return load_family()


def heard(model: FusedModel, *ids: int) -> Heard:
    posteriors = np.full((len(ids), model.tokenizer.n_vocab), 0.2 / model.tokenizer.n_vocab, np.float32)
    posteriors[range(len(ids)), list(ids)] += 0.8
    return Heard(model.tokenizer.decode(ids), 0.8, HeardTokens(posteriors, list(ids), 0.8))


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("seen", [detections(1), None], ids=["frame", "blind"])
@pytest.mark.parametrize("known", [GOBLIN, ()], ids=["graph", "no_graph"])
@pytest.mark.parametrize("task", ["describe", "ask", "voice"])
def test_cached_generation_equals_the_naive_one(model, diorama, task, seen, known, sampling) -> None:
    question = {"describe": None, "ask": "Where is the mug?", "voice": heard(model, 60, 77)}[task]
    turn = Turn("ask" if question else "describe", seen, known, question, max_new_tokens=40)
    [(run, events)] = finish(Engine(diorama.decoder), diorama.open(turn), sampling=sampling)
    assert run.ids == naive(diorama.decoder, diorama.open(turn), sampling)
    done = events[-1]
    assert isinstance(done, Done) and done.usage.generated == len(run.ids) and 0 <= done.confidence <= 1
    given = dict(done.usage.given)
    assert given.pop("image") + given.pop("scene") == len(model.read(seen, known))
    [(kind, n_prompt)] = given.items()
    n_asked = 2 if task == "voice" else len(model.tokenizer.words("where is the mug" if question else "en"))
    assert (kind, n_prompt) == ("audio" if task == "voice" else "text", n_asked + 2)


@pytest.mark.parametrize("change", ["nothing", "frame", "graph", "both"])
def test_a_dialogue_equals_the_naive_one_whatever_becomes_of_the_scene(diorama, change: str) -> None:
    engine, session, memory = Engine(diorama.decoder), Session(), DioramaMemory()
    turn = Turn("ask", detections(2), GOBLIN, max_new_tokens=24)
    for k, question in enumerate(["where is the mug", "what colour is it", "and the lamp"]):
        if k == 1 and change != "nothing":
            seen = detections(4) if change != "graph" else turn.detections
            turn = replace(turn, detections=seen, graph=graph("red lamp") if change != "frame" else turn.graph)
        turn = replace(turn, question=question)
        script = diorama.open(turn, memory)
        [(run, events)] = finish(engine, script, sampling=GREEDY, session=session)
        assert run.ids == naive(diorama.decoder, diorama.open(turn, memory), GREEDY)
        assert bool(events[-1].usage.cached) == (k == 2 or (k == 1 and change == "nothing"))
        memory = script.memory()
    assert memory.n_turns == 3 and memory.n_positions < N_CTX


def test_what_runs_ahead_begins_every_answer(diorama) -> None:
    session, sampling = Session(), Sampling(max_new_tokens=12)
    turn = Turn("ask", detections(1), GOBLIN, "where is the mug")
    finish(Engine(diorama.decoder), diorama.warm(replace(turn, question=None)), sampling=sampling, session=session)
    ((run, events),) = finish(Engine(diorama.decoder), diorama.open(turn), sampling=sampling, session=session)
    assert run.ids == naive(diorama.decoder, diorama.open(turn), sampling)
    done = events[-1]
    assert isinstance(done, Done) and done.usage.cached == done.usage.given["image"] + done.usage.given["scene"] > 2


def test_a_scene_that_fills_the_context_is_refused_with_numbers(diorama) -> None:
    crowd = graph(*["a very long label of an object"] * 20)
    with pytest.raises(ModelError, match=f"holds {N_CTX} positions") as caught:
        diorama.open(Turn("describe", None, crowd))
    error = caught.value
    assert error.reason == "CONTEXT_FULL" and error.metadata["scene"] in error.message


def test_a_scene_of_more_things_than_it_tells_apart_is_refused_with_both_numbers(diorama) -> None:
    crowd = graph(*["mug"] * 23)
    assert diorama.open(Turn("describe", detections(1, 1), crowd[:15]))
    with pytest.raises(ModelError, match="has 25 things, 23 told and 2 only seen, the model tells 24 apart") as caught:
        diorama.open(Turn("describe", detections(1, 2), crowd))
    error = caught.value
    assert (error.reason, error.metadata["value"], error.metadata["bound"]) == ("SCENE_TOO_LARGE", "25", "24")


def test_a_label_that_it_cannot_spell_is_a_fault_with_both_numbers(diorama) -> None:
    tokenizer = diorama.model.tokenizer
    label = "x" * 15
    assert len(tokenizer.words(label)) == 16 and diorama.fault(label) is None
    assert diorama.fault(label + "x") == ("17 tokens", "at most 16")


@pytest.mark.parametrize(
    ("question", "language", "answer"),
    [
        ("where is the goblin king", "", "On the left."),
        ("where is the goblin king", "en", "On the left."),
        ("where is the goblin king", "zh", "在左边。"),
        ("how many things are there", "zh", "两个。"),
        ("what is right of the goblin king", "zh", "health potion。"),
        ("椅子在哪里", "en", "I do not see that here."),
        ("椅子在哪里", "", "我在这里没有看到这个。"),
    ],
)
def test_an_answer_is_in_the_language_that_is_asked_for_else_in_its_questions(shipped, question, language, answer):
    script = shipped.open(Turn("ask", None, GOBLIN, question, language))
    [(_, events)] = finish(Engine(shipped.decoder), script, sampling=GREEDY)
    assert text_of(events) == answer


def test_a_description_is_in_the_models_first_language_unless_told(shipped) -> None:
    known = graph("goblin king")
    for language, begin in (("", "A goblin king"), ("en", "A goblin king"), ("zh", "左边有一个")):
        script = shipped.open(Turn("describe", None, known, language=language))
        [(_, events)] = finish(Engine(shipped.decoder), script, sampling=GREEDY)
        assert text_of(events).startswith(begin)


def test_a_told_past_is_remembered_as_its_own_turns(shipped) -> None:
    """The next turn runs over the same positions as after turns that the decoder answered by heart."""
    tokenizer = shipped.model.tokenizer
    long = "the health potion is old " * 8
    memory = shipped.past([("Hello!", "Hi."), ("tell me more", long), ("which one do you mean", "the health potion")])
    assert memory.n_turns == 3 and memory.scene is None
    (prompt, answer) = memory.turns[1]
    assert list(prompt.rows) == shipped.model.question_ids("tell me more")
    plan = [*tokenizer.words("beyond"), tokenizer.end, *tokenizer.words("it"), tokenizer.call]
    said = [*tokenizer.words("beyond"), tokenizer.say, *tokenizer.words(long.strip()), tokenizer.eot]
    assert list(answer.rows) == plan + said
    assert all(span.counts == (("past", len(span)),) for turn in memory.turns for span in turn)

    def ask(question: str, before):
        script = shipped.open(Turn("ask", None, GOBLIN, question), before)
        [(_, events)] = finish(Engine(shipped.decoder), script, sampling=GREEDY)
        return text_of(events), script.memory()

    text, after = ask("where is it", memory)
    assert text == "In the middle." and after.n_turns == 4 and after.turns[:3] == memory.turns
    assert [entry.graph.label for entry in after.focus] == ["health potion"] and after.last is None
    assert (
        ask("where is it", shipped.past([("where is the goblin king", "left of the health potion")]))[0]
        == "On the left."
    )
    assert shipped.past([]) == DioramaMemory()
    assert ask("where is it", shipped.past([("tell me more", "word " * 3000)]))[1].n_turns == 1, "too long to be kept"


def test_silence_is_answered_honestly_and_leaves_nothing(diorama) -> None:
    silence = diorama.hear(np.zeros(16_000, np.float32))
    script = diorama.open(Turn("ask", detections(1), question=silence))
    [(run, events)] = finish(Engine(diorama.decoder), script, sampling=GREEDY)
    assert text_of(events) == LANGUAGES["en"].unheard and not run.ids and script.memory().n_turns == 0
    assert events[-1].reason is FinishReason.NO_SPEECH


def test_audio_longer_than_the_model_hears_is_refused(diorama) -> None:
    bound_s = diorama.spec.max_audio_s
    with pytest.raises(ModelError, match=f"{bound_s + 0.25:.2f} s.*{bound_s:.2f} s") as caught:
        diorama.hear(np.ones(round((bound_s + 0.25) * 16_000), np.float32))
    assert caught.value.reason == "AUDIO_TOO_LONG"


def test_frames_seen_together_are_seen_as_alone(diorama) -> None:
    frames = [np.random.default_rng(k).integers(0, 256, (64, 64, 3), np.uint8) for k in range(3)]
    together = diorama.see(frames)
    for frame, seen in zip(frames, together, strict=True):
        [alone] = diorama.see([frame])
        assert len(seen) == len(alone) and np.allclose(seen.boxes, alone.boxes, atol=1e-4)


def test_embeddings_are_unit_vectors(diorama) -> None:
    texts = diorama.embedder.embed_text(["a red chair", "word " * 100])
    image = diorama.embedder.embed_image(np.zeros((32, 48, 3), np.uint8))
    assert texts.shape == (2, 16) and image.shape == (16,)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5) and np.isclose(np.linalg.norm(image), 1, atol=1e-5)


def test_it_runs_in_bfloat16_too() -> None:
    family = load_family(dtype="bfloat16")
    frame = family.fit(np.zeros((64, 64, 3), np.uint8))
    turn = Turn("ask", family.see([frame])[0], GOBLIN, "where is the goblin king", max_new_tokens=40)
    [(_, events)] = finish(Engine(family.decoder), family.open(turn), sampling=GREEDY)
    assert isinstance(events[-1], Done) and text_of(events)
    assert [event.label for event in events if isinstance(event, Mention)][:1] == ["goblin king"]
    assert family.hear(np.zeros(16_000, np.float32)).text == ""


class Dreamer:
    """A dialogue with a decoder that thinks of given tokens, one for each that it is free to choose."""

    def __init__(self, diorama: Diorama, monkeypatch: pytest.MonkeyPatch) -> None:
        self.diorama, self.tokenizer, self.engine = diorama, diorama.model.tokenizer, Engine(diorama.decoder)
        self.session, self.memory, self.thoughts = Session(), DioramaMemory(), []
        self.turn = Turn("ask", max_new_tokens=60)
        monkeypatch.setattr(diorama.model.gpt, "logits", lambda hidden: self._dream(hidden))
        monkeypatch.setattr("scenewright_server.families.diorama.diorama.understand", lambda *_: None)  # it reads none

    def _dream(self, hidden: Tensor) -> Tensor:
        logits = torch.zeros(*hidden.shape[:-1], self.tokenizer.n_vocab)
        logits[..., self.thoughts.pop(0) if self.thoughts else self.tokenizer.eot] = 99.0
        return logits

    def ask(self, plan: str, answer: str = "", **scene) -> tuple[str, list[int], Done]:
        """Text, the references pointed at before it, and the end of a turn with this plan and this answer."""
        self.think(plan, answer)
        self.turn = replace(self.turn, question=f"the {plan}", **scene)
        self.script = self.diorama.open(self.turn, self.memory)
        [(self.run, events)] = finish(self.engine, self.script, sampling=Sampling(60), session=self.session)
        assert isinstance(events[-1], Done)
        self.memory = self.script.memory()
        n = next((n for n, event in enumerate(events) if isinstance(event, TextDelta)), len(events))
        self.pointed = [event for event in events[:n] if isinstance(event, Mention)]
        return text_of(events), [mention.ref for mention in self.pointed], events[-1]

    def think(self, plan: str, answer: str = "") -> None:
        words = self.tokenizer.words
        ids = [id for slot in plan.split("|") for id in [self.tokenizer.end, *words(slot)]][1:]
        self.thoughts = [*ids, self.tokenizer.call, *words(answer)]


def test_it_is_what_the_last_answer_settled_on_where_ever_that_is_now(diorama, monkeypatch) -> None:
    dream = Dreamer(diorama, monkeypatch)
    king, potion = graph("goblin king", "health potion")
    assert dream.ask("where|it", graph=(king, potion))[1] == [], "nothing was spoken of"
    assert dream.ask("distance|health potion", "blue")[:2] == ("About 3 metres.", [1]), (
        "the decoder chooses no word of it"
    )
    assert dream.ask("where|it")[1] == [1]
    moved = GraphObject("object-1", "health potion", (-3.0, 0.5, 2.0), (0.5, 1.0, 0.5))
    assert dream.ask("where|it", graph=(king, moved))[1] == [0], "it is listed first now"
    assert dream.ask("where|it", graph=(king,))[1] == [] and dream.memory.focus, "it has gone"
    assert dream.ask("where|it", graph=(potion, king))[1] == [1], "it has come back"
    assert dream.ask("beyond")[1] == [] and dream.ask("where|it")[1] == [1], "small talk changes no subject"


def test_a_turn_that_was_not_finished_settles_nothing(diorama, monkeypatch) -> None:
    dream = Dreamer(diorama, monkeypatch)
    dream.ask("where|goblin king", graph=graph("goblin king", "health potion"))
    dream.think("where|health potion")
    script = diorama.open(replace(dream.turn, question="where is the health potion"), dream.memory)
    dropped = dream.engine.add(script, Sampling(60), dream.session)
    while diorama.model.tokenizer.say not in dropped.ids:
        dream.engine.step()
    dropped.cancelled = True
    dream.engine.step()
    assert script.memory(0) == dream.memory
    assert dream.ask("where|it")[1] == [0]


def test_an_answer_is_as_sure_as_its_finding_and_its_plan(diorama, monkeypatch) -> None:
    dream = Dreamer(diorama, monkeypatch)
    assert dream.ask("list", graph=graph("goblin king"))[2].confidence == pytest.approx(1.0)
    seen = detections(3, 1)
    entries = diorama.model.read(seen, ()).entries
    found = Lookup(entries, seen, ATTRIBUTES).find(("colour", "thing"))
    assert found.confidence < 0.99
    done = dream.ask("colour|thing", detections=seen, graph=())[2]
    assert done.confidence == pytest.approx(found.confidence, abs=1e-3)
    assert [mention.confidence for mention in dream.pointed] == [pytest.approx(found.confidence)]
    colour, kind = (ATTRIBUTES[name][int(seen.attributes[name][0].argmax())] for name in ("colour", "kind"))
    assert [mention.label for mention in dream.pointed] == [f"{colour} {kind}"], "named by its looks"


@pytest.mark.parametrize("n_chars", [0, 1, 2, 5, 6, 7, 13, 999])
def test_an_answer_is_remembered_as_far_as_it_was_heard(diorama, monkeypatch, n_chars: int) -> None:
    """The next turn goes on as after an answer of just the tokens whose text was heard."""
    dream = Dreamer(diorama, monkeypatch)
    dream.ask("where|goblin king", graph=GOBLIN)
    before = dream.memory
    text, _, _ = dream.ask("where|health potion")
    assert text == "In the middle."
    kept = dream.script.memory(n_chars)
    words = "in the middle".split()
    n_words = sum(len(" ".join(words[:n])) <= n_chars for n in range(1, 4))
    if not n_words:
        assert kept == before, "the question is forgotten too"
        return
    assert kept.n_turns == before.n_turns + 1
    whole, answer = dream.script.memory().turns[-1][-1].rows, kept.turns[-1][-1].rows
    assert answer[:-1] == whole[: len(answer) - 1] and answer[-1] == diorama.model.tokenizer.eot
    said = answer[answer.index(diorama.model.tokenizer.say) :]
    assert diorama.model.tokenizer.decode(said).split() == words[:n_words]
    assert kept.focus == dream.memory.focus != before.focus
