"""Create and drive."""

from pathlib import Path

import av
import numpy as np
import pytest

from backend.export import ply, png
from shared.flame import Track
from tests.fakes import arkit_files
from tests.fakes.fake_pipeline import FakeAvatar
from tests.unit.commands.line import Line, names


def test_create_writes_the_avatar_beside_the_portrait(line: Line, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    result = line.json("create", tmp_path / "p.jpg", "--iterations", 2)
    assert Path(result["avatar"]) == tmp_path / "p.savatar"
    assert FakeAvatar.load(tmp_path / "p.savatar").image == b"a portrait"
    assert result["gaussians"]["total"] == 52
    assert result["notes"] == ["It is drawn."]


def test_drive_writes_ply_by_default(line: Line, avatar: Path, track: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    result = line.json("drive", avatar, track, "--out", out, "--axes", "flame", "--frames", "2-4")
    assert names(result["ply"]) == ["anna_0002.ply", "anna_0003.ply", "anna_0004.ply"]
    cloud = line.pipeline.drive(FakeAvatar(b""), Track.load(track).frame(2))
    read = ply.read_ply(out / "anna_0003.ply")
    np.testing.assert_allclose(read.means, cloud.means, atol=1e-6)
    assert "png" not in result


def test_drive_writes_frames_and_video_in_the_portrait_s_camera(
    line: Line, avatar: Path, track: Path, tmp_path: Path
) -> None:
    result = line.json("drive", avatar, track, "--out", tmp_path, "--mp4", "--frames", "5")
    assert names(result["png"]) == ["anna_0005.png"]
    assert png.read_png(tmp_path / "anna_0005.png").shape == (512, 512, 4)
    with av.open(str(result["mp4"]), "r") as container:
        assert float(container.streams.video[0].average_rate or 0) == 12
    assert result["image"] == "detailed"


def test_drive_without_a_track_shows_the_portrait_s_own_pose(
    line: Line, avatar: Path, tmp_path: Path
) -> None:
    assert names(line.json("drive", avatar, "--out", tmp_path)["ply"]) == ["anna_0001.ply"]


def test_drive_can_switch_parts_off(line: Line, avatar: Path, tmp_path: Path) -> None:
    line.json("drive", avatar, "--out", tmp_path, "--ablate", "gsn", "--compact")
    assert len(ply.read_ply(tmp_path / "anna_0001.ply").means) == 16


@pytest.mark.parametrize("frames", ["0-2", "4-6", "3-2", "x", "1-"])
def test_frames_outside_the_track_are_refused(
    line: Line, avatar: Path, track: Path, tmp_path: Path, frames: str
) -> None:
    line("drive", avatar, track, "--out", tmp_path, f"--frames={frames}", code=1)
    assert "is not a range of the frames 1-5" in line.err


def test_an_avatar_of_another_head_is_refused(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "a.savatar"
    FakeAvatar(b"other head").save(path)
    assert line.json("drive", path, "--out", tmp_path, code=1)["error"]["code"] == "head_mismatch"


def test_drive_takes_a_track_of_another_program_and_says_what_was_noticed(
    line: Line, avatar: Path, tmp_path: Path
) -> None:
    path = arkit_files.SAME["per cent"](tmp_path)
    result = line.json("drive", avatar, path, "--out", tmp_path / "o", "--frames", "3")
    assert any("divided by 100" in note for note in result["notes"])
    frame = Track.neutral(1, expression=np.pad(arkit_files.W[[2]], ((0, 0), (0, 48))))
    cloud = line.pipeline.drive(FakeAvatar(b""), frame)
    read = ply.read_ply(tmp_path / "o" / "anna_0003.ply")
    np.testing.assert_allclose(read.means, cloud.means, atol=1e-6)
