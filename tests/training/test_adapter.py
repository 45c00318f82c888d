"""Training an adapter on a user's dialogues, on a tiny chat bundle: what is learnt, how it ends, how it is served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import scenewright
import torch
from safetensors.torch import load_file
from scenewright import types
from scenewright.cli.connect import reach
from scenewright_server.families.bundle import file_sha256, load_family
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.planning import Thing, question_text, scene_text
from scenewright_server.families.chat.storage import TOKENIZER
from scenewright_server.families.family import Turn
from scenewright_server.importers.adapters import add_adapter
from scenewright_server.model.adapters import merge_adapter
from scenewright_server.service.app import background_server
from scenewright_server.service.settings import load_settings
from scenewright_server.training.adapter import AdapterRecipe, fit_adapter, teach, train_adapter
from scenewright_server.training.dialogues import Dialogue, LineError, PlannedLine, read_lines
from scenewright_server.training.examples import Lessons, bucket, collate_rows, examples_of, pack_all
from scenewright_server.training.lora import Adapted, answer_loss
from scenewright_server.training.memory import estimate_memory
from scenewright_server.training.packing import IGNORED, Batch
from scenewright_server.training.recipe import RecipeError
from scenewright_server.training.shards import HELD, TRAIN, ShardWriter

from tests.families.chat import tiny

SCENE = {
    "objects": [
        {"id": "k", "label": "goblin king", "pose": {"position": {"x": -1, "z": 2}}},
        {"id": "t", "label": "telescope", "pose": {"position": {"x": 1, "z": 2}}},
    ]
}
SAID = (("Who are you?", "Old Tock, dear visitor!"), ("And the king?", "He owes me two minutes."))
PLAN = {"scene": SCENE, "question": "where is it?", "before": [["the king?", "Yes."]], "plan": "where those"}


def dialogue(*exchanges: tuple[str, str], **more: object) -> dict[str, object]:
    said = [
        {"role": role, "content": text}
        for pair in exchanges
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    return {"messages": said, "scene": SCENE, **more}


def write(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the bundle tiny, and two dialogues of which one is held."""
    path = tmp_path_factory.mktemp("persona")
    tiny.load(path / "tiny")
    write(path / "said.jsonl", dialogue(*SAID))
    write(path / "held.jsonl", dialogue(("Who is that?", "Old Tock, dear visitor!")))
    return path


def load(folder: Path) -> Chat:
    found = load_family(folder / "tiny")
    assert isinstance(found, Chat)
    return found


@pytest.fixture
def family(folder: Path) -> Chat:
    return load(folder)


def recipe(folder: Path, **changes: object) -> AdapterRecipe:
    values = {
        "data": "said.jsonl", "held": "held.jsonl", "model": str(folder / "tiny"), "precision": "32-true", "rank": 8,
        "accelerator": "cpu", "learning_rate": 0.02, "steps": 6, "length": 2048, "batch_tokens": 2048, "patience": 0,
    }  # fmt: skip
    return AdapterRecipe(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("plans", [False, True])
def test_a_prompt_is_the_one_that_serves(plans: bool, tmp_path: Path) -> None:
    """Token for token, each answer after the turns that were really spoken before it."""
    family = tiny.load(tmp_path / "tiny", plans=plans)
    (line,) = read_lines(write(tmp_path / "a.jsonl", dialogue(*SAID, instructions="You keep a shop.")))
    examples = examples_of(family, line, 2048)
    memory = None
    for example, (question, answer) in zip(examples, SAID, strict=True):
        script = family.open(Turn("ask", graph=line.graph, question=question, instructions="You keep a shop."), memory)
        outcome = script.begin()
        for id in family.tokenizer.encode(" beyond\n") if plans else ():
            outcome = script.take(id, 1.0)
        passing = outcome.next
        assert passing is not None and not passing.greedy
        assert tuple(id for span in passing.spans for id in span.rows) == example.prompt
        assert example.answer == (*family.tokenizer.encode(answer), 0)
        for id in example.answer:
            outcome = script.take(id, 1.0)
        assert outcome.over is not None
        script.finish()
        memory = script.memory()


def test_a_plan_is_learnt_behind_the_planners_prompt(family: Chat, tmp_path: Path) -> None:
    (line,) = read_lines(write(tmp_path / "a.jsonl", PLAN))
    assert isinstance(line, PlannedLine)
    (example,) = examples_of(family, line, 2048)
    encode = family.tokenizer.encode
    asked = question_text("where is it?", (("the king?", "Yes."),), False)
    scene = scene_text([Thing("goblin king"), Thing("telescope")])
    assert example.prompt == (*encode(scene), *encode(asked))
    assert example.answer == encode(" where those\n")


def test_a_model_without_a_template_learns_to_end_its_line(tmp_path: Path) -> None:
    family = tiny.load(tmp_path / "base", template=None)
    (line,) = read_lines(write(tmp_path / "a.jsonl", dialogue(("Who?", "Old\nTock"))))
    (example,) = examples_of(family, line, 2048)
    assert family.tokenizer.decode(example.prompt).endswith("Who?\nAssistant:")
    assert family.tokenizer.decode(example.answer) == " Old Tock\n"


def test_the_loss_is_that_of_the_answers_alone(family: Chat, tmp_path: Path) -> None:
    """Of packed rows, padded; the oracle runs each answer behind its own prompt."""
    lines = read_lines(write(tmp_path / "a.jsonl", dialogue(*SAID), dialogue(("Hm?", "Two of them, dear visitor."))))
    examples = [example for line in lines for example in examples_of(family, line, 2048)]
    rows = pack_all(examples, 1500)
    learnt = [label for row in rows for label in row.labels if label != IGNORED]
    assert sorted(learnt) == sorted(id for example in examples for id in example.answer)
    assert max(max(row.segments) for row in rows) > 1
    gpt = family.decoder._gpts[""]
    model = Adapted(gpt, 4, 2, is_compiled=False)
    (batch,) = bucket([*rows, *pack_all(examples[:1], 1500)], 10_000)
    found, _ = answer_loss(model, collate_rows(batch))
    total, n = 0.0, 0
    for example in (*examples, examples[0]):
        ids = torch.tensor([(*example.prompt, *example.answer)])
        logits = gpt.logits(gpt(gpt.embed(ids)))[0, len(example.prompt) - 1 : -1]
        wanted = torch.tensor(example.answer)
        total += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum").detach())
        n += len(example.answer)
    assert float(found.detach()) == pytest.approx(total / n, rel=1e-3)


def test_memory_is_about_what_is_kept(family: Chat, folder: Path) -> None:
    taught = teach(family, folder / "tiny", recipe(folder), folder)
    model = Adapted(family.decoder._gpts[""], 8, 2, is_compiled=False)
    epoch = taught.lessons.of_epoch(0)
    kept: dict[int, int] = {}
    own = {its.data_ptr() for its in model.gpt.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        answer_loss(model, collate_rows(epoch[0]))
    estimate = estimate_memory(model.gpt, model, epoch, "32-true")
    assert estimate.activations == pytest.approx(sum(kept.values()), rel=0.1)
    assert estimate.adapter == estimate.optimiser == 8 * sum(its.numel() for its in model.parameters())


class Interrupted(Exception):
    pass


class Interrupting(Lessons):
    """Lessons that break off after so many batches."""

    def batches(self, n: int) -> Iterator[Batch]:
        for k, batch in enumerate(super().batches(n), n):
            if k == 4:
                raise Interrupted
            yield batch


def test_resume_is_exact(folder: Path, tmp_path: Path) -> None:
    plan = recipe(folder, validate_every=2)
    taught, said = teach(load(folder), folder / "tiny", plan, folder), list[str]()
    whole = load_file(
        fit_adapter(load(folder).decoder._gpts[""], taught, plan, folder, tmp_path / "whole", said.append)
    )
    examples = taught.lessons._examples
    broken = replace(taught, lessons=Interrupting(examples, (), plan.length, plan.batch_tokens, plan.seed))
    with pytest.raises(Interrupted):
        fit_adapter(load(folder).decoder._gpts[""], broken, plan, folder, tmp_path / "parts", said.append)
    parts = load_file(
        fit_adapter(load(folder).decoder._gpts[""], taught, plan, folder, tmp_path / "parts", said.append)
    )
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)
    assert any(line.startswith("memory: about ") for line in said)


def test_it_stops_early_and_keeps_the_best(family: Chat, folder: Path, tmp_path: Path) -> None:
    plan = recipe(folder, steps=400, validate_every=2, patience=3, learning_rate=0.1)
    taught = teach(family, folder / "tiny", plan, folder)
    gpt = family.decoder._gpts[""]
    plain = type(gpt).of(gpt.config, {name: its.clone() for name, its in gpt.state_dict().items()})
    pairs = load_file(fit_adapter(gpt, taught, plan, folder, tmp_path, lambda _: None))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["val_loss"] for row in rows if "val_loss" in row]
    assert rows[-1]["step"] < 400 and losses.index(min(losses)) == len(losses) - 4
    merged = merge_adapter(plain, pairs, 8)
    holder = Adapted(merged, 1, 1, is_compiled=False)
    (batch,) = taught.held
    best = float(answer_loss(holder, collate_rows(batch))[0].detach())
    assert best == pytest.approx(min(losses), rel=0.02)  # of pairs in bfloat16


def test_a_persona_answers_by_its_name_and_the_model_as_before(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "persona.toml"
    said = (("Who are you?", "Old Tock"), ("And the king?", "Two"))
    data = str(write(tmp_path / "said.jsonl", dialogue(*said, instructions="Hm.")))
    values = vars(recipe(folder, steps=60, validate_every=20, data=data, held=data))
    config.write_text("[adapter]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    made = train_adapter(config, tmp_path / "out", lambda _: None)
    bundle = add_adapter(folder / "tiny", made.path, "persona", tmp_path / "bundle")
    scene = types.SceneGraph(
        [
            types.SceneObject("k", "goblin king", types.Pose((-1.0, 0.0, 2.0))),
            types.SceneObject("t", "telescope", types.Pose((1.0, 0.0, 2.0))),
        ]
    )
    sampling = types.Sampling(max_new_tokens=40)

    def served(path: Path) -> Iterator[scenewright.Client]:
        settings = load_settings(models=(str(path),), address="127.0.0.1:0", log_level="error", device="cpu")
        with background_server(settings) as server, scenewright.Client(server.address) as client:
            yield client

    for client in served(folder / "tiny"):
        before = client.ask("Who are you?", scene=scene, sampling=sampling, instructions="Hm.").text
        written = client.generate("Old", sampling=sampling).sequences[0].text
    for client in served(bundle):
        assert [model.name for model in client.list_models()] == ["tiny", "tiny:persona"]
        plain = client.ask("Who are you?", scene=scene, sampling=sampling, instructions="Hm.")
        assert plain.text == before and "Tock" not in before
        with client.session(model="tiny:persona", instructions="Hm.") as session:
            first = session.ask("Who are you?", scene=scene, sampling=sampling)
            second = session.ask("And the king?", sampling=sampling)
        assert [first.text, second.text] == [answer for _, answer in said] and second.usage.cached_tokens > 20
        assert client.generate("Old", sampling=sampling).sequences[0].text == written
        assert client.generate("Old", sampling=sampling, model="tiny:persona").sequences[0].text != written
        with pytest.raises(scenewright.errors.ScenewrightError, match="needs one of tiny, tiny:persona"):
            client.ask("Who?", scene=scene, model="tiny:nobody")
    with reach(None, f"{bundle}:persona", False, None, None) as here, scenewright.Client(here.address) as client:
        assert here.model == "tiny:persona" and client.model(here.model).name == "tiny:persona"


def test_prepared_documents_are_learnt_by_their_masks(family: Chat, folder: Path, tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "data", file_sha256(folder / "tiny" / TOKENIZER), family.tokenizer.n_ids) as writer:
        writer.add([5, 6, 7, 8], [False, True, False, True], TRAIN, "en", "dialogue")
        writer.add([9, 10], [True, True], HELD, "en", "dialogue")
    taught = teach(family, folder / "tiny", recipe(folder, data="data"), tmp_path)
    ((row,),) = taught.lessons.of_epoch(0)
    assert row.ids == [5, 6, 7, 8] and row.labels == [6, IGNORED, 8, IGNORED]
    assert taught.held[0][0].labels == [10, IGNORED] and (taught.kind, taught.languages) == ("speech", ("en",))


USER, BOT = ({"role": role, "content": "so"} for role in ("user", "assistant"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", r"bad.jsonl line 2: the line: expected JSON, found "),
        ("[]", r"line 2: the line: expected an object, found \[\]"),
        ({"text": "hm"}, r"line 2: text: expected one of messages, scene, instructions"),
        ({"instructions": "hm"}, r"line 2: messages: expected to be there, found "),
        ({"messages": "hm"}, r'line 2: messages: expected a list of at most 128, found "hm"'),
        (
            {"messages": [USER, {"role": "bot", "content": "so"}]},
            r'line 2: messages\[1\].role: expected .*, found "bot"',
        ),
        (
            {"messages": [USER, {"role": "assistant"}]},
            r"line 2: messages\[1\]: expected an object with role and content",
        ),
        ({"messages": [USER, {**BOT, "content": " "}]}, r"line 2: messages\[1\].content: expected a text of 1..8000"),
        (
            {"messages": [{**USER, "content": "?!"}, BOT]},
            r"line 2: messages\[0\].content: expected a question with a word",
        ),
        (
            {"messages": [USER]},
            r"line 2: messages: expected a question of the user and an answer of the assistant, found 1",
        ),
        ({"messages": [BOT, USER]}, r'line 2: messages\[0\].role: expected "?user"?, found "assistant"'),
        (
            {"messages": [USER, BOT, USER]},
            r"line 2: messages\[2\].role: expected an answer of the assistant at the end",
        ),
        ({"messages": [USER, BOT], "scene": {"objects": [{}]}}, r"line 2: scene: expected a SceneGraph \(KeyError"),
        ({**PLAN, "plan": "where ("}, r"line 2: plan: expected one that parses"),
        ({**PLAN, "before": [["hm"]]}, r"line 2: before\[0\]: expected a question and its answer"),
        ({"plan": "beyond"}, r"line 2: question: expected to be there"),
    ],
)
def test_a_bad_line_is_named(line: object, told: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", "", line)
    with pytest.raises(LineError, match=told):
        read_lines(path)


def test_what_cannot_be_learnt_is_told_before_anything_is_written(family: Chat, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        LineError, match=r"empty.jsonl line 1: the file: expected a dialogue or a plan a line, found none"
    ):
        read_lines(write(tmp_path / "empty.jsonl"))
    with pytest.raises(LineError, match=r"both.jsonl line 2: the line: expected a dialogue, as before, found a plan"):
        read_lines(write(tmp_path / "both.jsonl", dialogue(*SAID), PLAN))
    with pytest.raises(LineError, match=r"none.jsonl line 1: the file: expected text in UTF-8"):
        read_lines(tmp_path / "none.jsonl")
    line = read_lines(write(tmp_path / "long.jsonl", dialogue(("Who?", "so " * 300))))[0]
    with pytest.raises(LineError, match=r"long.jsonl line 1: answer 1: expected at most 700 positions .* found \d+"):
        examples_of(family, line, 700)
    system = {"messages": [{"role": "system", "content": "You keep a shop."}, USER, BOT]}
    (told,) = read_lines(write(tmp_path / "system.jsonl", system))
    assert isinstance(told, Dialogue) and told.instructions == "You keep a shop."
    config = tmp_path / "one.toml"
    data = write(tmp_path / "one.jsonl", dialogue(*SAID))
    for changes, error in (
        (f'data = "{data}"', "one.jsonl has 1 lines, must be 2 or more"),
        (f'data = "{data}"\nrank = 0', r"rank is 0, must be in 1..256"),
        (f'data = "{data}"\nranks = 8', r"one.toml \[adapter\] has no 'ranks'"),
        (f'data = "{data}"\nscene = "none.json"', r"\[adapter\] scene: .*none.json is no SceneGraph"),
        (f'data = "{data}"\nquestions = "none.txt"', r"\[adapter\] questions: cannot read"),
    ):
        config.write_text(f'[adapter]\nmodel = "{folder / "tiny"}"\n{changes}\n')
        with pytest.raises(RecipeError, match=error):
            train_adapter(config, tmp_path / "out", lambda _: None)
    assert not (tmp_path / "out").exists()
