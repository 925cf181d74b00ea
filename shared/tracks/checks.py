"""Values of a file by their key, checked: what is wrong is told with file, key, found, expected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AvatarError
from ..restricted.inert import Refused, array_of
from ..rotations import from_six

_ROUNDING = 1e-2


def bad_key(path: Path, key: str, found: object, expected: str) -> AvatarError:
    """`bad_file` that names the file, the key, what was found and what was expected."""
    return AvatarError(
        "bad_file",
        f"{path.name}, key {key!r}: found {found}, expected {expected}.",
        "Correct the file or choose another.",
    )


class Values:
    """What a file holds by name, as arrays.

    Args:
        path: The file, for messages.
        stored: Its values.
        within: Keys on the way to `stored`, for messages.
    """

    def __init__(self, path: Path, stored: Any, within: str = "") -> None:
        self.path, self._within = path, within
        if not isinstance(stored, Mapping):
            raise bad_key(path, within or "(top level)", type(stored).__name__, "values by name")
        self._stored = stored

    def __contains__(self, key: str) -> bool:
        return key in self._stored

    def below(self, key: str) -> Values:
        """The values under one key."""
        if key not in self._stored:
            raise self.bad(key, "nothing", "values by name")
        return Values(self.path, self._stored[key], self._named(key))

    def numbers(self, key: str) -> np.ndarray:
        """An array of finite numbers of any shape, float64."""
        if key not in self._stored:
            held = ", ".join(sorted(map(str, self._stored))[:12])
            raise self.bad(key, f"nothing (there is {held})", "an array of this name")
        try:
            with np.errstate(invalid="ignore", over="ignore"):
                array = np.asarray(array_of(self._stored[key]), np.float64)
        except (Refused, TypeError, ValueError) as error:
            raise self.bad(key, str(error), "numbers") from error
        if not np.isfinite(array).all():
            raise self.bad(key, "NaN or infinity", "finite numbers")
        return array

    def rows(self, key: str, *widths: int) -> np.ndarray:
        """[T, W] where W is one of `widths`; [W] and [1, T, W] count as such."""
        array = self.numbers(key)
        while array.ndim > 2 and array.shape[0] == 1:
            array = array[0]
        rows = array[None] if array.ndim == 1 else array
        if rows.ndim != 2 or rows.shape[1] not in widths or not len(rows):
            wanted = " or ".join(map(str, widths))
            raise self.bad(key, f"shape {array.shape}", f"shape (frames, {wanted})")
        return rows

    def rotations(self, key: str, count: int = 1) -> np.ndarray:
        """[T, count, 3, 3] rotations of six numbers each; a single one may be a matrix, too."""
        array = self.numbers(key)
        if count == 1 and array.shape[-2:] == (3, 3):
            return self.checked(key, array.reshape(-1, 1, 3, 3))
        return self.checked(key, from_six(self.rows(key, 6 * count).reshape(-1, count, 6)))

    def checked(self, key: str, matrices: np.ndarray) -> np.ndarray:
        """Matrices [..., 3, 3] that are rotations, but for rounding."""
        square = matrices @ np.swapaxes(matrices, -1, -2)
        if (
            not (np.abs(square - np.eye(3)) < _ROUNDING).all()
            or (np.linalg.det(matrices) < 0).any()
        ):
            raise self.bad(key, "numbers that are no rotation", "a rotation")
        return matrices

    def codes(self, key: str, most: int) -> np.ndarray:
        """[T, most]: codes of any shorter length, filled with zeros."""
        rows = self.rows(key, *range(1, most + 1))
        return np.pad(rows, ((0, 0), (0, most - rows.shape[1])))

    def _named(self, key: str) -> str:
        return f"{self._within}.{key}" if self._within else key

    def bad(self, key: str, found: object, expected: str) -> AvatarError:
        """`bad_key` of one of these values."""
        return bad_key(self.path, self._named(key), found, expected)


def lasting(rows: np.ndarray, frames: int, path: Path, key: str) -> np.ndarray:
    """[frames, W]: one row stands for all frames; any other number of rows must agree."""
    if len(rows) == 1:
        return np.repeat(rows, frames, axis=0)
    if len(rows) != frames:
        raise bad_key(path, key, f"{len(rows)} frames", f"{frames}, as the expression has")
    return rows
