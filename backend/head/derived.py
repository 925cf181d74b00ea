"""Arrays worked out from a head's file, kept beside it so that they are worked out once."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from shared.atomic import write_bytes
from shared.restricted.damage import ARCHIVE_DAMAGE

Limits = dict[str, tuple[tuple[int, ...], int]]
"""Name -> shape, and how large its whole numbers may get (0: real numbers)."""

_log = logging.getLogger(__name__)


def derived(
    path: Path, key: str, limits: Limits, make: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """The arrays that `make` gives, from the file `path` where it has them.

    Args:
        path: The .npz that keeps them.
        key: Everything that they depend on; a file with another key is made again.
        limits: What a sound file holds.
        make: Works them out.
    """
    kept = _read(path, key, limits)
    if kept is not None:
        return kept
    arrays = make()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, key=np.array(key), **arrays)  # pyright: ignore[reportArgumentType]
    try:
        write_bytes(path, buffer.getvalue())
    except OSError as error:
        _log.warning("%s cannot be written (%s); it is made again next time", path, error)
    return arrays


def _read(path: Path, key: str, limits: Limits) -> dict[str, np.ndarray] | None:
    """The kept arrays; None where there are none, or others, or damaged ones."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            if str(archive["key"]) != key:
                return None
            arrays = {name: archive[name] for name in limits}
    except ARCHIVE_DAMAGE:
        return None
    for name, (shape, most) in limits.items():
        array = arrays[name]
        if array.shape != shape or not np.isfinite(array).all():
            return None
        if most and array.size and not 0 <= array.min() <= array.max() < most:
            return None
    return arrays
