from __future__ import annotations

from collections.abc import Iterator

import pytest
import scenewright
from scenewright_server.importers.bundles import write_bundle
from scenewright_server.service.app import Server, background_server
from scenewright_server.service.settings import Settings

from tests.conftest import LIMITS
from tests.families.chat.tiny import parts
from tests.language.models import KINDS, Source, make_source


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    directory = tmp_path_factory.mktemp("language")
    return {kind: make_source(kind, directory) for kind in KINDS}


@pytest.fixture(scope="session")
def server(settings: Settings, sources: dict[str, Source]) -> Iterator[Server]:
    """A live server of all three and of one that knows every byte, beside a model that cannot go on from a text."""
    limits = LIMITS.model_copy(update={"max_text_chars": 1000, "max_new_tokens": 128})
    bundles = [source.bundle for source in sources.values()]
    bundles.append(write_bundle(sources["gpt2"].bundle.parent / "bytes", parts(), name="bytes", dtype="float32"))
    models = (*map(str, bundles), *settings.models)
    with background_server(settings.model_copy(update={"models": models, "limits": limits})) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[scenewright.Client]:
    with scenewright.Client(server.address, model="gpt2") as client:
        yield client
