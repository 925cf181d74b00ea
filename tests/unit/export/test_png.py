"""PNG, read back by others."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.export import png
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


def test_bytes_keep_every_value_and_tell_their_size_before_they_are_unpacked() -> None:
    data = png.encoded(gradient())
    np.testing.assert_array_equal(png.decoded(data, 16, 12), gradient())
    huge = data[:16] + b"\x7f\xff\xff\xff" * 2 + data[24:]
    for wrong in (huge, b"", data[:20], b"no picture at all, of no size"):
        with pytest.raises(ValueError, match="expected a PNG of 16 x 12"):
            png.decoded(wrong, 16, 12)
    for wrong in (data[:60], png.encoded(gradient()[..., :3])):
        with pytest.raises(ValueError, match="damaged, or has no four channels"):
            png.decoded(wrong, 16, 12)


def test_alpha_is_composed_over_the_background() -> None:
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    found = png.over_background(rgba, (1, 0.5, 0))
    expected = [[[200, 100, 0], [255, 128, 0], [244, 122, 0]]]
    np.testing.assert_allclose(found, expected, atol=1)


def test_a_chunk_that_claims_gigabytes_takes_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    png.write_png(path, gradient(), digest="abc")
    content = bytearray(path.read_bytes())
    at = content.index(b"tEXt") - 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        assert png.read_digest(path) == ""
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
