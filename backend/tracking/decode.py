"""Picture files to arrays, through OpenCV, refusing what is damaged."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shared.errors import AvatarError


@dataclass(frozen=True)
class Picture:
    """A decoded picture, EXIF rotation applied.

    Args:
        rgb: [H, W, 3] uint8, display-referred sRGB.
        alpha: [H, W] uint8 where the file has a meaningful alpha channel, else None.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None


def decode(data: bytes, name: str = "the picture") -> Picture:
    """Decodes a picture file's bytes.

    Args:
        data: The whole file.
        name: What to call it in messages.

    Raises:
        AvatarError: `bad_file` for empty, truncated or unreadable data.
    """
    if not data:
        raise AvatarError("bad_file", f"{name} is empty.", "Choose a picture file.")
    if (missing := _missing_end(data)) is not None:
        raise AvatarError(
            "bad_file",
            f"{name} is truncated: {len(data)} bytes and no {missing}.",
            "Copy or download the file again.",
        )
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    bgr = _decode(data, cv2.IMREAD_COLOR if _is_jpeg(data) else flags)
    if bgr is None:
        raise AvatarError(
            "bad_file",
            f"{name} is not a picture that OpenCV reads (it begins with {data[:8]!r}).",
            "Save it as PNG or JPEG.",
        )
    return Picture(cv2.cvtColor(_to_8bit(bgr), cv2.COLOR_BGR2RGB), _alpha(data, bgr.shape[:2]))


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _is_jpeg(data: bytes) -> bool:
    return data[:2] == b"\xff\xd8"


def _missing_end(data: bytes) -> str | None:
    """OpenCV fills what a truncated file lacks with grey, so look for the end mark ourselves."""
    if _is_jpeg(data) and b"\xff\xd9" not in data[-4096:]:
        return "JPEG end mark"
    if data[:8] == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-4096:]:
        return "PNG end chunk"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        if len(data) < 8 + int.from_bytes(data[4:8], "little"):
            return "complete RIFF chunk"
    return None


def _to_8bit(image: np.ndarray) -> np.ndarray:
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return image


def _alpha(data: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """The alpha channel, unless it is absent or opaque everywhere."""
    if _is_jpeg(data):
        return None
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    alpha = _to_8bit(image[..., 3])
    if int(alpha.min()) == 255 or int(alpha.max()) == 0:
        return None
    return alpha if alpha.shape == size else _upright(data, alpha)


def _upright(data: bytes, alpha: np.ndarray) -> np.ndarray:
    """Rotates alpha as EXIF says; IMREAD_UNCHANGED leaves it as stored."""
    turned = [np.rot90(alpha, k) for k in (1, 3)]
    stored = _decode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    shown = _decode(data, cv2.IMREAD_GRAYSCALE)
    if stored is None or shown is None:
        return np.ascontiguousarray(turned[0])
    best = min((1, 3), key=lambda k: np.abs(np.rot90(stored, k).astype(int) - shown).mean())
    return np.ascontiguousarray(np.rot90(alpha, best))
