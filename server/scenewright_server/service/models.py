"""The models that a server has."""

from __future__ import annotations

from collections.abc import Iterator

from scenewright_server.families.bundle import BundleError
from scenewright_server.service.served import ServedModel
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import MAX_ID_CHARS


class Models:
    """Served models by name, in the order in which they were added; the first is meant where none is named."""

    def __init__(self) -> None:
        self._models: dict[str, ServedModel] = {}

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def add(self, model: ServedModel) -> None:
        """Raises BundleError for a name that another has."""
        if model.name in self._models:
            raise BundleError(f"two of the models to serve are named {model.name!r}: each needs a name of its own")
        self._models[model.name] = model

    def get(self, name: str = "") -> ServedModel:
        """The model of this name, the first for none. Raises `Refused` (MODEL_NOT_FOUND)."""
        model = self._models.get(name) if name else next(iter(self), None)
        if model is None:
            served = ", ".join(self._models)
            shown = name[:MAX_ID_CHARS]
            raise Refused(
                "MODEL_NOT_FOUND",
                f"model is {shown!r}, needs one of {served}",
                field="model",
                value=shown,
                bound=served,
            )
        return model

    def of_session(self, name: str, model: ServedModel) -> ServedModel:
        """A session's model, which a request may name but not change. Raises `Refused`: MODEL_MISMATCH or
        MODEL_NOT_FOUND."""
        if name and self.get(name) is not model:
            raise Refused(
                "MODEL_MISMATCH",
                f"model is {name!r}, the session's is {model.name!r}",
                field="model",
                value=name,
                bound=model.name,
            )
        return model
