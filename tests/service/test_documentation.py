"""docs/server.md names every reason, limit, setting and metric that there is, and no other."""

import re
from pathlib import Path

from scenewright_server.service.settings import Limits, Settings
from scenewright_server.service.status import REASONS

ROOT = Path(__file__).resolve().parents[2]


def rows(text):
    """What stands in backticks in the first cell of a table's rows."""
    return [name for row in re.findall(r"^\| ([^|]*) \|", text, re.M) for name in re.findall(r"`([^`]+)`", row)]


def test_the_page_names_what_there_is(live_server):
    found = rows((ROOT / "docs" / "server.md").read_text())
    metrics = live_server.metrics.registry.collect()
    known = {*REASONS, *Limits.model_fields, *Settings.model_fields}
    known |= {metric.name + ("_total" if metric.type == "counter" else "") for metric in metrics}
    assert set(found) == known and len(found) == len(set(found))


def test_the_contract_names_every_reason_and_no_other():
    text = (ROOT / "proto" / "scenewright" / "v1" / "error.proto").read_text()
    found = re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", text[text.index("The reasons:") : text.index("message ErrorEvent")])
    assert set(REASONS) <= set(found)
