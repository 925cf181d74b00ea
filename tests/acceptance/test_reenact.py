"""`reenact`: the source does what a folder of pictures or a video shows, in the same framing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from backend.tracking.detect import Face
from shared.flame import Track

from .conftest import Made, Measured, command
from .looking import Looker, to_bytes

FRAME_SIZE = (640, 480)
"""Width and height of the driving pictures."""

SHIFTS = {
    "shot 1 a.jpg": (-90, 10, 0.90, 0),
    "shot 1 b.jpg": (-86, 11, 0.91, 1),
    "shot 1 c.jpg": (-81, 12, 0.92, 2),
    "shot_2_a.png": (40, -20, 1.20, 8),
    "shot_2_b.png": (43, -19, 1.19, 7),
    "shot_2_c.bmp": (46, -17, 1.18, 6),
}
"""File name -> how the photograph lies in it: pixels right and down, scale, degrees.

Two shots of one folder: between them everything jumps, as at a cut or from still to still.
"""

WALL = np.array([0.5, 0.55, 0.6], np.float32)

OPENED = (0.0, 0.35, 0.7, 0.7, 0.35, 0.0)
"""The driving video's jaw, frame by frame."""


def warped(name: str) -> np.ndarray:
    """[480, 640, 3] BGR: the photograph, moved."""
    right, down, scale, degrees = SHIFTS[name]
    photograph = cv2.imread(str(SAMPLE_PORTRAIT))
    assert photograph is not None
    matrix = cv2.getRotationMatrix2D((222, 150), degrees, scale)
    matrix[:, 2] += (FRAME_SIZE[0] / 2 - 222 + right, FRAME_SIZE[1] / 2 - 150 + down)
    return cv2.warpAffine(photograph, matrix, FRAME_SIZE, borderMode=cv2.BORDER_REPLICATE)


def read_rgb(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape[2] == 3, "black background, so no alpha"
    return picture[..., ::-1].copy()


def offset(seen: Face, driver: Face) -> float:
    """Distance of the faces' centres in sizes of the driver's face."""
    centers = [face.landmarks[:, :2].mean(axis=0) for face in (seen, driver)]
    return float(np.linalg.norm(centers[0] - centers[1]) / driver.size_px)


def check_black_around(rgb: np.ndarray) -> None:
    """Exactly black in the upper corners, where no shoulder reaches."""
    height, width = rgb.shape[:2]
    assert not rgb[: height // 12, : width // 12].any()
    assert not rgb[: height // 12, -width // 12 :].any()


# ---- a folder of pictures, from a portrait


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shots")
    for name in SHIFTS:
        cv2.imwrite(str(folder / name), warped(name))
    (folder / "notes.txt").write_text("not a picture, and not counted")
    return folder


@pytest.fixture(scope="module")
def kept(shots: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The real command on the portrait itself; few steps, for its framing only."""
    out = tmp_path_factory.mktemp("kept")
    return command(
        "reenact", SAMPLE_PORTRAIT, shots, "--out", out, "--iterations", 2, "--json"
    ).json  # fmt: skip


def test_each_picture_gets_one_of_its_own_name(kept: dict[str, Any]) -> None:
    assert kept["framing"] == "keep"
    assert [Path(p).name for p in kept["png"]] == [
        f"{Path(name).stem}.png" for name in sorted(SHIFTS)
    ]
    assert kept["frames_without_face"] == []
    assert kept["notes"] == []


@pytest.mark.parametrize("name", SHIFTS)
def test_size_and_place_are_the_driving_pictures(
    kept: dict[str, Any], looker: Looker, name: str, measured: Measured
) -> None:
    result = next(Path(p) for p in kept["png"] if Path(p).stem == Path(name).stem)
    rgb = read_rgb(result)
    assert rgb.shape == (FRAME_SIZE[1], FRAME_SIZE[0], 3)
    check_black_around(rgb)
    driver = looker.face(warped(name)[..., ::-1].copy())
    seen = looker.face(rgb)
    away = offset(seen, driver)
    measured(f"reenact keep, {name}: centre off by face sizes", round(away, 3))
    assert away <= 0.05
    assert abs(seen.size_px / driver.size_px - 1) <= 0.08


# ---- a video, with an avatar


@pytest.fixture(scope="module")
def video(looker: Looker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The avatar itself opening its mouth, on a wall."""
    path = tmp_path_factory.mktemp("video") / "driver.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 12, FRAME_SIZE)
    for value in OPENED:
        frame = looker.frame(Track.from_arkit({"jawOpen": value}))
        portrait = frame.rgb + (1 - frame.alpha)[..., None] * WALL
        wide = np.broadcast_to(WALL, (*FRAME_SIZE[::-1], 3)).copy()
        wide[:, 96:608] = portrait[:480]
        writer.write(to_bytes(wide)[..., ::-1].copy())
    writer.release()
    return path


@pytest.fixture(scope="module")
def cropped(made: Made, video: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("cropped")
    return command(
        "reenact", made.path, video, "--out", out, "--framing", "crop", "--mp4", "--json"
    ).json  # fmt: skip


def test_a_video_gives_one_picture_per_frame_and_a_video(cropped: dict[str, Any]) -> None:
    names = [Path(p).name for p in cropped["png"]]
    assert names == [f"frame_{number:04d}.png" for number in range(1, len(OPENED) + 1)]
    assert cropped["fps"] == pytest.approx(12)
    capture = cv2.VideoCapture(cropped["mp4"])
    frames = 0
    while capture.grab():
        frames += 1
    capture.release()
    assert frames == len(OPENED)


def test_keep_puts_every_frame_where_the_videos_is(
    made: Made, video: Path, looker: Looker, tmp_path: Path, measured: Measured
) -> None:
    told = command("reenact", made.path, video, "--out", tmp_path, "--json").json
    capture = cv2.VideoCapture(str(video))
    away = []
    for path in told["png"]:
        found, frame = capture.read()
        assert found
        rgb = read_rgb(Path(path))
        assert rgb.shape == frame.shape
        check_black_around(rgb)
        away.append(offset(looker.face(rgb), looker.face(frame[..., ::-1].copy())))
    capture.release()
    assert len(away) == len(OPENED)
    measured("reenact keep, video: centre off by face sizes, at most", round(max(away), 3))
    assert max(away) <= 0.05


def test_crop_is_a_portrait_on_black(cropped: dict[str, Any]) -> None:
    for path in cropped["png"]:
        rgb = read_rgb(Path(path))
        assert rgb.shape == (512, 512, 3)
        check_black_around(rgb)


def test_the_mouth_opens_and_closes_as_in_the_video(
    cropped: dict[str, Any], looker: Looker, measured: Measured
) -> None:
    read = [looker.face(read_rgb(Path(p))).blendshapes["jawOpen"] for p in cropped["png"]]
    measured("reenacted jawOpen", [round(value, 2) for value in read])
    assert max(read[0], read[-1]) < 0.15
    assert min(read[2], read[3]) >= 0.3
