"""Colours told by numbers look as they are meant."""

from __future__ import annotations

import io
import struct
import zlib

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from backend.tracking.decode import decode
from backend.tracking.notes import HDR_PICTURE
from tests.unit.tracking.pictures import encoded, opened
from tests.unit.tracking.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB,
    encoded_in,
    matrix_profile,
)

P3_XY = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE_XY = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3, REC_2020 = 12, 9
SRGB_CURVE, PQ, HLG = 13, 16, 18


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> Image.Image:
    return opened(astronaut).crop((100, 200, 400, 500))


@pytest.fixture(scope="module")
def wanted(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def png(pixels: np.ndarray, chunks: dict[bytes, bytes], **settings: object) -> bytes:
    """A PNG file with chunks behind its header."""
    data = encoded(pixels, "PNG", **settings)
    more = b"".join(
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c))
        for k, c in chunks.items()
    )
    return data[:33] + more + data[33:]


def gama(exponent: float) -> bytes:
    return struct.pack(">I", round(1e5 / exponent))


def chrm(xy: tuple[float, ...]) -> bytes:
    return struct.pack(">8I", *(round(v * 1e5) for v in xy))


def with_srgbs_curve(wanted: np.ndarray, primaries: np.ndarray) -> np.ndarray:
    """uint8 numbers of other primaries, with sRGB's curve."""
    light = np.clip(srgb_light(wanted) @ (np.linalg.inv(primaries) @ SRGB).T, 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curve * 255 + 0.5).astype(np.uint8)


@pytest.mark.parametrize(
    ("primaries", "xy", "gamma"),
    [(ADOBE_RGB, ADOBE_XY, 2.199), (DISPLAY_P3, P3_XY, 1.8), (SRGB, None, 1.8), (SRGB, None, 1.0)],
)
def test_a_pngs_gamma_and_primaries_count(wanted, primaries, xy, gamma):
    told = encoded_in(wanted, primaries, gamma)
    chunks = {b"gAMA": gama(gamma)} | ({b"cHRM": chrm(xy)} if xy else {})
    found = decode(png(told, chunks))
    assert np.abs(found.rgb - wanted).mean() < (1.2 if gamma > 1 else 2.5), "8 bits of light"
    assert np.abs(found.rgb - wanted).mean() < np.abs(told - wanted).mean() / 2
    assert found.notes == ()


def test_what_says_srgb_or_has_a_profile_or_the_usual_gamma_stays(wanted):
    pixels = wanted.astype(np.uint8)
    other = {b"gAMA": gama(1.0), b"cHRM": chrm(P3_XY)}
    for chunks in ({b"sRGB": b"\0", **other}, {b"gAMA": gama(2.2)}, {b"cHRM": chrm(P3_XY)}):
        np.testing.assert_array_equal(decode(png(pixels, chunks)).rgb, pixels)
    profiled = png(pixels, other, icc_profile=matrix_profile(SRGB, 2.2))
    assert np.abs(decode(profiled).rgb - wanted).mean() < 2.5, "2.2 and sRGB's curve"


@pytest.mark.parametrize(
    "chunks",
    [
        {b"gAMA": b"\0\0\0\0"},
        {b"gAMA": b"\0\0\0\1"},
        {b"gAMA": b"\xff" * 4},
        {b"gAMA": b"\xff" * 400},
        {b"gAMA": b""},
        {b"gAMA": gama(2.2), b"cHRM": bytes(32)},
        {b"gAMA": gama(2.2), b"cHRM": b"\xff" * 32},
        {b"gAMA": gama(2.2), b"cHRM": b"abc"},
        {b"cICP": b"\x0c"},
        {b"cICP": bytes((1, 13, 0, 1))},
        {b"cICP": bytes((2, 2, 0, 1))},
    ],
)
def test_numbers_that_tell_nothing_change_nothing(wanted, chunks):
    pixels = wanted.astype(np.uint8)
    np.testing.assert_array_equal(decode(png(pixels, chunks)).rgb, pixels)


def test_a_pngs_cicp_counts_before_its_profile(wanted):
    told = with_srgbs_curve(wanted, DISPLAY_P3)
    chunk = {b"cICP": bytes((P3, SRGB_CURVE, 0, 1))}
    found = decode(png(told, chunk, icc_profile=matrix_profile(SRGB, 2.2)))
    assert np.abs(found.rgb - wanted).mean() < 1.2


def pq(light: np.ndarray) -> np.ndarray:
    """uint16 signal of light, 1 at 203 cd/m2."""
    power = (np.clip(light, 0, None) * 203 / 10000) ** 0.1593017578125
    signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    return (signal * 65535 + 0.5).astype(np.uint16)


def srgb_light(wanted: np.ndarray) -> np.ndarray:
    value = wanted / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def test_a_pq_png_is_toned_as_videos_are(wanted):
    """What is darker than the knee looks as it is; display P3's primaries, as of phones."""
    light = srgb_light(wanted) @ (np.linalg.inv(DISPLAY_P3) @ SRGB).T
    deep = cv2.imencode(".png", pq(light)[..., ::-1])[1].tobytes()
    chunk = bytes((P3, PQ, 0, 1))
    more = struct.pack(">I", 4) + b"cICP" + chunk + struct.pack(">I", zlib.crc32(b"cICP" + chunk))
    found = decode(deep[:33] + more + deep[33:])
    assert found.notes == (HDR_PICTURE,)
    dark = (srgb_light(wanted) < 0.75).all(-1)
    assert dark.mean() > 0.7
    assert np.abs(found.rgb - wanted)[dark].mean() < 1.2


def avif(pixels: np.ndarray, primaries: int, transfer: int, matrix: int) -> bytes:
    """A still AVIF of 10 bits with an nclx."""
    file = io.BytesIO()
    with av.open(file, "w", format="avif") as container:
        stream = container.add_stream("libsvtav1", rate=1)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = "yuv420p10le"
        stream.options = {"crf": "8", "preset": "10"}
        context = stream.codec_context
        context.color_primaries, context.color_trc = primaries, transfer
        context.colorspace = matrix
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb48le")
        frame = frame.reformat(format="yuv420p10le", dst_colorspace=matrix)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def test_an_avifs_numbers_count(wanted):
    told = with_srgbs_curve(wanted, DISPLAY_P3).astype(np.uint16) * 257
    found = decode(avif(told, P3, SRGB_CURVE, 1))
    unread = np.abs(told // 257 - wanted).mean()
    assert np.abs(found.rgb - wanted).mean() < min(3.0, unread / 1.5)
    assert found.notes == ()


def test_a_dark_avif_of_ten_bits_stays_dark(wanted):
    dark = (wanted * 50).astype(np.uint16)
    found = decode(avif(dark, 1, SRGB_CURVE, 1))
    assert np.abs(found.rgb - wanted * 50 / 257).mean() < 2.5
    assert found.notes == ()


def test_a_pq_avif_is_toned_and_told(wanted):
    light = srgb_light(wanted)
    found = decode(avif(pq(light), 1, PQ, 1))
    assert found.notes == (HDR_PICTURE,)
    dark = (light < 0.75).all(-1)
    assert np.abs(found.rgb - wanted)[dark].mean() < 4
