"""Videos become a data set: what is kept, what is dropped and why, killed and gone on with."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.__main__ import main
from backend.assets import SAMPLE_PORTRAIT
from backend.data.prepare import workers
from backend.data.prepare.run import prepare
from backend.data.prepare.workers import Settings
from backend.data.store import Store
from backend.export.mp4 import Mp4Writer
from backend.head import Head
from backend.tracking.decode import decode
from backend.training.run import train
from backend.training.settings import load_settings
from shared.errors import AvatarError

SIDE = 480
DEADLINE_S = 120.0
POLL = threading.Event()


def portrait(i: int, zoom: float = 1.4, mirrored: bool = False) -> np.ndarray:
    """The sample portrait, moved a little and zoomed, as frame `i` of a video."""
    rgb = decode(SAMPLE_PORTRAIT.read_bytes()).rgb
    if mirrored:
        rgb = np.ascontiguousarray(rgb[:, ::-1])
    face = (290.0, 115.0) if mirrored else (222.0, 115.0)
    matrix = cv2.getRotationMatrix2D(face, 4 * np.sin(i / 3), zoom + 0.05 * np.sin(i / 5))
    matrix[:, 2] += np.array([SIDE / 2, SIDE / 2]) - face + [6 * np.sin(i / 4), 5 * np.cos(i / 4)]
    return cv2.warpAffine(rgb, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)


def nothing(i: int) -> np.ndarray:
    """A picture without a face."""
    rng = np.random.default_rng(i)
    blurred = cv2.resize(rng.integers(0, 90, (6, 6, 3), np.uint8), (SIDE, SIDE))
    return blurred + np.array([0, 60, 120], np.uint8)


def video(path: Path, frames: list[np.ndarray]) -> None:
    with Mp4Writer(path, 25.0, (SIDE, SIDE)) as writer:
        for frame in frames:
            writer.add(frame)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of a face."""
    folder = tmp_path_factory.mktemp("people")
    video(folder / "ann.mp4", [portrait(i) for i in range(11)])
    video(folder / "bea.mp4", [portrait(i, mirrored=True) for i in range(11)])
    (folder / "more").mkdir()
    video(folder / "more" / "cyd.mp4", [portrait(i, zoom=1.0) for i in range(6)])
    return folder


@pytest.fixture(scope="module")
def store(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of them by the command, in two processes."""
    out = tmp_path_factory.mktemp("prepared") / "store"
    split = out.with_name("split.json")
    split.write_text('{"train": ["ann", "bea"], "test": ["more-cyd"]}')
    arguments = ["prepare", str(people), "--out", str(out), "--size", "256", "--jobs", "2"]
    assert main([*arguments, "--split", str(split)]) == 0
    return out


def test_two_processes_prepare_three_videos(store: Path) -> None:
    data = Store(store)
    assert data.clips("train") == ("ann", "bea")
    assert data.clips("test") == ("more-cyd",)
    assert data.frames("ann") == (0, 5, 10)
    assert data.frames("more-cyd") == (0, 5)
    report = json.loads((store / "report.json").read_text())
    assert (report["clips"], report["frames"], report["clips_failed"]) == (3, 8, 0)
    rows = list(csv.DictReader((store / "report.csv").read_text().splitlines()))
    assert [(row["clip"], row["kept"]) for row in rows] == [
        ("ann", "3"), ("bea", "3"), ("more-cyd", "2"),
    ]  # fmt: skip


def test_the_stored_track_lies_on_the_stored_face(store: Path) -> None:
    from backend.tracking.detect import Detector

    data, head = Store(store), Head.load()
    with Detector() as detector:
        for clip in ("ann", "bea", "more-cyd"):
            for index in data.frames(clip):
                frame = data.read(clip, index)
                points = head.embed_landmarks(head.vertices_of(frame.track)[0]).double().numpy()
                seen = detector.detect(frame.image)[0].landmarks[:468, :2]
                gap = np.linalg.norm(frame.camera.project(points)[:468] - seen, axis=1)
                assert gap.mean() < 3.0, (clip, index)


def test_pictures_are_on_black_and_boxes_hold_the_face(store: Path) -> None:
    frame = Store(store).read("ann", 5)
    assert frame.alpha is not None
    assert frame.image[frame.alpha == 0].mean() < 2
    assert 0.1 < (frame.alpha > 128).mean() < 0.9
    x0, y0, x1, y1 = frame.box
    assert 1 / np.sqrt((x1 - x0) * (y1 - y0)) == pytest.approx(1.65, rel=0.12)
    assert abs((x0 + x1) / 2 - 0.5) < 0.1
    assert abs((y0 + y1) / 2 - 0.5) < 0.1


def test_fps_is_that_of_the_frames_kept(store: Path) -> None:
    assert Store(store).read("ann", 5).track.fps == 5.0


def test_a_prepared_store_is_trained_on_and_evaluated(store: Path, tmp_path: Path) -> None:
    quick = {"start": "none", "validate_every": 0, "image_every": 0, "batch": 1, "iterations": 1}
    data, head = Store(store), Head.load()
    outcome = train(load_settings("small", **quick), data, head, tmp_path / "run")
    assert outcome.finished
    assert outcome.loss is not None
    assert np.isfinite(outcome.loss)
    out = tmp_path / "scores"
    arguments = ["evaluate", "small", "--weights", str(outcome.weights), "--data", str(store)]
    arguments += ["--protocol", "self", "--metrics", "psnr", "--out", str(out)]
    assert main(arguments) == 0
    scores = json.loads((out / "scores.json").read_text())["results"][0]
    assert scores["pictures"] == 1
    assert scores["means"]["psnr"] > 18


def test_what_cannot_be_used_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "zero.mp4").touch()
    (folder / "rubbish.mp4").write_bytes(bytes(range(256)) * 50)
    video(folder / "nobody.mp4", [nothing(i) for i in range(2)])
    video(folder / "tiny.mp4", [portrait(i, zoom=0.45) for i in range(2)])
    video(folder / "cut.mp4", [nothing(0)] * 2 + [portrait(i) for i in range(3)])
    (folder / "pictures").mkdir()
    for i in range(2):
        cv2.imwrite(str(folder / "pictures" / f"{i}.png"), portrait(i)[..., ::-1])
    (folder / "pictures" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    settings = Settings(tmp_path / "store", "open", 1)
    result = prepare(folder, settings, 1, {"train": ["cut", "pictures", "nobody"]}, _silent)
    assert (result["clips"], result["clips_failed"]) == (2, 4)
    report = json.loads((tmp_path / "store" / "report.json").read_text())
    reports = {entry["clip"]: entry for entry in report["reports"]}
    assert "is not a video that can be read" in reports["zero"]["error"]
    assert "is not a video that can be read" in reports["rubbish"]["error"]
    assert "No face was found in any of the 2 frames" in reports["nobody"]["error"]
    assert reports["tiny"]["dropped"] == {"face below 64 pixels": [0, 1]}
    assert "0 of 2 frames can be used" in reports["tiny"]["error"]
    assert reports["cut"]["dropped"] == {"another shot": [0, 1]}
    assert reports["pictures"]["dropped"] == {"unreadable": [2]}
    assert reports["pictures"]["frames"] == 3
    data = Store(tmp_path / "store")
    assert data.splits() == ("train",)
    assert data.clips("train") == ("cut", "pictures")
    assert data.frames("cut") == (2, 3, 4)


def test_a_folder_without_any_face_is_one_error_with_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "zero.mp4").touch()
    with pytest.raises(AvatarError, match=r"None of the 1 clips .* gave frames") as caught:
        prepare(folder, Settings(tmp_path / "store", "open", 5), 1, 0.1, _silent)
    assert caught.value.code == "no_face_found"
    assert (tmp_path / "store" / "report.csv").exists()


def _silent(phase: str, done: float, total: float) -> None:
    pass


def test_cancelled_work_goes_on_where_it_was(people: Path, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "store", "open", 5)

    def stop_in_the_second_clip(phase: str, done: float, total: float) -> None:
        if done > 1.6:
            raise AvatarError("cancelled", "Cancelled.", "")

    with pytest.raises(AvatarError, match="Cancelled"):
        prepare(people, settings, 1, 0.0, stop_in_the_second_clip)
    with pytest.raises(AvatarError, match="was begun and never finished"):
        Store(tmp_path / "store")
    result = prepare(people, settings, 1, 0.0, _silent)
    assert result["clips_prepared_now"] == 2
    assert Store(tmp_path / "store").clips("train") == ("ann", "bea", "more-cyd")
    again = prepare(people, settings, 1, 0.0, _silent)
    assert again["clips_prepared_now"] == 0
    with pytest.raises(AvatarError, match="was begun with --every 5, not 2"):
        prepare(people, Settings(tmp_path / "store", "open", 2), 1, 0.0, _silent)


def test_killed_work_leaves_no_process_and_goes_on_with_what_is_finished(
    people: Path, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "store"
    command = [sys.executable, "-m", "backend", "prepare", str(people), "--out", str(out)]
    command += ["--jobs", "2", "--size", "256"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    journal = out / "prepared.jsonl"
    wait_until(lambda: journal.exists() and b"\n" in journal.read_bytes())
    children = set(descendants(process.pid))
    assert len(children) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(alive(child) for child in children))
    finished = journal.read_text().splitlines()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert journal.read_text().splitlines()[: len(finished)] == finished
    found, whole = Store(out), Store(store)
    for clip in ("ann", "bea", "more-cyd"):
        assert found.frames(clip) == whole.frames(clip)
        for index in found.frames(clip):
            one, other = found.read(clip, index), whole.read(clip, index)
            assert np.allclose(one.camera.viewmat, other.camera.viewmat, atol=1e-6)


@pytest.mark.parametrize(
    "what", [["--identities", "90", "--frames", "90"], ["--from-portraits", "{photos}"]]
)
def test_killed_making_of_pictures_leaves_no_process(what: list[str], tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in "abcd":
        shutil.copy(SAMPLE_PORTRAIT, photos / f"{name}.png")
    command = [sys.executable, "-m", "backend", "synthesise", "--out", str(tmp_path / "made")]
    command += ["--processes", "2", *(part.format(photos=photos) for part in what)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(lambda: len(descendants(process.pid)) >= 3)  # and one that looks after semaphores
    children = set(descendants(process.pid))
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(alive(child) for child in children))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        POLL.wait(0.02)


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_threads_are_shared_among_processes_and_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with workers._few_threads(3):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "3"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
