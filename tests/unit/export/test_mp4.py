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
