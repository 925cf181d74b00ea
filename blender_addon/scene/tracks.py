"""Tracks from files onto the rig as keyframes: ARKit JSON and our own `.flame.npz`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .._shared import ARKIT_NAMES, AvatarError, Track, flame
from . import actions, controls, flame_pose, rig

FORMATS = {".json": "ARKit JSON", ".npz": ".flame.npz"}

RIG_HEAD = "open"
"""The head whose expression codes are ARKit weights, which is what the controls are."""


def read(path: Path) -> Track:
    """Reads any track file that we know.

    Raises:
        AvatarError: `unsupported_format`, `bad_file` or `head_mismatch`.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise AvatarError(
            "unsupported_format",
            f"{path.name} is not a track that SplitAvatar reads.",
            "Tracks are " + " and ".join(f"{name} (*{end})" for end, name in FORMATS.items()) + ".",
        )
    track = read_arkit_json(path) if kind == "ARKit JSON" else Track.load(path)
    if len(track) == 0:
        raise _bad_file(path, "frames", "no frame", "at least one")
    if track.head != RIG_HEAD:
        raise AvatarError(
            "head_mismatch",
            f"{path.name} holds codes of the head {track.head!r}; the rig's head is {RIG_HEAD!r}.",
            "Convert it with `python -m backend convert-tracks`.",
        )
    return track


def read_arkit_json(path: Path) -> Track:
    """Reads `{names[52], frames[{weights[52], time, rotation}], metadata{fps}?, head_pose?}`.

    `head_pose` [T, 3] (or each frame's `rotation`, when it has three numbers) are axis-angles in
    radians and turn the neck. Without `metadata.fps` the times of the frames give the rate.

    Raises:
        AvatarError: `bad_file`, naming the key, what was found and what was expected.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AvatarError(
            "bad_file", f"{path} is not readable JSON ({error}).", "Choose another file."
        ) from error
    if not isinstance(content, dict):
        raise _bad_file(path, "(top level)", type(content).__name__, "an object")
    names = _names(path, content.get("names"))
    frames = content.get("frames")
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise _bad_file(path, "frames", type(frames).__name__, "a list of objects")
    weights = _numbers(path, "weights", [f.get("weights") for f in frames], len(names))
    expression = np.zeros((len(frames), flame.EXPRESSION_SIZE), np.float32)
    for column, name in enumerate(names):
        expression[:, ARKIT_NAMES.index(name)] = weights[:, column]
    return Track.neutral(
        len(frames),
        expression=expression,
        neck_pose=_head_rotations(path, content, frames),
        fps=_rate(path, content, frames),
    )


def _names(path: Path, names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _bad_file(path, "names", type(names).__name__, "the list of ARKit names")
    # Some writers use PascalCase.
    names = [name[:1].lower() + name[1:] for name in names]
    unknown = [name for name in names if name not in ARKIT_NAMES]
    if unknown or not names:
        found = ", ".join(unknown[:3]) or "no name"
        raise _bad_file(path, "names", found, f"ARKit names such as {ARKIT_NAMES[24]}")
    if len(set(names)) != len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise _bad_file(path, "names", f"{double} twice", "each name once")
    return names


def _head_rotations(path: Path, content: dict[str, Any], frames: list[dict]) -> np.ndarray:
    rotations = content.get("head_pose")
    if rotations is None:
        rotations = [frame.get("rotation") or [0, 0, 0] for frame in frames]
    elif not isinstance(rotations, list) or len(rotations) != len(frames):
        found = f"{len(rotations)} entries" if isinstance(rotations, list) else "no list"
        raise _bad_file(path, "head_pose", found, f"one per frame, {len(frames)}")
    return _numbers(path, "head_pose", rotations, 3)


def _rate(path: Path, content: dict[str, Any], frames: list[dict]) -> float:
    metadata = content.get("metadata")
    rate = metadata.get("fps") if isinstance(metadata, dict) else None
    if rate is None and len(frames) > 1:
        times = _numbers(path, "time", [[frame.get("time")] for frame in frames], 1)[:, 0]
        span = float(times[-1] - times[0])
        rate = (len(frames) - 1) / span if span > 0 else None
    rate = 30.0 if rate is None and len(frames) <= 1 else rate
    if not isinstance(rate, (int, float)) or not 0 < rate < 1000:
        raise _bad_file(path, "metadata.fps", rate, "frames per second above 0, or rising times")
    return float(rate)


def _numbers(path: Path, key: str, rows: list[Any], width: int) -> np.ndarray:
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            found = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
            raise _bad_file(path, f"{key} of frame {index}", found, f"{width} numbers")
    try:
        result = np.array(rows, np.float64).reshape(len(rows), width)
    except (TypeError, ValueError) as error:
        raise _bad_file(path, key, str(error), "numbers") from error
    if not np.isfinite(result).all():
        raise _bad_file(path, key, "NaN or infinity", "finite numbers")
    return result


def _bad_file(path: Path, key: str, found: object, expected: str) -> AvatarError:
    return AvatarError(
        "bad_file",
        f"{path.name}, key {key!r}: found {found}, expected {expected}.",
        "Correct the file or choose another.",
    )


def resampled(track: Track, fps: float) -> Track:
    """The track at another frame rate: weights linearly, rotations on the shortest arc.

    Args:
        track: T frames.
        fps: New frames per second. The last frame is the last whole one within the track.
    """
    if abs(track.fps - fps) < 1e-6 or len(track) < 2:
        return replace(track, fps=fps)
    count = int(np.floor((len(track) - 1) / track.fps * fps + 1e-6)) + 1
    position = np.minimum(np.arange(count) * track.fps / fps, len(track) - 1)
    low = np.minimum(position.astype(int), len(track) - 2)
    part = (position - low)[:, None]
    values = {}
    for name in flame.FRAME_SIZES:
        array = getattr(track, name).astype(np.float64)
        if name in flame_pose.ROTATIONS.values():
            values[name] = _between_rotations(array[low], array[low + 1], part)
        else:
            values[name] = array[low] * (1 - part) + array[low + 1] * part
    return replace(track, fps=fps, **values)


def _between_rotations(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """[T, 3] axis-angles at `part` [T, 1] of the way from `first` to `second` (slerp)."""
    start = flame_pose.rotation_matrix(first)
    turn = start.transpose(0, 2, 1) @ flame_pose.rotation_matrix(second)
    steps = np.array([flame_pose.axis_angle(matrix) for matrix in turn]) * part
    whole = start @ flame_pose.rotation_matrix(steps)
    return np.array([flame_pose.axis_angle(matrix) for matrix in whole])


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
        track: T frames.
        name: Name of the action.
        start_frame: Scene frame of the track's first frame.
        scene_fps: Frames per second of the scene.
        whole_frames: Resample to one key on each scene frame; otherwise the track's own frames
            are keyed where they fall in time, also between scene frames.
    """
    rig.require_rig(armature)
    if whole_frames:
        track = resampled(track, scene_fps)
    frames = start_frame + np.arange(len(track)) * scene_fps / track.fps
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


def _key_rotation(
    armature: bpy.types.Object, bone_name: str, frames: np.ndarray, vectors: np.ndarray
) -> None:
    """Keys axis-angles [T, 3] (bone's axes) as quaternions that never jump."""
    # Imported keys are quaternions: they neither lock nor flip, whatever the head does.
    armature.pose.bones[bone_name].rotation_mode = "QUATERNION"
    quats = flame_pose.axis_angle_quaternions(vectors)
    path = f'pose.bones["{bone_name}"].rotation_quaternion'
    for index in range(4):
        actions.write_curve(armature, path, index, frames, quats[:, index])
