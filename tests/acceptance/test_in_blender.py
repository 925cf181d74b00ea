"""The add-on with the real backend: frame n is frame n, and both processes may be killed."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import gsply
import numpy as np
import pytest
import skimage.metrics
from scipy.spatial.transform import Rotation

from backend.export import ply
from backend.export.png import over_background, read_png
from backend.splat.gaussians import Gaussians
from shared.camera import Camera
from shared.connection import pid_alive
from shared.flame import Track

from . import motion
from .blender_process import InBlender
from .conftest import Measured
from .looking import Looker

TO_Z_UP = Rotation.from_euler("x", 90, degrees=True)
SIZE_PX = 512 * motion.PERCENT // 100
STEPS = [(name, step) for name, order in motion.ORDERS.items() for step in range(len(order))]


def wait_for(condition: Callable[[], object], timeout_s: float) -> float:
    """Seconds until a condition held."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout_s, "the condition did not come true in time"
        threading.Event().wait(0.02)
    return time.monotonic() - started


# ---- the viewport's splats


def test_the_viewports_splats_look_like_the_preview(
    in_blender: InBlender, direct: Direct, tmp_path: Path, measured: Measured
) -> None:
    told = in_blender.run("viewport", tmp_path)
    if "no_graphics" in told:
        pytest.skip(told["no_graphics"])
    drawn = np.load(tmp_path / "viewport.npy")
    preview = direct.rgba(motion.FRAMES[0]) / 255
    face = slice(SIZE_PX * 37 // 100, SIZE_PX * 80 // 100), slice(SIZE_PX // 3, SIZE_PX * 7 // 10)
    psnr = skimage.metrics.peak_signal_noise_ratio(
        (preview[..., :3] * preview[..., 3:])[face], drawn[face][..., :3].astype(float)
    )
    measured("the face in the viewport against Preview, dB", round(psnr, 1))
    assert psnr >= 28
    shown, wanted = drawn[..., 3] > 0.5, preview[..., 3] > 0.5
    assert (shown & wanted).sum() >= 0.98 * (shown | wanted).sum()


# ---- frame n shows frame n


@pytest.fixture(scope="module")
def scrubbed(in_blender: InBlender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what `in_blender.scrub` wrote."""
    folder = tmp_path_factory.mktemp("scrubbed")
    in_blender.run("scrub", folder)
    return folder


class Direct:
    """The pipeline in this process, driven with the parameters that were keyed."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._camera = looker.avatar.camera.resized(SIZE_PX, SIZE_PX)
        self._clouds: dict[int, Gaussians] = {}

    def cloud(self, frame: int) -> Gaussians:
        if frame not in self._clouds:
            track = motion.expected(frame)
            self._clouds[frame] = self._looker.pipeline.drive(self._looker.avatar, track)
        return self._clouds[frame]

    def means(self, frame: int) -> np.ndarray:
        """[N, 3] float32, Blender's axes."""
        means = self.cloud(frame).means.numpy().astype(np.float64)
        return TO_Z_UP.apply(means).astype(np.float32)

    def rgba(self, frame: int) -> np.ndarray:
        looker = self._looker
        track = motion.expected(frame)
        return looker.pipeline.picture(looker.avatar, track, self._camera).rgba8()


@pytest.fixture(scope="module")
def direct(looker: Looker) -> Direct:
    return Direct(looker)


def check_ply(path: Path, direct: Direct, frame: int) -> None:
    read, cloud = gsply.plyread(str(path)), direct.cloud(frame)
    np.testing.assert_allclose(read.means, direct.means(frame), atol=1e-5)
    kept = cloud.opacities.numpy() > 0
    scales, wanted = np.exp(read.scales)[kept], cloud.scales.numpy()[kept]
    np.testing.assert_allclose(scales, wanted, atol=1e-5)
    opacities = 1 / (1 + np.exp(-read.opacities.ravel().astype(np.float64)))
    wanted = np.clip(cloud.opacities.numpy(), 1e-3, 1 - 1e-3)
    np.testing.assert_allclose(opacities, wanted, atol=1e-5)


def check_png(path: Path, direct: Direct, frame: int) -> None:
    """Near what was keyed: Blender's own numbers are good to six digits."""
    seen, wanted = read_png(path), direct.rgba(frame)
    assert seen.shape == (SIZE_PX, SIZE_PX, 4)
    over_black = [over_background(picture, (0, 0, 0)) for picture in (seen, wanted)]
    assert_alike(*over_black)
    assert_alike(seen[..., 3], wanted[..., 3])


def assert_alike(seen: np.ndarray, wanted: np.ndarray) -> None:
    """PSNR of uint8 pictures above 50 dB; equal ones have none.

    Sheets and skin lie close at the outline: the seventh digit decides which splat is before which.
    """
    assert skimage.metrics.mean_squared_error(seen, wanted) < 1e-5 * 255**2


def test_frames_differ_by_far_more_than_these_tests_tolerate(direct: Direct) -> None:
    for frame in motion.FRAMES[:-1]:
        gap = np.abs(direct.means(frame) - direct.means(frame + 1)).max()
        assert gap > 1e-3
        pixels = direct.rgba(frame).astype(int) - direct.rgba(frame + 1)
        assert np.abs(pixels).max() > 40


@pytest.mark.parametrize(("order", "step"), STEPS)
def test_each_frame_is_written_with_its_own_parameters(
    scrubbed: Path, direct: Direct, order: str, step: int
) -> None:
    frame = motion.ORDERS[order][step]
    stem = f"step{step:02d}_{frame:04d}"
    check_ply(scrubbed / order / f"{stem}.ply", direct, frame)
    check_png(scrubbed / order / f"{stem}.png", direct, frame)


@pytest.mark.parametrize(("order", "step"), STEPS)
def test_files_equal_a_direct_drive_with_the_parameters_blender_evaluates(
    scrubbed: Path, looker: Looker, order: str, step: int
) -> None:
    folder, frame = scrubbed / order, motion.ORDERS[order][step]
    track = Track.load(folder / f"step{step:02d}.flame.npz")
    for name, value in motion.expected(frame).to_arrays().items():
        np.testing.assert_allclose(getattr(track, name), value, atol=1e-5)
    camera = Camera(**json.loads((folder / f"step{step:02d}.json").read_text()))
    cloud = looker.pipeline.drive(looker.avatar, track)
    drawn = looker.pipeline.picture(looker.avatar, track, camera).rgba8()
    stem = f"step{step:02d}_{frame:04d}"
    np.testing.assert_array_equal(read_png(folder / f"{stem}.png"), drawn)
    ply.write_ply(folder / "again.ply", cloud)
    assert _table(folder / f"{stem}.ply") == _table(folder / "again.ply")


def _table(path: Path) -> bytes:
    """What follows a PLY's header."""
    return path.read_bytes().partition(b"end_header\n")[2]


@pytest.mark.parametrize(("order", "step"), STEPS)
def test_the_viewports_points_are_those_of_the_frame(
    scrubbed: Path, direct: Direct, order: str, step: int
) -> None:
    shown = np.load(scrubbed / order / f"step{step:02d}.npy")
    np.testing.assert_allclose(shown, direct.means(motion.ORDERS[order][step]), atol=1e-5)


def test_a_range_is_written_frame_by_frame(scrubbed: Path, direct: Direct) -> None:
    for frame in motion.FRAMES:
        check_ply(scrubbed / "range" / f"all_{frame:04d}.ply", direct, frame)
        check_png(scrubbed / "range" / f"all_{frame:04d}.png", direct, frame)
    with av.open(str(scrubbed / "range" / "all.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == len(motion.FRAMES)


# ---- kill -9


@pytest.fixture(scope="module")
def killed(in_blender: InBlender, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `in_blender.killed_backend` told."""
    return in_blender.run("killed_backend", tmp_path_factory.mktemp("killed"))


def test_a_backend_killed_in_a_job_is_told_within_three_seconds(
    killed: dict[str, Any], measured: Measured
) -> None:
    measured("seconds until the add-on tells that the backend was killed", killed["seconds"])
    assert killed["state"] == "failed"
    assert killed["seconds"] <= 3
    assert "ended" in killed["why"]
    assert killed["remedy"]
    assert killed["raised"].startswith("backend_died")


def test_start_works_again_after_the_kill(killed: dict[str, Any]) -> None:
    assert killed["started"] == "ready"
    assert killed["new_pid"]


def test_finished_frames_stay_and_the_resumed_job_makes_identical_files(
    killed: dict[str, Any],
) -> None:
    finished = killed["left"]
    assert 3 <= len(finished) < len(motion.FRAMES), "killed in the middle"
    assert killed["resumed"] == len(finished)
    whole, resumed = (_files(Path(killed[key])) for key in ("whole", "resumed_folder"))
    assert set(resumed) == {"f.mp4", *(f"f_{number:04d}.png" for number in motion.FRAMES)}
    assert resumed == whole


def _files(folder: Path) -> dict[str, bytes]:
    # A hidden file is what the kill may leave half-written; it is never taken for a frame.
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    return {path.name: path.read_bytes() for path in files}


def test_the_backend_does_not_outlive_a_killed_blender(
    in_blender: InBlender, tmp_path: Path, measured: Measured
) -> None:
    process = in_blender.start("wait_to_be_killed", tmp_path)
    try:
        wait_for(lambda: (tmp_path / "pids.json").exists() or process.poll() is not None, 150)
        assert process.poll() is None, (tmp_path / "wait_to_be_killed.log").read_text()[-4000:]
        pids = json.loads((tmp_path / "pids.json").read_text())
        assert pids["blender"] == process.pid
        assert pid_alive(pids["backend"])
        process.send_signal(signal.SIGKILL)
        process.wait()
        seconds = wait_for(lambda: not pid_alive(pids["backend"]), 10)
    finally:
        process.kill()
        process.wait()
    measured("seconds until the backend of a killed Blender is gone", round(seconds, 2))
