"""ARKit weights in JSON: LAM's Audio2Expression, MediaPipe, Audio2Face, and all that is alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .angles import poses_beside
from .arkit_names import columns, index_of, left_out
from .checks import bad_key
from .options import Options
from .read_track import ReadTrack
from .timing import timing
from .weights import as_expression, bridged, shares

_WEIGHTS = ("weights", "blendshapes", "blendShapes", "faceBlendshapes", "face_blendshapes",
            "blend_shapes",             "categories", "coefficients")  # fmt: skip
_TIMES = ("time", "timestamp", "timestampMs", "timestamp_ms", "timeCode")
_NAME_KEYS = ("categoryName", "category_name", "name", "shapeName", "displayName")
_SCORE_KEYS = ("score", "value", "weight")

Weights = list[Any] | dict[str, Any] | None


def recognises(content: Any) -> bool:
    """Whether JSON looks like frames of weights."""
    if isinstance(content, list):
        frames = [frame for frame in content if isinstance(frame, (dict, list))]
        return any(_weights(frame) is not None for frame in frames)
    if not isinstance(content, dict):
        return False
    frames = content.get("frames")
    told = isinstance(frames, list) and any(_weights(f) is not None for f in frames)
    return told or "names" in content or "weightMat" in content


def read(path: Path, content: Any, options: Options) -> ReadTrack:
    """Reads `{names[N], frames[{weights[N], time, rotation}], metadata{fps}?, head_pose?}`.

    Weights are a list in the order of `names`, values by name, or objects with name and score.
    Frames may stand alone, too. `head_pose` [T, 3] (or each frame's `rotation`, when it has three
    numbers) are axis-angles in radians and turn the neck. Frames without weights are bridged.

    Raises:
        AvatarError: `bad_file`, naming the key, what was found and what was expected.
    """
    whole = _whole(path, content)
    frames = whole.get("frames")
    if not isinstance(frames, list):
        raise bad_key(path, "frames", type(frames).__name__, "a list of objects")
    strange = next((f for f in frames if not isinstance(f, (dict, list, type(None)))), None)
    if strange is not None:
        raise bad_key(path, "frames", f"{strange!r:.40} among them", "a list of objects")
    given = [_weights(frame) for frame in frames]
    names = _names(path, whole.get("names"), given)
    known, unknown = columns(path, names)
    if not frames:
        raise bad_key(path, "frames", "no frame", "at least one")
    rows = _without_nan([_row(names, weights) for weights in given])
    seen = np.array([row is not None for row in rows])
    if not seen.any():
        raise bad_key(path, "frames", "no frame with weights", "at least one")
    raw = _numbers(path, "weights", rows, len(names))
    expression, notes = shares(path, as_expression(raw, known))
    fps, times, said = timing(
        path, len(frames), _rate(path, whole, options), _times(frames, options)
    )
    poses, told = poses_beside(raw, names, expression, options)
    turned = _head_rotations(path, whole, frames)[seen]
    if turned.any():
        poses["neck_pose"] = turned
    notes += [*said, *told, *([left_out(unknown)] if unknown else [])]
    track = ReadTrack.neutral(len(raw), expression=expression, fps=fps, notes=tuple(notes), **poses)
    seconds = np.arange(len(frames)) / fps if times is None else times
    track = bridged(track, seen, seconds)
    return replace(track, times=times)


def _whole(path: Path, content: Any) -> dict[str, Any]:
    """The file as `{names, frames, ...}`, whatever it is."""
    if isinstance(content, list):
        return {"frames": content}
    if not isinstance(content, dict):
        raise bad_key(path, "(top level)", type(content).__name__, "an object")
    if "weightMat" in content:  # Audio2Face
        rows = content["weightMat"]
        if not isinstance(rows, list):
            raise bad_key(path, "weightMat", type(rows).__name__, "a list of lists of numbers")
        rate = content.get("exportFps")
        return {
            "names": content.get("facsNames"),
            "frames": [{"weights": row} for row in rows],
            "metadata": {} if rate is None else {"fps": rate},
        }
    return content


def _weights(frame: Any) -> Weights:
    """What a frame says of weights: a list of numbers, values by name, or None."""
    found = frame
    if isinstance(frame, dict):
        key = next((key for key in _WEIGHTS if key in frame), None)
        if key is None:
            flat = {name: v for name, v in frame.items() if index_of(str(name)) is not None}
            return flat or None
        found = frame[key]
    while True:  # [[category, ...]] and [{categories: [...]}] of a single face
        if isinstance(found, dict) and isinstance(found.get("categories"), list):
            found = found["categories"]
        elif isinstance(found, list) and len(found) == 1 and _nests(found[0]):
            found = found[0]
        else:
            break
    if isinstance(found, list) and found and all(isinstance(entry, dict) for entry in found):
        return _by_name(found)
    if isinstance(found, dict):
        return found or None
    if not isinstance(found, list):
        return None if found is None else [found]
    return None if not found or any(value is None for value in found) else found


def _nests(entry: Any) -> bool:
    return isinstance(entry, list) or (isinstance(entry, dict) and "categories" in entry)


def _by_name(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """{name: score} of objects; an object without a name keeps its number, to be told."""
    found = {}
    for number, entry in enumerate(entries):
        name = next((entry[key] for key in _NAME_KEYS if entry.get(key)), f"#{number}")
        found[str(name)] = next((entry[key] for key in _SCORE_KEYS if key in entry), None)
    return found


def _names(path: Path, names: Any, given: list[Weights]) -> list[str]:
    """What the columns are called: `names`, or what weights by name call them."""
    own = list(dict.fromkeys(name for w in given if isinstance(w, dict) for name in w))
    if own:
        return [str(name) for name in own]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_key(path, "names", type(names).__name__, "the list of ARKit names")
    return names


def _row(names: list[str], weights: Weights) -> list[Any] | None:
    """A frame's weights in the order of `names`; None for a frame without a face."""
    if isinstance(weights, Mapping):
        row = [weights.get(name, 0.0) for name in names]
        return None if any(value is None for value in row) else row
    return weights


def _without_nan(rows: list[Any]) -> list[Any]:
    """Rows of nothing but NaN as None: some writers tell a lost face so; not if all are."""
    lost = [bool(row) and all(isinstance(v, float) and math.isnan(v) for v in row) for row in rows]
    there = any(row is not None and not gone for row, gone in zip(rows, lost, strict=True))
    return [None if gone and there else row for row, gone in zip(rows, lost, strict=True)]


def _head_rotations(path: Path, content: Mapping[str, Any], frames: list[Any]) -> np.ndarray:
    rotations = content.get("head_pose")
    if rotations is None:
        told = [frame.get("rotation") if isinstance(frame, dict) else None for frame in frames]
        rotations = [turn or [0, 0, 0] for turn in told]
    elif not isinstance(rotations, list) or len(rotations) != len(frames):
        found = f"{len(rotations)} entries" if isinstance(rotations, list) else "no list"
        raise bad_key(path, "head_pose", found, f"one per frame, {len(frames)}")
    return _numbers(path, "head_pose", [turn or [0, 0, 0] for turn in rotations], 3)


def _rate(path: Path, content: Mapping[str, Any], options: Options) -> float | None:
    if options.fps is not None:
        return options.fps
    metadata = content.get("metadata")
    rate = metadata.get("fps") if isinstance(metadata, dict) else content.get("fps")
    if rate is None:
        return None
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < 1000:
        raise bad_key(path, "metadata.fps", rate, "frames per second above 0, or rising times")
    return float(rate)


def _times(frames: list[Any], options: Options) -> np.ndarray | None:
    """[T] times as they stand there; missing ones lie between their neighbours."""
    if options.fps is not None:
        return None
    told = [_time(frame) for frame in frames]
    there = np.array([i for i, time in enumerate(told) if time is not None])
    untimed = any(f is not None and t is None for f, t in zip(frames, told, strict=True))
    if len(there) < 2 or untimed:
        return None
    known = np.array([time for time in told if time is not None])
    numbers = np.arange(len(told))
    usual = float(np.median(np.diff(known) / np.diff(there)))
    times = np.interp(numbers, there, known)
    times += usual * np.minimum(numbers - there[0], 0)
    return times + usual * np.maximum(numbers - there[-1], 0)


def _time(frame: Any) -> float | None:
    found = (
        next((frame[k] for k in _TIMES if k in frame), None) if isinstance(frame, dict) else None
    )
    try:
        time = math.nan if found is None else float(found)
    except (TypeError, ValueError, OverflowError):
        return None
    return time if math.isfinite(time) else None


def _numbers(path: Path, key: str, rows: list[Any], width: int) -> np.ndarray:
    """[N, width] of the rows that are there."""
    for index, row in enumerate(rows):
        if row is not None and (not isinstance(row, list) or len(row) != width):
            found = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
            raise bad_key(path, f"{key} of frame {index}", found, f"{width} numbers")
    there = [row for row in rows if row is not None]
    try:
        result = np.array(there, np.float64).reshape(len(there), width)
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_key(path, key, str(error), "numbers") from error
    if not np.isfinite(result).all():
        raise bad_key(path, key, "NaN or infinity", "finite numbers")
    return result
