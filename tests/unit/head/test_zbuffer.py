"""The z-buffer against rays through single pixels."""

from __future__ import annotations

import numpy as np

from backend.head.zbuffer import rasterise_mesh
from shared.camera import Camera


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, Camera]:
    rng = np.random.default_rng(seed)
    vertices = rng.uniform(-0.1, 0.1, (40, 3))
    faces = rng.permutation(np.arange(39)).reshape(13, 3)
    viewmat = np.diag([1.0, -1, -1, 1])
    viewmat[2, 3] = 0.5
    K = np.array([[90.0, 0, 31], [0, 110, 24], [0, 0, 1]])
    return vertices, faces, Camera(viewmat, K, 60, 50)


def test_every_pixel_sees_the_triangle_its_ray_meets_first():
    vertices, faces, camera = scene()
    seen = rasterise_mesh(vertices, faces, camera)
    local = vertices @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    differing = 0
    for row in range(50):
        for column in range(60):
            ray = np.linalg.solve(camera.K, (column + 0.5, row + 0.5, 1.0))
            best, face = np.inf, -1
            for index, corners in enumerate(local[faces]):
                # ray * depth = corners.T @ weights, weights of sum 1
                weights = np.linalg.solve(corners.T, ray)
                depth = 1 / weights.sum()
                if depth > 0 and (weights * depth > 1e-12).all() and depth < best:
                    best, face = depth, index
            differing += seen.face[row, column] != face
            if face >= 0 and seen.face[row, column] == face:
                assert abs(seen.depth[row, column] - best) < 1e-5
                point = seen.barycentric[row, column] @ local[faces[face]]
                np.testing.assert_allclose(point, ray * best, atol=1e-5)
    assert (seen.face >= 0).sum() > 300
    assert differing == 0


def test_triangles_seen_from_behind_can_be_left_out():
    vertices, faces, camera = scene(1)
    front = rasterise_mesh(vertices, faces, camera, cull_back=True)
    back = rasterise_mesh(vertices, faces[:, ::-1], camera, cull_back=True)
    shown = set(np.unique(front.face)) & set(np.unique(back.face)) - {-1}
    assert not shown
