"""A live conversation's events as people and programs read them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from rich.console import Console

from scenewright import conformance, live, types
from scenewright.cli import show

Show: TypeAlias = Callable[[live.LiveEvent], None]


class Printer:
    """Prints what is heard and said as it comes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._partial = 0
        self._objects: dict[str, types.Annotation] = {}

    def __call__(self, event: live.LiveEvent) -> None:
        if isinstance(event, live.Transcript):
            self._heard(event)
        elif isinstance(event, live.ResponseStarted) and not event.question.spoken:
            self._console.print(f"> {event.question.text}", style="italic", markup=False)
        elif isinstance(event, live.TextDelta):
            self._console.print(event.text, end="", markup=False, soft_wrap=True)
            sys.stdout.flush()
        elif isinstance(event, live.Interrupted):
            self._console.print(f" -- interrupted: {event.cause.value}", end="", style="dim")
        elif isinstance(event, live.Annotated):
            self._objects[event.annotation.id] = event.annotation
        elif isinstance(event, live.ResponseDone):
            self._console.print()
            show.print_objects(self._console, tuple(self._objects.values()))
            self._objects.clear()
            show.print_timings(self._console, event.timings, event.usage, event.confidence)
        elif isinstance(event, live.Problem):
            print(f"error: {event.error.message}", file=sys.stderr)
        elif isinstance(event, live.SetupComplete) and event.resumed:
            self._console.print("the connection broke and the conversation goes on", style="dim")

    def _heard(self, event: live.Transcript) -> None:
        """On a terminal partial transcripts replace each other in one line."""
        if event.is_final:
            if event.text:
                self._console.print(f"{self._clear()}heard: {event.text}", style="italic", markup=False)
        elif self._console.is_terminal and event.text:
            line = f"heard: {event.text}"
            self._console.print(self._clear() + line, end="", style="dim italic", markup=False, soft_wrap=True)
            self._partial = len(line)

    def _clear(self) -> str:
        n, self._partial = self._partial, 0
        return f"\r{' ' * n}\r" if n else ""


def print_json(event: live.LiveEvent) -> None:
    """One line of JSON: the event's name and its fields."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    show.print_json({"event": name, **_fields(event)}, indent=None)


def print_check(n_lines: int, violations: Sequence[conformance.Violation]) -> None:
    """The shape that `live --check --json` prints."""
    show.print_json({"lines": n_lines, "violations": [asdict(violation) for violation in violations]})


def _fields(event: live.LiveEvent) -> dict[str, Any]:
    if isinstance(event, live.Problem):
        error = event.error
        return {"reason": error.reason, "message": error.message, "client_seq": event.client_seq}
    fields = asdict(event)
    if isinstance(event, live.Annotated):
        fields["annotation"] = {**show.annotation_json(event.annotation), "frame_id": event.annotation.frame_id}
    if isinstance(event, live.ResponseDone):
        fields["timings"] = show.timings_json(event.timings)
    return fields
