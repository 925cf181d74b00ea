"""Colour profiles inside picture files: colours of Display P3, Adobe RGB and others in sRGB."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageCms

_MARKS = (b"ICC_PROFILE\0", b"iCCP", b"ICCP", b"II*\0", b"MM\0*", b"colrprof", b"colrrICC")
"""One of them stands in every JPEG, PNG, WebP, TIFF or AVIF file that holds a profile."""


def in_srgb(rgb: np.ndarray, data: bytes) -> np.ndarray:
    """[H, W, 3] uint8 of a file's own colours in sRGB; as they are without a usable profile.

    Args:
        rgb: What the file holds.
        data: The whole file.
    """
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


def _profile(data: bytes) -> bytes | None:
    if not any(mark in data for mark in _MARKS):
        return None
    try:
        # Its warning is of a size that decoding has coped with.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as file:
            return file.info.get("icc_profile")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
