"""Preparing documents: what is cleaned, dropped, kept together and written, and what is refused."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scenewright.cli.app import main
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.importers.bundles import write_bundle
from scenewright_server.training.corpus.cleaning import clean, normalise
from scenewright_server.training.corpus.duplicates import compare, jaccard, join_by, shingles, split
from scenewright_server.training.corpus.prepare import PICTURE, STATS, Options, prepare
from scenewright_server.training.corpus.records import PrepareError
from scenewright_server.training.corpus.tagging import Tagger
from scenewright_server.training.dialogues import LineError, read_lines
from scenewright_server.training.examples import examples_of
from scenewright_server.training.shards import HELD, TRAIN, Shards

from tests.families.chat import tiny

WORDS = [a + b for a in ("ka", "lo", "mi", "ne", "pu", "ra", "so", "ti") for b in ("n", "r", "s", "x", "z", "m")]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "tiny"
    write_bundle(path, tiny.parts(), name="tiny", languages=("en",), dtype="float32", n_context=2048)
    return path


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger()


def scene(*labels: str) -> dict[str, Any]:
    return {
        "objects": [
            {"id": f"{label}-1", "label": label, "pose": {"position": {"x": n, "z": 2.0}}, "extents": {"x": 1}}
            for n, label in enumerate(labels)
        ]
    }


def dialogue(*said: str, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)], **more}


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    return path


def run(files: list[Path], bundle: Path, out: Path, **options: Any) -> dict[str, Any]:
    return prepare(files, bundle, out, Options(**options), lambda what, done, total: None)


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from(" \t\n\r\x85\xa0\u200b\u2028\ufeffe\u0301\u1100\u1161")), max_size=60
    )
)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = normalise(clean(text))
    assert normalise(clean(once)) == once


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x00b\x1b[0m\x7f\x9f", "ab[0m"),
        ("\ufeffo\u200bn\u2060e\xad \u202edirection\u202c", "one direction"),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("cafe\u0301", "café"),
        ("二\u3000三\xa0 \n\n\n\n四 ", "二 三\n\n四"),
        ("\n\ndef f():\n    return 1  \n", "def f():\n    return 1"),
        ("&amp; &lt;b&gt;", "&amp; &lt;b&gt;"),
        ("👩\u200d🚀 می\u200cخواهم", "👩\u200d🚀 می\u200cخواهم"),
    ],
)
def test_what_is_cleaned_and_what_stays(text: str, kept: str) -> None:
    assert normalise(clean(text)) == kept


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is the red chair?", "en"),
        ("桌子上面有什么东西？", "zh"),
        ("老国王今年多少岁?", "zh"),
        ("Die Ritter sitzen um den runden Tisch.", "de"),
        ("12 + 7 = 19 !", "und"),
    ],
)
def test_short_texts_are_tagged(tagger: Tagger, text: str, language: str) -> None:
    assert tagger.tag(text) == language


def test_only_languages_that_may_occur_are_told_apart() -> None:
    assert Tagger(("en", "zh")).tag("Die Ritter") in ("en", "zh")
    with pytest.raises(ValueError, match="'tlh' is none of the languages"):
        Tagger(("en", "tlh"))


def variations(rng: random.Random, n: int, place: str = "text") -> dict[str, tuple[str, str]]:
    """Texts of which some are others with words changed: a few, or many."""
    texts: list[list[str]] = []
    for _ in range(n):
        words = list(rng.choice(texts)) if texts and rng.random() < 0.6 else rng.choices(WORDS, k=rng.randint(20, 60))
        for _ in range(rng.choice((0, 1, 1, 2, 12))):
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        texts.append(words)
    return {f"{rng.getrandbits(64):016x}": (place, " ".join(words)) for words in texts}


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_near_duplicates_are_those_of_the_exact_index(threshold: float) -> None:
    found = missed = 0
    for seed in range(12):
        documents = variations(random.Random(seed), 60)
        likeness = compare(documents, threshold, 1.0)
        sets = {key: shingles(text) for key, (_, text) in documents.items()}
        for key, other in likeness.dropped.items():
            assert other not in likeness.dropped and jaccard(sets[key], sets[other]) >= threshold
        found += len(likeness.dropped)
        missed += sum(jaccard(sets[a], sets[b]) >= threshold for a, b in combinations(likeness.groups, 2))
    assert found > 60
    assert missed <= found * 0.03


def test_documents_of_other_places_are_not_compared() -> None:
    text = " ".join(WORDS)
    likeness = compare({"a": ("one", text), "b": ("two", text), "c": ("two", text + " too")}, 0.8, 0.5)
    assert likeness.dropped == {"c": "b"} and likeness.groups == {"a": "a", "b": "b"}


def test_no_side_of_a_split_knows_the_other() -> None:
    n_held = 0
    for seed in range(12):
        rng = random.Random(seed)
        documents = variations(rng, 40) | variations(rng, 40, "another")
        scenes = {key: rng.choice(("", "shop", "inn", "ship", "street", "ward")) for key in documents}
        likeness = compare(documents, 0.9, 0.3)
        groups = join_by(likeness.groups, scenes)
        held = split(groups, 0.2)
        n_held += len(held)
        kept = groups.keys()
        assert Counter(key in held for key in kept)[False] > 0
        for a, b in combinations(kept, 2):
            if (a in held) != (b in held):
                assert scenes[a] != scenes[b] or not scenes[a]
                alike = jaccard(shingles(documents[a][1]), shingles(documents[b][1]))
                assert documents[a][0] != documents[b][0] or alike < 0.4
        assert split(dict(reversed(list(groups.items()))), 0.2) == held
    assert n_held > 0


def test_of_two_groups_one_is_held_out_and_of_one_none() -> None:
    assert split({"a": "a", "b": "a", "c": "c"}, 0.01) == {"c"}
    assert split({"a": "a", "b": "a"}, 0.5) == split({}, 0.5) == split({"a": "a", "b": "b"}, 0) == frozenset()


def corpus() -> list[dict[str, Any]]:
    rng = random.Random(3)
    texts = [{"text": f"{text} 你好"} for _, text in variations(rng, 30).values()]
    told = [
        dialogue(
            f"where is the {label} {n}?", f"The {label} is on the left.", "and now?", "Gone, 走了。", scene=scene(label)
        )
        for label in ("lamp", "sofa", "raven")
        for n in range(4)
    ]
    plans = [
        {"scene": scene("lamp"), "question": f"where is lamp {n}", "before": [["hi", "hello"]], "plan": "where lamp"}
        for n in range(3)
    ]
    return [*texts, *told, *plans, texts[0], told[0], {"text": "\u200b"}, {"text": "lo\ufffdst"}]


def test_the_order_of_documents_and_files_does_not_matter(tmp_path: Path, bundle: Path) -> None:
    lines = corpus()
    stats = run([write(tmp_path / "a.jsonl", *lines)], bundle, tmp_path / "one", held=0.3)
    random.Random(1).shuffle(lines)
    files = [write(tmp_path / "b.jsonl", *lines[:20]), write(tmp_path / "c.jsonl", *lines[20:])]
    assert run(files, bundle, tmp_path / "two", held=0.3) == stats
    names = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(names) == 5
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert stats["read"] == len(lines) == stats["kept"] + sum(stats["dropped"].values())
    assert stats["dropped"]["the same"] >= 2 and stats["dropped"]["empty"] == stats["dropped"]["unreadable"] == 1
    assert json.loads((tmp_path / "one" / STATS).read_text()) == stats
    assert Image.open(tmp_path / "one" / PICTURE).size == (1200, 400)


def test_shards_hold_what_the_model_reads_when_it_speaks(tmp_path: Path, bundle: Path) -> None:
    """Texts come back whole; of dialogues and plans the ids are the family's own prompts, the mask their answers."""
    lines = corpus()
    source = write(tmp_path / "a.jsonl", *(line for line in lines if "messages" in line))
    plans = write(tmp_path / "b.jsonl", *(line for line in lines if "plan" in line))
    texts = write(tmp_path / "c.jsonl", {"text": "the goblin king"}, {"text": "the goblin\r\nqueen "})
    run([source, plans, texts], bundle, tmp_path / "out", held=0.3, drop=1)
    family = Chat(load_bundle(bundle, torch.device("cpu"), torch.float32))
    manifest = json.loads((bundle / "model.json").read_text())
    shards = Shards(tmp_path / "out", manifest["files"]["tokenizer.json"])
    found: dict[str, list[Any]] = {"text": [], "dialogue": [], "plan": []}
    scenes: dict[str, set[str]] = {TRAIN: set(), HELD: set()}
    for k, its in enumerate(shards.documents):
        ids, learnt = shards.read(k)
        found[its.kind].append((tuple(ids[~learnt].tolist()), tuple(ids[learnt].tolist())))
        scenes[its.split].add(its.scene)
        assert bool(its.scene) == (its.kind != "text")
    assert scenes[TRAIN] & scenes[HELD] <= {""} and scenes[HELD]
    for kind, path in (("dialogue", source), ("plan", plans)):
        expected = {(its.prompt, its.answer) for line in read_lines(path) for its in examples_of(family, line, 2048)}
        assert set(found[kind]) == expected and len(expected) > 2
    said = {family.tokenizer.decode((*given, *learnt)) for given, learnt in found["text"]}
    assert said == {"the goblin king", "the goblin\nqueen"}
    assert all(learnt[-1] == 0 for _, learnt in found["text"])


def test_texts_end_with_their_file_or_with_a_blank_line(tmp_path: Path, bundle: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone two\r\nthree\r\n  \r\nfour\n\n\n\nfive")
    assert run([path], bundle, tmp_path / "whole")["kept"] == 1
    stats = run([path], bundle, tmp_path / "parts", by_blank_lines=True, held=0)
    assert stats["kept"] == 3 and stats["dropped"] == {"empty": 2}
    assert stats["splits"]["held"]["documents"] == 0


GOOD = dialogue("hi", "hello")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"\xff", r"a\.jsonl line 2: the line: expected UTF-8, found the byte 0xff as its 1\."),
        (b'{"text": "a\xc3("}', r"line 2: the line: expected UTF-8, found the byte 0xc3 as its 12\."),
        (b"{", r"line 2: the line: expected JSON, found Expecting property name"),
        (b'{"text": NaN}', r"line 2: the line: expected JSON, found NaN, which is no JSON"),
        (b"[" * 100_000, r"line 2: the line: expected JSON"),
        (b'{"text": "\\ud800"}', r"line 2: the line: expected whole characters, found '\\ud800'"),
        (b"[]", r"line 2: the line: expected an object with one of text, messages and plan, found list"),
        ({"title": "a"}, r"line 2: the line: expected an object with one of .*, found the keys 'title'"),
        ({"text": "a", "messages": []}, r"found the keys 'text', 'messages'"),
        ({"text": 3}, r"line 2: text: expected a text, found int"),
        ({"messages": "hi"}, r"line 2: messages: expected a list"),
        ({"messages": []}, r"line 2: messages: expected"),
        (dialogue("hi"), r"line 2: messages: expected"),
        (dialogue("hi", "ho", "hum"), r"line 2: messages\[2\]\.role: expected an answer of the assistant"),
        ({"messages": [{"role": "user"}]}, r"line 2: messages\[0\]: expected an object with role and content"),
        (dialogue("hi", " "), r"line 2: messages\[1\]\.content: expected a text"),
        ({"messages": [*GOOD["messages"], *GOOD["messages"][1:]]}, r"line 2: messages\[2\]\.role: expected user"),
        (dialogue("hi", "ho", instruction="x"), r"line 2: instruction: expected one of messages, scene, instructions"),
        (dialogue("hi", "ho", scene={"objects": [{"id": "a"}]}), r"line 2: scene: expected a SceneGraph"),
        (dialogue("hi", "ho", scene=[1]), r"line 2: scene: expected a SceneGraph"),
        (dialogue("hi", "ho " * 2700), r"line 2: messages\[1\]\.content: expected a text of 1\.\.8000"),
        (dialogue("hi", "ho " * 2400), r"line 2: answer 1: expected at most 2048 positions"),
        ({"scene": scene("lamp"), "question": "where?", "plan": "where &"}, r"line 2: plan: expected one that parses"),
        ({"scene": scene("lamp"), "question": "", "plan": "where lamp"}, r"line 2: question: expected a text"),
        ({"scene": scene("lamp"), "plan": "where lamp"}, r"line 2: question: expected"),
        ({"question": "a", "plan": "where lamp", "before": [["x"]]}, r"line 2: before\[0\]: expected"),
    ],
)
def test_a_bad_line_is_told_and_nothing_is_written(tmp_path: Path, bundle: Path, line: Any, told: str) -> None:
    data = line if isinstance(line, bytes) else json.dumps(line).encode()
    (tmp_path / "a.jsonl").write_bytes(json.dumps(GOOD).encode() + b"\n" + data + b"\n")
    with pytest.raises(LineError, match=told):
        run([tmp_path / "a.jsonl"], bundle, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl"]


def test_bad_files_and_options_are_told(tmp_path: Path, bundle: Path) -> None:
    good, out = write(tmp_path / "a.jsonl", {"text": "a word"}), tmp_path / "out"
    (tmp_path / "b.csv").touch()
    (tmp_path / "empty.txt").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    for files, where, options, told in (
        ([], out, {}, "files: expected at least one, found none"),
        ([tmp_path / "b.csv"], out, {}, r"b\.csv: expected a name that ends in \.jsonl or \.txt, found '\.csv'"),
        ([tmp_path / "c.txt"], out, {}, r"c\.txt: expected a file, found none"),
        ([good, tmp_path / "." / "a.jsonl"], out, {}, "expected every file once"),
        ([good], out, {"max_file_bytes": 5}, r"a\.jsonl: expected at most 5 bytes, found 19"),
        ([good], out, {"max_chars": 5}, "expected a document that can be kept, found 1 too long"),
        ([good, tmp_path / "empty.txt"], tmp_path / "full", {}, "expected no such path or an empty directory"),
        ([tmp_path / "empty.txt"], out, {}, "expected a document that can be kept, found none"),
        ([good], out, {"languages": ("xx",)}, "languages: 'xx' is none"),
        ([good], out, {"held": 0.9}, r"held is 0\.9, must be in 0\.\.0\.5"),
        ([good], out, {"drop": 0.1}, r"drop is 0\.1, must be in 0\.2\.\.1"),
        ([good], out, {"split_by": "hand"}, "split_by is 'hand', must be one of scene, document"),
        ([good, write(tmp_path / "d.jsonl", {"text": "b"})], out, {"max_documents": 1}, "at most 1 documents"),
    ):  # fmt: skip
        with pytest.raises(PrepareError, match=told):
            run(list(files), bundle, where, **options)
        assert not out.exists()


def test_the_command_prepares_and_tells(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write(tmp_path / "a.jsonl", *corpus()), tmp_path / "out"
    arguments = ["prepare", str(source), "--tokenizer", str(bundle), "--out", str(out)]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert not ended.value.code and told.pop("seconds") > 0
    assert told == json.loads((out / STATS).read_text()) and told["read"] == len(corpus())
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "out: expected no such path or an empty directory" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*arguments[:-3], "diorama", "--out", str(tmp_path / "other")])
    assert ended.value.code == 2
    assert "family: expected a chat bundle with a decoder, found diorama" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
