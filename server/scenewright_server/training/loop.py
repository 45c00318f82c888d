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
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Loss = Callable[[nn.Module, Any], tuple[Tensor, dict[str, Any]]]
STRETCH = 1 << 24
"""Batches from where one device's part of a stream begins to where the next one's does."""


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
    average: float = 0.0  # decay of a moving average of the weights, validated and kept in their place; 0: none
    precision: Any = "bf16-mixed"
    accelerator: str = "auto"
    devices: int = 1  # that share every optimiser step, each with batches of its own
    log_every_s: float = 20.0
    checkpoint_every_s: float = 180.0
    validate_every_s: float = 600.0
    validate_every: int = 0  # optimiser steps, in place of seconds, and a checkpoint each time; 0: by the clock
    patience: int = 0  # validations in a row without a lower loss, after which it ends; 0: any number

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


@dataclass
class Standing:
    """The lowest loss of all validations, and how many came after it."""

    best: float = math.inf
    n_worse: int = 0

    def take(self, loss: float) -> bool:
        """Whether this loss is the lowest so far."""
        is_best = loss < self.best
        self.best, self.n_worse = (loss, 0) if is_best else (self.best, self.n_worse + 1)
        return is_best


def fit(
    model: nn.Module,
    loss_fn: Loss,
    batches: Callable[[int], Iterable[Any]],
    config: FitConfig,
    validate: Callable[[nn.Module], dict[str, float]] | None,
    out: Path,
    keep: Callable[[nn.Module], None] | None = None,
) -> nn.Module:
    """Train `model` in place, and continue from `out/checkpoint.pt` where there is one.

    `loss_fn(model, batch)` runs under autocast and returns the loss and the metrics to log. `batches(n)`
    gives the batches after the first n: a seeded stream makes the resume exact. `validate(model)` runs in
    eval mode without gradients, also once at the end; it is the place to save weights, and `keep(model)` that to save
    those whose "loss" is the lowest of all validations so far. With `average` both are given the averaged weights, and
    these are the model's in the end. Writes metrics.jsonl and curve.png into `out`.
    Several devices each take a stretch of the stream of their own; the first logs, validates and saves.
    """
    out.mkdir(parents=True, exist_ok=True)
    # Forked processes have the model, the loss and the stream as they are here; nothing is set up twice.
    strategy = "ddp_fork" if config.devices > 1 else "auto"
    fabric = Fabric(
        accelerator=config.accelerator, devices=config.devices, precision=config.precision, strategy=strategy
    )
    if config.devices == 1:
        _fit(fabric, model, loss_fn, batches, config, validate, out, keep)
        return model
    fabric.launch(_fit, model, loss_fn, batches, config, validate, out, keep)  # type: ignore[arg-type]
    state = torch.load(out / "checkpoint.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(_averaged(state["average"]) if config.average else state["model"])
    return model


def _fit(
    fabric: Fabric,
    model: nn.Module,
    loss_fn: Loss,
    batches: Callable[[int], Iterable[Any]],
    config: FitConfig,
    validate: Callable[[nn.Module], dict[str, float]] | None,
    out: Path,
    keep: Callable[[nn.Module], None] | None = None,
) -> None:
    """`fit` in each of its processes."""
    fabric.to_device(model)
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, config))
    average = None
    if config.average:
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.average))
    step, elapsed_s, standing = load_checkpoint(out, model, optimizer, average)
    began = time.monotonic() - elapsed_s
    marks = {"log": elapsed_s, "logged": elapsed_s, "checkpoint": elapsed_s, "validate": elapsed_s}
    sums: dict[str, float] = {}
    counted, logged_step, checked_step = 0, step, -1

    def due(what: str, every_s: float) -> bool:
        if elapsed_s - marks[what] < every_s:
            return False
        marks[what] = elapsed_s
        return True

    def goes_on() -> bool:
        is_patient = not config.patience or standing.n_worse < config.patience
        return is_patient and config.share(step, elapsed_s) < 1

    def check() -> None:
        nonlocal checked_step
        checked_step = step
        if validate is not None:
            judged: nn.Module = average.module if average else model
            judged.eval()
            with torch.no_grad():
                scores = validate(judged)
                if "loss" in scores and standing.take(scores["loss"]) and keep is not None:
                    keep(judged)
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

    stream = iter(batches(step * config.accumulate + fabric.global_rank * STRETCH))
    model.train()
    with _progress(out.name, is_silent=not fabric.is_global_zero) as report:
        while goes_on():
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
            _share_gradients(fabric, model)
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            if torch.isfinite(norm):
                optimizer.step()
                if average:
                    average.update_parameters(model)
            sums["skipped"] = sums.get("skipped", 0.0) + float(not torch.isfinite(norm))
            optimizer.zero_grad(set_to_none=True)
            step, elapsed_s = step + 1, time.monotonic() - began
            if fabric.world_size > 1:  # one clock tells all when to stop
                elapsed_s = fabric.broadcast(elapsed_s)
            if not fabric.is_global_zero:
                continue

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
            by_step = config.validate_every > 0 and step % config.validate_every == 0
            by_clock = not config.validate_every and due("validate", config.validate_every_s)
            if by_step or (by_clock and config.share(step, elapsed_s) < 1):
                check()
            if by_step or due("checkpoint", config.checkpoint_every_s):
                save_checkpoint(out, model, optimizer, step, elapsed_s, standing, average)
        if fabric.is_global_zero:
            save_checkpoint(out, model, optimizer, step, elapsed_s, standing, average)
            if checked_step != step:
                check()
    if average:
        model.load_state_dict(average.module.state_dict())


def _share_gradients(fabric: Fabric, model: nn.Module) -> None:
    """Average the gradients over all processes. What one process's batch did not touch, another's may have."""
    if fabric.world_size == 1:
        return
    for parameter in model.parameters():
        if parameter.requires_grad:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = fabric.all_reduce(gradient, reduce_op="mean")  # type: ignore[assignment]


def _averaged(state: dict[str, Any]) -> dict[str, Any]:
    """The model's state in an AveragedModel's."""
    return {name.removeprefix("module."): value for name, value in state.items() if name.startswith("module.")}


def make_optimizer(model: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    """AdamW with weight decay on the trainable tensors of two or more dimensions."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate, betas=config.betas)


def save_checkpoint(
    out: Path,
    model: nn.Module,
    optimizer: Any,
    step: int,
    elapsed_s: float,
    standing: Standing,
    average: AveragedModel | None = None,
) -> None:
    """Replace `out/checkpoint.pt` in one move, so that a kill leaves the old one or the new one."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
    if average:
        state["average"] = average.state_dict()
    torch.save({**state, "step": step, "elapsed_s": elapsed_s, **vars(standing)}, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")


def load_checkpoint(
    out: Path, model: nn.Module, optimizer: Any, average: AveragedModel | None = None
) -> tuple[int, float, Standing]:
    """Restore what save_checkpoint wrote and return step, elapsed_s and standing: 0, 0.0 and none where there is none.
    One that an earlier version wrote has no standing."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0, 0.0, Standing()
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if average:
        average.load_state_dict(state["average"])
    torch.set_rng_state(state["rng"])
    return state["step"], state["elapsed_s"], Standing(state.get("best", math.inf), state.get("n_worse", 0))


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
def _progress(name: str, is_silent: bool = False):
    """Yields report(line, share): a bar on a terminal, plain lines elsewhere."""
    if is_silent:
        yield lambda line, share: None
        return
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
