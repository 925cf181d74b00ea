"""Videos whose end is missing, and such as only seem to have lost it."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from backend.tracking.pictures import Pictures
from tests.cases.test_videos import counted, encode, numbers
from tests.unit.tracking.pictures import opened


@pytest.fixture(scope="module")
def pixels(astronaut: bytes) -> np.ndarray:
    return np.asarray(opened(astronaut))


@pytest.mark.parametrize(("name", "flags"), [("a.mp4", "faststart"), ("a.mkv", "")])
def test_a_video_without_its_end_is_read_as_far_as_it_goes_and_told(pixels, tmp_path, name, flags):
    frames = [counted(pixels, n, 40) for n in range(40)]
    whole = encode(tmp_path / name, frames, options={"g": "5"}, container={"movflags": flags})
    assert Pictures.open(whole).notes == ()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    pictures = Pictures.open(cut)
    assert 10 < len(pictures) < 35
    assert numbers(pictures, 40) == list(range(len(pictures)))
    assert pictures.notes[-1].startswith(f"{cut} ends at {len(pictures) / 25:.1f} s, though it sa")
    assert "1.6 s long: its end is missing" in pictures.notes[-1]


def test_a_video_that_begins_late_or_has_longer_sound_is_whole(pixels, tmp_path):
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.width = video.height = 256
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(counted(pixels, number, 6), format="rgb24")
            frame.pts = 5 * 25 + number
            container.mux(video.encode(frame))
        container.mux(video.encode())
    assert Pictures.open(path).notes == ()
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width = video.height = 256
        sound: Any = container.add_stream("pcm_s16le", rate=8000)
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(counted(pixels, number, 6), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 24000), np.int16), layout="mono")
        silence.rate = 8000
        container.mux(sound.encode(silence))
    assert Pictures.open(path).notes == ()
