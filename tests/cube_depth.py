"""How far a camera sees a cube, by numpy alone."""

import numpy as np

from shared.camera import Camera


def cube_depth(view: Camera, camera_to_cube: np.ndarray, half_m: float) -> np.ndarray:
    """[H, W] metres along the camera's axis to the cube at the middle of each pixel, by slabs.

    Args:
        view: Its `K`, `width` and `height`.
        camera_to_cube: [4, 4], of Blender's camera, which looks along -Z.
        half_m: Half the cube's side.

    Returns:
        Infinite beside the cube.
    """
    rows, columns = np.mgrid[: view.height, : view.width] + 0.5
    x = (columns - view.K[0, 2]) / view.K[0, 0]
    y = (rows - view.K[1, 2]) / view.K[1, 1]
    rays = np.stack([x, -y, -np.ones_like(x)], axis=-1)
    start, along = camera_to_cube[:3, 3], rays @ camera_to_cube[:3, :3].T
    ends = np.stack([(side * half_m - start) / along for side in (-1, 1)])
    entry, leave = ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
    return np.where(entry <= leave, entry, np.inf)
