"""GAGAvatar_track's parameters and ours.

Theirs: world units are five times a metre; a camera is a row-vector [R|T], x_cam = x_world R + T,
with +X left, +Y up, +Z forward and focal 12 NDC; posecode is a global rotation, which stays zero,
and the jaw; eyecode the left and the right eye. A file is a pickle {CLIP_NUMBER: parameters}.

Source: baseline.md, Camera and Tracking.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backend.data import layout
from shared.camera import PORTRAIT_FOCAL, Camera, portrait_intrinsics
from shared.errors import AvatarError, about
from shared.flame import BETAS_SIZE, EXPRESSION_SIZE
from shared.restricted.inert import Refused, array_of
from shared.restricted.unpickle import load_pickle
from shared.tracks.gagavatar import UNITS_PER_METRE

HEAD = "flame2020"
"""The head of GAGAvatar_track's codes."""

_TO_OPENCV = np.diag([-1.0, -1.0, 1.0])

SHAPES = {
    "shapecode": (BETAS_SIZE,),
    "expcode": (EXPRESSION_SIZE,),
    "posecode": (6,),
    "eyecode": (6,),
    "transform_matrix": (3, 4),
    "bbox": (4,),
}
"""What GAGAvatar_track writes of a frame; what else there may be is not used."""


def viewmat_of(transform: np.ndarray) -> np.ndarray:
    """[4, 4] head space (metres) to OpenCV camera of a row-vector [3, 4] `transform_matrix`."""
    transform = np.asarray(transform, np.float64)
    viewmat = np.eye(4)
    viewmat[:3, :3] = _TO_OPENCV @ transform[:, :3].T
    viewmat[:3, 3] = _TO_OPENCV @ transform[:, 3] / UNITS_PER_METRE
    return viewmat


def transform_of(viewmat: np.ndarray) -> np.ndarray:
    """[3, 4] float32; `viewmat_of` reversed."""
    rotation = (_TO_OPENCV @ viewmat[:3, :3]).T
    translation = _TO_OPENCV @ viewmat[:3, 3] * UNITS_PER_METRE
    return np.concatenate([rotation, translation[:, None]], axis=1).astype(np.float32)


def camera_of(transform: np.ndarray, image_size: int) -> Camera:
    """The camera of a [3, 4] `transform_matrix`: focal 12 NDC, centre in the middle."""
    return Camera(viewmat_of(transform), portrait_intrinsics(image_size), image_size, image_size)


def row_of(record: Any, where: str, image_size: int, fps: float) -> layout.Row:
    """A frame's arrays, as a store keeps them.

    Args:
        record: GAGAvatar_track's parameters of one frame, by name.
        where: File and key, for messages.
        image_size: Side of the frame's picture, pixels.
        fps: Frames per second of its clip.

    Raises:
        AvatarError: `bad_file`, naming the frame, the key, what was found and expected.
    """
    values = {name: _value(record, name, where) for name in SHAPES}
    if values["posecode"][:3].any():
        raise layout.bad_value(
            where, "posecode", f"a global rotation of {values['posecode'][:3]}", "zeros"
        )
    row = {
        "betas": values["shapecode"],
        "expression": values["expcode"],
        "jaw_pose": values["posecode"][3:],
        "leye_pose": values["eyecode"][:3],
        "reye_pose": values["eyecode"][3:],
        "viewmat": viewmat_of(values["transform_matrix"]),
        "K": portrait_intrinsics(image_size),
        "box": values["bbox"],
        "fps": np.asarray(fps),
    }
    row = {name: np.array(value, layout.DTYPES[name]) for name, value in row.items()}
    layout.check_row(row, where)
    return row


def record_of(row: layout.Row, image_size: int) -> dict[str, np.ndarray]:
    """A frame's arrays as GAGAvatar_track has them; `row_of` reversed.

    Raises:
        AvatarError: `bad_request` where the camera has no focal length of 12 NDC or looks past
            the middle, which that format cannot say.
    """
    if not np.allclose(row["K"], portrait_intrinsics(image_size), rtol=0, atol=1e-6 * image_size):
        raise AvatarError(
            "bad_request",
            f"The camera's K is {row['K'].tolist()}; GAGAvatar's tracks only know focal "
            f"{PORTRAIT_FOCAL:g} NDC and the middle.",
            "Keep these frames in our own format.",
        )
    return {
        "bbox": row["box"],
        "shapecode": row["betas"],
        "expcode": row["expression"],
        "posecode": np.concatenate([np.zeros(3, np.float32), row["jaw_pose"]]),
        "eyecode": np.concatenate([row["leye_pose"], row["reye_pose"]]),
        "transform_matrix": transform_of(row["viewmat"]),
    }


def load(path: Path) -> dict[str, Any]:
    """The frames of an optim.pkl or smoothed.pkl by key, read without running its code.

    Raises:
        AvatarError: `bad_file` for another file, a hostile one, or one without frames.
    """
    found = load_pickle(path)
    if not isinstance(found, Mapping) or not found:
        kind = "an empty dict" if isinstance(found, Mapping) else f"a {type(found).__name__}"
        raise AvatarError(
            "bad_file",
            f"{path} holds {kind}; expected {{CLIP_NUMBER: parameters}} as GAGAvatar_track writes.",
            "Give its optim.pkl or smoothed.pkl.",
        )
    for key in found:
        if not isinstance(key, str):
            raise layout.bad_value(
                str(path), repr(key), f"a key of type {type(key).__name__}", "CLIP_NUMBER"
            )
        with about(str(path)):
            layout.parse_key(key)
    return dict(found)


def _value(record: Any, name: str, where: str) -> np.ndarray:
    if not isinstance(record, Mapping) or name not in record:
        held = sorted(map(str, record)) if isinstance(record, Mapping) else type(record).__name__
        raise layout.bad_value(where, name, f"only {held}", "an array of this name")
    try:
        value = np.asarray(array_of(record[name]), np.float64)
    except (Refused, TypeError, ValueError) as error:
        raise layout.bad_value(where, name, str(error), "numbers") from error
    if value.shape != SHAPES[name]:
        raise layout.bad_value(where, name, f"shape {value.shape}", f"shape {SHAPES[name]}")
    return value
