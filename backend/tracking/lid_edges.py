"""Where a head's eyelids end: the landmarks of the eyes belong on these edges.

Found on painted heads, whose lids have no lashes, they come to lie about a millimetre beside them,
on the lids' skin. A fit then closes every eye by that much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import torch
from scipy.spatial import KDTree

from backend.head import Head
from backend.head.zbuffer import rasterise_mesh
from shared.camera import Camera

from .fit import FACING
from .landmarks import LEFT_EYE, RIGHT_EYE

_SIZE_PX = 400
_WIDTH_M = 0.05  # of an eye's surroundings
_DISTANCE_M = 1.0
_FAR_M = 0.0025  # the eyes' inner corners, which no eyeball fills


@lru_cache(maxsize=4)  # half a second, wanted by the tracker and by every portrait's lifting
def on_lid_edges(head: Head) -> Head:
    """The head with the eyes' 32 landmarks on the lids' edges, as its average face shows them.

    Args:
        head: On the CPU; one without eyeballs stays as it is.
    """
    triangles, weights = moved_to_lid_edges(
        head.v_template.double().numpy(),
        head.faces.numpy(),
        {name: mask.numpy() for name, mask in head.regions.items()},
        head.landmark_faces.numpy(),
        head.landmark_bary.numpy(),
    )
    return replace(
        head,
        landmark_faces=torch.from_numpy(triangles).to(head.landmark_faces),
        landmark_bary=torch.from_numpy(weights).to(head.landmark_bary),
    )


def moved_to_lid_edges(
    vertices: np.ndarray,
    faces: np.ndarray,
    regions: Mapping[str, np.ndarray],
    landmark_faces: np.ndarray,
    landmark_weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles [478] and barycentric weights [478, 3] of landmarks with the eyes' on lids' edges.

    Args:
        vertices: [V, 3] the average face, metres.
        faces: [F, 3].
        regions: {name: [V] bool} with lashes, left_eyeball and right_eyeball.
        landmark_faces: [478] where the landmarks were found.
        landmark_weights: [478, 3].
    """
    solid = ~regions["lashes"][faces].any(1)
    triangles, weights = landmark_faces.copy(), landmark_weights.copy()
    places = (vertices[faces[triangles]] * weights[..., None]).sum(1)
    for name, ring in (("left_eyeball", LEFT_EYE), ("right_eyeball", RIGHT_EYE)):
        ball = regions[name]
        if not ball.any():
            continue
        center = vertices[ball].mean(0)
        camera = _before(center)
        close = np.linalg.norm(vertices - center, axis=1) < _WIDTH_M
        numbers = np.flatnonzero(solid & close[faces].all(1))
        seen = rasterise_mesh(vertices, faces[numbers], camera)
        shows_ball = (seen.face >= 0) & ball[faces[numbers[seen.face]]].all(-1)
        if not shows_ball.any():
            continue
        edge = cv2.dilate(shows_ball.astype(np.uint8), np.ones((3, 3))) > 0
        edge &= ~shows_ball & (seen.face >= 0)
        rows, columns = np.nonzero(edge)
        pixels = camera.project(places[list(ring)])
        away, nearest = KDTree(np.stack([columns + 0.5, rows + 0.5], axis=1)).query(pixels)
        near = np.asarray(away) < _FAR_M * _SIZE_PX / _WIDTH_M
        at, moved = (rows[nearest][near], columns[nearest][near]), np.array(ring)[near]
        triangles[moved] = numbers[seen.face[at]]
        weights[moved] = seen.barycentric[at]
    return triangles, weights


def _before(center: np.ndarray) -> Camera:
    """A camera that an eye faces."""
    viewmat = np.eye(4)
    viewmat[:3, :3] = FACING
    viewmat[:3, 3] = [0, 0, _DISTANCE_M] - FACING @ center
    focal = _SIZE_PX * _DISTANCE_M / _WIDTH_M
    intrinsics = np.array([[focal, 0, _SIZE_PX / 2], [0, focal, _SIZE_PX / 2], [0, 0, 1.0]])
    return Camera(viewmat, intrinsics, _SIZE_PX, _SIZE_PX)
