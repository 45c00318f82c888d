from __future__ import annotations

from collections.abc import Callable

import pytest
from scenewright_server.families.diorama.fusion import FusedModel

from tests.conftest import tiny_model


@pytest.fixture(scope="session")
def model_factory() -> Callable[[], FusedModel]:
    """Makes a tiny fused model of random weights."""
    return tiny_model


from tests.engine.conftest import model  # noqa: E402, F401
