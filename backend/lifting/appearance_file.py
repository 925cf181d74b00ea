"""Reads the appearance model that ships; scripts/make_appearance.py makes it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np

from backend.assets import APPEARANCE
from backend.assets.vendored import vendored
from backend.head import Head
from shared.errors import AvatarError

from .appearance import Appearance
from .appearance_hash import APPEARANCE_SHA256

_REMEDY = "Install the backend again, or make the file with scripts/make_appearance.py."


def appearance_of(head: Head) -> Appearance | None:
    """How a head usually looks; None for heads other than the open head, of which nothing is known.

    Raises:
        AvatarError: `bad_file`; `head_mismatch` for an open head with other vertices.
    """
    if head.name != "open":
        return None
    appearance = _shipped()
    if len(appearance.known) != len(head.v_template):
        raise AvatarError(
            "head_mismatch",
            f"{APPEARANCE.name} knows {len(appearance.known)} vertices, the open head has "
            f"{len(head.v_template)}.",
            _REMEDY,
        )
    return appearance


@cache
def _shipped() -> Appearance:
    return read_appearance(APPEARANCE, APPEARANCE_SHA256)


def read_appearance(path: Path, sha256: str) -> Appearance:
    """An appearance model.

    Args:
        path: The .npz, see `arrays_of`.
        sha256: What the hash of its bytes must be.

    Raises:
        AvatarError: `bad_file` where it is missing or another file.
    """
    content = vendored(path, sha256, "The appearance model", "scripts/make_appearance.py")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return appearance_from({name: arrays[name] for name in arrays.files})


def arrays_of(appearance: Appearance) -> dict[str, np.ndarray]:
    """What the file holds: float16, and only of the vertices that the model knows."""
    known = appearance.known
    return {
        "known": known,
        "mean": appearance.mean[known].astype(np.float16),
        "components": appearance.components[:, known].astype(np.float16),
        "noise": appearance.noise[known].astype(np.float16),
        "smile": appearance.smile[known].astype(np.float16),
    }


def appearance_from(arrays: dict[str, np.ndarray]) -> Appearance:
    """The model of a file's arrays."""
    known = arrays["known"]
    count, vertices = len(arrays["components"]), len(known)
    mean, noise = np.zeros((vertices, 3)), np.ones(vertices)
    components, smile = np.zeros((count, vertices, 3)), np.zeros((vertices, 3))
    mean[known], noise[known] = arrays["mean"], arrays["noise"]
    components[:, known], smile[known] = arrays["components"], arrays["smile"]
    return Appearance(mean, components, noise, smile, known)
