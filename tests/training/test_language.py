"""Training episodes and the decoder's loss against the model that will be served."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scenewright_server.families.diorama.config import AudioConfig, ModelConfig, VisionConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.markup import MarkupReader, TextDelta
from scenewright_server.families.diorama.rules import Rules
from scenewright_server.model.config import GPTConfig
from scenewright_server.scene.entries import Detections, merge
from scenewright_server.scene.findings import Refusal
from scenewright_server.scene.words import is_chinese
from scenewright_server.simulator import text
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.scene import sample
from scenewright_server.training.episodes import Episode, EpisodeMaker, align
from scenewright_server.training.language import SCENE_ARRAYS, Language, collate, predict
from scenewright_server.training.vocabulary import train_tokenizer


@pytest.fixture(scope="module")
def maker() -> EpisodeMaker:
    return EpisodeMaker(train_tokenizer(n_scenes=40), reworded=0.0)


@pytest.fixture(scope="module")
def language(maker: EpisodeMaker) -> Language:
    torch.manual_seed(0)
    config = GPTConfig(d_model=32, n_layers=4, n_heads=4, n_kv_heads=4, d_ff=32, vocab_size=maker.tokenizer.n_vocab)
    return Language(config, maker.tokenizer)


@pytest.fixture(scope="module")
def served(maker: EpisodeMaker) -> FusedModel:
    """The model that serves what an episode teaches; its weights do not matter."""
    n_vocab = maker.tokenizer.n_vocab
    config = ModelConfig(
        GPTConfig(d_model=16, n_layers=1, n_heads=2, n_kv_heads=2, d_ff=16, vocab_size=n_vocab),
        VisionConfig(attributes=ATTRIBUTES, image_size=64, layers=(1, 1, 1, 1), width=8, d_embed=16, vocab_size=n_vocab,
                     n_text_ctx=8, d_text=16, n_text_heads=2, n_text_layers=1, n_features=8),
        AudioConfig(d_model=16, n_heads=2, n_layers=1, vocab_size=n_vocab),
        names={"zh": CHINESE},
    )  # fmt: skip
    return FusedModel(config, maker.tokenizer)


def episode(maker: EpisodeMaker, seed: int, source: str) -> Episode:
    scene = sample(seed, "test")
    return maker.make(scene, [scene.camera.box(o) for o in scene.objects], np.random.default_rng(seed), source=source)


def passages(told: Episode, eot: int) -> Iterator[tuple[str, list[int]]]:
    """Each turn's type and tokens."""
    ends = np.flatnonzero(told.tokens == eot) + 1
    assert len(ends) == len(told.types) and ends[-1] == len(told.tokens)
    for type, begin, end in zip(told.types, [0, *ends[:-1]], ends, strict=True):
        yield type, told.tokens[begin:end].tolist()


@pytest.mark.parametrize("source", ["frame", "graph", "both"])
def test_what_an_episode_teaches_can_be_served(maker: EpisodeMaker, served: FusedModel, source: str):
    """Each of its plans and answers may be written, and where a graph tells all, the same is looked up."""
    tokenizer, focus = maker.tokenizer, []
    for seed in range(12):
        told = episode(maker, seed, source)
        for type, ids in passages(told, tokenizer.eot):
            is_description = ids[0] == tokenizer.describe
            begin = ids.index(tokenizer.call if is_description else tokenizer.assistant) + 1
            asked = None if is_description else ids[1 : begin - 1]
            language = tokenizer.decode(ids[1 : begin - 1]) if is_description else "en"
            if asked and is_chinese(tokenizer.decode(asked)):
                language = "zh"
            rules = Rules(served, told.prefix.entries, asked=asked, language=language, focus=focus)
            say = ids.index(tokenizer.say) + 1
            result = ids[ids.index(tokenizer.call) + 1 : say]
            if not is_description:
                for token in ids[begin : ids.index(tokenizer.call) + 1]:
                    assert rules.mask(torch.zeros(tokenizer.n_vocab))[token] == 0, (type, tokenizer.raw(ids))
                    rules.feed(token)
            focus = [tokenizer.refs.index(id) for id in result if id in tokenizer.refs] or focus
            if source == "graph" or result[0] == tokenizer.words("beyond")[0]:
                if isinstance(rules.finding.answer, Refusal) and rules.finding.answer.reason == "unclear":
                    continue  # a name in a script that no label here has may be a thing's in another language
                assert rules.forced == result, (type, tokenizer.raw(ids), rules.finding)
                laid = []
                while rules.forced and len(laid) < len(ids):
                    laid.append(rules.forced[0])
                    rules.feed(laid[-1])
                taught, served_text = (tokenizer.raw(some).replace(" ", "") for some in ([*result, *ids[say:]], laid))
                assert taught.startswith(served_text) and served_text, (type, taught, served_text)
        focus = []


@pytest.mark.parametrize("source", ["frame", "both"])
def test_the_reader_of_the_server_understands_every_turn(maker: EpisodeMaker, source: str):
    for seed in range(12):
        told = episode(maker, seed, source)
        for _, ids in passages(told, maker.tokenizer.eot):
            reader = MarkupReader(maker.tokenizer, len(told.prefix.entries), points=True)
            events = [event for token in ids for event in reader.feed(token)]
            assert "".join(e.text for e in events if isinstance(e, TextDelta))


def test_what_was_imagined_or_missed_is_not_talked_of(maker: EpisodeMaker):
    scene = sample(0, "test")
    items = text.things(scene)
    boxes = [*(item.box for item in items[1:]), (0.0, 0.0, 0.05, 0.05)]
    n = len(boxes)
    looks = {name: np.full((n, len(v)), 1 / len(v), np.float32) for name, v in ATTRIBUTES.items()}
    seen = Detections(np.array(boxes, np.float32), np.ones(n), np.full(n, 2.0), looks)
    entries = merge(seen, [])
    things, refs = align(items, entries)
    assert sorted(t.name for t in things) == sorted(item.name for item in items[1:])
    assert all(entries[k].detection != n - 1 for k in refs)


def test_the_watched_forward_is_the_decoders_own(maker: EpisodeMaker, language: Language):
    """Batched, padded and watched as in training, against one episode at a time through GPT."""
    episodes = [episode(maker, seed, source) for seed, source in enumerate(("frame", "graph", "both"))]
    shares: list[torch.Tensor] = []
    _, target, logits, (rows, columns) = predict(language, collate(episodes), shares)
    assert len(shares) == 2 and all(((share >= 0) & (share <= 1 + 1e-5)).all() for share in shares)
    for n, told in enumerate(episodes):
        one = collate([told])
        prefix = language.scene(language.gpt.tokens, *(one[name] for name in SCENE_ARRAYS), values=one["values"])
        x = torch.cat([prefix, language.gpt.embed(one["tokens"])], 1)
        hidden = language.gpt(x, prefix_len=len(told.prefix))[0]
        wanted = np.flatnonzero(told.wanted)
        expected = language.gpt.logits(hidden[wanted + len(told.prefix) - 1])
        torch.testing.assert_close(logits[rows == n], expected, atol=1e-4, rtol=1e-4)
        assert target[rows == n].tolist() == told.tokens[wanted].tolist()
    assert columns.max() < collate(episodes)["tokens"].shape[1]


def test_other_words_leave_everything_else_as_it_was(maker: EpisodeMaker):
    renamed = EpisodeMaker(maker.tokenizer, reworded=1.0)
    n_changed = 0
    for seed in range(6):
        told, other = episode(maker, seed, "both"), episode(renamed, seed, "both")
        changed = told.tokens != other.tokens
        n_changed += changed.sum()
        assert len(set(other.values)) == len(other.values)
        words = dict(zip(told.tokens[changed], other.tokens[changed], strict=True))
        assert [words.get(t, t) for t in told.tokens] == other.tokens.tolist()
    assert n_changed


def test_attribute_values_are_single_tokens(maker: EpisodeMaker):
    for values in ATTRIBUTES.values():
        for value in values:
            assert len(maker.tokenizer.words(value)) == 1, value
