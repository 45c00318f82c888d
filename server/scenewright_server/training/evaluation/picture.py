"""The worst cases as one picture: what is true on the left, what the model said on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from scenewright_server.simulator.scene import Box
from scenewright_server.simulator.text import plain
from scenewright_server.training.evaluation.cases import draw_cases
from scenewright_server.training.evaluation.scores import Outcome, described_counts, fullest, grounded_counts, judge

N_CASES = 12
N_COLUMNS = 3
COLOURS = ("#ff4b5c", "#56e39f", "#5aa9ff", "#ffb347", "#d58cff", "#35e0e0", "#e8e05a", "#ff8ad1")
WIDTH = 62  # characters of a line under a frame
MAX_LINES = 9


def draw_worst(outcomes: Sequence[Outcome], seed: int, path: Path) -> int:
    """Save the worst dozen of the described frames, worst first; returns how many are shown.

    Cases in Chinese are left out: the font has no such characters. Raises OSError where it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    worst = choose(outcomes)
    n_rows = max(1, -(-len(worst) // N_COLUMNS))
    figure = Figure(figsize=(6.2 * N_COLUMNS, 4.6 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    cells: Any = figure.subfigures(n_rows, N_COLUMNS, squeeze=False)
    for outcome, cell in zip(worst, cells.flat, strict=False):
        _draw_case(outcome, seed, cell)
    figure.savefig(path, dpi=80)
    return len(worst)


def choose(outcomes: Sequence[Outcome], n: int = N_CASES) -> list[Outcome]:
    """The n worst outcomes that went wrong, no split giving more than its share."""
    splits = {o.case.split for o in outcomes}
    share = -(-n // max(len(splits), 1))
    chosen: list[Outcome] = []
    for outcome in sorted(outcomes, key=badness, reverse=True):
        of_split = sum(o.case.split == outcome.case.split for o in chosen)
        case = outcome.case
        is_drawable = case.split != "graph" and case.language == "en" and case.is_described
        if is_drawable and badness(outcome) and of_split < share:
            chosen.append(outcome)
    return chosen[:n]


def badness(outcome: Outcome) -> float:
    """Wrong answers, and things missed, mistaken or imagined by the description."""
    wrong = sum(not ok for _, _, ok in judge(outcome))
    if not outcome.case.is_described:
        return wrong
    names = described_counts(outcome.described, outcome.case.things)
    boxes = grounded_counts(outcome.described, outcome.case.things, outcome.case.ids)
    return wrong + names["said"] + names["true"] - 2 * names["both"] + 0.5 * (boxes["true"] - boxes["grounded"])


def _draw_case(outcome: Outcome, seed: int, cell: Any) -> None:
    case = outcome.case
    frame = draw_cases(case.split, seed, [case.number])[0].frame
    assert frame is not None
    truth = [(thing.phrase, thing.box) for thing in case.things]
    said = [(mention.label, mention.entry.box) for mention in fullest(outcome.described.mentions)]
    cell.suptitle(f"{case.split} {case.number} {case.sort}".strip(), fontsize=11, weight="bold")
    for axes, title, boxes in zip(cell.subplots(1, 2), ("true", "said"), (truth, said), strict=True):
        axes.imshow(frame)
        axes.set_title(title, fontsize=9)
        axes.axis("off")
        _draw_boxes(axes, boxes, len(frame))
    cell.supxlabel(_wrong(outcome), fontsize=8, ha="left", x=0.03)


def _draw_boxes(axes: Any, boxes: Sequence[tuple[str, Box | None]], size: int) -> None:
    from matplotlib.patches import Rectangle

    for i, (words, box) in enumerate(boxes):
        if box is None:
            continue
        x0, y0, x1, y1 = (v * size for v in box)
        colour = COLOURS[i % len(COLOURS)]
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=1.5))
        style = {"facecolor": colour, "edgecolor": "none", "pad": 1, "alpha": 0.85}
        is_right = x0 + x1 > 1.2 * size  # a long name would run out of the picture
        x, side = (x1, "right") if is_right else (x0, "left")
        axes.text(x, max(y0, 6), words, fontsize=6.5, ha=side, va="bottom", clip_on=True, bbox=style)


def _wrong(outcome: Outcome) -> str:
    """The wrong answers under a frame."""
    lines = []
    for turn, reply, ok in judge(outcome):
        if not ok:
            lines += fill(f'{turn.question}? "{reply.text}" (true: {plain(turn.answer)})', WIDTH).splitlines()
    if not outcome.case.things:
        lines += fill(f"described as: {outcome.described.text}", WIDTH).splitlines()
    return "\n".join(lines[:MAX_LINES]) or "every answer is right"
