"""Fixed places on the skin around each vertex for the Gaussians that descend from it.

Layer i has 2^i copies of every vertex, 14 in layers 1..3. Each vertex owns the part of its
triangles that lies nearest to it; its 15 points (itself and 14 sites) spread evenly there by
Lloyd's method, so that all layers together tile the skin.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

COPIES = (2, 4, 8)
GRID = 12
ROUNDS = 12


def make_sites(
    vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sites of all vertices, layer 1's two first, then layer 2's four, then layer 3's eight.

    Copy m of layer i + 1 is near copy m // 2 of layer i.

    Args:
        vertices: [V, 3] template, metres.
        faces: [F, 3].

    Returns:
        Triangles [V, 14] int32, barycentric weights [V, 14, 3] float64, and the mean spacing of
        each vertex's 15 points [V] in metres.
    """
    shares = _vertex_shares(vertices, faces)
    count = len(vertices)
    site_faces = np.empty((count, sum(COPIES)), dtype=np.int32)
    site_weights = np.empty((count, sum(COPIES), 3))
    spacing = np.empty(count)
    for vertex, (owned, weights, area) in enumerate(shares):
        if len(owned) == 0:  # a point of no triangle: its sites lie on the nearest one
            owned, weights = _nearest_corner(vertices, faces, vertex)
        points = (vertices[faces[owned]] * weights[..., None]).sum(axis=1)
        chosen = _spread(points, vertices[vertex], sum(COPIES))
        chosen = chosen[_order(points[chosen], vertices[vertex])]
        site_faces[vertex] = owned[chosen]
        site_weights[vertex] = weights[chosen]
        spacing[vertex] = np.sqrt(area / (1 + sum(COPIES)))
    return site_faces, site_weights, spacing


def _vertex_shares(
    vertices: np.ndarray, faces: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """For each vertex candidate points (triangle, weights) of equal area, and its area."""
    steps = np.arange(GRID)
    a, b = np.meshgrid((steps + 1 / 3) / GRID, (steps + 1 / 3) / GRID, indexing="ij")
    upper = (a + b) < 1
    lower_a, lower_b = a + 1 / (3 * GRID), b + 1 / (3 * GRID)
    lower = (lower_a + lower_b) < 1 - 1e-9
    first = np.concatenate([a[upper], lower_a[lower]])
    second = np.concatenate([b[upper], lower_b[lower]])
    weights = np.stack([1 - first - second, first, second], axis=1)  # [P, 3]
    corners = vertices[faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    area = area / 2 / len(weights)
    points = np.einsum("pk,fkd->fpd", weights, corners)
    owner_corner = np.linalg.norm(points[:, :, None] - corners[:, None], axis=-1).argmin(axis=-1)
    owner = np.take_along_axis(faces, owner_corner, axis=1)  # [F, P]
    order = np.argsort(owner.ravel(), kind="stable")
    bounds = np.searchsorted(owner.ravel()[order], np.arange(len(vertices) + 1))
    triangle, point = np.divmod(order, len(weights))
    return [
        (triangle[i:j], weights[point[i:j]], float(area[triangle[i:j]].sum()))
        for i, j in pairwise(bounds)
    ]


def _nearest_corner(
    vertices: np.ndarray, faces: np.ndarray, vertex: int
) -> tuple[np.ndarray, np.ndarray]:
    """Triangle [1] and weights [1, 3] of the triangle's corner nearest to a vertex."""
    away = np.linalg.norm(vertices[faces] - vertices[vertex], axis=-1)
    face, corner = divmod(int(away.argmin()), 3)
    return np.array([face]), np.eye(3)[[corner]]


def _spread(points: np.ndarray, centre: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` of the points [P, 3] that with `centre` share them out evenly."""
    chosen = np.empty(count, dtype=int)
    nearest = np.linalg.norm(points - centre, axis=1)
    for i in range(count):  # farthest points first: a start without randomness
        chosen[i] = nearest.argmax()
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[i]], axis=1))
    seeds = np.concatenate([centre[None], points[chosen]])
    for _ in range(ROUNDS):
        owner = cdist(points, seeds).argmin(axis=1)
        sums = np.stack([np.bincount(owner, points[:, d], count + 1) for d in range(3)], axis=1)
        amount = np.bincount(owner, minlength=count + 1)[:, None]
        moved = np.where(amount > 0, sums / np.maximum(amount, 1), seeds)
        seeds[1:] = moved[1:]
    if len(points) < count:  # a sliver: its few points serve again
        return np.resize(np.arange(len(points)), count)
    # One candidate each: no two sites may coincide.
    return linear_sum_assignment(cdist(seeds[1:], points))[1]


def _order(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Order of 14 points: layers by farthest point, copies next to their parents."""
    nearest = np.linalg.norm(points - centre, axis=1)
    picked: list[int] = []
    for _ in range(sum(COPIES)):
        nearest[picked] = -1
        picked.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[picked[-1]], axis=1))
    result, parents, start = [], None, 0
    for copies in COPIES:
        layer = np.array(picked[start : start + copies])
        start += copies
        if parents is not None:
            slots = np.repeat(parents, 2)
            layer = layer[linear_sum_assignment(cdist(points[slots], points[layer]))[1]]
        result.append(layer)
        parents = layer
    return np.concatenate(result)
