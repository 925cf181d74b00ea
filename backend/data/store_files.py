"""The files of a store besides its databases, and a frame's way into them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from backend.data import layout
from backend.data.frame import Frame
from shared.atomic import replacing, write_bytes
from shared.errors import AvatarError, said
from shared.restricted.damage import TEXT_DAMAGE

_JPEG = [
    cv2.IMWRITE_JPEG_QUALITY,
    95,  # as GAGAvatar's
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]

RowsByClip = dict[str, dict[int, int]]
"""Clip, sorted by name -> frame number, ascending -> row of the tracks' arrays."""


@dataclass(frozen=True)
class EncodedFrame:
    """What a store keeps of a frame.

    Args:
        key: CLIP_NUMBER.
        row: Its arrays, checked.
        image: A JPEG (or PNG) file.
        matte: A PNG file, or None.
    """

    key: str
    row: layout.Row
    image: bytes
    matte: bytes | None


def encode(frame: Frame, head: str, image_size: int) -> EncodedFrame:
    """Checks and encodes a frame.

    Raises:
        AvatarError: `bad_request`, `bad_file` or `head_mismatch` for one that no store holds.
    """
    side = (image_size, image_size)
    for name, array, shape in (("image", frame.image, (*side, 3)), ("alpha", frame.alpha, side)):
        if array is not None and (array.shape != shape or array.dtype != np.uint8):
            raise AvatarError(
                "bad_request",
                f"Clip {frame.clip!r}, frame {frame.index}: {name} is {array.dtype} "
                f"{array.shape}; expected uint8 {shape}.",
                "Make it of the store's size.",
            )
    row = layout.row_of(frame, head)
    bgr = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
    image = cv2.imencode(".jpg", bgr, _JPEG)[1].tobytes()
    matte = None if frame.alpha is None else cv2.imencode(".png", frame.alpha)[1].tobytes()
    return EncodedFrame(layout.key_of(frame.clip, frame.index), row, image, matte)


def begin(store: Path, head: str, image_size: int) -> None:
    """Writes `meta.json`, or compares it with the one that is there.

    Raises:
        AvatarError: `head_mismatch` or `bad_request` where it says something else.
    """
    if (store / layout.META).exists():
        found_head, found_size = read_meta(store)
        if found_head != head:
            raise AvatarError(
                "head_mismatch",
                f"{store} holds parameters of the head {found_head!r}, not {head!r}.",
                "Write to another folder.",
            )
        if found_size != image_size:
            raise AvatarError(
                "bad_request",
                f"{store} holds pictures of {found_size} pixels, not {image_size}.",
                "Write to another folder.",
            )
        return
    meta = {"format": layout.FORMAT, "head": head, "image_size": image_size}
    write_bytes(store / layout.META, json.dumps(meta, indent=2).encode())


def read_meta(store: Path) -> tuple[str, int]:
    """Head and picture size of a store.

    Raises:
        AvatarError: `bad_file`.
    """
    path = store / layout.META
    meta = read_json(path)
    head, size = meta.get("head"), meta.get("image_size")
    if (
        meta.get("format") != layout.FORMAT
        or not isinstance(head, str)
        or not isinstance(size, int)
        or size < 1
    ):
        raise AvatarError(
            "bad_file",
            f"{path} says {meta}; expected format {layout.FORMAT}, a head and an image_size.",
            "Write the store with this version.",
        )
    return head, size


def rows_by_clip(keys: Sequence[str]) -> RowsByClip:
    """Finds the rows of clips.

    Raises:
        AvatarError: `bad_file` for what is no key, or two keys of one frame.
    """
    rows: RowsByClip = {}
    for number, key in enumerate(keys):
        clip, index = layout.parse_key(key)
        frames = rows.setdefault(clip, {})
        if index in frames:
            raise AvatarError(
                "bad_file",
                f"Clip {clip!r} has frame {index} twice: {keys[frames[index]]!r} and {key!r}.",
                "Keep one of them.",
            )
        frames[index] = number
    return {clip: dict(sorted(rows[clip].items())) for clip in sorted(rows)}


def read_keys(store: Path, missing_ok: bool = False) -> list[str]:
    """Keys of the frames, in the order of the arrays, whose shapes are checked.

    Args:
        store: The folder.
        missing_ok: A store without tracks has no frames, instead of being an error.

    Raises:
        AvatarError: `bad_file`.
    """
    path = store / layout.TRACKS
    if not path.exists():
        if missing_ok:
            return []
        begun = (store / layout.UNFINISHED).is_dir()
        state = "was begun and never finished" if begun else "has no tracks.safetensors"
        raise AvatarError("bad_file", f"The store {store} {state}.", "Run what writes it again.")
    try:
        with safe_open(path, framework="np") as file:
            keys = json.loads((file.metadata() or {})["keys"])
            slices = {name: file.get_slice(name) for name in layout.SHAPES}
            found = {name: (s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()}
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise ValueError("its keys are no list of names")
    except (SafetensorError, LookupError, *TEXT_DAMAGE) as error:
        raise AvatarError(
            "bad_file",
            f"{path} is not a readable file of tracks ({said(error)}).",
            "Copy it again, or write the store again.",
        ) from error
    for name, shape in layout.SHAPES.items():
        kind = "F64" if layout.DTYPES[name] is np.float64 else "F32"
        if found[name] != (kind, (len(keys), *shape)):
            raise AvatarError(
                "bad_file",
                f"{path}: {name!r} is {found[name][0]} {found[name][1]}; expected {kind} "
                f"{(len(keys), *shape)} for its {len(keys)} frames.",
                "Write the store again.",
            )
    return keys


def add_tracks(store: Path, rows: Mapping[str, layout.Row]) -> None:
    """Writes a store's tracks anew: those that are there, and `rows` by key."""
    path = store / layout.TRACKS
    keys = read_keys(store, missing_ok=True)
    old = safetensors.numpy.load_file(path) if keys else {}
    arrays = {}
    for name, shape in layout.SHAPES.items():
        parts = [old[name]] if keys else []
        new = np.array([row[name] for row in rows.values()], layout.DTYPES[name])
        arrays[name] = np.concatenate([*parts, new.reshape(-1, *shape)])
    write_tracks(path, [*keys, *rows], arrays)


def write_tracks(
    path: Path, keys: Sequence[str], arrays: Mapping[str, np.ndarray], **facts: str
) -> None:
    """Writes tracks, sorted by clip and frame.

    Args:
        path: The file.
        keys: One per frame.
        arrays: Name -> [frames, ...], `layout.SHAPES`.
        facts: Metadata besides the keys.
    """
    order = [row for frames in rows_by_clip(keys).values() for row in frames.values()]
    stacked = {name: np.ascontiguousarray(value[order]) for name, value in arrays.items()}
    metadata = {"keys": json.dumps([keys[row] for row in order]), **facts}
    with replacing(path) as temporary:
        safetensors.numpy.save_file(stacked, temporary, metadata)


def check_splits(
    splits: Any, clips: Mapping[str, Any], code: str, where: str
) -> dict[str, tuple[str, ...]]:
    """Splits with sorted names.

    Args:
        splits: What should map train, val or test to names of clips.
        clips: Those that have frames.
        code: Of the error.
        where: Told in messages.

    Raises:
        AvatarError: For other names, clips without frames, a clip in two splits.
    """
    if not isinstance(splits, Mapping) or not splits or not set(splits) <= set(layout.SPLITS):
        found = sorted(splits) if isinstance(splits, Mapping) else type(splits).__name__
        raise AvatarError(
            code,
            f"{where}: the splits are {found}; expected some of {list(layout.SPLITS)}.",
            "Correct the splits.",
        )
    owner: dict[str, str] = {}
    for split, names in splits.items():
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise AvatarError(
                code,
                f"{where}: the split {split!r} is {names!r}; expected a list of clips' names.",
                "Correct the splits.",
            )
        for name in names:
            if name not in clips:
                raise AvatarError(
                    code,
                    f"{where}: the split {split!r} names the clip {name!r}, which has no frames.",
                    "Leave it out, or prepare that clip.",
                )
            if name in owner:
                raise AvatarError(
                    code,
                    f"{where}: the clip {name!r} is in the splits {owner[name]!r} and {split!r}.",
                    "Leave it in one.",
                )
            owner[name] = split
    return {split: tuple(sorted(splits[split])) for split in layout.SPLITS if split in splits}


def write_splits(store: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Writes `split.json`."""
    text = json.dumps({name: list(clips) for name, clips in splits.items()}, indent=1)
    write_bytes(store / layout.SPLIT, text.encode())


def read_splits(store: Path, clips: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The splits of a store that has `clips`.

    Raises:
        AvatarError: `bad_file`.
    """
    path = store / layout.SPLIT
    return check_splits(read_json(path), clips, "bad_file", str(path))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        AvatarError: `bad_file`.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AvatarError(
            "bad_file",
            f"There is no {path}.",
            "Check the path; a store is made by prepare, convert-tracks or synthesise.",
        ) from error
    except TEXT_DAMAGE as error:
        raise AvatarError(
            "bad_file",
            f"{path} is not readable JSON ({said(error)}).",
            "Check the path; a store is made by prepare, convert-tracks or synthesise.",
        ) from error
    if not isinstance(found, dict):
        raise AvatarError(
            "bad_file", f"{path} holds a {type(found).__name__}; expected an object.", "Correct it."
        )
    return found
