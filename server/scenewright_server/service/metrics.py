"""What Prometheus sees. Each server has its own registry, so that several can live in one process."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The server's counters, gauges and histograms; see `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter(
            "scenewright_calls",
            "Calls ended, by method and outcome.",
            ["method", "code", "reason"],
            registry=self.registry,
        )
        self.call_seconds = Histogram(
            "scenewright_call_seconds",
            "From a call's arrival to its end.",
            ["method"],
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.calls_running = Gauge("scenewright_calls_running", "Calls being served.", registry=self.registry)
        self.first_token_seconds = Histogram(
            "scenewright_first_token_seconds",
            "From a call's arrival to its first token.",
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.turns = Counter(
            "scenewright_live_turns",
            "Responses of live conversations ended, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.resumes = Counter(
            "scenewright_live_resumes", "Live conversations resumed after a broken stream.", registry=self.registry
        )
        self.tokens = Counter("scenewright_tokens", "Tokens of finished answers.", registry=self.registry)

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A gauge that asks `read` whenever it is scraped."""
        Gauge(name, help_text, registry=self.registry).set_function(read)
