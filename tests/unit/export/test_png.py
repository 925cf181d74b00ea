"""PNG, MP4 and contact sheets, read back by others."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from backend.export import atomic, png
from backend.export.contact_sheet import contact_sheet, write_contact_sheet
from backend.export.mp4 import Mp4Writer
from shared.errors import AvatarError


def gradient(height: int = 12, width: int = 16) -> np.ndarray:
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[..., 0] = np.linspace(0, 255, width)
    rgba[..., 1] = np.linspace(0, 255, height)[:, None]
    rgba[..., 2] = 77
    rgba[..., 3] = np.linspace(0, 255, width)[::-1]
    return rgba


def test_pillow_reads_the_very_bytes_with_straight_alpha(tmp_path: Path) -> None:
    png.write_png(tmp_path / "a.png", gradient(), digest="abc")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGBA"
        assert image.info["srgb"] == 0
        np.testing.assert_array_equal(np.asarray(image), gradient())


def test_a_picture_without_alpha_stays_without(tmp_path: Path) -> None:
    png.write_png(tmp_path / "a.png", gradient()[..., :3])
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGB"
    assert (png.read_png(tmp_path / "a.png")[..., 3] == 255).all()


def test_our_reader_gives_back_what_was_written(tmp_path: Path) -> None:
    png.write_png(tmp_path / "a.png", gradient())
    np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), gradient())


def test_the_digest_is_read_from_the_file_and_missing_elsewhere(tmp_path: Path) -> None:
    png.write_png(tmp_path / "a.png", gradient(), digest="abc")
    png.write_png(tmp_path / "b.png", gradient())
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    (tmp_path / "d.png").write_bytes(b"no picture")
    found = [png.read_digest(tmp_path / f"{name}.png") for name in "abcde"]
    assert found == ["abc", "", "", "", ""]


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    for name in ("a.png", "none.png"):
        with pytest.raises(AvatarError) as found:
            png.read_png(tmp_path / name)
        assert found.value.code == "bad_file"
    with pytest.raises(ValueError, match="expected uint8"):
        png.write_png(tmp_path / "b.png", np.zeros((2, 2, 3)))


def test_alpha_is_composed_over_the_background() -> None:
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    found = png.over_background(rgba, (1, 0.5, 0))
    expected = [[[200, 100, 0], [255, 128, 0], [244, 122, 0]]]
    np.testing.assert_allclose(found, expected, atol=1)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    atomic.write_bytes(path, b"old")

    def fail_half_way() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


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


def test_a_contact_sheet_shows_every_tile_in_its_place(tmp_path: Path) -> None:
    tiles = [(f"tile {n}", np.full((50, 100, 3), 40 * n, np.uint8)) for n in range(5)]
    sheet = contact_sheet(tiles, columns=3, tile_px=90)
    for index in range(5):
        row, column = divmod(index, 3)
        y, x = 8 + row * (90 + 26 + 8) + 45, 8 + column * 98 + 45
        assert (sheet[y, x] == 40 * index).all()
        label = sheet[y + 45 : y + 71, x - 45 : x + 45]
        assert label.min() < 100
    write_contact_sheet(tmp_path / "sheet.png", tiles, columns=3, tile_px=90)
    np.testing.assert_array_equal(png.read_png(tmp_path / "sheet.png")[..., :3], sheet)


def test_a_contact_sheet_composes_alpha_over_its_background() -> None:
    clear = np.zeros((10, 10, 4), np.uint8)
    sheet = contact_sheet([("clear", clear)], tile_px=40, background=(1.0, 0.0, 0.0))
    assert sheet[28, 28].tolist() == [255, 0, 0]
