"""Picture files made by Pillow, which reads and writes them independently of OpenCV."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from backend.tracking.crop import PORTRAIT_PX

EXIF_ORIENTATION = 274
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture lies in a file of each EXIF orientation."""


def opened(data: bytes) -> Image.Image:
    """A file's picture as RGB, without its colour profile."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.info.clear()
    return picture


def encoded(picture: Image.Image | np.ndarray, kind: str, **settings: Any) -> bytes:
    """A file of the kind that Pillow knows by this name."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def rotated_file(picture: Image.Image, kind: str, orientation: int, **settings: Any) -> bytes:
    """A file that stores an upright picture turned and says so in its EXIF."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    how = STORED_AS[orientation]
    stored = picture if how is None else picture.transpose(how)
    return encoded(stored, kind, exif=exif, **settings)


def with_alpha(picture: Image.Image, alpha: np.ndarray) -> Image.Image:
    """RGBA of RGB and [H, W] uint8."""
    return Image.fromarray(np.dstack([np.asarray(picture), alpha]))


def in_picture(portrait: Any) -> np.ndarray:
    """Landmarks in the pixels of the source picture."""
    crop = portrait.crop
    return portrait.landmarks * (crop.side / PORTRAIT_PX) + [crop.x, crop.y]
