"""Render: from a job folder, from single files, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.export import png
from tests.fakes.fake_pipeline import FakeAvatar
from tests.unit.commands.line import Line, names


def job(folder: Path, avatar: Path, track: Path, **content: Any) -> Path:
    folder.mkdir()
    facts = {"avatar": f"../{avatar.name}", "track": f"../{track.name}", **content}
    (folder / "job.json").write_text(json.dumps(facts))
    return folder


def cameras(path: Path, frames: int) -> None:
    """A camera file of 20x10 pixels."""
    camera = FakeAvatar(b"").camera
    views = {"width": 20, "height": 10, "viewmats": [camera.viewmat.tolist()] * frames}
    views["Ks"] = [camera.K.tolist()] * frames
    path.write_text(json.dumps(views))


def test_a_job_folder_renders_by_ranges_and_resumes(
    line: Line, avatar: Path, track: Path, tmp_path: Path
) -> None:
    folder = job(tmp_path / "job", avatar, track, first_frame=101, name="x")
    part = line.json("render", folder, "--frames", "103-104")
    assert names(part["png"]) == ["x_0103.png", "x_0104.png"]
    whole = line.json("render", folder, "--mp4")
    assert names(whole["png"]) == [f"x_{n:04d}.png" for n in range(101, 106)]
    assert whole["resumed"] == 2
    assert Path(whole["mp4"]) == folder / "frames" / "x.mp4"
    assert line.json("render", folder, "--no-resume")["resumed"] == 0


def test_single_files_render_through_a_camera_file(
    line: Line, avatar: Path, track: Path, tmp_path: Path
) -> None:
    cameras(tmp_path / "c.json", 5)
    result = line.json(
        "render", avatar, track, "--camera", tmp_path / "c.json", "--out", tmp_path / "o",
        "--frames", "2-3",
    )  # fmt: skip
    assert [png.read_png(Path(p)).shape for p in result["png"]] == [(10, 20, 4)] * 2


def test_render_wants_a_job_or_a_track(line: Line, avatar: Path) -> None:
    line("render", avatar, code=1)
    assert "render AVATAR TRACK --out DIR" in line.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"frames": 5}, "key 'frames' is 5; expected one of"),
        ({"first_frame": "1"}, "key 'first_frame' is '1'; expected int"),
        ({"background": [2, 0, 0]}, "three numbers 0..1"),
        ({"ablate": ["hair"]}, "expected some of"),
        ({"cameras": "none.json"}, "none.json"),
    ],
)
def test_a_wrong_job_is_refused_by_file_and_key(
    line: Line, avatar: Path, track: Path, tmp_path: Path, content: dict, words: str
) -> None:
    line("render", job(tmp_path / "job", avatar, track, **content), code=1)
    assert words in line.err


def test_a_camera_file_of_another_length_is_refused(
    line: Line, avatar: Path, track: Path, tmp_path: Path
) -> None:
    cameras(tmp_path / "c.json", 2)
    line("render", job(tmp_path / "job", avatar, track, cameras="../c.json"), code=1)
    assert "2 cameras for 5 frames" in line.err
