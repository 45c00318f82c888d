"""Structured logs on stderr: one logger handed from hand to hand, no global set-up."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def make_logger(log_format: str, log_level: str) -> Any:
    """A structlog logger that writes `console` or `json` lines of at least `log_level` to stderr."""
    json = log_format == "json"
    renderer = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.dict_tracebacks] if json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log_level.upper())),
    ).bind()
