"""MP4, read back by others."""

from pathlib import Path

import av
import numpy as np
import pytest

from backend.export.mp4 import Mp4Writer


def colors() -> np.ndarray:
    frame = np.zeros((64, 96, 3), np.uint8)
    for index, color in enumerate([(200, 30, 30), (30, 200, 30), (30, 30, 200)]):
        frame[:, index * 32 : index * 32 + 32] = color
    return frame


def test_a_video_is_h264_yuv420p_bt709_and_shows_its_colours(tmp_path: Path) -> None:
    with Mp4Writer(tmp_path / "a.mp4", 29.97, (96, 64)) as writer:
        for _ in range(7):
            writer.add(colors())
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == 1  # BT.709
        assert float(stream.average_rate or 0) == pytest.approx(29.97, rel=1e-3)
        frames = [f.to_ndarray(format="rgb24", src_colorspace="ITU709") for f in
                  container.decode(stream)]  # fmt: skip
    assert len(frames) == 7
    inner = [slice(8, 24), slice(40, 56), slice(72, 88)]
    for part in inner:
        np.testing.assert_allclose(
            frames[3][8:56, part].mean((0, 1)), colors()[0, part.start], atol=4
        )


def test_the_index_stands_before_the_data(tmp_path: Path) -> None:
    with Mp4Writer(tmp_path / "a.mp4", 25, (96, 64)) as writer:
        writer.add(colors())
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_odd_sides_gain_one_row_and_column(tmp_path: Path) -> None:
    with Mp4Writer(tmp_path / "a.mp4", 25, (95, 63)) as writer:
        writer.add(colors()[:63, :95])
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (96, 64)


def test_an_interrupted_video_leaves_no_file(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with Mp4Writer(tmp_path / "a.mp4", 25, (96, 64)) as writer:
            writer.add(colors())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="expected uint8"),
        Mp4Writer(tmp_path / "a.mp4", 25, (96, 64)) as writer,
    ):
        writer.add(colors()[:10])


def sounding(path: Path, seconds: float, layout: str) -> Path:
    """A video of nothing with a tone of 440 Hz."""
    rate = 22050
    with av.open(str(path), "w") as container:
        audio = container.add_stream("mp3", rate=rate, layout=layout)
        time = np.arange(int(rate * seconds)) / rate
        tone = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
        channels = 1 if layout == "mono" else 2
        for first in range(0, len(tone), 1152):
            part = np.repeat(tone[first : first + 1152, None], channels, 1).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, first
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_the_sound_of_another_video_is_kept_as_long_as_the_pictures(
    tmp_path: Path, layout: str
) -> None:
    source = sounding(tmp_path / "source.mkv", 3.0, layout)
    with Mp4Writer(tmp_path / "a.mp4", 25, (96, 64), source) as writer:
        for _ in range(50):
            writer.add(colors())
    with av.open(str(tmp_path / "a.mp4")) as container:
        heard = container.streams.audio[0]
        assert heard.codec_context.name == "aac"
        assert heard.codec_context.layout.name == layout
        frames = [frame.to_ndarray()[0] for frame in container.decode(heard)]
    samples = np.concatenate(frames)
    assert len(samples) / heard.rate == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[4096 : 4096 + 16384]))
    assert spectrum.argmax() * heard.rate / 16384 == pytest.approx(440, abs=3)


def test_a_video_without_sound_stays_silent(tmp_path: Path) -> None:
    with Mp4Writer(tmp_path / "silent.mp4", 25, (96, 64)) as writer:
        writer.add(colors())
    with Mp4Writer(tmp_path / "a.mp4", 25, (96, 64), tmp_path / "silent.mp4") as writer:
        writer.add(colors())
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert not container.streams.audio
