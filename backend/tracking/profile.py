"""Colour profiles inside picture files: colours of Display P3, Adobe RGB and others in sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from .pillow_file import UNREADABLE, pillow_file

_MARKS = (b"ICC_PROFILE\0", b"iCCP", b"ICCP", b"II*\0", b"MM\0*", b"colrprof", b"colrrICC")
"""One of them stands in every JPEG, PNG, WebP, TIFF or AVIF file that holds a profile."""

_ADOBE = b"R03"  # of EXIF's interoperability: DCF's optional colour space
_INTEROPERABILITY = 0xA005
_EXIF_BYTES = 1 << 17
_ROWS = 256
_ADOBE_TO_SRGB = np.array(
    [[1.39836, -0.39836, 0.0], [0.0, 1.0, 0.0], [0.0, -0.04293, 1.04293]], np.float32
)


def in_srgb(rgb: np.ndarray, data: bytes) -> np.ndarray:
    """[H, W, 3] uint8 of a file's own colours in sRGB; as they are without a usable profile.

    Args:
        rgb: What the file holds.
        data: The whole file.
    """
    if _says_adobe(data):
        return _adobe_in_srgb(rgb)
    found = _profile(data)
    if found is None or found[16:20] != b"RGB ":  # grey and CMYK are converted already
        return rgb
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(found))
        picture = Image.fromarray(rgb)
        ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), inPlace=True)
    except (ImageCms.PyCMSError, OSError):  # a damaged profile: most pictures are sRGB
        return rgb
    return np.asarray(picture)


def _says_adobe(data: bytes) -> bool:
    """Whether a camera says in EXIF alone that colours are Adobe RGB's, without a profile."""
    if _ADOBE not in data[:_EXIF_BYTES] or any(mark in data for mark in _MARKS[:3]):
        return False
    try:
        with pillow_file(data) as file:
            return file.getexif().get_ifd(_INTEROPERABILITY).get(1) == _ADOBE.decode()
    except UNREADABLE:
        return False


def _adobe_in_srgb(rgb: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 of Adobe RGB's (1998-05) numbers, some rows at a time."""
    light = ((np.arange(256) / 255) ** (563 / 256)).astype(np.float32)
    result = np.empty_like(rgb)
    for top in range(0, len(rgb), _ROWS):
        linear = np.clip(light[rgb[top : top + _ROWS]] @ _ADOBE_TO_SRGB.T, 0, 1)
        low, high = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
        value = np.where(linear <= 0.0031308, low, high)
        result[top : top + _ROWS] = (value * 255 + 0.5).astype(np.uint8)
    return result


def _profile(data: bytes) -> bytes | None:
    if not any(mark in data for mark in _MARKS):
        return None
    try:
        with pillow_file(data) as file:
            return file.info.get("icc_profile")
    except UNREADABLE:
        return None
