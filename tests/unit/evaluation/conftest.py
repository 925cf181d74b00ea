"""A results folder of two systems made from the sample portrait."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.export.png import read_png, write_png

SIDE_PX = 256
FRAMES = ("0001", "0002")


@pytest.fixture(scope="session")
def sample() -> np.ndarray:
    """[256, 256, 3] uint8 around the sample portrait's face."""
    return np.ascontiguousarray(read_png(SAMPLE_PORTRAIT)[0:256, 96:352, :3])


@pytest.fixture
def results(tmp_path: Path, sample: np.ndarray) -> Path:
    """Targets of two clips of two frames; `good` repeats them, `GAGAvatar` blurs them."""
    root = tmp_path / "results"
    blurred = cv2.GaussianBlur(sample, (0, 0), 3)
    for clip, shift in (("a", 0), ("b", 8)):
        write_png(root / "sources" / f"{clip}.png", sample)
        for number, frame in enumerate(FRAMES):
            moved = np.roll(sample, shift + 4 * number, axis=1)
            write_png(root / "targets" / clip / f"{frame}.png", moved)
            write_png(root / "good" / clip / f"{frame}.png", moved)
            write_png(root / "GAGAvatar" / clip / f"{frame}.png", blurred)
    return root
