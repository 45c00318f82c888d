"""Batched ray casting of dioramas: images, object ids and depth for many scenes in one pass of array code.

Every part is an affine image of a unit solid (box, ball or frustum), so a ray meets it in its own frame with
three short formulas. Only the 8 x 8 pixel tiles under a part's projected bounds are tested against it; the
nearest hit of each pixel is kept by one scatter-min of (depth, part) keys. Shadows come from the same
procedure run once more with parallel rays from the light (Williams, "Casting curved shadows on curved
surfaces", 1978).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from scenewright_server.simulator.kinds import PATTERNS
from scenewright_server.simulator.parts import Rgb, assemble
from scenewright_server.simulator.scene import Scene, SceneObject

PALETTE: dict[str, Rgb] = {
    "red": (0.78, 0.11, 0.11),
    "orange": (0.96, 0.48, 0.06),
    "yellow": (0.95, 0.83, 0.14),
    "green": (0.14, 0.56, 0.20),
    "blue": (0.13, 0.30, 0.78),
    "purple": (0.47, 0.19, 0.63),
    "pink": (0.96, 0.55, 0.72),
    "brown": (0.38, 0.21, 0.10),
    "white": (0.93, 0.93, 0.91),
    "black": (0.09, 0.09, 0.10),
}

TILE = 8
SHADOW_SIZE = 144
SHADOW_BIAS_M = 0.025
# Bands over the object's height: more where only a part of the object takes the pattern.
N_BANDS = {"lamp": 13, "plant": 10, "monitor": 9, "table": 6, "bed": 6}
DEFAULT_BANDS = 5
DEPTH_UNITS = float(1 << 20)
PART_BITS = 20
SHAPES = ("box", "ellipsoid", "frustum")
# What is told of each part and object: a number's type, and the shape of a row.
PART_COLUMNS: dict[str, Any] = {
    "scene": (np.int64,), "item": (np.int64,), "shape": (np.int64,), "patterned": (np.bool_,),
    "radii": (np.float32, (2,)), "colour": (np.float32, (3,)),
}  # fmt: skip
ITEM_COLUMNS: dict[str, Any] = {
    "index": (np.int64,), "pattern": (np.int64,), "bands": (np.float32,), "phase": (np.float32,),
    "to_unit": (np.float32, (3, 4)), "other": (np.float32, (3,)), "cells": (np.float32, (3,)),
}  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """Pixels of B scenes.

    `images` (B, H, W, 3) uint8 RGB; `ids` (B, H, W) int16, the index of the object seen or -1 for the room;
    `depth` (B, H, W) float32, metres along the camera's forward axis.
    """

    images: torch.Tensor
    ids: torch.Tensor
    depth: torch.Tensor

    def boxes(self, scene: int, n_objects: int) -> np.ndarray:
        """Bounds of one scene's visible pixels, (n_objects, 4) in [0, 1]; NaN where nothing is seen."""
        ids = self.ids[scene].cpu().numpy()
        height, width = ids.shape
        boxes = np.full((n_objects, 4), np.nan, np.float32)
        for i in range(n_objects):
            seen = ids == i
            rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
            if rows.size:
                boxes[i] = (
                    columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height,
                )  # fmt: skip
        return boxes


@dataclass(frozen=True)
class _Parts:
    """All parts of all scenes, flat: P parts of O objects."""

    scene: torch.Tensor  # (P,)
    item: torch.Tensor  # (P,) row of the object among all objects of the batch
    shape: torch.Tensor  # (P,) index into SHAPES
    to_local: torch.Tensor  # (P, 3, 4) world -> unit solid
    corners: torch.Tensor  # (P, 8, 3) world corners of its bounding box
    radii: torch.Tensor  # (P, 2) of frusta at y = -1 and y = 1
    colour: torch.Tensor  # (P, 3)
    patterned: torch.Tensor  # (P,) bool


@dataclass(frozen=True)
class _Items:
    """All objects of all scenes, flat: O objects."""

    index: torch.Tensor  # (O,) position in its own scene
    to_unit: torch.Tensor  # (O, 3, 4) world -> object frame divided by the extents
    other: torch.Tensor  # (O, 3) second colour of its pattern
    pattern: torch.Tensor  # (O,) index into PATTERNS
    bands: torch.Tensor  # (O,) stripes over the height
    cells: torch.Tensor  # (O, 3) checker cells along each extent
    phase: torch.Tensor  # (O,)


@dataclass(frozen=True)
class _View:
    """One bundle of rays a scene: at pixel p = (column, row, 1) the ray starts at `origin @ p`, runs along
    `direction @ p`; `project` takes homogeneous world points to homogeneous pixels. All (B, 3, 3 or 4)."""

    origin: torch.Tensor
    direction: torch.Tensor
    project: torch.Tensor
    height: int
    width: int
    parallel: bool


def render(
    scenes: Sequence[Scene],
    size: tuple[int, int] = (160, 160),
    device: torch.device | str = "cpu",
    *,
    supersample: int = 1,
    chunk: int = 8,
) -> Rendered:
    """Draws scenes at (height, width) on a device.

    Each pixel's colour is the mean of supersample^2 samples. All randomness (textures, noise, exposure) comes
    from the scenes' own seeds, so a scene looks the same alone and in a batch. `chunk` scenes are drawn at a
    time, which bounds memory.
    """
    done = [
        _render(scenes[i : i + chunk], size, torch.device(device), supersample) for i in range(0, len(scenes), chunk)
    ]
    return Rendered(*(torch.cat([getattr(d, name) for d in done]) for name in ("images", "ids", "depth")))


@torch.no_grad()
def _render(scenes: Sequence[Scene], size: tuple[int, int], device: torch.device, supersample: int) -> Rendered:
    height, width = size[0] * supersample, size[1] * supersample
    parts, items = _flatten(scenes, device)
    view = _camera_view(scenes, height, width, device)
    room = _Room.of(scenes, device)

    rows, columns = torch.meshgrid(
        torch.arange(height, device=device) + 0.5, torch.arange(width, device=device) + 0.5, indexing="ij"
    )
    pixels = torch.stack([columns, rows, torch.ones_like(rows)], -1).reshape(-1, 3)
    ways = pixels @ view.direction.transpose(1, 2)  # (B, HW, 3)
    start = view.origin[:, :, 2]
    depth, surface = room.hit(start, ways)
    distance, part = _trace(parts, view)
    part[distance.view_as(depth) > depth] = -1
    is_part = part >= 0
    depth = torch.where(is_part, distance.view_as(depth), depth)
    points = start[:, None] + depth[..., None] * ways

    albedo, normal = room.paint(points, surface)
    rows_hit = is_part.nonzero(as_tuple=True)
    hit = part[rows_hit]
    albedo[rows_hit], normal[rows_hit] = _paint_parts(parts, items, hit, points[rows_hit])

    light = _Light.of(scenes, device)
    lit = light.shadow(parts, points + SHADOW_BIAS_M * normal)
    lambert = -(normal * light.direction[:, None]).sum(-1)
    sky = 0.5 + 0.5 * normal[..., 1]
    shade = light.ambient[:, None] * (0.7 + 0.3 * sky) + light.strength[:, None] * lambert.clamp(min=0) * lit
    colour = albedo * shade[..., None] * light.tint[:, None]

    images = colour.view(len(scenes), height, width, 3).permute(0, 3, 1, 2)
    ids = torch.full_like(part, -1)
    ids[rows_hit] = items.index[parts.item[hit]]
    ids, depth = ids.view(-1, height, width), depth.view(-1, height, width)
    if supersample > 1:
        middle = supersample // 2
        images = F.avg_pool2d(images, supersample)
        ids, depth = (x[:, middle::supersample, middle::supersample] for x in (ids, depth))
    images = images + light.noise(size)
    images = (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    return Rendered(images, ids.to(torch.int16).contiguous(), depth.contiguous())


def _flatten(scenes: Sequence[Scene], device: torch.device) -> tuple[_Parts, _Items]:
    part_rows: dict[str, list[Any]] = {name: [] for name in PART_COLUMNS}
    item_rows: dict[str, list[Any]] = {name: [] for name in ITEM_COLUMNS}
    matrices = []
    n_items = 0
    for b, scene in enumerate(scenes):
        for index, item in enumerate(scene.objects):
            main, other, phase = _colours(item)
            place = np.eye(4)
            c, s = math.cos(item.yaw), math.sin(item.yaw)
            place[:3, :3] = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
            place[:3, 3] = np.array(item.position)
            for part in assemble(item.kind, item.extents, item.seed):
                local = np.eye(4)
                local[:3, :3] = np.diag(part.half) if part.rotation is None else part.rotation * part.half
                local[:3, 3] = np.array(part.centre)
                matrices.append(place @ local)
                part_rows["scene"].append(b)
                part_rows["item"].append(n_items)
                part_rows["shape"].append(SHAPES.index(part.shape))
                part_rows["radii"].append(part.radii)
                part_rows["patterned"].append(part.paint == "main")
                part_rows["colour"].append(
                    main if part.paint == "main" else main * 0.72 if part.paint == "shade" else part.paint
                )
            w, h, d = item.extents
            # The object's frame in units of its extents: x and z in [-0.5, 0.5], y in [0, 1].
            item_rows["to_unit"].append(np.linalg.inv(place @ np.diag([w, h, d, 1.0]))[:3])
            bands = N_BANDS.get(item.kind, DEFAULT_BANDS)
            cell = (w * h * d) ** (1 / 3) / (0.72 * bands)
            item_rows["index"].append(index)
            item_rows["other"].append(other)
            item_rows["pattern"].append(PATTERNS.index(item.pattern))
            item_rows["bands"].append(float(bands))
            item_rows["cells"].append([max(1.0, x / cell) for x in (w, h, d)])
            item_rows["phase"].append(phase)
            n_items += 1

    to_world = np.array(matrices).reshape(-1, 4, 4)
    signs = np.array([(x, y, z, 1) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    corners = (to_world[:, None] @ signs[None, :, :, None])[:, :, :3, 0]

    def tensor(rows: Any, dtype: type = np.float32, shape: tuple[int, ...] = ()) -> torch.Tensor:
        return torch.as_tensor(np.array(rows, dtype).reshape(-1, *shape), device=device)

    parts = _Parts(
        to_local=tensor(np.linalg.inv(to_world)[:, :3], shape=(3, 4)),
        corners=tensor(corners, shape=(8, 3)),
        **{name: tensor(part_rows[name], *column) for name, column in PART_COLUMNS.items()},
    )
    return parts, _Items(**{name: tensor(item_rows[name], *column) for name, column in ITEM_COLUMNS.items()})


def _colours(item: SceneObject) -> tuple[np.ndarray, np.ndarray, float]:
    """An object's own shade of its colour, the second colour of its pattern, and the pattern's phase."""
    rng = np.random.default_rng([item.seed, 1])
    main = np.array(item.paint or PALETTE[item.colour]) * rng.uniform(0.92, 1.06) + rng.normal(0, 0.018, 3)
    if item.paint is not None:
        other = 0.3 * main if main.mean() > 0.5 else 0.4 * main + 0.5
    elif item.colour == "white":
        other = np.full(3, rng.uniform(0.48, 0.58))
    elif item.colour == "black":
        other = np.full(3, rng.uniform(0.42, 0.52))
    elif item.colour in ("yellow", "pink"):
        other = 0.25 * main + 0.08
    else:
        other = 0.15 * main + 0.78
    return main.clip(0.03, 0.97), other.clip(0, 1), float(rng.uniform(0, 1))


def _camera_view(scenes: Sequence[Scene], height: int, width: int, device: torch.device) -> _View:
    origin, direction, project = [], [], []
    for scene in scenes:
        camera = scene.camera
        rotation = np.array(camera.rotation)
        focal = np.array(
            [
                [camera.fx * width, 0, camera.cx * width],
                [0, -camera.fy * height, camera.cy * height],
                [0, 0, 1],
            ]
        )
        origin.append(np.stack([np.zeros(3), np.zeros(3), np.array(camera.position)], 1))
        direction.append(rotation @ np.linalg.inv(focal))
        project.append(focal @ np.hstack([rotation.T, -rotation.T @ np.array(camera.position)[:, None]]))
    to = [torch.as_tensor(np.stack(m).astype(np.float32), device=device) for m in (origin, direction, project)]
    return _View(to[0], to[1], to[2], height=height, width=width, parallel=False)


def _trace(parts: _Parts, view: _View) -> tuple[torch.Tensor, torch.Tensor]:
    """The nearest part along every ray: its t (B, H, W; inf when none) and its row or -1 (B, HW)."""
    n_scenes, device = len(view.origin), parts.scene.device
    n_pixels = view.height * view.width
    to_local = parts.to_local[:, :, :3]
    start = to_local @ view.origin[parts.scene]
    start[:, :, 2] += parts.to_local[:, :, 3]
    way = to_local @ view.direction[parts.scene]

    project = view.project[parts.scene]
    flat = torch.einsum("pij,pkj->pki", project[:, :, :3], parts.corners) + project[:, None, :, 3]
    flat = flat[..., :2] / flat[..., 2:].clamp(min=0.05)
    limit = torch.tensor([view.width, view.height], device=device)
    low = (flat.amin(1).clamp(min=0) / TILE).floor().long()
    high = (torch.minimum(flat.amax(1), limit - 1).clamp(min=-1) / TILE).floor().long()
    spans = (high - low + 1).clamp(min=0)
    counts = spans[:, 0] * spans[:, 1]

    keys = torch.full((n_scenes * n_pixels,), torch.iinfo(torch.int64).max, device=device)
    within = torch.arange(TILE, device=device)
    for shape, intersect in enumerate((_hit_box, _hit_ball, _hit_frustum)):
        chosen = (parts.shape == shape).nonzero()[:, 0]
        part = chosen.repeat_interleave(counts[chosen])
        first = counts[chosen].cumsum(0) - counts[chosen]
        rank = torch.arange(len(part), device=device) - first.repeat_interleave(counts[chosen])
        columns = spans[part, 0]
        x = ((low[part, 0] + rank % columns) * TILE)[:, None] + within  # (T, TILE)
        y = ((low[part, 1] + rank.div(columns, rounding_mode="floor")) * TILE)[:, None] + within
        u, v = (x + 0.5)[:, None, :], (y + 0.5)[:, :, None]
        o, d = start[part], way[part]
        if view.parallel:
            at = [o[:, i, 0, None, None] * u + (o[:, i, 1, None, None] * v + o[:, i, 2, None, None]) for i in range(3)]
            along = [d[:, i, 2, None, None] for i in range(3)]
        else:
            at = [o[:, i, 2, None, None] for i in range(3)]
            along = [
                d[:, i, 0, None, None] * u + (d[:, i, 1, None, None] * v + d[:, i, 2, None, None]) for i in range(3)
            ]
        t = intersect(at, along, parts.radii[part][:, :, None, None])
        inside = (x < view.width)[:, None, :] & (y < view.height)[:, :, None]
        tile, row, column = ((t > 0.02) & (t < 1e3) & inside).nonzero(as_tuple=True)
        hit = part[tile]
        pixel = parts.scene[hit] * n_pixels + y[tile, row] * view.width + x[tile, column]
        key = ((t[tile, row, column] * DEPTH_UNITS).long() << PART_BITS) | hit
        keys.scatter_reduce_(0, pixel, key, "amin")
    missed = keys == torch.iinfo(torch.int64).max
    distance = torch.where(missed, math.inf, (keys >> PART_BITS).float() / DEPTH_UNITS)
    winner = torch.where(missed, -1, keys & ((1 << PART_BITS) - 1))
    return distance.view(n_scenes, view.height, view.width), winner.view(n_scenes, n_pixels)


def _hit_box(o: list[torch.Tensor], d: list[torch.Tensor], radii: torch.Tensor) -> torch.Tensor:
    lower, upper = [], []
    for oi, di in zip(o, d, strict=True):
        inverse = 1.0 / torch.where(di.abs() < 1e-9, 1e-9, di)
        middle, reach = -oi * inverse, inverse.abs()
        lower.append(middle - reach)
        upper.append(middle + reach)
    near = torch.maximum(torch.maximum(lower[0], lower[1]), lower[2])
    far = torch.minimum(torch.minimum(upper[0], upper[1]), upper[2])
    return torch.where(near <= far, near, math.inf)


def _hit_ball(o: list[torch.Tensor], d: list[torch.Tensor], radii: torch.Tensor) -> torch.Tensor:
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
    c = o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 1
    root = b * b - a * c
    return torch.where(root >= 0, (-b - root.clamp(min=0).sqrt()) / a, math.inf)


def _hit_frustum(o: list[torch.Tensor], d: list[torch.Tensor], radii: torch.Tensor) -> torch.Tensor:
    bottom, top = radii[:, 0], radii[:, 1]
    middle, slope = (bottom + top) / 2, (top - bottom) / 2
    r, dr = middle + slope * o[1], slope * d[1]
    a = d[0] * d[0] + d[2] * d[2] - dr * dr
    b = o[0] * d[0] + o[2] * d[2] - r * dr
    c = o[0] * o[0] + o[2] * o[2] - r * r
    a = torch.where(a.abs() < 1e-9, 1e-9, a)
    root = b * b - a * c
    t = (-b - root.clamp(min=0).sqrt()) / a
    # With a < 0 the ray is steeper than the side and meets it, if at all, after a cap.
    side = (root >= 0) & (a > 0) & ((o[1] + t * d[1]).abs() <= 1)
    best = torch.where(side, t, math.inf)
    down = torch.where(d[1].abs() < 1e-9, 1e-9, d[1])
    # Only the cap that faces the ray can be its entry.
    end = -torch.sign(down)
    t = (end - o[1]) / down
    x, z = o[0] + t * d[0], o[2] + t * d[2]
    cap = x * x + z * z <= (middle + slope * end) ** 2
    return torch.where(cap, torch.minimum(best, t), best)


def _paint_parts(
    parts: _Parts, items: _Items, hit: torch.Tensor, points: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Albedo and world normal (N, 3) of the surface points of the parts hit."""
    matrix = parts.to_local[hit]
    local = (matrix[:, :, :3] @ points[:, :, None])[:, :, 0] + matrix[:, :, 3]
    shape = parts.shape[hit][:, None]
    size = local.abs()
    face = (size >= size.amax(1, keepdim=True)).float() * local.sign()
    radii = parts.radii[hit]
    slope = (radii[:, 1] - radii[:, 0]) / 2
    radius = radii.mean(1) + slope * local[:, 1]
    side = torch.stack([local[:, 0], -radius * slope, local[:, 2]], 1)
    is_cap = (size[:, 1] > 0.999) & (local[:, 0] ** 2 + local[:, 2] ** 2 < 0.98 * radius**2)
    up = torch.zeros_like(local)
    up[:, 1] = local[:, 1].sign()
    round_normal = torch.where(is_cap[:, None], up, side)
    inner = torch.where(shape == 0, face, torch.where(shape == 1, local, round_normal))
    normal = F.normalize((inner[:, None] @ matrix[:, :, :3])[:, 0], dim=1)

    item = parts.item[hit]
    unit = items.to_unit[item]
    place = (unit[:, :, :3] @ points[:, :, None])[:, :, 0] + unit[:, :, 3]
    phase = items.phase[item]
    # Bands run level around the sides; a flat top, which would show one band only, takes them across.
    flat = (normal[:, 1].abs() > 0.85) & (shape[:, 0] != 1)
    band = torch.where(flat, place[:, 0] + 0.5, place[:, 1]) * items.bands[item] + phase
    cell = (place * items.cells[item] + phase[:, None] + 0.01).floor().sum(1)
    pattern = items.pattern[item]
    odd = torch.where(pattern == 1, band.floor(), cell).remainder(2) >= 1
    second = parts.patterned[hit] & (pattern > 0) & odd
    return torch.where(second[:, None], items.other[item], parts.colour[hit]), normal


@dataclass(frozen=True)
class _Light:
    """One distant light a scene, its exposure included in the strengths; all tensors lead with B."""

    direction: torch.Tensor  # (B, 3) from the light into the scene
    ambient: torch.Tensor  # (B,)
    strength: torch.Tensor  # (B,)
    tint: torch.Tensor  # (B, 3)
    seeds: tuple[int, ...]

    @staticmethod
    def of(scenes: Sequence[Scene], device: torch.device) -> _Light:
        rows = []
        for scene in scenes:
            rng = np.random.default_rng([scene.light, 2])
            heading, height = rng.uniform(-1.4, 1.4), rng.uniform(0.7, 1.2)
            direction = np.array([np.sin(heading) * np.cos(height), -np.sin(height), np.cos(heading) * np.cos(height)])
            exposure = rng.uniform(0.88, 1.1)
            warmth = rng.normal(0, 0.025)
            tint = np.array([1 + warmth, 1 + rng.normal(0, 0.008), 1 - warmth])
            rows.append(
                np.concatenate(
                    [direction, [exposure * rng.uniform(0.58, 0.7), exposure * rng.uniform(0.46, 0.6)], tint]
                )
            )
        table = torch.as_tensor(np.stack(rows).astype(np.float32), device=device)
        return _Light(table[:, :3], table[:, 3], table[:, 4], table[:, 5:], tuple(s.light for s in scenes))

    def shadow(self, parts: _Parts, points: torch.Tensor) -> torch.Tensor:
        """How much light reaches the points (B, N, 3): (B, N) in 0..1, soft over a shadow-map texel."""
        n_scenes = len(points)
        across = F.normalize(
            torch.stack([self.direction[:, 2], torch.zeros_like(self.ambient), -self.direction[:, 0]], 1)
        )
        axes = torch.stack([across, torch.linalg.cross(self.direction, across), self.direction], 1)  # (B, 3, 3)
        spread = torch.einsum("pij,pkj->pki", axes[parts.scene], parts.corners)
        index = parts.scene[:, None, None].expand_as(spread)[:, 0]
        start = torch.full((n_scenes, 3), math.inf, device=points.device)
        low = start.scatter_reduce(0, index, spread.amin(1), "amin") - 0.05
        high = (-start).scatter_reduce(0, index, spread.amax(1), "amax") + 0.05
        empty = low > high  # a scene without objects: any map will do
        low, high = low.masked_fill(empty, 0.0), high.masked_fill(empty, 1.0)
        texel = (high - low)[:, :2] / SHADOW_SIZE
        back = low[:, 2] - 1.0
        origin = torch.stack(
            [
                axes[:, 0] * texel[:, :1],
                axes[:, 1] * texel[:, 1:],
                axes[:, 0] * low[:, :1] + axes[:, 1] * low[:, 1:2] + axes[:, 2] * back[:, None],
            ],
            2,
        )
        direction = torch.zeros_like(origin)
        direction[:, :, 2] = self.direction
        project = torch.zeros(n_scenes, 3, 4, device=points.device)
        project[:, :2, :3] = axes[:, :2] / texel[:, :, None]
        project[:, :2, 3] = -low[:, :2] / texel
        project[:, 2, 3] = 1.0
        view = _View(origin, direction, project, SHADOW_SIZE, SHADOW_SIZE, parallel=True)
        nearest, _ = _trace(parts, view)

        at = points @ axes.transpose(1, 2)
        place = (at[..., :2] - low[:, None, :2]) / texel[:, None] - 0.5
        depth = at[..., 2] - back[:, None]
        corner = place.floor()
        part = place - corner
        lit = torch.zeros_like(depth)
        nearest = nearest.view(n_scenes, -1)
        for dx in (0, 1):
            for dy in (0, 1):
                x, y = corner[..., 0] + dx, corner[..., 1] + dy
                inside = (x >= 0) & (x < SHADOW_SIZE) & (y >= 0) & (y < SHADOW_SIZE)
                texel_row = (y * SHADOW_SIZE + x).clamp(0, SHADOW_SIZE**2 - 1).long()
                free = ~inside | (nearest.gather(1, texel_row) >= depth)
                weight = (part[..., 0] if dx else 1 - part[..., 0]) * (part[..., 1] if dy else 1 - part[..., 1])
                lit += free * weight
        return lit

    def noise(self, size: tuple[int, int]) -> torch.Tensor:
        """Sensor noise, (B, 3, H, W)."""
        frames = []
        for seed in self.seeds:
            generator = torch.Generator().manual_seed(seed)
            level = 0.004 + 0.014 * float(torch.rand((), generator=generator))
            frames.append(level * torch.randn(3, *size, generator=generator))
        return torch.stack(frames).to(self.ambient.device)


def _grain(size: int = 256) -> np.ndarray:
    """A tile of smooth noise in -1..1 that repeats without seams, from a fixed seed."""
    spectrum = np.fft.fft2(np.random.default_rng(7).normal(size=(size, size)))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    tile = np.fft.ifft2(spectrum / (frequency + 0.02) ** 0.8).real
    tile -= tile.mean()
    return (tile / (3 * tile.std())).clip(-1, 1).astype(np.float32)


FLOORS = ("planks", "tiles", "carpet")
WALLS = ("paint", "stripes", "panels", "plaster")
FLOOR_TONES: tuple[Rgb, ...] = (
    (0.55, 0.43, 0.31), (0.66, 0.55, 0.42), (0.42, 0.34, 0.27), (0.60, 0.60, 0.58), (0.45, 0.47, 0.50),
    (0.68, 0.64, 0.57), (0.50, 0.45, 0.47), (0.47, 0.52, 0.46), (0.58, 0.50, 0.44),
)  # fmt: skip
WALL_TONES: tuple[Rgb, ...] = (
    (0.80, 0.77, 0.70), (0.72, 0.75, 0.77), (0.70, 0.74, 0.68), (0.80, 0.72, 0.68), (0.66, 0.66, 0.68),
    (0.74, 0.70, 0.76), (0.82, 0.80, 0.77), (0.62, 0.68, 0.70), (0.76, 0.74, 0.64),
)  # fmt: skip


@dataclass(frozen=True)
class _Room:
    """A floor at y = 0, a far wall and two side walls; all tensors lead with B."""

    far: torch.Tensor  # (B,) z of the far wall
    left: torch.Tensor  # (B,) x of the side walls
    right: torch.Tensor
    floor: torch.Tensor  # (B, 6): style, texture size, angle, tone
    wall: torch.Tensor  # (B, 5): style, texture size, tone
    grain: torch.Tensor  # (N, N) noise tile

    @staticmethod
    def of(scenes: Sequence[Scene], device: torch.device) -> _Room:
        rows = []
        for scene in scenes:
            floor, wall = np.random.default_rng([scene.floor, 3]), np.random.default_rng([scene.wall, 4])
            ground = np.array(FLOOR_TONES[floor.integers(len(FLOOR_TONES))]) * floor.uniform(0.85, 1.1)
            cover = np.array(WALL_TONES[wall.integers(len(WALL_TONES))]) * wall.uniform(0.85, 1.08)
            rows.append(
                [
                    wall.uniform(4.7, 6.2), wall.uniform(-5.0, -2.6), wall.uniform(2.6, 5.0),
                    floor.integers(len(FLOORS)), floor.uniform(0.16, 0.42), floor.integers(3) * np.pi / 4,
                    *ground, wall.integers(len(WALLS)), wall.uniform(0.12, 0.4), *cover,
                ]
            )  # fmt: skip
        table = torch.as_tensor(np.array(rows, np.float32), device=device)
        return _Room(
            table[:, 0], table[:, 1], table[:, 2], table[:, 3:9], table[:, 9:14],
            torch.as_tensor(_grain(), device=device),
        )  # fmt: skip

    def hit(self, start: torch.Tensor, ways: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ray parameter (B, N) and surface (0 floor, 1 far wall, 2 left, 3 right) from inside the room."""
        planes = (
            (ways[..., 1], -start[:, 1]),
            (ways[..., 2], self.far - start[:, 2]),
            (ways[..., 0], self.left - start[:, 0]),
            (ways[..., 0], self.right - start[:, 0]),
        )
        best = torch.full_like(ways[..., 0], math.inf)
        surface = torch.zeros_like(best, dtype=torch.long)
        for i, (way, offset) in enumerate(planes):
            t = offset[:, None] / way
            nearer = (t > 0) & (t < best)
            best = torch.where(nearer, t, best)
            surface[nearer] = i
        return best, surface

    def paint(self, points: torch.Tensor, surface: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Albedo and normal (B, N, 3) of points on the room's surfaces."""
        normals = torch.tensor([[0.0, 1, 0], [0, 0, -1], [1, 0, 0], [-1, 0, 0]], device=points.device)
        is_floor = surface == 0
        # Texture coordinates, metres: the floor plan turned by an angle; along and up the walls.
        angle = self.floor[:, 2, None]
        x, y, z = points.unbind(-1)
        c, s = angle.cos(), angle.sin()
        u = torch.where(is_floor, c * x + s * z, torch.where(surface == 1, x, z))
        v = torch.where(is_floor, c * z - s * x, y)
        style = torch.where(is_floor, self.floor[:, :1], self.wall[:, :1] + len(FLOORS))
        step = torch.where(is_floor, self.floor[:, 1:2], self.wall[:, 1:2])
        n = len(self.grain)
        fine = self.grain.view(-1)[((u * 90).long() % n) * n + (v * 90).long() % n]

        row = (v / step).floor()
        # Planks are four times as long as wide, every row shifted; tiles are square.
        is_plank = style == 0
        column = torch.where(is_plank, (u / (4 * step) + row * 0.37), u / step)
        seam = torch.minimum(
            (v / step - row) * step, (column - column.floor()) * step * torch.where(is_plank, 4.0, 1.0)
        )
        tone = ((row * 12.9898 + column.floor() * 78.233).sin() * 43758.5453).frac()
        plank = 1 + 0.12 * tone + 0.10 * fine - 0.3 * (seam < 0.008)
        tile = 1 + 0.10 * ((row + column.floor()) % 2) + 0.04 * fine - 0.22 * (seam < 0.01)
        carpet = 1 + 0.22 * fine
        stripes = 1 - 0.09 * ((u / step).floor() % 2)
        panels = torch.where(v < 0.9, 0.86 - 0.2 * (((u / (2 * step)).frac().abs() < 0.03) | (v > 0.87)), 1.0)
        shades = (plank, tile, carpet, torch.ones_like(fine), stripes, panels, 1 + 0.08 * fine)
        factor = torch.ones_like(fine)
        for i, shade in enumerate(shades):
            factor = torch.where(style == i, shade, factor)
        # A dark skirting board runs along the foot of the walls.
        factor = torch.where(~is_floor & (y < 0.09), 0.55, factor)
        tone3 = torch.where(is_floor[..., None], self.floor[:, None, 3:], self.wall[:, None, 2:])
        return (tone3 * factor[..., None]).clamp(0, 1), normals[surface]
