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

_UNEVEN = 0.5  # of a frame; containers round times to milliseconds
_MOST_FPS = 60.0


@dataclass(frozen=True)
class Pictures:
    """The frames of a video file or of a folder of pictures, read one at a time.

    Args:
        path: The file or folder.
        names: File name (without folder) under which each frame's result is stored, `.png`.
        fps: Frames per second.
        order: For a video of uneven times, the number of the video's frame that each frame shows,
            rising; else None. Then a frame is due at its number divided by `fps`, all the same.
    """

    path: Path
    names: tuple[str, ...]
    fps: float
    order: tuple[int, ...] | None = None

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
        times, fps = _video_facts(path)
        order, fps = _even(times, fps)
        count = len(times) if order is None else len(order)
        digits = max(4, len(str(count)))
        names = tuple(f"frame_{i:0{digits}d}.png" for i in range(1, count + 1))
        return cls(path, names, fps, order)

    @property
    def is_video(self) -> bool:
        """Whether this is a video file, which may have sound."""
        return not self.path.is_dir() and self.path.suffix.lower() not in PICTURE_SUFFIXES

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
            yield from _ordered(_video_frames(self.path), self.order)


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


def _video_facts(path: Path) -> tuple[np.ndarray, float]:
    """When each frame is due, [T] seconds, and the rate.

    Counted by decoding: containers often lie about the number.
    """
    capture = cv2.VideoCapture(str(path))
    times = []
    try:
        fps = capture.get(cv2.CAP_PROP_FPS)
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    finally:
        capture.release()
    if not times:
        raise AvatarError(
            "bad_file", f"{path} is not a video that can be read.", "Convert it to H.264 MP4."
        )
    return np.array(times) - times[0], fps if 0 < fps < 1000 else FOLDER_FPS


def _even(times: np.ndarray, fps: float) -> tuple[tuple[int, ...] | None, float]:
    """Which frames show at an even rate what a video of uneven times shows, and that rate.

    Args:
        times: [T] seconds from the first frame.
        fps: The rate that the container tells.

    Returns:
        None for a video whose frames are even, or whose times cannot be used.
    """
    steps = np.diff(times)
    if len(steps) < 2 or (steps <= 0).any() or np.ptp(steps) < _UNEVEN * float(np.median(steps)):
        return None, fps
    rate = min(1 / float(np.percentile(steps, 10)), _MOST_FPS)
    due = np.arange(round(float(times[-1] + np.median(steps)) * rate)) / rate
    shown = np.searchsorted(times, due + 0.5 / _MOST_FPS, side="right") - 1
    return tuple(shown.tolist()), rate


def _ordered(frames: Iterator[np.ndarray], order: tuple[int, ...] | None) -> Iterator[np.ndarray]:
    """The frames, some of them repeated or left out."""
    if order is None:
        yield from frames
        return
    wanted = iter(order)
    number = next(wanted, None)
    for index, frame in enumerate(frames):
        while number == index:
            yield frame
            number = next(wanted, None)
        if number is None:
            return


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
