"""Picture files to arrays, through OpenCV, refusing what is damaged."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import ImageOps

from shared.errors import AvatarError

from . import coded_colours
from .notes import HDR_PICTURE
from .picture_kinds import refusal
from .pillow_file import UNREADABLE, pillow_file
from .profile import in_srgb
from .wiped import filled, wiped

_COMPARED_PX = 1024
_TIFF_BITS = 258
_CAMERAS_BITS = (8, 10, 12, 14)
_FIFTEEN = (31_000, 1 << 15)
"""Where the largest number lies, all are of 15 bits; below it a picture is dark."""
FEWER_BITS = (
    "The picture's numbers end at {most} of 65535; they were taken for {bits} bits, as cameras "
    "and some programs write them."
)

# What is wrong with a file is told once, by our own error.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True)
class Picture:
    """A decoded picture, EXIF rotation applied.

    Args:
        rgb: [H, W, 3] uint8, display-referred sRGB.
        alpha: [H, W] uint8 where the file has a meaningful alpha channel, else None.
        empty: [H, W] bool: where the file holds no picture, see `wiped`; `rgb` goes on there. None:
            nowhere.
        notes: What the user should know of the file, one sentence each.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    empty: np.ndarray | None = None
    notes: tuple[str, ...] = ()

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
        AvatarError: `bad_file` for empty, truncated or unreadable data; `unsupported_format` for
            kinds of files that are not read, and for numbers that are no display colours.
    """
    if not data:
        raise AvatarError("bad_file", f"{name} is empty.", "Choose a picture file.")
    if (missing := _missing_end(data)) is not None:
        raise AvatarError(
            "bad_file",
            f"{name} is truncated: {len(data)} bytes and no {missing}.",
            "Copy or download the file again.",
        )
    if data[:4] in (b"II*\0", b"MM\0*") and (found := _tiff_with_alpha(data)) is not None:
        rgb, alpha = found[..., :3], found[..., 3]
        return _picture(in_srgb(np.ascontiguousarray(rgb), data), _meaningful(alpha))
    flags = cv2.IMREAD_COLOR if _is_jpeg(data) else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    bgr = _decode(data, flags)
    if bgr is None:
        raise refusal(data, name)
    if bgr.dtype not in (np.uint8, np.uint16):
        raise AvatarError(
            "unsupported_format",
            f"{name} holds {bgr.dtype} numbers, which do not tell how bright they are shown; "
            "expected 8 or 16 bits.",
            "Export it with 8 or 16 bits as PNG or TIFF.",
        )
    told = coded_colours.bits_of_avif(data)
    bits = told or _bits(bgr)
    fewer = bgr.dtype == np.uint16 and bits < 16 and told is None
    notes = [FEWER_BITS.format(most=int(bgr.max()), bits=bits)] if fewer else []
    if (coded := coded_colours.coded(data)) is not None:
        rgb = coded_colours.in_srgb(_to_16bit(bgr[..., ::-1], bits), coded)
        notes += [HDR_PICTURE] if coded.hdr else []
    else:
        rgb = in_srgb(cv2.cvtColor(_to_8bit(bgr, bits), cv2.COLOR_BGR2RGB), data)
    return _picture(rgb, _alpha(data, bgr), tuple(notes))


def _picture(rgb: np.ndarray, alpha: np.ndarray | None, notes: tuple[str, ...] = ()) -> Picture:
    empty = wiped(rgb, alpha)
    return Picture(rgb if empty is None else filled(rgb, empty), alpha, empty, notes)


def _tiff_with_alpha(data: bytes) -> np.ndarray | None:
    """[H, W, 4] uint8 of a TIFF file with 8 bits and alpha, whose colours OpenCV would darken."""
    try:
        with pillow_file(data) as file:
            bits = file.tag_v2.get(_TIFF_BITS, (8,))  # type: ignore[attr-defined]
            if file.mode not in ("RGBA", "RGBa") or max(bits) > 8:
                return None
            return np.asarray(ImageOps.exif_transpose(file).convert("RGBA"))
    except UNREADABLE:
        return None


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


def _bits(image: np.ndarray) -> int:
    """How many bits the numbers of [H, W, ...] have: cameras store theirs as they are in 16."""
    if image.dtype == np.uint8:
        return 8
    if not (image & 255).any() or not (image % 257).any():  # 8 bits, spread over all 16
        return 16
    most = int(image.max())
    if _FIFTEEN[0] <= most <= _FIFTEEN[1]:
        return 15
    return next((bits for bits in _CAMERAS_BITS if most < 1 << bits), 16)


def _to_8bit(image: np.ndarray, bits: int) -> np.ndarray:
    if image.dtype == np.uint8:
        return image
    return np.minimum(image >> (bits - 8), 255).astype(np.uint8)


def _to_16bit(image: np.ndarray, bits: int) -> np.ndarray:
    return np.minimum(image.astype(np.float32) * (65535 / ((1 << bits) - 1)), 65535).astype(
        np.uint16
    )


def _alpha(data: bytes, shown: np.ndarray) -> np.ndarray | None:
    """The alpha channel, unless it is absent or the same everywhere."""
    if _is_jpeg(data):
        return None
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    alpha = _meaningful(_to_8bit(image[..., 3], _bits(image[..., 3])))
    if alpha is None:
        return None
    return np.ascontiguousarray(_upright(alpha, image[..., :3], shown))


def _meaningful(alpha: np.ndarray) -> np.ndarray | None:
    """None where it is the same everywhere."""
    return None if alpha.min() == alpha.max() else np.ascontiguousarray(alpha)


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
