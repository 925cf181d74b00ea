"""AED, APD and AKD from facts that their own networks wrote beside the pictures.

Deep3DFaceRecon and the 68-point detector (Bulat & Tzimiropoulos) are programs of their own, with
licences and face models that the user obtains. Their outputs are plain numbers per picture:

    ROOT/deep3d/<system>/<clip>/<frame>.mat       as Deep3DFaceRecon's test.py saves (exp, angle)
    ROOT/landmarks68/<system>/<clip>/<frame>.npy  [68, 2] pixels of the picture

where <system> is also `targets`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from shared.errors import AvatarError
from shared.restricted.damage import ARCHIVE_DAMAGE
from shared.restricted.mat_file import read_mat  # scipy's reader crashes on damaged files

from .faces import AKD_SIDE_PX
from .shot import Shot

DEEP3D, LANDMARKS = "deep3d", "landmarks68"


class _Deep3D:
    against: Literal["target", "source"] = "target"
    _key: str
    _size: int

    def __init__(self, root: Path) -> None:
        _check_folder(root / DEEP3D, "Deep3DFaceRecon")

    def describe(self, shot: Shot) -> np.ndarray:
        """Coefficients of a picture.

        Raises:
            AvatarError: `missing_weights` when they were not computed, `bad_file`.
        """
        path = _existing(shot.beside(DEEP3D, ".mat"), "Deep3DFaceRecon (its test.py)")
        try:
            values = np.asarray(read_mat(path.read_bytes())[self._key], np.float64).reshape(-1)
        except ARCHIVE_DAMAGE as error:
            raise _bad(path, f"has no numbers {self._key!r} ({error})") from error
        if values.size != self._size or not np.isfinite(values).all():
            raise _bad(path, f"has {values.size} values {self._key!r}; expected {self._size}")
        return values

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Mean absolute difference; lower is nearer."""
        return float(np.abs(result - reference).mean())

    def close(self) -> None:
        """Holds nothing."""


class Aed(_Deep3D):
    """Average expression distance: L1 of the 64 expression coefficients.

    Source: Appendix A.2; baseline.md. Deviates: "L1" is taken as the mean over coefficients.
    """

    name = "aed"
    _key, _size = "exp", 64


class Apd(_Deep3D):
    """Average pose distance: L1 of the three angles, radians (`pose[:3]` in baseline.md)."""

    name = "apd"
    _key, _size = "angle", 3


class Akd:
    """Average key point distance of 68 landmarks.

    Source: Appendix A.2. Deviates: "normalised" is read as pixels of a 256-pixel picture, the
    unit of the papers that introduced the metric.
    """

    name = "akd"
    against: Literal["target", "source"] = "target"

    def __init__(self, root: Path) -> None:
        _check_folder(root / LANDMARKS, "a 68-point landmark detector")

    def describe(self, shot: Shot) -> np.ndarray:
        """[68, 2] in pixels of a 256-pixel picture.

        Raises:
            AvatarError: `missing_weights` when they were not computed, `bad_file`.
        """
        path = _existing(shot.beside(LANDMARKS, ".npy"), "a 68-point landmark detector")
        try:
            points = np.asarray(np.load(path, allow_pickle=False), np.float64)
        except ARCHIVE_DAMAGE as error:
            raise _bad(path, f"is not an array file ({error})") from error
        if points.shape != (68, 2) or not np.isfinite(points).all():
            raise _bad(path, f"has the shape {list(points.shape)}; expected finite [68, 2]")
        height, width = shot.pixels.shape[:2]
        return points * [AKD_SIDE_PX / width, AKD_SIDE_PX / height]

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Mean Euclidean distance; lower is nearer."""
        return float(np.linalg.norm(result - reference, axis=-1).mean())

    def close(self) -> None:
        """Holds nothing."""


def _check_folder(folder: Path, program: str) -> None:
    if not folder.is_dir():
        raise AvatarError(
            "missing_weights",
            f"The folder {folder} is missing: what {program} finds in each picture.",
            "docs/evaluation.md says how it is made.",
        )


def _existing(path: Path, program: str) -> Path:
    if not path.is_file():
        raise AvatarError(
            "missing_weights",
            f"{path} is missing: what {program} finds in the picture of that name.",
            f"Run {program} on the results folder's pictures and save its numbers there; "
            "docs/evaluation.md says how.",
        )
    return path


def _bad(path: Path, what: str) -> AvatarError:
    return AvatarError("bad_file", f"{path} {what}.", "Compute it again; see docs/evaluation.md.")
