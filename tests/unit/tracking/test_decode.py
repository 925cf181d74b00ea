"""Files made by Pillow come back as what Pillow put into them, or as one clear error."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.tracking.decode import decode
from shared.errors import AvatarError
from tests.unit.tracking.pictures import encoded, opened, rotated_file, with_alpha


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> Image.Image:
    return opened(astronaut).crop((60, 0, 360, 400))


@pytest.fixture(scope="module")
def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)


def ramp(picture: Image.Image) -> np.ndarray:
    """An alpha channel without any symmetry."""
    rows, columns = np.indices((picture.height, picture.width))
    return ((rows * 3 + columns) // 8 % 256).astype(np.uint8)


def refusal(data: bytes) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        decode(data, "me.jpg")
    return caught.value


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_files_decode_to_the_same_pixels(picture, pixels, kind):
    found = decode(encoded(picture, kind))
    assert found.alpha is None
    np.testing.assert_array_equal(found.rgb, pixels)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_in_colour_grey_and_cmyk(picture, mode):
    data = encoded(picture.convert(mode), "JPEG", quality=95)
    reference = np.asarray(opened(data)).astype(int)
    assert np.abs(decode(data).rgb - reference).mean() < 3


@pytest.mark.parametrize("lossless", [True, False])
def test_webp(picture, pixels, lossless):
    found = decode(encoded(picture, "WEBP", lossless=lossless, quality=90))
    assert np.abs(found.rgb.astype(int) - pixels).mean() < (0.01 if lossless else 4)


def test_palette_and_grey_png_become_colour(picture):
    for mode in ("P", "L", "1"):
        converted = picture.convert(mode)
        reference = np.asarray(converted.convert("RGB"))
        np.testing.assert_array_equal(decode(encoded(converted, "PNG")).rgb, reference)


def test_sixteen_bits_become_eight(pixels):
    deep = pixels[..., ::-1].astype(np.uint16) * 257
    found = decode(cv2.imencode(".png", deep)[1].tobytes())
    assert found.rgb.dtype == np.uint8
    np.testing.assert_array_equal(found.rgb, pixels)


def test_sixteen_bit_alpha_becomes_eight(picture, pixels):
    alpha = ramp(picture)
    deep = np.dstack([pixels[..., ::-1], alpha]).astype(np.uint16) * 257
    found = decode(cv2.imencode(".png", deep)[1].tobytes())
    np.testing.assert_array_equal(found.alpha, alpha)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_of_a_jpeg_stands_upright(picture, pixels, orientation):
    found = decode(rotated_file(picture, "JPEG", orientation, quality=95))
    assert found.rgb.shape == pixels.shape
    assert np.abs(found.rgb.astype(int) - pixels).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_alpha_turns_with_the_colours_as_exif_says(picture, pixels, orientation, kind):
    alpha = ramp(picture)
    settings = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = rotated_file(with_alpha(picture, alpha), kind, orientation, **settings)
    found = decode(data)
    np.testing.assert_array_equal(found.rgb, pixels)
    np.testing.assert_array_equal(found.alpha, alpha)


def test_alpha_that_is_the_same_everywhere_says_nothing(picture):
    for value in (0, 1, 128, 255):
        alpha = np.full((picture.height, picture.width), value, np.uint8)
        assert decode(encoded(with_alpha(picture, alpha), "PNG")).alpha is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_a_cut_file_is_called_truncated(picture, kind, kept):
    data = encoded(picture, kind)
    error = refusal(data[: int(len(data) * kept)])
    assert error.code == "bad_file"
    assert "me.jpg is truncated" in error.message
    assert str(int(len(data) * kept)) in error.message
    assert error.remedy == "Copy or download the file again."


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("lost", [1, 2, 4, 8])
def test_even_the_last_bytes_are_missed(picture, kind, lost):
    assert "truncated" in refusal(encoded(picture, kind)[:-lost]).message


def test_a_progressive_jpeg_is_whole_only_after_its_last_scan(picture):
    data = encoded(picture, "JPEG", progressive=True, quality=90)
    assert decode(data).rgb.shape == (400, 300, 3)
    assert "truncated" in refusal(data[: len(data) // 2]).message


def test_a_thumbnails_end_mark_does_not_hide_a_cut(picture):
    thumbnail = encoded(picture.resize((60, 80)), "JPEG")
    exif = b"Exif\0\0" + thumbnail
    data = encoded(picture, "JPEG", exif=exif)
    assert thumbnail in data
    assert decode(data).rgb.shape == (400, 300, 3)
    cut = data.index(thumbnail) + len(thumbnail) + 900
    assert "truncated" in refusal(data[:cut]).message


def test_what_a_phone_appends_to_a_picture_does_no_harm(picture, pixels):
    film = bytes(range(256)) * 100
    jpeg, png = encoded(picture, "JPEG"), encoded(picture, "PNG")
    assert decode(jpeg + film).rgb.shape == pixels.shape
    np.testing.assert_array_equal(decode(png + film).rgb, pixels)


@pytest.mark.parametrize(
    "data", [b"hello, this is no picture", b"%!PS-Adobe" + bytes(500), b"\0" * 4096]
)
def test_other_files_are_refused_with_their_first_bytes(data, capfd):
    error = refusal(data)
    assert error.code == "bad_file"
    assert repr(data[:8]) in error.message
    assert error.remedy == "Save it as PNG or JPEG."
    assert capfd.readouterr().err == "", "OpenCV must not talk beside our error"


def test_an_empty_file_is_called_empty():
    assert refusal(b"").message == "me.jpg is empty."


def test_damage_inside_a_png_is_refused(picture):
    data = bytearray(encoded(picture, "PNG"))
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    assert refusal(bytes(data)).code == "bad_file"


def test_damaged_tiff_and_bmp_are_refused(picture):
    for kind in ("TIFF", "BMP"):
        data = encoded(picture, kind)
        assert refusal(data[: len(data) // 3]).code == "bad_file"


def test_twelve_bits_in_sixteen_are_as_bright_as_sixteen(pixels):
    sixteen = pixels[..., ::-1].astype(np.uint16) << 8
    for shift in (0, 4):
        data = cv2.imencode(".png", sixteen >> shift)[1].tobytes()
        np.testing.assert_array_equal(decode(data).rgb, pixels)


def test_fifteen_bits_in_sixteen_are_as_bright_as_sixteen(pixels):
    """Some programs count to 32768; half as bright a picture of 16 bits ends elsewhere."""
    sixteen = pixels[..., ::-1].astype(np.uint16) * 257
    for deep in (sixteen >> 1, (sixteen.astype(np.uint32) * 32768 // 65535).astype(np.uint16)):
        found = decode(cv2.imencode(".png", deep)[1].tobytes())
        assert np.abs(found.rgb.astype(int) - pixels).max() <= 1
        assert "taken for 15 bits" in found.notes[0]
    half = decode(cv2.imencode(".png", (sixteen * 0.4).astype(np.uint16))[1].tobytes())
    assert np.abs(half.rgb - pixels * 0.4).max() <= 1
    assert half.notes == ()
