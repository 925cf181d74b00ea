"""Eyeballs as rings of vertices, dense around the iris: MakeHuman's are balls of 72, whose splats
lie a millimetre apart there, so that an iris has no edge."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, eye_array, vstack
from scipy.spatial import ConvexHull

from .finer import Finer

_RINGS = ((6, 6), (12, 10), (18, 14), (25, 14), (33, 12), (44, 10), (62, 8), (100, 6))
"""Degrees from straight ahead, and how many vertices there: few where no eye ever shows."""

_OUTSIDE = 1e-6  # of barycentric weights, by rounding


def finer_eyeballs(
    template: np.ndarray, faces: np.ndarray, mirror: np.ndarray, parts: dict[str, np.ndarray]
) -> Finer:
    """Rings in place of both balls, whose vertices and triangles come where theirs were.

    Args:
        template: [V, 3] metres.
        faces: [F, 3].
        mirror: [V].
        parts: {name: [V] bool}; the right eyeball's vertices follow the left one's.
    """
    left, right = (np.flatnonzero(parts[f"{side}_eyeball"]) for side in ("left", "right"))
    balls = np.append(left, right)
    of_balls = np.flatnonzero(np.isin(faces, balls).all(1))
    for found in (balls, of_balls):
        if (np.diff(found) != 1).any():
            raise ValueError("the eyeballs are not one after the other")
    first, last, directions = balls[0], balls[-1] + 1, _directions()
    own = np.isin(faces, left).all(1)
    weights, relief = _on_ball(template, faces[own], left, directions)
    rings, count = _triangles(directions), len(directions)
    moved = np.arange(len(template)) + (2 * count - len(balls)) * (np.arange(len(template)) >= last)
    number = np.arange(count)
    same = csr_matrix(eye_array(len(template)))
    return Finer(
        csr_matrix(vstack([same[:first], weights, weights[:, mirror], same[last:]])),
        np.concatenate([
            np.zeros((first, 3)), relief, relief * (-1, 1, 1),
            np.zeros((len(template) - last, 3)),
        ]),
        np.concatenate([
            moved[faces[: of_balls[0]]], first + rings, first + count + rings[:, ::-1],
            moved[faces[of_balls[-1] + 1 :]],
        ]).astype(np.int32),
        np.concatenate([
            moved[mirror[:first]], first + count + number, first + number, moved[mirror[last:]]
        ]).astype(np.int32),
    )  # fmt: skip


def on_eyeballs(
    places: np.ndarray, template: np.ndarray, faces: np.ndarray, balls: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles [L] and barycentric weights [L, 3] of places [L, 3] on the eyeballs.

    Args:
        places: Metres.
        template: [V, 3].
        faces: [F, 3].
        balls: [2, V] bool: the left eyeball and the right one.
    """
    triangles, weights = np.zeros(len(places), np.int32), np.zeros((len(places), 3))
    for ball in balls:
        own = np.flatnonzero(ball[faces].all(1))
        centre = _centre(template[ball])
        near = np.abs(places[:, 0] - centre[0]) < abs(centre[0])
        at, share = _seen_from(centre, template[faces[own]], places[near] - centre)
        triangles[near], weights[near] = own[at], share
    return triangles, weights


def _directions() -> np.ndarray:
    """[G, 3] unit: straight ahead, ring by ring, straight back."""
    rings = [np.array([[0.0, 0.0, 1.0]])]
    for number, (degrees, count) in enumerate(_RINGS):
        around = 2 * np.pi * (np.arange(count) + number % 2 / 2) / count
        away = np.radians(degrees) * np.ones(count)
        ring = (np.sin(away) * np.cos(around), np.sin(away) * np.sin(around), np.cos(away))
        rings.append(np.stack(ring, axis=-1))
    return np.concatenate([*rings, [(0, 0, -1)]])


def _triangles(directions: np.ndarray) -> np.ndarray:
    """[T, 3] between them [G, 3], outwards."""
    faces = ConvexHull(directions).simplices
    a, b, c = directions[faces].transpose(1, 0, 2)
    inwards = (np.cross(b - a, c - a) * (a + b + c)).sum(1) < 0
    return np.where(inwards[:, None], faces[:, ::-1], faces)


def _on_ball(
    template: np.ndarray, faces: np.ndarray, ball: np.ndarray, directions: np.ndarray
) -> tuple[csr_matrix, np.ndarray]:
    """[G, V] which of a ball's vertices lie in directions [G, 3] of its middle, and [G, 3] what its
    flat triangles lack there of being round."""
    centre = _centre(template[ball])
    at, share = _seen_from(centre, template[faces], directions)
    corners = faces[at]
    row = np.repeat(np.arange(len(at)), 3)
    weights = csr_matrix((share.ravel(), (row, corners.ravel())), (len(at), len(template)))
    radius = (np.linalg.norm(template[corners] - centre, axis=-1) * share).sum(1)
    return weights, centre + radius[:, None] * directions - weights @ template


def _centre(ball: np.ndarray) -> np.ndarray:
    """[3] between the outermost of places [B, 3]."""
    return (ball.max(0) + ball.min(0)) / 2


def _seen_from(
    centre: np.ndarray, corners: np.ndarray, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[N] which of triangles [T, 3, 3] lie in directions [N, 3] of a place, and [N, 3] barycentric
    weights of where they are met."""
    inverse = np.linalg.inv((corners - centre).transpose(0, 2, 1))  # its columns are the corners
    shares = np.einsum("tij,nj->nti", inverse, directions)
    shares /= np.abs(shares.sum(-1, keepdims=True))
    at = shares.min(-1).argmax(1)
    found = shares[np.arange(len(at)), at]
    if (found < -_OUTSIDE).any():
        raise ValueError("a direction from an eyeball's middle meets none of its triangles")
    return at, np.clip(found, 0, None) / np.clip(found, 0, None).sum(1, keepdims=True)
