import pytest


@pytest.fixture(autouse=True)
def _without_weights(no_weights: None) -> None:
    """Perception knows `families.family` alone: no bundle of weights is needed here."""
