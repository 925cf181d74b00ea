"""Which triangle of a mesh each pixel sees: a z-buffer in NumPy, exact and without a GPU.

For the landmark embedding, for visibility of the rig's vertices in a portrait, and for tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.camera import Camera

_NEAR_M = 1e-3


@dataclass(frozen=True)
class Visible:
    """What the pixels of an image see.

    Args:
        face: [H, W] int32 triangle, -1 where none.
        barycentric: [H, W, 3] float32 of that triangle, perspective-correct; 0 where none.
        depth: [H, W] float32 metres along the camera's axis, infinity where none.
    """

    face: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray


def project(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Points [N, 3] in head space to pixels and depth [N, 3] (x, y, z metres)."""
    view = np.asarray(camera.viewmat, dtype=np.float64)
    local = points @ view[:3, :3].T + view[:3, 3]
    pixels = local @ np.asarray(camera.K, dtype=np.float64).T
    return np.concatenate([pixels[:, :2] / pixels[:, 2:], local[:, 2:]], axis=1)


def rasterise_mesh(
    vertices: np.ndarray, faces: np.ndarray, camera: Camera, cull_back: bool = False
) -> Visible:
    """Nearest triangle at every pixel centre (x + 0.5, y + 0.5).

    Args:
        vertices: [V, 3] head space, metres.
        faces: [F, 3] vertex indices, counter-clockwise seen from outside.
        camera: Where to look from.
        cull_back: Leave out triangles seen from behind.
    """
    height, width = camera.height, camera.width
    corners = project(np.asarray(vertices, dtype=np.float64), camera)[faces]  # [F, 3, xyz]
    xy, z = corners[..., :2], corners[..., 2]
    area = _cross(xy[:, 1] - xy[:, 0], xy[:, 2] - xy[:, 0])
    # Image rows run downwards, so a triangle seen from outside has negative area.
    usable = (z > _NEAR_M).all(axis=1) & ((area < 0) if cull_back else (area != 0))
    low = np.floor(np.clip(xy.min(axis=1), 0, (width, height))).astype(int)
    high = np.ceil(np.clip(xy.max(axis=1), 0, (width, height))).astype(int)
    extent = (high - low).max(axis=1)
    usable &= ((high - low) > 0).all(axis=1)
    depth = np.full(height * width, np.inf)
    face = np.full(height * width, -1, dtype=np.int32)
    weights = np.zeros((height * width, 3))
    side = 4
    remaining = usable.copy()
    while remaining.any():  # triangles by size, so that small ones do not pay for large ones
        batch = np.flatnonzero(remaining & (extent <= side))
        remaining[batch] = False
        step = max(1, 2_000_000 // (side * side))
        for start in range(0, len(batch), step):
            chosen = batch[start : start + step]
            hits = _pixels(chosen, low[chosen], xy[chosen], z[chosen], area[chosen], side, camera)
            _keep_nearest(depth, face, weights, *hits)
        side *= 2
    return Visible(
        face.reshape(height, width),
        weights.reshape(height, width, 3).astype(np.float32),
        depth.reshape(height, width).astype(np.float32),
    )


def _pixels(
    chosen: np.ndarray,
    low: np.ndarray,
    xy: np.ndarray,
    z: np.ndarray,
    area: np.ndarray,
    side: int,
    camera: Camera,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixel index, depth, triangle and weights of every pixel centre inside the triangles."""
    rows, columns = np.indices((side, side)).reshape(2, 1, -1)
    x, y = low[:, :1] + columns, low[:, 1:] + rows  # [N, side*side]
    dx, dy = (xy[..., i].T[..., None] - (cells + 0.5) for i, cells in enumerate((x, y)))
    inside = (x < camera.width) & (y < camera.height)
    shares = []  # x and y apart: twice as fast as places of two numbers each
    for b, c in ((1, 2), (2, 0), (0, 1)):
        shares.append((dx[b] * dy[c] - dy[b] * dx[c]) / area[:, None])
        inside &= shares[-1] >= 0
    triangle = np.nonzero(inside)[0]
    over_z = np.stack([share[inside] for share in shares], axis=-1) / z[triangle]
    depth = 1 / over_z.sum(axis=1)
    index = y[inside] * camera.width + x[inside]
    return index, depth, chosen[triangle], over_z * depth[:, None]


def _keep_nearest(
    depth: np.ndarray,
    face: np.ndarray,
    weights: np.ndarray,
    index: np.ndarray,
    new_depth: np.ndarray,
    new_face: np.ndarray,
    new_weights: np.ndarray,
) -> None:
    order = np.lexsort((new_face, new_depth, index))
    index, new_depth = index[order], new_depth[order]
    first = np.ones(len(index), dtype=bool)
    first[1:] = index[1:] != index[:-1]
    first &= new_depth < depth[index]
    target = index[first]
    depth[target] = new_depth[first]
    face[target] = new_face[order][first]
    weights[target] = new_weights[order][first]


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
