"""PNG frames: straight alpha, sRGB, with a digest that tells what they show."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from shared.atomic import write_bytes
from shared.errors import AvatarError
from shared.os_errors import os_error

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AFTER_HEADER = len(_SIGNATURE) + 25
"""Where the first chunk after IHDR begins."""
_DIGEST_KEY = b"SplitAvatar-digest"
_LONGEST_TEXT = 1 << 16


def encoded(pixels: np.ndarray) -> bytes:
    """A PNG file's bytes of [H, W, 3 or 4] uint8, which keep every value."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise ValueError(f"got {pixels.dtype} {pixels.shape}; expected uint8 [H, W, 3 or 4]")
    order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, order))
    if not done:
        raise ValueError(f"OpenCV could not encode a PNG of shape {pixels.shape}")
    return data.tobytes()


def decoded(data: bytes, width: int, height: int) -> np.ndarray:
    """[H, W, 4] uint8 RGBA of a PNG file's bytes.

    Raises:
        ValueError: It is not that, or of another size, which is told before it is unpacked.
    """
    whole = data.startswith(_SIGNATURE) and len(data) > _AFTER_HEADER
    found = struct.unpack(">II", data[16:24]) if whole else "no PNG"
    if found != (width, height):
        raise ValueError(f"found {found}; expected a PNG of {width} x {height}")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape != (height, width, 4) or pixels.dtype != np.uint8:
        raise ValueError("the PNG is damaged, or has no four channels of 8 bits")
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)


def write_png(path: Path, pixels: np.ndarray, digest: str = "") -> None:
    """Writes a picture.

    Args:
        path: The file; its folder is made when missing.
        pixels: [H, W, 3 or 4] uint8, display-referred sRGB, straight alpha.
        digest: Written as a text chunk; `read_digest` finds it.
    """
    content = encoded(pixels)
    extra = _chunk(b"sRGB", b"\0")
    if digest:
        extra += _chunk(b"tEXt", _DIGEST_KEY + b"\0" + digest.encode("latin-1"))
    write_bytes(path, content[:_AFTER_HEADER] + extra + content[_AFTER_HEADER:])


def read_png(path: Path) -> np.ndarray:
    """[H, W, 4] uint8 RGBA; alpha is 255 where the file has none.

    Raises:
        AvatarError: `bad_file`.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise os_error(error, path) from error
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 3:
        raise AvatarError("bad_file", f"{path} is not an 8-bit colour picture.", "Render it again.")
    order = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return cv2.cvtColor(pixels, order)


def read_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG file, from its beginning.

    Raises:
        AvatarError: `bad_file`.
    """
    with path.open("rb") as stream:
        head = stream.read(_AFTER_HEADER)
    if not head.startswith(_SIGNATURE) or len(head) < _AFTER_HEADER:
        raise AvatarError("bad_file", f"{path} is not a PNG picture.", "Render it again.")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def read_digest(path: Path) -> str:
    """The digest of a file that `write_png` wrote; empty for any other or missing file."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_AFTER_HEADER)
            if not head.startswith(_SIGNATURE):
                return ""
            while len(start := stream.read(8)) == 8:
                length, kind = struct.unpack(">I4s", start)
                if kind in (b"IDAT", b"IEND"):
                    break
                if kind != b"tEXt" or length > _LONGEST_TEXT:
                    stream.seek(length + 4, os.SEEK_CUR)
                    continue
                content = stream.read(length + 4)[:-4]
                if content.startswith(_DIGEST_KEY + b"\0"):
                    return content[len(_DIGEST_KEY) + 1 :].decode("latin-1")
    except OSError:
        return ""
    return ""


def over_background(rgba: np.ndarray, background: tuple[float, float, float]) -> np.ndarray:
    """[H, W, 3] uint8: a straight-alpha picture over a colour, blended in display sRGB.

    Args:
        rgba: [H, W, 4] uint8.
        background: sRGB, 0..1.
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255
    behind = np.array(background, np.float32) * 255
    return np.rint(rgba[..., :3] * alpha + behind * (1 - alpha)).astype(np.uint8)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
