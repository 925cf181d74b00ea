"""Reads a head's npz and refuses a damaged or foreign one."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from shared.errors import AvatarError, said
from shared.restricted.damage import ARCHIVE_DAMAGE

_SHAPES: dict[str, tuple[str, tuple[int | str, ...]]] = {
    "v_template": ("f", ("V", 3)),
    "faces": ("i", ("F", 3)),
    "edges": ("i", ("E", 2)),
    "mirror": ("i", ("V",)),
    "shapedirs": ("f", ("V", 3, "S")),
    "exprdirs": ("f", ("V", 3, "X")),
    "J_regressor": ("f", (5, "V")),
    "lbs_weights": ("f", ("V", 5)),
    "parents": ("i", (5,)),
    "landmark_faces": ("i", (478,)),
    "landmark_barycentric": ("f", (478, 3)),
    "region_names": ("U", ("R",)),
    "regions": ("b", ("R", "V")),
    "site_faces": ("i", ("V", 14)),
    "site_barycentric": ("f", ("V", 14, 3)),
    "site_spacing": ("f", ("V",)),
    "name": ("U", ()),
}
"""Kind and shape of every array; letters are sizes that must agree."""

_REMEDY = "Install the backend again, or make the file with scripts/make_open_head.py."


def read_head(path: Path, sha256: str | None) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of a head file and the sha256 of its bytes.

    Args:
        path: The .npz.
        sha256: What the hash must be, or None to accept any.

    Raises:
        AvatarError: `bad_file` where it is missing, damaged or incomplete; `head_mismatch` where
            it is a sound head file, but not the expected one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AvatarError(
            "bad_file", f"The head {path} cannot be read ({error}).", _REMEDY
        ) from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except ARCHIVE_DAMAGE as error:
        reason = said(error)
        raise AvatarError("bad_file", f"The head {path} is damaged ({reason}).", _REMEDY) from error
    _check(path, arrays)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise AvatarError(
            "head_mismatch",
            f"The head {path} has sha256 {digest[:16]}...; expected {sha256[:16]}....",
            _REMEDY,
        )
    return arrays, digest


def _check(path: Path, arrays: dict[str, np.ndarray]) -> None:
    sizes: dict[str, int] = {}
    for name, (kind, expected) in _SHAPES.items():
        if name not in arrays:
            raise AvatarError("bad_file", f"The head {path} lacks the array {name!r}.", _REMEDY)
        found = np.asarray(arrays[name])  # bytes, where the archive holds no array
        sound = found.ndim == len(expected) and found.dtype.kind == kind
        for size, want in zip(found.shape, expected, strict=False):
            sound &= size == (sizes.setdefault(want, size) if isinstance(want, str) else want)
        if not sound:
            raise AvatarError(
                "bad_file",
                f"Array {name!r} of the head {path}: found {found.dtype} {found.shape}, expected "
                f"kind {kind!r} and shape {expected}.",
                _REMEDY,
            )
        if kind == "f" and not np.isfinite(found).all():
            raise AvatarError("bad_file", f"Array {name!r} of {path} has NaN.", _REMEDY)
    limits = {"faces": "V", "edges": "V", "mirror": "V", "landmark_faces": "F", "site_faces": "F"}
    for name, size in limits.items():
        if arrays[name].min() < 0 or arrays[name].max() >= sizes[size]:
            raise AvatarError("bad_file", f"Array {name!r} of {path} points outside.", _REMEDY)
