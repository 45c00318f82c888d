import itertools
import json
import subprocess
import sys

import pytest
import torch
from scenewright_server.training.loop import FitConfig, fit
from torch import nn


def batches(start):
    for i in range(start, 1000):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(i))
        yield x, x.sum(1, keepdim=True)


def loss_fn(model, batch):
    x, y = batch
    loss = (model(x) - y).square().mean()
    return loss, {"mae": (model(x) - y).abs().mean()}


def network():
    torch.manual_seed(0)
    # Dropout makes the resume depend on the generator's state too.
    return nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 1))


def settings(**changes):
    values = {"steps": 12, "accumulate": 2, "precision": "32-true", "accelerator": "cpu", "log_every_s": 0.0}
    return FitConfig(**{**values, **changes})


class Stop(Exception):
    pass


def test_resume_is_exact(tmp_path):
    whole = fit(network(), loss_fn, batches, settings(), None, tmp_path / "whole")

    def stops_after_seven_steps(start):
        for i, batch in enumerate(batches(start)):
            if i == 14:
                raise Stop
            yield batch

    model = network()
    with pytest.raises(Stop):
        fit(
            model,
            loss_fn,
            stops_after_seven_steps,
            settings(checkpoint_every_s=0.0),
            None,
            tmp_path / "parts",
        )
    resumed = fit(network(), loss_fn, batches, settings(), None, tmp_path / "parts")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_two_processes_learn_as_one_that_accumulates(tmp_path):
    """In a process of its own: a fork of one in which threads run may hang."""
    program = f"""
import torch
from pathlib import Path
from scenewright_server.training.loop import STRETCH, FitConfig, fit

def batches(start):
    for i in range(start, start + 100):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(i))
        yield x, x.sum(1, keepdim=True)

def interleaved(start):
    return (next(batches(i // 2 + i % 2 * STRETCH)) for i in range(start, 100))

def loss_fn(model, batch):
    return (model(batch[0]) - batch[1]).square().mean(), {{}}

def weights(stream, name, **changes):
    torch.manual_seed(0)
    config = FitConfig(steps=5, precision="32-true", accelerator="cpu", **changes)
    model = fit(torch.nn.Linear(4, 1), loss_fn, stream, config, lambda model: {{}}, Path({str(tmp_path)!r}) / name)
    return model.weight

torch.set_num_threads(1)
two = weights(batches, "two", devices=2)
assert torch.allclose(two, weights(interleaved, "one", accumulate=2), atol=1e-6)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_learns_validates_and_leaves_a_record(tmp_path):
    seen = []

    def validate(model):
        assert not model.training and not torch.is_grad_enabled()
        seen.append(1)
        return {"score": 1.0}

    fit(network(), loss_fn, batches, settings(steps=200, learning_rate=1e-2), validate, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    assert rows[-1]["val_score"] == 1.0 and len(seen) == 1
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_a_timed_budget_ends_annealed(tmp_path, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("scenewright_server.training.loop.time.monotonic", lambda: next(clock) * 0.01)
    fit(
        network(),
        loss_fn,
        lambda n: iter(lambda: next(batches(0)), None),
        settings(steps=None, minutes=0.01),
        None,
        tmp_path,
    )
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 60 and rows[-1]["lr"] < 0.1 * max(row["lr"] for row in rows)


def test_refuses_two_budgets():
    with pytest.raises(ValueError, match="received steps=1, minutes=2"):
        FitConfig(steps=1, minutes=2)


def test_it_ends_when_the_loss_no_longer_falls_and_keeps_the_best(tmp_path):
    losses = [3.0, 2.0, 2.5, 2.5, 1.0]
    kept, told = [], iter(losses)
    changes = {"steps": 50, "accumulate": 1, "validate_every": 2, "patience": 2}

    def keep(model):
        kept.append(float(model[0].weight.detach().sum()))

    fit(network(), loss_fn, batches, settings(**changes), lambda _: {"loss": next(told)}, tmp_path, keep)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["val_loss"]) for row in rows if "val_loss" in row] == [
        (2, 3.0),
        (4, 2.0),
        (6, 2.5),
        (8, 2.5),
    ]
    assert len(kept) == 2 and kept[0] != kept[1]
    fit(network(), loss_fn, batches, settings(**changes), lambda _: {"loss": 2.5}, tmp_path, keep)  # over is over
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 8 and len(kept) == 2
