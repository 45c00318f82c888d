"""NanoDet as a graph model of TensorFlow.js becomes a detector's part of a bundle."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scenewright_server.importers.fields import read_json
from scenewright_server.importers.parts import DetectorPart
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.detector import Detector, DetectorConfig

COCO = tuple(
    """person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant|stop sign|parking meter
bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|backpack|umbrella|handbag|tie|suitcase|frisbee|skis
snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard|tennis racket|bottle|wine glass|cup|fork
knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|chair|couch|potted plant|bed
dining table|toilet|tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster|sink|refrigerator|book|clock
vase|scissors|teddy bear|hair drier|toothbrush""".replace("\n", "|").split("|")
)
"""The 80 kinds of COCO, in its order."""
_TYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2"), "int32": np.dtype("<i4")}


def read_nanodet(path: Path, labels: tuple[str, ...] = COCO) -> DetectorPart:
    """nanodet.json, whose weights lie in files beside it, as Detector's config and state.

    The graph's convolutions are taken in their order, and must be those of Detector(config).
    Raises ImportRefused, which names the file, the key, what was expected and what was found.
    """
    graph = read_json(path)
    if graph.get("format") != "graph-model":
        raise ImportRefused(path, "format", "graph-model", repr(graph.get("format")))
    try:
        nodes = {node["name"]: node for node in graph["modelTopology"]["node"]}
        size = int(graph["signature"]["inputs"]["input_1:0"]["tensorShape"]["dim"][-1]["size"])
        convolutions = sorted(
            (node for node in nodes.values() if node["op"] == "Conv2D"), key=lambda node: _number(node["name"])
        )
        biases = {node["input"][0]: node["input"][1] for node in nodes.values() if node["op"] == "Add"}
        names = [(node["input"][1], biases[node["name"]]) for node in convolutions]
        found = _read_weights(path, graph["weightsManifest"])
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, ImportRefused):
            raise
        raise ImportRefused(path, "graph", "NanoDet's nodes", f"{type(error).__name__}: {error}") from None
    try:
        config = DetectorConfig(labels, size)
    except ValueError as error:
        raise ImportRefused(path, "input_1:0", "a square of a multiple of 32", error) from None
    with torch.device("meta"):
        wanted = list(_convolutions(Detector(config)))
    if len(names) != len(wanted):
        raise ImportRefused(path, "Conv2D", f"{len(wanted)} of them", len(names))
    tensors, state = Tensors(path, found), dict[str, Tensor]()
    for (ours, convolution), (weight, bias), node in zip(wanted, names, convolutions, strict=True):
        strides = [int(stride) for stride in node["attr"]["strides"]["list"]["i"]]
        if strides != [1, *convolution.stride, 1]:
            raise ImportRefused(path, node["name"], f"strides {convolution.stride}", strides)
        n_out, n_in, height, width = convolution.weight.shape
        taken = tensors.take(weight, height, width, n_in, n_out)
        state[f"{ours}.weight"] = taken.permute(3, 2, 0, 1).contiguous()
        state[f"{ours}.bias"] = tensors.take(bias, n_out)
    return DetectorPart(config, state)


def _number(name: str) -> int:
    """TensorFlow numbers nodes of one kind: convolution, convolution_1, ..."""
    match = re.search(r"_(\d+)$", name)
    return int(match.group(1)) if match else 0


def _convolutions(detector: Detector) -> Iterator[tuple[str, nn.Conv2d]]:
    """The network's convolutions by name, in the order in which its graph has them."""
    for name, module in detector.named_modules():
        if isinstance(module, nn.Conv2d):
            yield name, module


def _read_weights(path: Path, manifest: Any) -> dict[str, Tensor]:
    """All weights by name; those that were stored in float16 stay so."""
    tensors: dict[str, Tensor] = {}
    for group in manifest:
        files = [path.parent / name for name in group["paths"]]
        for file in files:
            if file.parent != path.parent or not file.is_file():
                raise ImportRefused(file, "file", f"to be there, beside {path.name}", "nothing")
        data, offset = b"".join(file.read_bytes() for file in files), 0
        for entry in group["weights"]:
            name, shape = entry["name"], [int(n) for n in entry["shape"]]
            stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
            if stored not in _TYPES or min(shape, default=0) < 0:
                raise ImportRefused(path, name, f"one of {', '.join(_TYPES)}", f"{stored} {shape}")
            n_bytes = math.prod(shape) * _TYPES[stored].itemsize
            if offset + n_bytes > len(data):
                raise ImportRefused(files[-1], name, f"at least {offset + n_bytes} bytes", len(data))
            values = np.frombuffer(data, _TYPES[stored], math.prod(shape), offset).reshape(shape)
            tensors[name] = torch.from_numpy(values.copy())
            offset += n_bytes
        if offset != len(data):
            raise ImportRefused(files[-1], "size", f"{offset} bytes", len(data))
    return tensors
