"""Readers of photographs, videos, animations and rendered frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from backend.export import png
from backend.export.mp4 import Mp4Writer
from backend.tracking.decode import Picture, decode
from backend.tracking.pictures import Pictures
from tests.unit.tracking.pictures import encoded, rotated_file
from tests.unit.tracking.profiles import ADOBE_RGB, matrix_profile

from .reader import Reader, Write, one

_SIDE = 24
_MOST_FRAMES = 50


def _pixels(channels: int = 3, number: int = 0) -> np.ndarray:
    """[24, 32, channels] uint8, another for each number."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 255, (_SIDE, 32, channels), np.uint8)


def _photo(path: Path) -> Picture:
    return decode(path.read_bytes(), path.name)


def _frames(path: Path) -> int:
    """How many of its first frames there are."""
    count = 0
    for count, _ in enumerate(Pictures.open(path).frames(), 1):
        if count == _MOST_FRAMES:
            break
    return count


def _rendered(path: Path) -> None:
    png.read_digest(path)
    png.read_size(path)
    png.read_png(path)


def _stills() -> dict[str, Write]:
    rgb, rgba = Image.fromarray(_pixels()), Image.fromarray(_pixels(4))
    deep = _pixels()[..., 0].astype(np.uint16) * 257
    profile = matrix_profile(ADOBE_RGB, 2.2)
    return {
        "jpeg": one("a.jpg", lambda: encoded(rgb, "JPEG", icc_profile=profile)),
        "turned jpeg": one("a.jpg", lambda: rotated_file(rgb, "JPEG", 6)),
        "progressive jpeg": one("a.jpg", lambda: encoded(rgb, "JPEG", progressive=True)),
        "png": one("a.png", lambda: encoded(rgba, "PNG", icc_profile=profile)),
        "turned png": one("a.png", lambda: rotated_file(rgba, "PNG", 8)),
        "palette": one("a.png", lambda: encoded(rgb.quantize(16), "PNG")),
        "16 bits": one("a.png", lambda: encoded(Image.fromarray(deep), "PNG")),
        "webp": one("a.webp", lambda: encoded(rgba, "WEBP")),
        "tiff": one("a.tif", lambda: encoded(rgb, "TIFF", compression="tiff_lzw")),
        "tiff with alpha": one("a.tif", lambda: encoded(rgba, "TIFF", icc_profile=profile)),
        "bmp": one("a.bmp", lambda: encoded(rgb, "BMP")),
        "gif": one("a.gif", lambda: encoded(rgb, "GIF")),
        "avif": one("a.avif", lambda: encoded(rgb, "AVIF")),
    }


def _animation(kind: str) -> Write:
    def content() -> bytes:
        first, *rest = (Image.fromarray(_pixels(number=i)) for i in range(4))
        return encoded(first, kind, save_all=True, append_images=rest, duration=40)

    return one(f"a.{kind.lower()}", content)


def _mp4(folder: Path) -> Path:
    with Mp4Writer(folder / "a.mp4", 25, (32, _SIDE)) as writer:
        for number in range(6):
            writer.add(_pixels(number=number))
    return folder / "a.mp4"


def _video(suffix: str, codec: str) -> Write:
    def write(folder: Path) -> Path:
        path = folder / f"a.{suffix}"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 32, _SIDE, "yuv420p"
            for number in range(6):
                frame = av.VideoFrame.from_ndarray(_pixels(number=number))
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


def _folder(folder: Path) -> None:
    for number, kind in enumerate(("PNG", "JPEG", "WEBP")):
        name = f"shot{number}.{kind.lower()}"
        (folder / name).write_bytes(encoded(Image.fromarray(_pixels(number=number)), kind))


def _frame(folder: Path) -> Path:
    png.write_png(folder / "a_0001.png", _pixels(4), "a digest")
    return folder / "a_0001.png"


READERS = [
    Reader("photo", _photo, _stills()),
    Reader(
        "animation",
        _frames,
        {kind: _animation(kind) for kind in ("GIF", "PNG", "WEBP", "AVIF")},
    ),
    Reader(
        "video",
        _frames,
        {
            "mp4": _mp4,
            "mkv": _video("mkv", "libx264"),
            "avi": _video("avi", "mpeg4"),
            "webm": _video("webm", "libvpx"),
            "mov": _video("mov", "mpeg4"),
        },
    ),
    Reader("pictures", _frames, {"folder": _folder}),
    Reader("frame", _rendered, {"png": _frame}),
]
