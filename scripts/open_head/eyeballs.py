"""Eyeballs as rings of vertices, dense around the iris: MakeHuman's are balls of 72, whose splats
lie 1.8 mm apart, so that an iris has no edge."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, vstack

from .finer import Finer

_RINGS_DEG = (5, 10, 15, 20, 25, 31, 39, 50, 66, 90, 125)  # from straight ahead
_AROUND = 16
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
    first, last, count = balls[0], balls[-1] + 1, 1 + len(_RINGS_DEG) * _AROUND + 1
    own = np.isin(faces, left).all(1)
    weights, relief = _on_ball(template, faces[own], left, _directions())
    rings = _triangles()
    moved = np.arange(len(template)) + (2 * count - len(balls)) * (np.arange(len(template)) >= last)
    number = np.arange(count)
    same = csr_matrix(np.eye(len(template)))
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
        near = (
            np.linalg.norm(places - centre, axis=1)
            < np.linalg.norm(template[ball] - centre, axis=1).max() * 1.5
        )
        at, share = _seen_from(centre, template[faces[own]], places[near] - centre)
        triangles[near], weights[near] = own[at], share
    return triangles, weights


def _directions() -> np.ndarray:
    """[G, 3] unit: straight ahead, ring by ring, straight back."""
    around = 2 * np.pi * np.arange(_AROUND) / _AROUND
    away = np.radians(_RINGS_DEG)[:, None]
    rings = np.stack(
        [np.sin(away) * np.cos(around), np.sin(away) * np.sin(around),
         np.cos(away) * np.ones(_AROUND)], axis=-1,
    )  # fmt: skip
    return np.concatenate([[(0, 0, 1)], rings.reshape(-1, 3), [(0, 0, -1)]])


def _triangles() -> np.ndarray:
    """[T, 3] of those, outwards."""
    ring = 1 + np.arange(len(_RINGS_DEG) * _AROUND).reshape(len(_RINGS_DEG), _AROUND)
    next_one = np.roll(ring, -1, axis=1)
    ahead, back = np.zeros(_AROUND, int), np.full(_AROUND, ring.max() + 1)
    a, b, c, d = ring[:-1], next_one[:-1], next_one[1:], ring[1:]
    parts = [(ahead, ring[0], next_one[0]), (a, d, c), (a, c, b), (ring[-1], back, next_one[-1])]
    return np.concatenate([np.stack(part, -1).reshape(-1, 3) for part in parts])


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
