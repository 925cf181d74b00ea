"""How a store lies on disk: names, keys and the arrays of a frame.

    STORE/
      meta.json           format version, head, image size
      split.json          {"train": [clip, ...], "val": [...], "test": [...]}
      tracks.safetensors  one array per parameter, frames stacked; the frames' keys as metadata
      img_lmdb/           key -> JPEG (or PNG) of the portrait on black
      matte_lmdb/         key -> PNG of the matte; absent where there are none
      unfinished_lmdb/    parameters of frames written since the last `finish`

A key is CLIP_NUMBER, as in the stores of GAGAvatar: what follows the last underscore is the
number of the frame.
"""

from __future__ import annotations

import re

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from backend.data.frame import Frame
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import BETAS_SIZE, EXPRESSION_SIZE, Track

FORMAT = 1
META, SPLIT, TRACKS = "meta.json", "split.json", "tracks.safetensors"
IMAGES, MATTES, UNFINISHED = "img_lmdb", "matte_lmdb", "unfinished_lmdb"
SPLITS = ("train", "val", "test")
LONGEST_KEY = 511
"""LMDB's limit, bytes."""

SHAPES: dict[str, tuple[int, ...]] = {
    "betas": (BETAS_SIZE,),
    "expression": (EXPRESSION_SIZE,),
    "jaw_pose": (3,),
    "leye_pose": (3,),
    "reye_pose": (3,),
    "viewmat": (4, 4),
    "K": (3, 3),
    "box": (4,),
    "fps": (),
}
"""Shape of every array of one frame; the first five in float32, cameras and fps in float64."""

DTYPES = {name: np.float64 if name in ("viewmat", "K", "fps") else np.float32 for name in SHAPES}

Row = dict[str, np.ndarray]
"""One frame's arrays, `SHAPES`."""


def key_of(clip: str, index: int) -> str:
    """The key of a frame.

    Raises:
        AvatarError: `bad_request` for a clip name that makes no key.
    """
    key = f"{clip}_{index}"
    if not clip or index < 0 or len(key.encode()) > LONGEST_KEY or not key.isprintable():
        raise AvatarError(
            "bad_request",
            f"Clip {clip!r}, frame {index} cannot be stored under a key.",
            f"Use printable clip names of less than {LONGEST_KEY} bytes and numbers from 0.",
        )
    return key


def parse_key(key: str) -> tuple[str, int]:
    """Clip and number of a key.

    Raises:
        AvatarError: `bad_file` where it is not CLIP_NUMBER.
    """
    match = re.fullmatch(r"(.+)_(\d+)", key)
    if match is None:
        raise AvatarError(
            "bad_file", f"{key!r} is no frame's key.", "Expected CLIP_NUMBER, such as 000012_35."
        )
    return match[1], int(match[2])


def row_of(frame: Frame, head: str) -> Row:
    """A frame's arrays.

    Raises:
        AvatarError: `bad_request` or `head_mismatch` for a frame that no store holds.
    """
    track = frame.track
    where = f"Clip {frame.clip!r}, frame {frame.index}"
    if track.head != head:
        raise AvatarError(
            "head_mismatch",
            f"{where} has parameters of the head {track.head!r}; the store's is {head!r}.",
            "Make a store for each head.",
        )
    moved = [n for n in ("global_orient", "neck_pose", "transl") if getattr(track, n).any()]
    if len(track) != 1 or track.betas is None or moved:
        raise AvatarError(
            "bad_request",
            f"{where}: found {len(track)} poses, betas {track.betas is not None}, and moved "
            f"{moved or 'nothing'}; expected one pose with betas, all head motion in the camera.",
            "Use backend.data.motion.camera_motion.",
        )
    row = {
        "betas": track.betas,
        "expression": track.expression[0],
        "jaw_pose": track.jaw_pose[0],
        "leye_pose": track.leye_pose[0],
        "reye_pose": track.reye_pose[0],
        "viewmat": frame.camera.viewmat,
        "K": frame.camera.K,
        "box": np.asarray(frame.box),
        "fps": np.asarray(track.fps),
    }
    row = {name: np.array(value, DTYPES[name], order="C") for name, value in row.items()}
    check_row(row, where)
    return row


def check_row(row: Row, where: str) -> None:
    """Refuses wrong shapes, NaN and impossible cameras.

    Args:
        row: One frame's arrays.
        where: Clip and frame, for the message.

    Raises:
        AvatarError: `bad_file`.
    """
    for name, shape in SHAPES.items():
        value = row.get(name)
        found = "nothing" if value is None else f"shape {value.shape}"
        if value is None or value.shape != shape:
            raise bad_value(where, name, found, f"shape {shape}")
        if not np.isfinite(value).all():
            raise bad_value(where, name, "NaN or infinity", "finite numbers")
    rotation, depth = row["viewmat"][:3, :3], float(row["viewmat"][2, 3])
    rigid = np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-3
    if not rigid or np.linalg.det(rotation) < 0 or depth <= 0:
        raise bad_value(
            where, "viewmat", f"{row['viewmat'].tolist()}", "a rigid motion before the camera"
        )
    if min(row["K"][0, 0], row["K"][1, 1]) <= 0:
        raise bad_value(where, "K", f"{row['K'].tolist()}", "focal lengths above 0")
    if not 0 < row["fps"] < 1000:
        raise bad_value(where, "fps", f"{float(row['fps'])}", "a number above 0 and below 1000")
    x0, y0, x1, y1 = row["box"].tolist()
    if not (x0 < x1 and y0 < y1):
        raise bad_value(where, "box", f"{row['box'].tolist()}", "x0 < x1 and y0 < y1")


def bad_value(where: str, name: str, found: str, expected: str) -> AvatarError:
    """The error of a value in a track, saying what it is and what it should be."""
    return AvatarError(
        "bad_file",
        f"{where}: {name!r} is wrong: found {found}, expected {expected}.",
        "Track this clip again, or leave it out.",
    )


def camera_of(row: Row, image_size: int) -> Camera:
    """A frame's camera."""
    return Camera(row["viewmat"], row["K"], image_size, image_size)


def track_of(row: Row, head: str) -> Track:
    """A frame's parameters."""
    codes = ("expression", "jaw_pose", "leye_pose", "reye_pose")
    values = {name: row[name][None] for name in codes}
    return Track.neutral(1, **values, betas=row["betas"], fps=float(row["fps"]), head=head)


def pack_row(row: Row) -> bytes:
    """A frame's arrays as bytes."""
    return safetensors.numpy.save(row)


def unpack_row(data: bytes, where: str) -> Row:
    """`pack_row` reversed.

    Raises:
        AvatarError: `bad_file`.
    """
    try:
        row = safetensors.numpy.load(data)
    except SafetensorError as error:
        raise AvatarError(
            "bad_file", f"{where} is damaged ({error}).", "Delete the store and write it again."
        ) from error
    check_row(row, where)
    return row
