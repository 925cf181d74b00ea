"""Batches: resume by content, cancel, names."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from backend.export import png
from backend.rendering import batch
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from shared.progress import silent
from tests.fakes.fake_pipeline import FakeAvatar, FakePipeline

AVATAR = FakeAvatar(b"a portrait")
CAMERA = AVATAR.camera.resized(16, 12)


def track(length: int = 4) -> Track:
    expression = np.zeros((length, 100), np.float32)
    expression[:, 24] = np.linspace(0, 1, length)
    return Track.neutral(length, expression=expression)


def shots(out: Path, **changes: object) -> batch.Shots:
    facts = {"avatar": AVATAR, "avatar_hash": "a1", "track": track(), "frames": (1, 2, 3, 4)}
    return batch.Shots(**{**facts, "out": out, "name": "n", **changes})  # type: ignore[arg-type]


def render(pipeline: FakePipeline, wanted: batch.Shots, **settings: object) -> batch.Rendered:
    options = {"cameras": [CAMERA], "resume": True, "progress": silent, **settings}
    return batch.render_png(pipeline, wanted, **options)  # type: ignore[arg-type]


def test_a_second_run_renders_nothing_and_lists_the_same_files(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    first = render(pipeline, shots(tmp_path))
    second = render(pipeline, shots(tmp_path))
    assert pipeline.drives == 4
    assert (first.resumed, second.resumed) == (0, 4)
    assert first.files == second.files
    assert [p.name for p in first.files] == [f"n_000{i}.png" for i in (1, 2, 3, 4)]


def test_without_resume_all_frames_are_rendered_anew(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    render(pipeline, shots(tmp_path))
    assert render(pipeline, shots(tmp_path), resume=False).resumed == 0
    assert pipeline.drives == 8


def test_a_changed_keyframe_renders_only_its_own_frame(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    render(pipeline, shots(tmp_path))
    changed = track()
    changed.jaw_pose[2] = 0.1
    assert render(pipeline, shots(tmp_path, track=changed)).resumed == 3


@pytest.mark.parametrize(
    "change", [{"avatar_hash": "b2"}, {"ablate": frozenset({"gsn"})}], ids=["avatar", "ablate"]
)
def test_another_avatar_or_ablation_renders_all_frames_anew(tmp_path: Path, change: dict) -> None:
    pipeline = FakePipeline()
    render(pipeline, shots(tmp_path))
    assert render(pipeline, shots(tmp_path, **change)).resumed == 0


def test_another_camera_renders_all_frames_anew(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    render(pipeline, shots(tmp_path))
    moved = Camera(CAMERA.viewmat + np.eye(4)[:, ::-1] * 0.01, CAMERA.K, 16, 12)
    assert render(pipeline, shots(tmp_path), cameras=[moved]).resumed == 0


def test_a_foreign_or_damaged_file_does_not_count_as_finished(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    files = render(pipeline, shots(tmp_path)).files
    files[0].write_bytes(b"")
    png.write_png(files[1], np.zeros((12, 16, 4), np.uint8))
    assert render(pipeline, shots(tmp_path)).resumed == 2


def test_every_frame_shows_its_own_parameters_and_camera(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    cameras = [CAMERA.resized(16 + i, 12) for i in range(4)]
    files = render(pipeline, shots(tmp_path), cameras=cameras).files
    for index, file in enumerate(files):
        cloud = pipeline.drive(AVATAR, track().frame(index))
        expected = pipeline.render(cloud, cameras[index]).rgba8()
        np.testing.assert_array_equal(png.read_png(file), expected)


def test_a_cancel_keeps_the_finished_frames(tmp_path: Path) -> None:
    def cancel_at_third(phase: str, done: float, total: float) -> None:
        if done == 2:
            raise AvatarError("cancelled", "Cancelled.", "Again.")

    pipeline = FakePipeline()
    with pytest.raises(AvatarError, match="Cancelled"):
        render(pipeline, shots(tmp_path), progress=cancel_at_third)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n_0001.png", "n_0002.png"]
    assert render(pipeline, shots(tmp_path)).resumed == 2


def test_a_part_of_a_long_sequence_is_padded_like_the_whole(tmp_path: Path) -> None:
    wanted = shots(tmp_path, frames=(1, 2, 3, 4), numbered_to=12345)
    assert wanted.path(0, ".png").name == "n_00001.png"
    assert shots(tmp_path, frames=(7, 8, 9, 99999)).path(0, ".ply").name == "n_00007.ply"


def test_ply_files_are_resumed_by_content_and_settings(tmp_path: Path) -> None:
    pipeline = FakePipeline()
    batch.export_ply(pipeline, shots(tmp_path), "blender", False, silent)
    batch.export_ply(pipeline, shots(tmp_path), "blender", False, silent)
    assert pipeline.drives == 4
    batch.export_ply(pipeline, shots(tmp_path), "flame", False, silent)
    batch.export_ply(pipeline, shots(tmp_path), "flame", True, silent)
    assert pipeline.drives == 12


def test_the_video_has_all_frames_over_the_background(tmp_path: Path) -> None:
    files = render(FakePipeline(), shots(tmp_path)).files
    path = batch.write_video(tmp_path / "n.mp4", files, 12.5, (1, 1, 1), silent)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate or 0) == 12.5
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
    assert len(frames) == 4
    assert frames[0][0, 0] > 230  # transparent there: the white background


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": (1, 2)}, "2 frame numbers for 4 frames"),
        ({"frames": (1, 2, 2, 3)}, "repeat"),
        ({"name": "../n"}, "not a file name"),
        ({"name": ""}, "not a file name"),
    ],
)
def test_impossible_shots_are_refused(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(AvatarError, match=words):
        shots(tmp_path, **change)


def test_a_track_of_another_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AvatarError) as found:
        shots(tmp_path, track=replace(track(), head="flame2020"))
    assert found.value.code == "head_mismatch"


def test_a_wrong_number_of_cameras_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="3 cameras for 4 frames"):
        render(FakePipeline(), shots(tmp_path), cameras=[CAMERA] * 3)
