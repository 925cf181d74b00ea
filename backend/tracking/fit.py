"""What one picture says about a head: FLAME parameters and a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from shared.camera import Camera
from shared.flame import Track

from .landmarks import LANDMARKS

FACING = np.diag([1.0, -1.0, -1.0])
"""Head space to the axes of a camera that it faces: x right, y down, z into the picture."""


@dataclass(frozen=True)
class Fit:
    """What one picture says about a head.

    Args:
        track: One frame with betas; the head's pose is all in the camera.
        camera: Portrait camera of the crop, focal 12 NDC.
        error_px: Mean distance between the projected and the detected landmarks.
        unknowns: [N] where the search ended, if it was one: another for the same picture can begin
            there.
    """

    track: Track
    camera: Camera
    error_px: float
    unknowns: np.ndarray | None = None

    def upright(self, root: np.ndarray) -> np.ndarray:
        """[4, 4] viewmat of an upright camera that the torso faces, before which the head has
        turned about its root joint alone: a head that leans, leans from its shoulders.

        Args:
            root: [3] the root joint, metres. The usual head's for a person's photo and video alike,
                so that their shoulders have one place.
        """
        viewmat = self.camera.viewmat.copy()
        viewmat[:3, :3] = FACING
        viewmat[:3, 3] += (self.camera.viewmat[:3, :3] - FACING) @ root
        return viewmat

    def motion_before(self, viewmat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The head's own turn about its origin [3], axis-angle, and shift [3], metres, that show
        the same where a camera stands at `viewmat` [4, 4]."""
        motion = np.linalg.inv(viewmat) @ self.camera.viewmat  # head space to head space
        return Rotation.from_matrix(motion[:3, :3]).as_rotvec(), motion[:3, 3]


def about_root(track: Track, root: np.ndarray) -> Track:
    """The same motion told as FLAME does: rotation about the root joint, then translation.

    Args:
        track: Motion as rotation about the origin, then translation.
        root: [3] the root joint, metres.
    """
    rotations = Rotation.from_rotvec(track.global_orient).as_matrix()
    transl = track.transl + (rotations @ root - root)
    return replace(track, transl=transl.astype(np.float32))


def landmark_error_px(camera: Camera, points: np.ndarray, landmarks: np.ndarray) -> float:
    """Mean distance of points [478, 3] from where they were detected [478, 2], without irises."""
    away = np.linalg.norm(camera.project(points) - landmarks, axis=1)
    return float(away[:LANDMARKS].mean())
