"""Made-up scenes for the tests of the embedded family."""

from __future__ import annotations

import numpy as np
from scenewright_server.scene.entries import Detections, GraphObject

ATTRIBUTES = {"colour": ("red", "blue"), "kind": ("chair", "mug", "lamp")}
N_CTX = 200


def detections(seed: int, n: int = 3) -> Detections:
    """As if seen in a frame."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 0.5, (n, 2))
    return Detections(
        boxes=np.hstack([corner, corner + rng.uniform(0.1, 0.5, (n, 2))]).astype(np.float32),
        scores=rng.uniform(0.4, 1, n).astype(np.float32),
        depth=rng.uniform(1, 5, n).astype(np.float32),
        attributes={
            name: rng.dirichlet(np.ones(len(values)), n).astype(np.float32) for name, values in ATTRIBUTES.items()
        },
    )


def graph(*labels: str) -> tuple[GraphObject, ...]:
    return tuple(
        GraphObject(f"object-{k}", label, (k - 1.0, 0.5, 2.0 + k), (0.5, 1.0, 0.5)) for k, label in enumerate(labels)
    )
