from __future__ import annotations

import grpc
import pytest

from tests.service.wire import Stubs


@pytest.fixture(autouse=True)
def _without_weights(no_weights: None) -> None:
    """The service names no family: no bundle of weights is needed here."""


@pytest.fixture
def stubs(server_address):
    """Every service of the live server."""
    with grpc.insecure_channel(server_address) as channel:
        yield Stubs(channel)
