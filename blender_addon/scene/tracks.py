"""Tracks from files onto the rig as keyframes; `shared.tracks` reads the files."""

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from mathutils import Quaternion

from .._shared import ARKIT_NAMES, AvatarError, Track
from .._shared import tracks as files
from . import actions, controls, flame_pose, linking, rig

resampled = files.resampled

Translate = Callable[[str, np.ndarray], np.ndarray | None]
"""Head and codes [T, 100] -> ARKit weights [T, 52], or None where they cannot be told."""


def read(
    path: Path,
    options: files.Options | None = None,
    partly: bool = False,
    translate: Translate = lambda head, codes: None,
) -> files.ReadTrack:
    """Reads a track of any kind that we know, for the rig.

    Args:
        path: A file of one of `shared.tracks.FORMATS`, or a folder of them.
        options: What the user says about it.
        partly: Take head, neck, jaw, eyes and eyelids of a track whose expression codes belong to
            FLAME and cannot be translated, and note that these are left out.
        translate: Tells such codes as weights.

    Raises:
        AvatarError: `unsupported_format`, `bad_file`, or without `partly` `head_mismatch`.
    """
    track = files.read(path, options)
    if track.head == files.RIG_HEAD:
        return track
    weights = translate(track.head, track.expression) if track.expression.any() else None
    if weights is None and not partly:
        raise AvatarError(
            "head_mismatch",
            f"{path.name} holds codes of the head {track.head!r}; the rig's head is "
            f"{files.RIG_HEAD!r}.",
            "Convert it with `python -m backend convert-tracks --to open`, or take head, neck, jaw "
            "and eyes alone (partly=True).",
        )
    return files.on_rig(track, weights)


def insert(
    armature: bpy.types.Object,
    track: Track,
    name: str,
    start_frame: float = 1,
    scene_fps: float = 24,
    whole_frames: bool = True,
) -> bpy.types.Action:
    """Keys a track onto the rig, in a new action; the one before stays in the file.

    Args:
        armature: The avatar's armature object.
        track: T frames of the rig's head. Keys follow the times of a `ReadTrack`.
        name: Name of the action.
        start_frame: Scene frame of the track's first frame.
        scene_fps: Frames per second of the scene.
        whole_frames: Resample to one key on each scene frame; otherwise the track's own frames
            are keyed where they fall in time, also between scene frames.

    Raises:
        AvatarError: `bad_request` for what is no rig, or one in another file.
    """
    rig.require_rig(armature)
    linking.require_own(armature)
    if isinstance(track, files.ReadTrack):
        track = track.about_root(rig.joints(armature)[0])
    if whole_frames:
        track = resampled(track, scene_fps)
    frames = start_frame + seconds(track) * scene_fps
    action = actions.new_action(armature, name)
    for index, control in enumerate(ARKIT_NAMES):
        path = controls.data_path(control)
        actions.write_curve(armature, path, 0, frames, track.expression[:, index])
    for bone_name, parameter in flame_pose.ROTATIONS.items():
        vectors = getattr(track, parameter) @ rig.pose_axes(armature, bone_name).T
        _key_rotation(armature, bone_name, frames, vectors)
    moves = track.transl @ rig.pose_axes(armature, "root").T
    for index in range(3):
        path = 'pose.bones["root"].location'
        actions.write_curve(armature, path, index, frames, moves[:, index])
    return action


def seconds(track: Track) -> np.ndarray:
    """[T] when each frame of a track is, since the first."""
    if isinstance(track, files.ReadTrack):
        return track.seconds
    return np.arange(len(track)) / track.fps


def _key_rotation(
    armature: bpy.types.Object, bone_name: str, frames: np.ndarray, vectors: np.ndarray
) -> None:
    """Keys axis-angles [T, 3] (bone's axes) in the bone's own rotation mode, without jumps.

    The mode stays: other actions of the rig are keyed in it.
    """
    mode = armature.pose.bones[bone_name].rotation_mode
    quats = flame_pose.axis_angle_quaternions(vectors)
    if mode == "QUATERNION":
        channel, values = "rotation_quaternion", quats
    elif mode == "AXIS_ANGLE":
        channel, values = "rotation_axis_angle", _axis_angles(quats)
    else:
        channel, values = "rotation_euler", _eulers(quats, mode)
    path = f'pose.bones["{bone_name}"].{channel}'
    for index in range(values.shape[1]):
        actions.write_curve(armature, path, index, frames, values[:, index])


def _eulers(quats: np.ndarray, order: str) -> np.ndarray:
    """[T, 3] angles of quaternions [T, 4], each the nearest to the one before."""
    angles = np.zeros((len(quats), 3))
    near = Quaternion().to_euler(order)
    for number, quat in enumerate(quats):
        near = Quaternion(quat).to_euler(order, near)
        angles[number] = near
    return angles


def _axis_angles(quats: np.ndarray) -> np.ndarray:
    """[T, 4] angle and axis of quaternions that do not jump; a still bone keeps the last axis."""
    found = np.zeros((len(quats), 4))
    axis = np.array([0.0, 1.0, 0.0])
    for number, quat in enumerate(quats):
        sine = np.linalg.norm(quat[1:])
        if sine > 1e-9:
            turned = quat[1:] / sine
            turned = -turned if turned @ axis < 0 else turned
            sine, axis = sine * np.sign(quat[1:] @ turned), turned
        found[number] = [2 * np.arctan2(sine, quat[0]), *axis]
    return found
