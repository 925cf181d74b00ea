"""Paints the open head as a plain portrait that a face detector recognises.

Colours are functions of the position on the neutral template (brows, irises, lid lines), so they
ride along with any expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.head.zbuffer import Visible, rasterise_mesh
from shared.camera import Camera, portrait_intrinsics

SKIN = (0.80, 0.61, 0.52)
COLOURS = {
    "scalp": (0.24, 0.17, 0.13), "lips": (0.66, 0.32, 0.31), "mouth_interior": (0.22, 0.07, 0.07),
    "teeth_upper": (0.90, 0.88, 0.82), "teeth_lower": (0.86, 0.84, 0.78),
    "tongue": (0.62, 0.30, 0.30), "eyeballs": (0.93, 0.92, 0.91), "eye_sockets": (0.30, 0.15, 0.14),
    "lashes": (0.09, 0.06, 0.05),
}  # fmt: skip
BROW, IRIS, PUPIL = (0.20, 0.13, 0.10), (0.27, 0.17, 0.11), (0.03, 0.03, 0.03)
IRIS_M, PUPIL_M = 0.0060, 0.0024
BROW_HEIGHT_M = 0.0122
"""Above the eye's centre; the detector reads a relaxed brow there."""
LIGHT = np.array([0.0, 0.45, 0.89])
"""From the front and above: both sides alike, so that landmarks are symmetric."""


@dataclass(frozen=True)
class Model:
    """The head's fixed parts that a painting needs.

    Args:
        template: [V, 3] neutral, metres: where the colours are defined.
        faces: [F, 3].
        regions: {name: [V] bool}.
        eyes: [2, 3] centres of the eyeballs on the template.
    """

    template: np.ndarray
    faces: np.ndarray
    regions: dict[str, np.ndarray]
    eyes: np.ndarray


def portrait_camera(
    size_px: int = 512, yaw: float = 0.0, pitch: float = 0.0, fill: float = 0.27
) -> Camera:
    """A camera that looks at the face from the front, turned about the head's middle.

    Args:
        size_px: Width and height.
        yaw: Radians; positive moves the camera to the subject's left.
        pitch: Radians; positive moves it up.
        fill: Metres that the picture is high.
    """
    distance = fill * 12 / 2
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    forward = -np.array([sy * cp, sp, cy * cp])
    right = np.array([cy, 0, -sy])
    rotation = np.stack([right, np.cross(forward, right), forward])
    centre = np.array([0, 0.0, 0.02])
    viewmat = np.eye(4)
    viewmat[:3, :3] = rotation
    viewmat[:3, 3] = (0, 0, distance) - rotation @ centre
    return Camera(viewmat, portrait_intrinsics(size_px), size_px, size_px)


def paint(
    model: Model, vertices: np.ndarray, camera: Camera, lashes: bool = False, hair: bool = True
) -> tuple[np.ndarray, Visible]:
    """Picture [H, W, 3] uint8 RGB of posed vertices [V, 3], and what its pixels see.

    `Visible.face` indexes `model.faces` also when the lash cards are left out.
    """
    card = model.regions["lashes"][model.faces].any(axis=1)
    shown = np.flatnonzero(~card | lashes)
    seen = rasterise_mesh(vertices, model.faces[shown], camera)
    face = np.where(seen.face >= 0, shown[seen.face], -1).astype(np.int32)
    seen = Visible(face, seen.barycentric, seen.depth)
    hit = face >= 0
    corners, weights = model.faces[face[hit]], seen.barycentric[hit][..., None]
    colour = _surface_colour(model, corners, weights, hair)
    normal = (vertex_normals(vertices, model.faces)[corners] * weights).sum(axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    light = 0.42 + 0.62 * np.clip(normal @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    picture = np.full((*face.shape, 3), (0.55, 0.60, 0.65))
    picture[hit] = colour * light[:, None]
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), seen


def _surface_colour(
    model: Model, corners: np.ndarray, weights: np.ndarray, hair: bool
) -> np.ndarray:
    base = np.tile(np.array(SKIN), (len(model.template), 1))
    for name, value in COLOURS.items():
        if name in model.regions and (hair or name != "scalp"):
            base[model.regions[name]] = value
    colour = (base[corners] * weights).sum(axis=1)
    place = (model.template[corners] * weights).sum(axis=1)
    on_ball = model.regions["eyeballs"][corners].all(axis=1)
    for eye in model.eyes:
        offset = place - eye
        across = np.hypot(offset[:, 0], offset[:, 1])
        front = on_ball & (offset[:, 2] > 0)
        colour[front & (across < IRIS_M)] = IRIS
        colour[front & (across < PUPIL_M)] = PUPIL
        colour[~on_ball & _brow(offset, np.sign(eye[0])) & (place[:, 2] > 0)] = BROW
    return colour


def _brow(offset: np.ndarray, side: float) -> np.ndarray:
    """An arch over the eye, in metres from the eye's centre."""
    outwards = offset[:, 0] * side
    t = (outwards + 0.018) / 0.042  # 0 at the inner, 1 at the outer end
    middle = (
        BROW_HEIGHT_M
        + 0.0045 * np.sin(np.pi * np.clip(t, 0, 1) * 0.85)
        - 0.003 * np.clip(t, 0, 1) ** 3
    )
    half = 0.0032 * (1 - 0.55 * np.clip(t, 0, 1))
    return (t > 0) & (t < 1) & (np.abs(offset[:, 1] - middle) < half)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[V, 3] unit normals, area-weighted, outward."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    facing = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, faces[:, i], facing)
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
