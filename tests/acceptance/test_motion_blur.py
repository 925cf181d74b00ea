"""A frame with motion blur, next to the mean of the pipeline's own pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from backend.export.png import read_png
from shared.camera import Camera
from shared.flame import Track
from tests.linear_mean import linear_mean

from . import motion
from .blender_process import InBlender
from .conftest import Measured
from .looking import Looker

FRAME, SHUTTER, PICTURES = 2, 0.5, 5


def between(time: float) -> Track:
    """What drives the avatar between two frames, whose keys straight lines join."""
    first, part = int(time), time - int(time)

    def value(at_frame) -> float:
        return at_frame(first) * (1 - part) + at_frame(first + 1) * part

    turn = [[0.0, math.radians(value(motion.yaw_deg)), 0.0]]
    return Track.from_arkit({"jawOpen": value(motion.jaw_open)}, neck_pose=turn)


@pytest.fixture(scope="module")
def rendered(
    in_blender: InBlender, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Camera]:
    """Where the pictures are, and what they are seen through."""
    out = tmp_path_factory.mktemp("motion_blur")
    told = in_blender.run("motion_blur", out, frame=FRAME, shutter=SHUTTER, pictures=PICTURES)
    return out, Camera(**json.loads(told["view"]))


@pytest.mark.parametrize("engine", ["SPLITAVATAR", "CYCLES"])
def test_it_is_the_mean_of_its_moments(
    rendered: tuple[Path, Camera], looker: Looker, measured: Measured, engine: str
) -> None:
    """Blender keys with six digits, so that a few pixels of hair may differ from the pipeline's."""
    out, view = rendered
    times = [FRAME + SHUTTER * (number + 0.5) / PICTURES for number in range(PICTURES)]
    pictures = [
        looker.pipeline.picture(looker.avatar, between(time), view).rgba8().astype(int)
        for time in times
    ]
    seen, wanted = read_png(out / f"{engine}.png").astype(int), linear_mean(pictures)
    opaque = wanted[..., 3] > 200
    gaps = np.abs(seen - wanted).max(axis=-1)[opaque]
    sharp = np.abs(pictures[0] - wanted).max(axis=-1)[opaque]
    measured(f"blurred by {engine}, pixels that differ by more than 1", f"{(gaps > 1).mean():.1e}")
    assert (sharp > 10).mean() > 0.05, "nothing moves"
    assert (gaps > 1).mean() < 2e-3
