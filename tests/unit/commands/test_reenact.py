"""Track and reenact: pictures and videos that drive."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from backend.export import png
from backend.export.mp4 import Mp4Writer
from shared.flame import Track
from tests.unit.commands.line import Line, names


def pictures(folder: Path, sizes: list[tuple[int, int]], suffix: str = ".png") -> Path:
    folder.mkdir()
    for index, (width, height) in enumerate(sizes):
        picture = np.full((height, width, 3), 40 * index, np.uint8)
        cv2.imwrite(str(folder / f"shot_{index}{suffix}"), picture)
    return folder


def test_track_writes_the_track_and_its_cameras(line: Line, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "shots", [(40, 30)] * 3)
    result = line.json("track", folder, "--cameras", tmp_path / "c.json")
    assert Path(result["track"]) == tmp_path / "shots.flame.npz"
    assert len(Track.load(tmp_path / "shots.flame.npz")) == result["frames"] == 3
    cameras = json.loads((tmp_path / "c.json").read_text())
    assert (cameras["width"], cameras["height"], len(cameras["viewmats"])) == (40, 30, 3)


def test_cameras_of_several_sizes_are_refused_before_the_work(line: Line, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "shots", [(40, 30), (40, 30), (30, 40)])
    line("track", folder, "--cameras", tmp_path / "c.json", code=1)
    assert "40x30 and of 30x40 pixels (shot_2), and a camera file has one size." in line.err
    assert sorted(tmp_path.iterdir()) == [folder]
    line("track", folder)
    assert (tmp_path / "shots.flame.npz").exists()


def test_reenact_keeps_names_sizes_and_black(line: Line, avatar: Path, tmp_path: Path) -> None:
    sizes = [(40, 30), (64, 64), (30, 41)]
    folder = pictures(tmp_path / "shots", sizes, ".jpg")
    result = line.json("reenact", avatar, folder, "--out", tmp_path / "o")
    assert names(result["png"]) == ["shot_0.png", "shot_1.png", "shot_2.png"]
    for path, (width, height) in zip(result["png"], sizes, strict=True):
        picture = png.read_png(Path(path))
        assert picture.shape == (height, width, 4)
        assert (picture[..., 3] == 255).all()
        assert picture[0, 0].tolist() == [0, 0, 0, 255]


def test_reenact_makes_the_avatar_of_a_portrait_and_numbers_video_frames(
    line: Line, tmp_path: Path
) -> None:
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    with Mp4Writer(tmp_path / "v.mp4", 20, (64, 48)) as writer:
        for level in (10, 120, 240):
            writer.add(np.full((48, 64, 3), level, np.uint8))
    result = line.json(
        "reenact", tmp_path / "p.jpg", tmp_path / "v.mp4", "--out", tmp_path / "o", "--mp4"
    )
    assert names(result["png"]) == ["frame_0001.png", "frame_0002.png", "frame_0003.png"]
    assert result["fps"] == 20
    assert png.read_png(tmp_path / "o" / "frame_0003.png").shape == (48, 64, 4)
    with av.open(str(result["mp4"]), "r") as container:
        assert sum(1 for _ in container.decode(video=0)) == 3
    assert [p for p in tmp_path.iterdir() if p.suffix == ".savatar"] == []


def test_reenact_crop_gives_portraits(line: Line, avatar: Path, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "shots", [(40, 30)] * 2)
    result = line.json("reenact", avatar, folder, "--out", tmp_path / "o", "--framing", "crop")
    assert [png.read_png(Path(p)).shape for p in result["png"]] == [(512, 512, 4)] * 2


def test_pictures_that_differ_only_in_suffix_are_refused(
    line: Line, avatar: Path, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "shots", [(8, 8)])
    (folder / "shot_0.jpg").write_bytes((folder / "shot_0.png").read_bytes())
    line("reenact", avatar, folder, "--out", tmp_path / "o", code=1)
    assert "differ only in their suffix" in line.err


@pytest.mark.parametrize("name", ["none.mp4", "text.mp4", "empty"])
def test_what_cannot_drive_is_refused(line: Line, avatar: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    result = line.json("reenact", avatar, tmp_path / name, "--out", tmp_path / "o", code=1)
    assert result["error"]["code"] == "bad_file"
