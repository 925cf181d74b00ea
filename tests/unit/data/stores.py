"""Stores of a few frames, to read and to damage."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.data.frame import Frame
from backend.data.store import Store, StoreWriter
from shared.camera import Camera, portrait_intrinsics
from shared.errors import AvatarError
from shared.flame import Track

SIZE = 64


def made(clip: str, index: int, matte: bool = True) -> Frame:
    """A frame of which everything follows from its name."""
    rng = np.random.default_rng([len(clip), index])
    smooth = cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (SIZE, SIZE))
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[:3, 3] = [*rng.normal(0, 0.01, 2), 1.8]
    return Frame(
        clip=clip,
        index=index,
        image=smooth,
        camera=Camera(viewmat, portrait_intrinsics(SIZE), SIZE, SIZE),
        track=Track.neutral(
            1,
            expression=rng.random((1, 100)),
            leye_pose=rng.normal(0, 0.1, (1, 3)),
            betas=rng.normal(0, 1, 300),
            fps=5.0,
        ),
        box=np.array([0.2, 0.1, 0.8, 0.9], np.float32),
        alpha=rng.integers(0, 255, (SIZE, SIZE), np.uint8) if matte else None,
    )


def write(path: Path, frames: list[Frame], splits: dict[str, list[str]] | None = None) -> Path:
    with StoreWriter(path, "open", SIZE) as writer:
        for frame in frames:
            writer.add(frame)
        writer.finish(splits or {"train": sorted({frame.clip for frame in frames})})
    return path


FRAMES = [made("b_2", 10), made("b_2", 5), made("a", 0), made("a", 100), made("a", 20)]


def refused(path: Path, clip: str = "a", index: int = 20) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        Store(path).read(clip, index)
    assert caught.value.code == "bad_file"
    return caught.value
