"""The command line with the fake pipeline: results, errors, exit codes."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from backend import __main__ as command_line
from backend.avatar import engines
from backend.export import ply, png
from backend.export.mp4 import Mp4Writer
from shared.errors import AvatarError
from shared.flame import Track
from tests.fakes.fake_pipeline import FakeAvatar, FakeCreateOptions, FakePipeline


class Line:
    """Runs commands and keeps what they wrote."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.pipeline = FakePipeline()
        self._capfd = capfd
        self.err = ""

    def engine(self, preset: str, device: str, weights: object, phase: Any) -> engines.Engine:
        phase("loading")
        print("a library's chatter")
        return engines.Engine(self.pipeline, FakeCreateOptions, FakeAvatar.load)

    def __call__(self, *arguments: object, code: int = 0) -> str:
        self._capfd.readouterr()
        found = command_line.main([str(a) for a in arguments])
        out, self.err = self._capfd.readouterr()
        assert found == code, self.err
        return out

    def json(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        return json.loads(self(*arguments, "--json", code=code))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Line:
    found = Line(capfd)
    monkeypatch.setattr(engines, "load_engine", found.engine)
    return found


@pytest.fixture
def avatar(tmp_path: Path) -> Path:
    path = tmp_path / "anna.savatar"
    FakeAvatar(b"a portrait").save(path)
    return path


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "t.flame.npz"
    expression = np.zeros((5, 100), np.float32)
    expression[:, 24] = np.linspace(0, 1, 5)
    Track.neutral(5, expression=expression, fps=12.0).save(path)
    return path


def names(paths: list[str]) -> list[str]:
    return [Path(p).name for p in paths]


def pictures(folder: Path, sizes: list[tuple[int, int]], suffix: str = ".png") -> Path:
    folder.mkdir()
    for index, (width, height) in enumerate(sizes):
        picture = np.full((height, width, 3), 40 * index, np.uint8)
        cv2.imwrite(str(folder / f"shot_{index}{suffix}"), picture)
    return folder


# ---- the frame around all commands


def test_help_lists_every_command_without_importing_torch() -> None:
    code = (
        "import sys; from backend.__main__ import main; code = main(sys.argv[1:]);"
        "assert not {'torch', 'cv2', 'numpy'} & set(sys.modules); sys.exit(code)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    for name in command_line.COMMANDS:
        assert name in shown.stdout


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_has_help(line: Line, name: str) -> None:
    assert "--json" in line(name, "--help")


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["create"], ["drive", "a"], ["drive", "a", "--ablate", "hair"]]
)
def test_wrong_usage_exits_with_2(line: Line, arguments: list[str]) -> None:
    assert line(*arguments, code=2) == ""
    assert "usage:" in line.err


def test_an_error_prints_message_and_remedy_and_exits_with_1(line: Line) -> None:
    assert line("create", "/no/such.jpg", code=1) == ""
    assert line.err.splitlines() == ["/no/such.jpg: No such file or directory.", "Check the path."]


def test_with_json_an_error_is_one_json_object(line: Line) -> None:
    error = line.json("create", "/no/such.jpg", code=1)["error"]
    assert error["code"] == "bad_file"
    assert set(error) == {"code", "message", "remedy"}


def test_with_json_only_the_result_is_on_stdout(line: Line, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    line.json("create", tmp_path / "p.jpg")
    assert "a library's chatter" in line.err


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), AvatarError("cancelled", "Cancelled.", "Again.")]
)
def test_a_cancelled_command_exits_with_130(
    line: Line, avatar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(line.pipeline, "drive", interrupted)
    line("drive", avatar, "--out", tmp_path / "o", code=130)
    assert "Cancelled." in line.err


def test_a_mistake_of_ours_is_logged_with_its_traceback(
    line: Line, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line.pipeline.faults.name = "bug"
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    line("create", tmp_path / "p.jpg", code=1)
    assert "ZeroDivisionError" in caplog.text


# ---- create, drive


def test_create_writes_the_avatar_beside_the_portrait(line: Line, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(b"a portrait")
    result = line.json("create", tmp_path / "p.jpg", "--iterations", 2)
    assert Path(result["avatar"]) == tmp_path / "p.savatar"
    assert FakeAvatar.load(tmp_path / "p.savatar").image == b"a portrait"
    assert result["gaussians"]["total"] == 52


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
    assert result["image"] == "coarse"


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


# ---- render


def job(folder: Path, avatar: Path, track: Path, **content: Any) -> Path:
    folder.mkdir()
    facts = {"avatar": f"../{avatar.name}", "track": f"../{track.name}", **content}
    (folder / "job.json").write_text(json.dumps(facts))
    return folder


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
    camera = FakeAvatar(b"").camera
    views = {"width": 20, "height": 10, "viewmats": [camera.viewmat.tolist()] * 5}
    views["Ks"] = [camera.K.tolist()] * 5
    (tmp_path / "c.json").write_text(json.dumps(views))
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
    camera = FakeAvatar(b"").camera
    views = {"width": 20, "height": 10, "viewmats": [camera.viewmat.tolist()] * 2}
    views["Ks"] = [camera.K.tolist()] * 2
    (tmp_path / "c.json").write_text(json.dumps(views))
    line("render", job(tmp_path / "job", avatar, track, cameras="../c.json"), code=1)
    assert "2 cameras for 5 frames" in line.err


# ---- track, reenact


def test_track_writes_the_track_and_its_cameras(line: Line, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "shots", [(40, 30)] * 3)
    result = line.json("track", folder, "--cameras", tmp_path / "c.json")
    assert Path(result["track"]) == tmp_path / "shots.flame.npz"
    assert len(Track.load(tmp_path / "shots.flame.npz")) == result["frames"] == 3
    cameras = json.loads((tmp_path / "c.json").read_text())
    assert (cameras["width"], cameras["height"], len(cameras["viewmats"])) == (40, 30, 3)


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


# ---- info, doctor


def test_info_tells_versions_and_presets(line: Line) -> None:
    assert {"version", "protocol", "presets"} <= set(line.json("info"))
    assert line.json("info", "open")["preset"] == "open"


def test_info_reads_an_avatar_s_header(line: Line, tmp_path: Path) -> None:
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    path = tmp_path / "a.savatar"
    safetensors.save_file({"means": torch.zeros(7, 3)}, path, {"format": "savatar-1"})
    facts = line.json("info", path)
    assert facts["format"] == "savatar-1"
    assert facts["arrays"] == {"means": [7, 3]}
    path.write_bytes(b"\xff" * 20)
    assert line.json("info", path, code=1)["error"]["code"] == "bad_file"


def test_doctor_lists_every_download_with_place_and_licence(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    (tmp_path / "flame").mkdir()
    (tmp_path / "flame" / "flame2023_Open.pkl").touch()
    report = line.json("doctor")
    found = {d["file"]: d["found"] for d in report["downloads"]}
    assert found.pop("flame/flame2023_Open.pkl")
    assert found
    assert not any(found.values())
    assert all(d["enables"] and d["licence"] and d["where"] for d in report["downloads"])
    assert report["assets_folder"] == str(tmp_path)
    assert report["packages"]["numpy"] == np.__version__
    assert report["devices"][0]["device"] == "cpu"


def test_bars_appear_only_after_a_second() -> None:
    from backend.commands.console import Console

    shown = io.StringIO()
    real, sys.stderr = sys.stderr, shown
    try:
        console = Console()
        for step in range(50):
            console.progress("quick", step, 50)
        console.close()
    finally:
        sys.stderr = real
    assert shown.getvalue() == ""
