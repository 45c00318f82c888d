"""One training loop for every stage: Lightning Fabric, AdamW, warm-up and cosine, exact resume, learning
curve."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

Loss = Callable[[nn.Module, Any], tuple[Tensor, dict[str, Any]]]


@dataclass(frozen=True)
class FitConfig:
    """How to train. Exactly one of `steps` (optimiser steps) and `minutes` (wall clock, kept across resumes)
    is the budget; the learning rate follows the share of it spent, so a timed training ends annealed on any
    machine.
    """

    steps: int | None = None
    minutes: float | None = None
    learning_rate: float = 1e-3
    warmup: float = 0.02  # share of the budget
    final_rate: float = 0.02  # share of learning_rate left at the end
    weight_decay: float = 0.05  # on matrices; never on biases, norms and gains
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    accumulate: int = 1  # batches in one optimiser step
    precision: Any = "bf16-mixed"
    accelerator: str = "auto"
    log_every_s: float = 20.0
    checkpoint_every_s: float = 180.0
    validate_every_s: float = 600.0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(f"give steps or minutes, received steps={self.steps}, minutes={self.minutes}")

    def share(self, step: int, elapsed_s: float) -> float:
        """How much of the budget is spent, 0..1."""
        return min(1.0, step / self.steps if self.steps is not None else elapsed_s / (60 * (self.minutes or 1)))

    def rate(self, share: float) -> float:
        """The learning rate after `share` of the budget: linear warm-up, then half a cosine."""
        if share < self.warmup:
            return self.learning_rate * share / self.warmup
        cosine = 0.5 * (1 + math.cos(math.pi * (share - self.warmup) / max(1 - self.warmup, 1e-9)))
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * cosine)


def fit(
    model: nn.Module,
    loss_fn: Loss,
    batches: Callable[[int], Iterable[Any]],
    config: FitConfig,
    validate: Callable[[nn.Module], dict[str, float]] | None,
    out: Path,
) -> nn.Module:
    """Train `model` in place, and continue from `out/checkpoint.pt` where there is one.

    `loss_fn(model, batch)` runs under autocast and returns the loss and the metrics to log. `batches(n)`
    gives the batches after the first n: a seeded stream makes the resume exact. `validate(model)` runs in
    eval mode without gradients, also once at the end; it is the place to save weights. Writes metrics.jsonl
    and curve.png into `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    fabric = Fabric(accelerator=config.accelerator, devices=1, precision=config.precision)
    fabric.to_device(model)
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, config))
    step, elapsed_s = load_checkpoint(out, model, optimizer)
    began = time.monotonic() - elapsed_s
    marks = {"log": elapsed_s, "logged": elapsed_s, "checkpoint": elapsed_s, "validate": elapsed_s}
    sums: dict[str, float] = {}
    counted, logged_step = 0, step

    def due(what: str, every_s: float) -> bool:
        if elapsed_s - marks[what] < every_s:
            return False
        marks[what] = elapsed_s
        return True

    def check() -> None:
        if validate is not None:
            model.eval()
            with torch.no_grad():
                scores = validate(model)
            model.train()
            _write(
                out,
                {
                    "step": step,
                    "elapsed_s": round(elapsed_s, 1),
                    **{f"val_{k}": v for k, v in scores.items()},
                },
            )
            report(f"validation at step {step}: " + _show(scores), None)
        draw_curve(out)

    stream = iter(batches(step * config.accumulate))
    model.train()
    with _progress(out.name) as report:
        while config.share(step, elapsed_s) < 1:
            rate = config.rate(config.share(step if config.steps is None else step + 1, elapsed_s))
            for group in optimizer.param_groups:
                group["lr"] = rate
            for _ in range(config.accumulate):
                with fabric.autocast():
                    loss, metrics = loss_fn(model, fabric.to_device(next(stream)))
                fabric.backward(loss / config.accumulate)
                for name, value in {"loss": loss, **metrics}.items():
                    sums[name] = sums.get(name, 0.0) + float(torch.as_tensor(value).detach())
                counted += 1
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            if torch.isfinite(norm):
                optimizer.step()
            sums["skipped"] = sums.get("skipped", 0.0) + float(not torch.isfinite(norm))
            optimizer.zero_grad(set_to_none=True)
            step, elapsed_s = step + 1, time.monotonic() - began

            if due("log", config.log_every_s):
                means = {name: total / counted for name, total in sums.items()}
                speed = (step - logged_step) / max(elapsed_s - marks["logged"], 1e-9)
                marks["logged"], sums, counted, logged_step = elapsed_s, {}, 0, step
                _write(out, {"step": step, "elapsed_s": round(elapsed_s, 1), "lr": rate, **means})
                share = config.share(step, elapsed_s)
                left_min = elapsed_s / 60 * (1 / max(share, 1e-9) - 1)
                report(
                    f"step {step} {_show(means)} lr {rate:.2e} | {speed:.2f} steps/s, {left_min:.0f} min",
                    share,
                )
            if config.share(step, elapsed_s) < 1 and due("validate", config.validate_every_s):
                check()
            if due("checkpoint", config.checkpoint_every_s):
                save_checkpoint(out, model, optimizer, step, elapsed_s)
        save_checkpoint(out, model, optimizer, step, elapsed_s)
        check()
    return model


def make_optimizer(model: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    """AdamW with weight decay on the trainable tensors of two or more dimensions."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate, betas=config.betas)


def save_checkpoint(out: Path, model: nn.Module, optimizer: Any, step: int, elapsed_s: float) -> None:
    """Replace `out/checkpoint.pt` in one move, so that a kill leaves the old one or the new one."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
    torch.save({**state, "step": step, "elapsed_s": elapsed_s}, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")


def load_checkpoint(out: Path, model: nn.Module, optimizer: Any) -> tuple[int, float]:
    """Restore what save_checkpoint wrote and return (step, elapsed_s): (0, 0.0) where there is none."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    return state["step"], state["elapsed_s"]


def draw_curve(out: Path) -> None:
    """Draw `out/metrics.jsonl` as curve.png: losses on the left, validation scores on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path = out / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, is_mine in zip(
        figure.subplots(1, 2),
        (
            lambda name: not name.startswith("val_") and name.endswith("loss"),
            lambda name: name.startswith("val_"),
        ),
        strict=True,
    ):
        for name in dict.fromkeys(key for row in rows for key in row if is_mine(key)):
            points = [(row["elapsed_s"] / 60, row[name]) for row in rows if name in row]
            axes.plot(
                *zip(*points, strict=True),
                label=name.removeprefix("val_"),
                marker="." if len(points) < 30 else "",
            )
        axes.set_xlabel("minutes")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=8)
    figure.savefig(out / "curve.png", dpi=100)


def _show(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in values.items() if name != "skipped" or value)


def _write(out: Path, row: dict[str, Any]) -> None:
    with (out / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


@contextmanager
def _progress(name: str):
    """Yields report(line, share): a bar on a terminal, plain lines elsewhere."""
    if not sys.stdout.isatty():
        yield lambda line, share: print(f"{time.strftime('%H:%M:%S')} {name} {line}", flush=True)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()) as bar:
        task = bar.add_task(name, total=1.0)

        def report(line: str, share: float | None) -> None:
            bar.console.print(line)
            if share is not None:
                bar.update(task, completed=share)

        yield report
