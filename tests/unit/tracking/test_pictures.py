"""Videos of uneven times are shown at an even rate, each frame when it is due."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from backend.tracking.pictures import Pictures

SHADES = np.linspace(20, 230, 60).astype(int)
MS = Fraction(1, 1000)


def video(path: Path, steps_ms: list[int]) -> Path:
    """A video whose frames are due after these times, each in its own grey."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "8", "bf": "0"})
        stream.width = stream.height = 64
        stream.time_base = stream.codec_context.time_base = MS
        for number, due in enumerate(np.cumsum([0, *steps_ms])):
            grey = np.full((64, 64, 3), SHADES[number], np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = int(due), MS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shown(pictures: Pictures) -> list[int]:
    """The number of the frame whose grey each picture has."""
    return [int(np.abs(SHADES - frame.mean()).argmin()) for frame in pictures.frames()]


def test_an_even_video_is_read_frame_by_frame(tmp_path: Path) -> None:
    pictures = Pictures.open(video(tmp_path / "even.mp4", [40] * 19))
    assert pictures.order is None
    assert (len(pictures), pictures.fps) == (20, pytest.approx(25))
    assert shown(pictures) == list(range(20))


def test_uneven_times_are_kept_to_a_frame(tmp_path: Path) -> None:
    """30 frames of 40 ms, then 30 of 80 ms: 3.6 seconds."""
    pictures = Pictures.open(video(tmp_path / "uneven.mp4", [40] * 30 + [80] * 29))
    assert pictures.fps == pytest.approx(25, rel=0.01)
    assert len(pictures) == pytest.approx(89, abs=2)
    numbers = shown(pictures)
    assert len(numbers) == len(pictures)
    times = np.cumsum([0, *[40] * 30, *[80] * 29]) / 1000
    for index, number in enumerate(numbers):
        assert times[number] == pytest.approx(index / pictures.fps, abs=0.081)
    assert numbers[29] == 29
    assert set(numbers) >= set(range(58)), "none is lost"


def test_sound_is_looked_for_in_videos_alone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    assert Pictures.open(video(tmp_path / "a.mp4", [40] * 3)).is_video
    assert not Pictures.open(tmp_path).is_video
    assert not Pictures.open(tmp_path / "a.png").is_video
