"""Picture files to arrays, through OpenCV, refusing what is damaged."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shared.errors import AvatarError

from .profile import in_srgb

_COMPARED_PX = 1024

# What is wrong with a file is told once, by our own error.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True)
class Picture:
    """A decoded picture, EXIF rotation applied.

    Args:
        rgb: [H, W, 3] uint8, display-referred sRGB.
        alpha: [H, W] uint8 where the file has a meaningful alpha channel, else None.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


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
    flags = cv2.IMREAD_COLOR if _is_jpeg(data) else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    bgr = _decode(data, flags)
    if bgr is None:
        raise AvatarError(
            "bad_file",
            f"{name} is not a picture that OpenCV reads, or it is damaged (it begins with "
            f"{data[:8]!r}).",
            "Save it as PNG or JPEG.",
        )
    rgb = cv2.cvtColor(_to_8bit(bgr), cv2.COLOR_BGR2RGB)
    return Picture(in_srgb(rgb, data), _alpha(data, bgr))


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _is_jpeg(data: bytes) -> bool:
    return data[:2] == b"\xff\xd8"


def _missing_end(data: bytes) -> str | None:
    """What a cut file lacks: OpenCV fills that with grey, so we look for the end ourselves."""
    if _is_jpeg(data):
        return None if _jpeg_ends(data) else "JPEG end mark"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return None if _png_ends(data) else "PNG end chunk"
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    whole = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return "complete RIFF chunk" if webp and not whole else None


def _jpeg_ends(data: bytes) -> bool:
    """Whether the end mark of the picture itself is there.

    Segments are skipped by their lengths, since a thumbnail inside one has an end mark of its
    own; what cameras append after the end does not matter.
    """
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xD9:
            return True
        if marker == 0xFF:  # padding
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # no segment: inside a scan
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _png_ends(data: bytes) -> bool:
    """Whether all chunks up to the last one are there."""
    at = 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return at <= len(data)
    return False


def _to_8bit(image: np.ndarray) -> np.ndarray:
    if image.dtype == np.uint16:
        # Cameras' 12 bits are stored in 16; no photo uses so little of what there is.
        spare = 4 if 0 < int(image.max()) < 1 << 12 else 8
        return (image >> spare).astype(np.uint8)
    if image.dtype != np.uint8:
        return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return image


def _alpha(data: bytes, shown: np.ndarray) -> np.ndarray | None:
    """The alpha channel, unless it is absent or the same everywhere."""
    if _is_jpeg(data):
        return None
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    alpha = _to_8bit(image[..., 3])
    if int(alpha.min()) == 255 or int(alpha.max()) == 0:
        return None
    return np.ascontiguousarray(_upright(alpha, image[..., :3], shown))


def _upright(alpha: np.ndarray, stored: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Turns alpha as EXIF says, which IMREAD_UNCHANGED ignores.

    Which of the eight orientations that is, the colours tell: `shown` has it applied.
    """
    step = max(1, max(alpha.shape) // _COMPARED_PX)
    best, least = alpha, np.inf
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(stored[:, ::-1] if mirrored else stored, turns)
            if turned.shape != shown.shape:
                continue
            gap = np.abs(turned[::step, ::step].astype(float) - shown[::step, ::step]).mean()
            if gap < least:
                best, least = np.rot90(alpha[:, ::-1] if mirrored else alpha, turns), gap
    return best
