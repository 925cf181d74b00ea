"""Pictures to track: a video, one picture, or a folder of them; no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from shared.errors import AvatarError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
FOLDER_FPS = 25.0
"""Frames per second taken for a folder of pictures."""


@dataclass(frozen=True)
class Pictures:
    """The frames of a video file or of a folder of pictures, read one at a time.

    Args:
        path: The file or folder.
        names: File name (without folder) under which each frame's result is stored, `.png`.
        fps: Frames per second.
    """

    path: Path
    names: tuple[str, ...]
    fps: float

    @classmethod
    def open(cls, path: Path) -> Pictures:
        """Looks at a video, a picture or a folder of pictures.

        Raises:
            AvatarError: `bad_file` when it is missing or holds no picture.
        """
        if path.is_dir():
            names = [p.name for p in picture_files(path)]
            if not names:
                suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
                raise AvatarError(
                    "bad_file", f"The folder {path} holds no pictures.", f"Expected {suffixes}."
                )
            results = tuple(f"{Path(name).stem}.png" for name in names)
            if len(set(results)) < len(results):
                raise AvatarError(
                    "bad_file",
                    f"Pictures in {path} differ only in their suffix.",
                    "Give every picture a name of its own.",
                )
            return cls(path, results, FOLDER_FPS)
        if not path.exists():
            raise AvatarError("bad_file", f"{path} does not exist.", "Check the path.")
        if path.suffix.lower() in PICTURE_SUFFIXES:
            return cls(path, (f"{path.stem}.png",), FOLDER_FPS)
        count, fps = _video_facts(path)
        digits = max(4, len(str(count)))
        names = tuple(f"frame_{i:0{digits}d}.png" for i in range(1, count + 1))
        return cls(path, names, fps)

    def __len__(self) -> int:
        return len(self.names)

    def frames(self) -> Iterator[np.ndarray]:
        """[H, W, 3] uint8 BGR pictures in order.

        Raises:
            AvatarError: `bad_file` naming the picture that cannot be read.
        """
        if self.path.is_dir():
            for file in picture_files(self.path):
                yield _read(file)
        elif self.path.suffix.lower() in PICTURE_SUFFIXES:
            yield _read(self.path)
        else:
            yield from _video_frames(self.path)


def picture_files(folder: Path) -> list[Path]:
    """Pictures directly in a folder, in the order of their names."""
    return sorted(
        p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file()
    )


def _read(path: Path) -> np.ndarray:
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise AvatarError("bad_file", f"{path} is not a readable picture.", "Remove or replace it.")
    return picture


def _video_facts(path: Path) -> tuple[int, float]:
    """Number of frames and rate. Counted by decoding: containers often lie about the number."""
    capture = cv2.VideoCapture(str(path))
    try:
        fps = capture.get(cv2.CAP_PROP_FPS)
        count = 0
        while capture.grab():
            count += 1
    finally:
        capture.release()
    if not count:
        raise AvatarError(
            "bad_file", f"{path} is not a video that can be read.", "Convert it to H.264 MP4."
        )
    return count, fps if 0 < fps < 1000 else FOLDER_FPS


def _video_frames(path: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            found, frame = capture.read()
            if not found:
                return
            yield frame
    finally:
        capture.release()
