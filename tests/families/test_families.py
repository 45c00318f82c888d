"""Several families in one process, and bundles told apart by what they say of themselves."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scenewright_server.engine.compute import AsyncEngine, ComputeThread
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.families.bundle import EMBEDDED, MANIFEST, BundleError, load_family
from scenewright_server.families.family import Family, Turn
from scenewright_server.perception.perception import Perception, PerceptionThreads
from scenewright_server.scene.entries import GraphObject

from tests.fake import FakeFamily
from tests.oracle import text_of

GRAPH = (GraphObject("k", "goblin king", (-1.0, 0.5, 2.0), (0.5, 1.0, 0.5)),)


async def test_one_process_holds_two_families_and_answers_with_both() -> None:
    families: list[Family] = [load_family(), FakeFamily()]
    compute, threads = ComputeThread(), PerceptionThreads()

    async def answer(family: Family) -> list:
        perception, engine = Perception(family, threads), AsyncEngine(family.decoder, compute)
        seen = await perception.see(family.fit(np.zeros((90, 120, 3), np.uint8)))
        turn = Turn("ask", seen, GRAPH, "where is the goblin king", max_new_tokens=60)
        script = await perception.open(turn, None)
        return [event async for event in engine.run(script, Sampling(60)).events()]

    try:
        answers = await asyncio.gather(*(answer(family) for family in families for _ in range(2)))
    finally:
        compute.close()
        threads.close()
    assert all(isinstance(events[-1], Done) for events in answers)
    texts = [text_of(events) for events in answers]
    assert texts[0] == texts[1] == "On the left." and texts[2] == texts[3] != texts[0]


def test_what_stands_above_the_families_loads_none() -> None:
    """Importing the whole server brings in no family: bundles say which they need."""
    code = (
        "import sys, scenewright_server.service.app\n"
        "print([name for name in sys.modules if name.startswith('scenewright_server.families.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(
        [f"scenewright_server.families.{name}" for name in ("family", "writing", "bundle", "endpoint")]
    )


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"format": 1, "family": "papyrus"}, "family is 'papyrus', this version knows diorama"),
        ({"format": 2}, "not of bundle format 1"),
        ([], "not of bundle format 1"),
        ({"format": 1, "family": ["diorama"]}, "family is"),
        ({"format": 1}, "does not fit this version"),
    ],
)
def test_a_bundle_of_no_known_family_is_refused_by_name(tmp_path: Path, manifest: object, message: str) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=message):
        load_family(tmp_path)


def test_a_bundle_without_a_family_is_the_embedded_ones(tmp_path: Path) -> None:
    for file in EMBEDDED.iterdir():
        (tmp_path / file.name).symlink_to(file)
    manifest = {
        name: value for name, value in json.loads((EMBEDDED / MANIFEST).read_text()).items() if name != "family"
    }
    (tmp_path / MANIFEST).unlink()
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert load_family(tmp_path).spec.name == load_family().spec.name == "diorama"
