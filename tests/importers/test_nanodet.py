"""A graph of TensorFlow.js with NanoDet's convolutions is read; another graph is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scenewright_server.importers.nanodet import COCO, read_nanodet
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.detector import Detector, DetectorConfig

ORDER = (
    "stem.0",
    *(
        f"stages.{i}.{name}.0"
        for i, n_pairs in enumerate((1, 2, 2, 3))
        for name in ("enter", *(f"pairs.{j}.{half}" for j in range(n_pairs) for half in ("first", "second")), "leave")
    ),
    *(f"laterals.{i}" for i in range(3)),
    *(f"heads.{i}.{name}" for i in range(3) for name in ("0.0", "1")),
)
"""The convolutions of the published graph, in the order of their numbers there."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Detector]:
    """A random network, and the graph that TensorFlow.js would have of it, weights in float16."""
    torch.manual_seed(0)
    detector = Detector(DetectorConfig(COCO)).eval()
    nodes: list[dict[str, Any]] = []
    weights, data = [{"name": "axis", "shape": [], "dtype": "int32"}], [np.int32(1).tobytes()]

    def add(name: str, values: np.ndarray) -> str:
        weights.append(
            {"name": name, "shape": list(values.shape), "dtype": "float32", "quantization": {"dtype": "float16"}}
        )
        data.append(values.astype("<f2").tobytes())
        return name

    for i, name in enumerate(ORDER):
        convolution = detector.get_submodule(name)
        kernel = convolution.weight.detach().half().float().numpy().transpose(2, 3, 1, 0)
        number = f"_{i}" if i else ""
        strides = {"strides": {"list": {"i": ["1", *map(str, convolution.stride), "1"]}}}
        inputs = [f"before_{i}", add(f"split{number}", kernel)]
        nodes.append({"name": f"convolution{number}", "op": "Conv2D", "input": inputs, "attr": strides})
        bias = add(f"unknown_{2 * i}", convolution.bias.detach().numpy())
        nodes.append({"name": f"Add{number}", "op": "Add", "input": [f"convolution{number}", bias]})
    nodes = [*nodes[10:], *nodes[:10], {"name": "sum", "op": "Add", "input": ["a", "b"]}]  # a graph is in no order
    dimensions = {"dim": [{"size": str(n)} for n in (1, 3, 416, 416)]}
    graph = {
        "format": "graph-model",
        "signature": {"inputs": {"input_1:0": {"tensorShape": dimensions}}},
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["nanodet.bin"], "weights": weights}],
    }
    directory = tmp_path_factory.mktemp("tfjs")
    (directory / "nanodet.json").write_text(json.dumps(graph))
    (directory / "nanodet.bin").write_bytes(b"".join(data))
    return directory / "nanodet.json", detector


@torch.no_grad()
def test_the_graph_is_read_as_the_network_that_it_is(source: tuple[Path, Detector]) -> None:
    path, detector = source
    detector.load_state_dict({name: tensor.half() for name, tensor in detector.state_dict().items()})
    part = read_nanodet(path)
    ours = Detector(part.config).eval()
    ours.load_state_dict(part.state)
    x = torch.randn(1, 3, 416, 416, generator=torch.Generator().manual_seed(0))
    for got, expected in zip(ours(x), detector(x), strict=True):
        assert expected.std() > 0 and torch.equal(got, expected)
    assert (len(COCO), COCO[0], COCO[39], COCO[56], COCO[79]) == (80, "person", "bottle", "chair", "toothbrush")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda graph: graph | {"format": "layers-model"}, "format: expected graph-model, found 'layers-model'"),
        (lambda graph: graph | {"modelTopology": {}}, "graph: expected NanoDet's nodes, found KeyError: 'node'"),
        (lambda graph: graph | {"modelTopology": {"node": []}}, "Conv2D: expected 34 of them, found 0"),
        (
            lambda graph: graph | {"weightsManifest": [graph["weightsManifest"][0] | {"paths": ["../secret"]}]},
            r"secret: file: expected to be there, beside nanodet.json, found nothing",
        ),
        (
            lambda graph: json.loads(json.dumps(graph).replace('"name": "split_7"', '"name": "split_99"')),
            r"split_7: expected a tensor \[3, 3, 32, 32\], found none",
        ),
        (
            lambda graph: json.loads(json.dumps(graph).replace("[3, 3, 3, 32]", "[3, 3, 32, 3]")),
            r"split: expected shape \[3, 3, 3, 32\], found \[3, 3, 32, 3\]",
        ),
        (
            lambda graph: json.loads(json.dumps(graph).replace('["1", "2", "2", "1"]', '["1", "1", "1", "1"]')),
            r"convolution: expected strides \(2, 2\), found \[1, 1, 1, 1\]",
        ),
        (
            lambda graph: json.loads(json.dumps(graph).replace('"416"', '"417"')),
            "expected a square of a multiple of 32",
        ),
    ],
)
def test_another_graph_is_refused_by_name(
    source: tuple[Path, Detector], damage: Callable[[dict[str, Any]], dict[str, Any]], said: str, tmp_path: Path
) -> None:
    good = json.loads(source[0].read_text())
    bad = damage(good)
    assert bad != good
    (tmp_path / "nanodet.json").write_text(json.dumps(bad))
    (tmp_path / "nanodet.bin").symlink_to(source[0].parent / "nanodet.bin")
    with pytest.raises(ImportRefused, match=said):
        read_nanodet(tmp_path / "nanodet.json")


def test_weights_of_another_length_are_refused(source: tuple[Path, Detector], tmp_path: Path) -> None:
    (tmp_path / "nanodet.json").write_text(source[0].read_text())
    data = (source[0].parent / "nanodet.bin").read_bytes()
    for bad, said in ((data[:-2], r"unknown_66: expected at least \d+ bytes"), (data + b"\0", "size: expected 75")):
        (tmp_path / "nanodet.bin").write_bytes(bad)
        with pytest.raises(ImportRefused, match=said):
            read_nanodet(tmp_path / "nanodet.json")
