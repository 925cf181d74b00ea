"""The commands as processes: one JSON object on standard output, errors with a remedy, codes."""

from __future__ import annotations

from pathlib import Path

import cv2
import gsply
import numpy as np
import pytest

from backend.assets import SAMPLE_PORTRAIT
from shared.version import VERSION

from .conftest import Made, command


def test_create_tells_where_the_avatar_is_and_what_it_is_made_of(made: Made) -> None:
    assert made.told["avatar"] == str(made.path)
    assert made.path.stat().st_size > 1_000_000
    counts = made.told["gaussians"]
    assert counts["total"] == counts["identity"] + sum(counts["layers"])
    assert 0 < counts["kept"] < counts["total"]
    assert len(counts["layers"]) == 4
    assert made.told["seconds"] > 0


def test_info_on_the_avatar_reads_its_header(made: Made) -> None:
    told = command("info", made.path, "--json").json
    assert told["format"] == "savatar-1"
    assert told["preset"] == "open"
    assert told["bytes"] == made.path.stat().st_size
    assert told["arrays"]["camera.K"] == [3, 3]


def test_info_tells_version_and_presets() -> None:
    told = command("info", "--json").json
    assert told["version"] == VERSION
    assert "open" in told["presets"]


def test_doctor_finds_this_machine_able() -> None:
    told = command("doctor", "--json").json
    assert told["ok"] is True


def test_drive_without_a_track_writes_the_portraits_own_pose(made: Made, tmp_path: Path) -> None:
    told = command(
        "drive", made.path, "--out", tmp_path, "--ply", "--png", "--mp4", "--json"
    ).json  # fmt: skip
    assert told["image"] == "detailed"
    assert [Path(p).name for p in told["ply"]] == ["astronaut_0001.ply"]
    assert [Path(p).name for p in told["png"]] == ["astronaut_0001.png"]
    assert Path(told["mp4"]).stat().st_size > 1000
    assert len(gsply.plyread(told["ply"][0]).means) == made.told["gaussians"]["total"]
    picture = cv2.imread(told["png"][0], cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (512, 512, 4)


def check_refused(*arguments: object, code: str, words: str) -> None:
    """Exit code 1; message and remedy on stderr; with --json also as one object on stdout."""
    done = command(*arguments, "--json", code=1)
    error = done.json["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert error["remedy"].endswith(".")
    assert error["message"] in done.err
    assert error["remedy"] in done.err


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jpg"
    path.write_text("This is no picture.\n")
    return path


def test_without_json_an_error_leaves_standard_output_empty(tmp_path: Path) -> None:
    done = command("create", tmp_path / "nobody.jpg", code=1)
    assert done.out == ""
    assert done.err.splitlines()[-2:] == [
        f"{tmp_path / 'nobody.jpg'} does not exist.",
        "Check the path.",
    ]


def test_a_missing_file_is_refused_by_every_command(made: Made, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    check_refused("create", nobody, code="bad_file", words="does not exist")
    check_refused("info", f"{nobody}.savatar", code="bad_file", words="nobody.savatar")
    check_refused("drive", made.path, nobody, "--out", tmp_path, code="bad_file", words="nobody")
    check_refused("reenact", made.path, nobody, "--out", tmp_path, code="bad_file", words="exist")


def test_a_text_file_is_no_picture(text: Path) -> None:
    check_refused("create", text, code="bad_file", words="not a picture")


def test_a_text_file_is_no_avatar_and_no_video(made: Made, text: Path, tmp_path: Path) -> None:
    avatar, video = tmp_path / "notes.savatar", tmp_path / "notes.mp4"
    for path in (avatar, video):
        path.write_bytes(text.read_bytes())
    check_refused("drive", avatar, "--out", tmp_path, code="bad_file", words="not a whole avatar")
    check_refused("track", video, code="bad_file", words="not a video")


def test_a_picture_without_a_face_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sky.png"
    sky = np.tile(np.linspace(90, 220, 400, dtype=np.uint8)[:, None, None], (1, 500, 3))
    cv2.imwrite(str(path), sky)
    check_refused("create", path, code="no_face_found", words="No face was found")


def test_a_truncated_portrait_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    path.write_bytes(SAMPLE_PORTRAIT.read_bytes()[:20_000])
    check_refused("create", path, code="bad_file", words="truncated")
