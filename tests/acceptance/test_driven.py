"""What is driven is seen: read back from rendered frames by MediaPipe's landmarker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.export.png import read_png
from backend.tracking.portrait import Portrait

from .conftest import Made, Measured, command
from .looking import (
    LEFT_PUPIL,
    POSES,
    RIGHT_PUPIL,
    Looker,
    hull,
    lip_gap,
    spoken,
    teeth_between_lips,
    to_bytes,
)

SMILE = ("mouthSmileLeft", "mouthSmileRight")
BLINK = ("eyeBlinkLeft", "eyeBlinkRight")


@pytest.mark.parametrize(
    ("pose", "names", "least"),
    [("jawOpen", ("jawOpen",), 0.4), ("blink", BLINK, 0.6), ("smile", SMILE, 0.7)],
)
def test_a_driven_expression_reads_back(
    looker: Looker, pose: str, names: tuple[str, ...], least: float, measured: Measured
) -> None:
    scores = looker.shot(pose).face.blendshapes
    read = {name: round(scores[name], 3) for name in names}
    measured(pose, read)
    assert min(read.values()) >= least, read


def test_the_neutral_face_of_a_smiling_portrait_does_not_smile(
    looker: Looker, measured: Measured
) -> None:
    scores = looker.shot("neutral").face.blendshapes
    read = {name: round(scores[name], 3) for name in SMILE}
    measured("neutral smile", read)
    assert max(read.values()) <= 0.15, read


def test_the_neutral_lips_are_closed(
    looker: Looker, portrait: Portrait, measured: Measured
) -> None:
    gap = lip_gap(looker.shot("neutral").face)
    open_gap = lip_gap(looker.face(to_bytes(portrait.matted)))
    measured("lip_gap", (round(gap, 3), "portrait", round(open_gap, 3)))
    assert open_gap > 0.1, "the portrait's own lips are parted, or this test tests nothing"
    assert gap <= 0.07, "half of the portrait's"


def test_no_teeth_are_painted_on_the_neutral_lips(
    looker: Looker, portrait: Portrait, measured: Measured
) -> None:
    shot = looker.shot("neutral")
    teeth = teeth_between_lips(shot.frame.rgb, shot.face)
    smiling = teeth_between_lips(portrait.matted, looker.face(to_bytes(portrait.matted)))
    measured("teeth_share", (round(teeth, 3), "portrait", round(smiling, 3)))
    assert smiling > 0.3, "the portrait's own teeth show, or this test tests nothing"
    assert teeth <= 0.04  # the lower lip's highlight, which the photograph has, is as light


def test_turning_the_head_changes_the_reading_each_way(looker: Looker, measured: Measured) -> None:
    left, straight, right = (
        float(looker.shot(pose).face.yaw_pitch_roll_deg[0])
        for pose in ("yaw 20", "neutral", "yaw -20")
    )
    measured("yaw_deg", (round(left, 1), round(straight, 1), round(right, 1)))
    assert left - straight >= 10
    assert straight - right >= 10


@pytest.mark.parametrize("pose", ["yaw 20", "yaw -20"])
def test_the_turned_face_lies_where_the_turned_head_has_it(
    looker: Looker, pose: str, measured: Measured
) -> None:
    expected = looker.projected(POSES[pose])
    seen = looker.shot(pose).face.landmarks[:, :2]
    eyes = np.linalg.norm(expected[LEFT_PUPIL] - expected[RIGHT_PUPIL])
    miss = float(np.linalg.norm(seen - expected, axis=1).mean() / eyes)
    measured(f"miss in eye distances, {pose}", round(miss, 4))
    assert miss <= 0.06


@pytest.mark.parametrize("pose", ["yaw 20", "yaw -20"])
def test_the_turned_face_has_no_holes(looker: Looker, pose: str, measured: Measured) -> None:
    alpha = looker.shot(pose).frame.alpha
    face = hull(looker.projected(POSES[pose]), alpha.shape)
    holes = float((alpha[face] < 0.5).mean())
    measured(f"holes, {pose}", round(holes, 4))
    assert holes <= 0.02


def test_there_is_a_face_in_every_frame(looker: Looker) -> None:
    for pose in POSES:
        looker.shot(pose)
    for track in spoken(every=3):
        looker.face(to_bytes(looker.frame(track).rgb))


def test_without_the_drivers_expression_the_mouth_stays_shut(
    looker: Looker, made: Made, tmp_path: Path, measured: Measured
) -> None:
    POSES["jawOpen"].save(tmp_path / "open.flame.npz")
    told = command(
        "drive", made.path, tmp_path / "open.flame.npz", "--out", tmp_path, "--png",
        "--ablate", "expression", "--json",
    ).json  # fmt: skip
    rgba = read_png(Path(told["png"][0])).astype(np.float32) / 255
    face = looker.face(to_bytes(rgba[..., :3] * rgba[..., 3:]))
    measured("jawOpen without expression", round(face.blendshapes["jawOpen"], 3))
    assert face.blendshapes["jawOpen"] < 0.15
