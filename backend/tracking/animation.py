"""Animated pictures as clips: WebP, GIF, PNG and AVIF files of several frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from shared.errors import AvatarError

from .pillow_file import UNREADABLE, pillow_file

_KINDS = frozenset({"WEBP", "GIF", "PNG", "AVIF"})  # of the others, more pictures are pages
_NO_TIME_MS = 10.0
_USUAL_MS = 100.0  # as browsers show what is due at once


def animation_times(path: Path) -> np.ndarray | None:
    """[T] seconds at which the frames are due and [1] at which the last ends, in one: [T + 1].

    None for a picture that stands still, or that Pillow cannot read.

    Raises:
        AvatarError: `bad_file` where one of several frames cannot be read.
    """
    count, steps = 1, []
    try:
        with pillow_file(path.read_bytes()) as file:
            count = getattr(file, "n_frames", 1) if file.format in _KINDS else 1
            if count < 2:
                return None
            for frame in ImageSequence.Iterator(file):
                steps.append(_duration_ms(frame))
    except UNREADABLE as error:
        if count < 2:
            return None
        raise AvatarError(
            "bad_file",
            f"{path}: picture {len(steps) + 1} of {count} cannot be read ({error}).",
            "Copy or export the animation again.",
        ) from error
    return np.cumsum([0.0, *steps]) / 1000


def animation_frames(path: Path) -> Iterator[np.ndarray]:
    """[H, W, 3] uint8 BGR frames."""
    with Image.open(path) as file:
        for frame in ImageSequence.Iterator(file):
            yield np.asarray(frame.convert("RGB"))[..., ::-1].copy()


def _duration_ms(frame: Image.Image) -> float:
    frame.load()
    duration = float(frame.info.get("duration") or 0)
    return duration if duration > _NO_TIME_MS else _USUAL_MS
