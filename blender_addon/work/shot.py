"""A shot: everything that a picture of an avatar depends on."""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from .._shared import Camera, Track, flame, rotations, tracks
from ..scene import cameras, properties, rig
from .live import fingerprint


@dataclass(frozen=True)
class Shot:
    """What a picture would be of now.

    Args:
        armature: Whose avatar.
        frame: Its parameters, T = 1.
        camera: The scene's, or the portrait's.
        scale: Metres of the world in a metre of the picture's depth.
    """

    armature: bpy.types.Object
    frame: Track
    camera: Camera
    scale: float

    @classmethod
    def of(cls, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> "Shot":
        """The rig as evaluated now, through the camera of the scene that is evaluated.

        Raises:
            AvatarError: As `rig.read_frame` and `cameras.scene_camera`.
        """
        return cls.through(depsgraph.scene.original.camera, armature, depsgraph)

    @classmethod
    def through(
        cls,
        placed: bpy.types.Object | None,
        armature: bpy.types.Object,
        depsgraph: bpy.types.Depsgraph,
    ) -> "Shot":
        """The rig as evaluated now, through a camera; None: the portrait's.

        Raises:
            AvatarError: As `rig.read_frame` and `cameras.through`.
        """
        view = cameras.through(placed, depsgraph.scene.original, armature, depsgraph)
        return cls.by(view, armature, depsgraph)

    @classmethod
    def by(cls, view: Camera, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> "Shot":
        """The rig as evaluated now, by any camera in its head's space.

        Raises:
            AvatarError: As `rig.read_frame`.
        """
        frame = rig.read_frame(armature, depsgraph)
        return cls(armature, frame, view, cameras.scale(armature, depsgraph))

    @property
    def key(self) -> bytes:
        """Equal for equal pictures."""
        view = self.camera
        posed = fingerprint(str(properties.avatar_path(self.armature)), self.frame)
        size = f" {view.width} {view.height} {self.scale} ".encode()
        return posed + size + view.viewmat.tobytes() + view.K.tobytes()


def key_of(shots: Sequence[Shot]) -> bytes:
    """Equal for equal pictures of several avatars."""
    return b"".join(shot.key for shot in shots)


def between(first: Shot, second: Shot, part: float) -> Shot:
    """A moment between two of the same avatar: all moves evenly, turns on the shortest arc.

    Args:
        part: 0 is `first`, 1 is `second`.
    """
    if first.key == second.key:
        return first
    arrays = {
        name: np.concatenate([getattr(shot.frame, name) for shot in (first, second)])
        for name in flame.FRAME_SIZES
    }
    both, start, end = Track.neutral(2, **arrays), np.array([0]), np.array([1])
    mixed = tracks.mixed(both, start, end, np.array([[part]]))
    frame = Track.neutral(1, **mixed, fps=first.frame.fps)
    view = _camera_between(first.camera, second.camera, part)
    scale = first.scale * (1 - part) + second.scale * part
    return Shot(first.armature, frame, view, scale)


def _camera_between(first: Camera, second: Camera, part: float) -> Camera:
    if np.array_equal(first.viewmat, second.viewmat) and np.array_equal(first.K, second.K):
        return first
    starts, ends = np.linalg.inv(first.viewmat), np.linalg.inv(second.viewmat)
    start, end = (rotations.axis_angle(pose[:3, :3])[None] for pose in (starts, ends))
    pose = starts * (1 - part) + ends * part
    turned = rotations.between(start, end, np.array([[part]]))
    pose[:3, :3] = rotations.rotation_matrix(turned[0])
    intrinsics = first.K * (1 - part) + second.K * part
    return Camera(np.linalg.inv(pose), intrinsics, first.width, first.height)
