"""Both clients and the command against the live server, on a real socket."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import scenewright
import soundfile
from PIL import Image
from scenewright import aio, errors, types
from scenewright._convert import inputs
from scenewright.cli.app import main

EXAMPLES = Path(__file__).parents[2] / "examples"
PIXELS = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
VOICE = (np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32), 16_000)
SCENE = types.SceneGraph(
    [types.SceneObject("o1", "red chair", types.Pose((0.0, 0.0, 3.0)), (1.0, 1.0, 1.0), "anchor-1")],
    types.Viewpoint(types.Pose((0.0, 1.0, 0.0))),
)


@pytest.fixture
def client(server_address):
    with scenewright.Client(server_address, timeout_s=300) as client:
        yield client


@pytest.fixture
def frame_path(tmp_path):
    path = tmp_path / "frame.png"
    Image.fromarray(PIXELS).save(path)
    return path


@pytest.fixture
def scene_path(tmp_path):
    path = tmp_path / "scene.json"
    path.write_text(json.dumps(inputs.scene_to_dict(SCENE)), encoding="utf-8")
    return path


@pytest.fixture
def voice_path(tmp_path):
    path = tmp_path / "voice.wav"
    soundfile.write(path, *VOICE)
    return path


def said(events) -> str:
    return "".join(event.text for event in events if isinstance(event, types.TextDelta))


def test_every_form_of_an_image_is_described_alike(client, frame_path):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    features = client.embed_image(PIXELS, include_features=True).features
    forms = [frame_path, str(frame_path), file.getvalue(), PIXELS, Image.fromarray(PIXELS), features]
    descriptions = [client.describe(form) for form in forms]
    assert len({description.text for description in descriptions}) == 1
    assert len({description.annotations for description in descriptions}) == 1
    assert descriptions[0].usage.output_tokens > 0


def test_a_stream_says_what_the_whole_says(client):
    frame = types.Frame(PIXELS, frame_id="f1")
    events = list(client.describe_stream(frame, scene=SCENE))
    whole = client.describe(frame, scene=SCENE)
    assert said(events) == whole.text
    annotations = [event for event in events if isinstance(event, types.Annotation)]
    once: dict[str, types.Annotation] = {}
    for item in annotations:
        once[item.id] = item
    assert tuple(once.values()) == whole.annotations
    assert {item.frame_id for item in annotations} == {"f1"}
    assert isinstance(events[-1], types.Done)


def test_a_session_remembers_its_frame_and_hears(client):
    with client.session(ttl_s=30) as session:
        first = session.ask("what is left of the chair", frame=PIXELS, scene=SCENE)
        assert first.question == types.Question("what is left of the chair")
        second = session.ask(audio=VOICE)
        assert second.question.spoken and second.question.confidence is not None
        assert second.usage.cached_tokens > 0
        assert isinstance(list(session.ask_stream("and now"))[-1], types.Done)
    with pytest.raises(errors.NotFoundError) as caught:
        session.ask("are you there")
    assert caught.value.reason == "SESSION_NOT_FOUND"
    session.close()


def test_a_question_may_stand_alone(client):
    answer = client.ask("where is the chair", scene=SCENE, sampling=types.Sampling(max_new_tokens=3))
    assert answer.usage.output_tokens <= 3
    events = list(client.ask_stream("where is the chair", scene=SCENE))
    assert said(events) == client.ask("where is the chair", scene=SCENE).text


def test_speech_and_embeddings(client):
    heard = client.transcribe(VOICE)
    assert heard.duration_s == pytest.approx(1.0)
    image = client.embed_image(PIXELS).values
    texts = client.embed_text(["chair", "mug"])
    assert image.shape == (client.model().embedding_dimension,)
    np.testing.assert_allclose(np.linalg.norm(np.vstack([image, texts]), axis=1), 1.0, atol=1e-3)
    ranked = client.rank_labels(PIXELS, ["chair", "mug"])
    assert {item.label for item in ranked} == {"chair", "mug"}
    spoken = client.encode_audio(VOICE).features
    assert client.transcribe(spoken).text == heard.text
    assert ranked[0].similarity == pytest.approx(max(texts @ image), abs=1e-3)
    assert sum(item.probability for item in ranked) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"not an image", "IMAGE_UNDECODABLE"),
        (np.zeros((9, 90, 3), np.uint8), "FIELD_INVALID"),
        (np.zeros((500, 500, 3), np.uint8), "FRAME_TOO_LARGE"),
        (None, "NOTHING_TO_SEE"),
    ],
)
def test_refusals_have_their_reason(client, image, reason):
    with pytest.raises(errors.InvalidInputError) as caught:
        client.describe(image)
    assert caught.value.reason == reason


async def test_asyncio_does_all_of_it(server_address, client):
    async with aio.Client(server_address, timeout_s=300) as other:
        assert await other.model() == client.model()
        assert (await other.describe(PIXELS)).text == client.describe(PIXELS).text
        events = [event async for event in other.describe_stream(PIXELS)]
        assert said(events) == client.describe(PIXELS).text
        async with await other.session() as session:
            asked = await session.ask("what is there", frame=PIXELS)
            assert asked.text == client.ask("what is there", frame=PIXELS).text
            assert isinstance([event async for event in session.ask_stream(audio=VOICE)][-1], types.Done)
        assert (await other.transcribe(VOICE)).text == client.transcribe(VOICE).text
        np.testing.assert_allclose(
            (await other.embed_image(PIXELS)).values, client.embed_image(PIXELS).values, atol=1e-5
        )
        assert (await other.embed_text(["a", "b"])).shape[0] == 2
        assert len(await other.rank_labels(PIXELS, ["a", "b"])) == 2
        assert (await other.ask("what is there", scene=SCENE)).question.text == "what is there"
        assert [event async for event in other.ask_stream("what is there", scene=SCENE)]


def test_the_command_prints_the_promised_json(server_address, frame_path, scene_path, voice_path, capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments), "--json", "--server", server_address])
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    described = run("describe", frame_path, "--scene", scene_path)
    assert list(described) == ["text", "objects", "timings"]
    assert described["objects"]
    for item in described["objects"]:
        assert list(item) == ["id", "label", "box", "anchor_id", "confidence"]
    asked = run("ask", frame_path, "where is the chair")
    assert list(asked) == ["question", "answer", "objects", "timings"]
    assert run("ask", "--scene", scene_path, "where is the chair")["question"] == "where is the chair"
    assert "answer" in run("ask", frame_path, "--voice", voice_path)
    assert "no_speech" in run("transcribe", voice_path)
    assert run("info")["name"] == "tiny"


def test_the_command_prints_for_people(server_address, frame_path, scene_path, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SCENEWRIGHT_SERVER", server_address)
    drawn = tmp_path / "drawn.png"
    for arguments in (
        ["describe", frame_path, "--scene", scene_path, "--draw", drawn],
        ["ask", frame_path, "where is the chair"],
        ["info"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        assert not ended.value.code
    printed = capsys.readouterr().out
    assert "first token" in printed and "tiny 0" in printed
    assert drawn.exists()


def test_a_chat_outlives_a_wrong_line(server_address, frame_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("what is there\n\n/voice nowhere.wav\nand now\n"))
    with pytest.raises(SystemExit) as ended:
        main(["chat", str(frame_path), "--json", "--server", server_address])
    assert not ended.value.code
    printed = capsys.readouterr()
    assert [json.loads(line)["question"] for line in printed.out.splitlines()] == ["what is there", "and now"]
    assert "nowhere.wav" in printed.err


def test_the_command_runs_a_bundle_in_its_own_process(tiny_bundle, frame_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["describe", str(frame_path), "--json", "--model", str(tiny_bundle)])
    assert not ended.value.code
    assert "text" in json.loads(capsys.readouterr().out)


def test_the_demo_shows_everything(tiny_bundle, tmp_path, capsys):
    drawn = tmp_path / "demo.png"
    arguments = ["demo", "--examples", str(EXAMPLES), "--out", str(drawn), "--model", str(tiny_bundle)]
    for as_json in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *as_json])
        assert not ended.value.code
    people, _, program = capsys.readouterr().out.partition("{\n")
    assert "everything" in people  # what the tiny bundle does not know
    shown = json.loads("{" + program)
    plan = json.loads((EXAMPLES / "demo.json").read_text(encoding="utf-8"))
    assert len(shown["answers"]) == len(plan["questions"]) + len(plan["voices"])
    assert drawn.exists()


def test_a_bundle_that_is_none_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["info", "--model", str(tmp_path)])
    assert ended.value.code == 2
    assert str(tmp_path) in capsys.readouterr().err
