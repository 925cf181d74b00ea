"""Cameras, and the only place where Blender's axes become the backend's.

Backend cameras are OpenCV's (+X right, +Y down, +Z forward) in head space (metres, +Y up, +Z out
of the face). Blender is Z-up and its cameras look along -Z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PORTRAIT_FOCAL = 12.0
"""Focal length of portrait cameras, NDC (half the picture's height is 1): 216 mm on 36 mm."""

HEAD_TO_BLENDER = np.array(
    [[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)
"""Head space (Y up) to Blender object space (Z up): (x, y, z) -> (x, -z, y)."""

_GL_TO_CV = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Args:
        viewmat: [4, 4] head space to OpenCV camera space, rigid, metres.
        K: [3, 3] intrinsics in pixels; pixel centres lie at half-integers.
        width: Picture width, pixels.
        height: Picture height, pixels.
    """

    viewmat: np.ndarray
    K: np.ndarray
    width: int
    height: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "viewmat", np.asarray(self.viewmat, np.float64).reshape(4, 4))
        object.__setattr__(self, "K", np.asarray(self.K, np.float64).reshape(3, 3))

    def project(self, points: np.ndarray) -> np.ndarray:
        """Head-space points [..., 3] to pixels [..., 2]."""
        camera = points @ self.viewmat[:3, :3].T + self.viewmat[:3, 3]
        image = camera @ self.K.T
        return image[..., :2] / image[..., 2:]

    def depth(self, points: np.ndarray) -> np.ndarray:
        """[N] metres from the camera's plane to points [N, 3]."""
        return points @ self.viewmat[2, :3] + self.viewmat[2, 3]

    def unproject(self, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Pixels [N, 2] at depths [N], metres before the camera, to head-space points [N, 3]."""
        rays = np.append(pixels, np.ones((len(pixels), 1)), 1) @ np.linalg.inv(self.K).T  # z = 1
        return (rays * depth[:, None] - self.viewmat[:3, 3]) @ self.viewmat[:3, :3]

    def resized(self, width: int, height: int) -> Camera:
        """The same view at another resolution."""
        scale = np.diag([width / self.width, height / self.height, 1.0])
        return Camera(self.viewmat, scale @ self.K, width, height)


def portrait_intrinsics(size_px: int) -> np.ndarray:
    """[3, 3] K of the square portrait camera: focal 12 NDC, centre in the middle."""
    focal = PORTRAIT_FOCAL * size_px / 2
    return np.array([[focal, 0, size_px / 2], [0, focal, size_px / 2], [0, 0, 1.0]])


def blender_view(camera_world: np.ndarray, rig_world: np.ndarray) -> np.ndarray:
    """[4, 4] `viewmat` of a Blender camera that looks at a rig.

    Args:
        camera_world: [4, 4] camera's `matrix_world`; scale is ignored.
        rig_world: [4, 4] rig object's `matrix_world`.
    """
    rotation, _ = np.linalg.qr(np.asarray(camera_world, np.float64)[:3, :3])
    rotation *= np.sign(np.sum(rotation * np.asarray(camera_world)[:3, :3], axis=0))
    pose_gl = np.eye(4)
    pose_gl[:3, :3] = rotation
    pose_gl[:3, 3] = np.asarray(camera_world)[:3, 3]
    return _GL_TO_CV @ np.linalg.inv(pose_gl) @ np.asarray(rig_world) @ HEAD_TO_BLENDER


def blender_camera_world(viewmat: np.ndarray, rig_world: np.ndarray) -> np.ndarray:
    """[4, 4] `matrix_world` of the Blender camera that sees a rig as `viewmat` does."""
    head_world = np.asarray(rig_world, np.float64) @ HEAD_TO_BLENDER
    return head_world @ np.linalg.inv(np.asarray(viewmat, np.float64)) @ _GL_TO_CV


def blender_intrinsics(
    lens_mm: float,
    sensor_mm: float,
    shift: tuple[float, float],
    size_px: tuple[int, int],
    sensor_fit: str = "AUTO",
    pixel_aspect: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """[3, 3] K of a perspective Blender camera.

    Args:
        lens_mm: Focal length.
        sensor_mm: Sensor width for AUTO and HORIZONTAL, height for VERTICAL.
        shift: Lens shift in Blender's units (fractions of the fitted dimension).
        size_px: Width and height of the rendered picture.
        sensor_fit: AUTO, HORIZONTAL or VERTICAL.
        pixel_aspect: Width and height of a pixel.
    """
    width, height = size_px
    aspect_x, aspect_y = pixel_aspect
    fit = sensor_fit
    if fit == "AUTO":
        fit = "HORIZONTAL" if width * aspect_x >= height * aspect_y else "VERTICAL"
    view = width * aspect_x if fit == "HORIZONTAL" else height * aspect_y
    focal = lens_mm * view / sensor_mm
    center_x = width / 2 - shift[0] * view / aspect_x
    center_y = height / 2 + shift[1] * view / aspect_y
    return np.array([[focal / aspect_x, 0, center_x], [0, focal / aspect_y, center_y], [0, 0, 1]])
