"""A small head for tests of the network; none of them needs a real one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from shared.camera import Camera, portrait_intrinsics


@dataclass(frozen=True)
class SmallHead:
    """An icosphere of 162 vertices, 9 cm in radius, with random sites."""

    v_template: np.ndarray
    faces: np.ndarray
    site_faces: np.ndarray
    site_bary: np.ndarray
    site_spacing: np.ndarray
    hash: str


def icosphere(levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vertices [V, 3] and triangles [F, 3]."""
    phi = (1 + 5**0.5) / 2
    signs = [(a, b) for a in (-1, 1) for b in (-phi, phi)]
    vertices = [(0, a, b) for a, b in signs] + [(a, b, 0) for a, b in signs]
    vertices += [(b, 0, a) for a, b in signs]
    points = [np.array(v) / np.linalg.norm(v) for v in vertices]
    distances = np.linalg.norm(np.array(points)[:, None] - np.array(points)[None], axis=-1)
    near = distances < 1.2
    faces = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if near[a, b] and near[b, c] and near[a, c]
    ]
    for _ in range(levels):
        middle: dict[tuple[int, int], int] = {}
        finer = []
        for face in faces:
            ids = []
            for a, b in ((face[0], face[1]), (face[1], face[2]), (face[2], face[0])):
                key = (min(a, b), max(a, b))
                if key not in middle:
                    point = points[a] + points[b]
                    middle[key] = len(points)
                    points.append(point / np.linalg.norm(point))
                ids.append(middle[key])
            ab, bc, ca = ids
            a, b, c = face
            finer += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        faces = finer
    return np.array(points), np.array(faces)


def small_head() -> SmallHead:
    """The head; the same one at every call."""
    vertices, faces = icosphere(2)
    rng = np.random.default_rng(3)
    weights = rng.random((len(vertices), 14, 3))
    return SmallHead(
        v_template=(vertices * 0.09).astype(np.float32),
        faces=faces.astype(np.int32),
        site_faces=rng.integers(0, len(faces), (len(vertices), 14)).astype(np.int32),
        site_bary=(weights / weights.sum(-1, keepdims=True)).astype(np.float32),
        site_spacing=rng.uniform(0.001, 0.002, len(vertices)).astype(np.float32),
        hash="small",
    )


def small_camera() -> Camera:
    """In front of the head, turned and shifted a little; 64 x 64 pixels."""
    angle = 0.2
    turn = np.array(
        [
            [np.cos(angle), 0, np.sin(angle)],
            [0, 1, 0],
            [-np.sin(angle), 0, np.cos(angle)],
        ]
    )
    view = np.eye(4)
    view[:3, :3] = np.diag([1.0, -1.0, -1.0]) @ turn
    view[:3, 3] = (0.01, -0.02, 1.8)
    return Camera(view, portrait_intrinsics(64), 64, 64)


def outward_frames(vertices: Tensor) -> Tensor:
    """[B, V, 3, 3] right-handed frames whose third column is the outward direction."""
    normal = torch.nn.functional.normalize(vertices - vertices.mean(1, keepdim=True), dim=-1)
    helper = torch.tensor([0.3, 1.0, 0.1]).expand_as(normal)
    tangent = torch.nn.functional.normalize(torch.linalg.cross(helper, normal), dim=-1)
    return torch.stack([tangent, torch.linalg.cross(normal, tangent), normal], dim=-1)
