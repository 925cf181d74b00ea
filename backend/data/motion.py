"""Head motion from the parameters into the camera, where frames of a data set have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from backend.head.head import NECK, ROOT, Head
from shared.camera import Camera
from shared.flame import Track

_MOVING = ("global_orient", "neck_pose", "transl")


def camera_motion(head: Head, track: Track, camera: Camera) -> tuple[Track, Camera]:
    """The same picture of a still head, seen by a camera that moves instead.

    In float64 throughout: both ways project a posed vertex to the same place to 1e-4 px.

    Args:
        head: Whose joints the head turns about.
        track: One frame with betas.
        camera: That sees the moving head.

    Returns:
        The frame with global, neck and translation zero, and the camera that sees it so.

    Source: baseline.md, Tracking: head motion only in the camera.
    """
    if len(track) != 1:
        raise ValueError(f"camera_motion takes one frame; the track has {len(track)}")
    joints = head.joints_of(track.betas)
    root = _about(joints[ROOT], track.global_orient[0])
    root[:3, 3] += track.transl[0]
    pose = root @ _about(joints[NECK], track.neck_pose[0])
    still = replace(track, **{name: np.zeros((1, 3)) for name in _MOVING})
    return still, replace(camera, viewmat=camera.viewmat @ pose)


def _about(centre: np.ndarray, axis_angle: np.ndarray) -> np.ndarray:
    """[4, 4] rotation by an axis-angle [3] about a point [3]."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec(np.asarray(axis_angle, np.float64)).as_matrix()
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    return turn
