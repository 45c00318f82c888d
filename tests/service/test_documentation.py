"""docs/server.md names every reason, limit and metric that there is."""

from pathlib import Path

from scenewright_server.service.metrics import Metrics
from scenewright_server.service.settings import Limits, Settings
from scenewright_server.service.status import REASONS

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_is_left_out():
    text = (ROOT / "docs" / "server.md").read_text()
    names = {*REASONS, *Limits.model_fields, *Settings.model_fields}
    names |= {metric.name for metric in Metrics().registry.collect()}
    assert not {name for name in names if name not in text}


def test_the_contract_knows_every_reason():
    text = (ROOT / "proto" / "scenewright" / "v1" / "error.proto").read_text()
    assert not {reason for reason in REASONS if reason not in text}
