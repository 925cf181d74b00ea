"""Finding the clips in a folder, and reading every so manieth frame of one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.tracking.pictures import PICTURE_SUFFIXES, Pictures, picture_files
from shared.errors import AvatarError

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".wmv"})


@dataclass(frozen=True)
class Clip:
    """One person in one recording.

    Args:
        name: In the store.
        path: A video, or a folder of pictures in the order of their names.
    """

    name: str
    path: Path


def find_clips(path: Path) -> list[Clip]:
    """The clips below a folder, sorted by name: video files and folders that hold pictures.

    Args:
        path: A folder; or one video, or one folder of pictures.

    Raises:
        AvatarError: `bad_file` where there is none, `bad_request` for two of one name.
    """
    if path.is_file():
        return [Clip(path.stem, path)]
    if path.is_dir() and picture_files(path):
        return [Clip(path.resolve().name, path)]
    found = [
        item
        for item in sorted(path.rglob("*"))
        if (item.is_dir() and picture_files(item))
        or (item.is_file() and item.suffix.lower() in VIDEO_SUFFIXES)
    ]
    if not found:
        raise AvatarError(
            "bad_file",
            f"{path} holds no video and no folder of pictures.",
            f"Expected {', '.join(sorted(VIDEO_SUFFIXES))}, or folders of "
            f"{', '.join(sorted(PICTURE_SUFFIXES))}.",
        )
    named: dict[str, list[Path]] = defaultdict(list)
    for item in found:
        inner = item.relative_to(path)
        named["-".join((inner if item.is_dir() else inner.with_suffix("")).parts)].append(item)
    for name, items in named.items():
        if len(items) > 1:
            raise AvatarError(
                "bad_request",
                f"{' and '.join(map(str, items))} would both be the clip {name!r}.",
                "Rename one of them.",
            )
    return [Clip(name, items[0]) for name, items in sorted(named.items())]


@dataclass(frozen=True)
class Sampled:
    """Every so manieth frame of a clip.

    Args:
        path: A video or a folder of pictures.
        every: 1: all; 5: 0, 5, 10, ...
        fps: Of the clip itself.
    """

    path: Path
    every: int
    fps: float

    @classmethod
    def open(cls, path: Path, every: int) -> Sampled:
        """Looks at a clip.

        Raises:
            AvatarError: `bad_file` where nothing of it can be read.
        """
        return cls(path, every, Pictures.open(path).fps)

    def frames(self) -> Iterator[tuple[int, np.ndarray | None]]:
        """Number and [H, W, 3] uint8 BGR of every frame; None for one that cannot be read."""
        for number, read in self._all():
            yield number, read()

    def chosen(self, numbers: frozenset[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Number and [H, W, 3] uint8 BGR of some frames, those that can be read."""
        for number, read in self._all():
            if number in numbers and (bgr := read()) is not None:
                yield number, bgr

    def _all(self) -> Iterator[tuple[int, _Read]]:
        return self._pictures() if self.path.is_dir() else self._video()

    def _pictures(self) -> Iterator[tuple[int, _Read]]:
        for number, path in enumerate(picture_files(self.path)):
            if number % self.every == 0:
                yield number, _File(path)

    def _video(self) -> Iterator[tuple[int, _Read]]:
        capture = cv2.VideoCapture(str(self.path))
        try:
            number = 0
            while capture.grab():
                if number % self.every == 0:
                    yield number, _Grabbed(capture)
                number += 1
        finally:
            capture.release()


class _File:
    """A picture file, read when called; None where it is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> np.ndarray | None:
        data = np.fromfile(self._path, np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None


class _Grabbed:
    """The frame that a video stands at, decoded when called."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    def __call__(self) -> np.ndarray | None:
        found, frame = self._capture.retrieve()
        return frame if found else None


_Read = _File | _Grabbed


def held_out(clip: str, share: float) -> bool:
    """Whether a clip is for test: by its name's hash, so that more clips change no answer.

    Args:
        clip: Its name.
        share: Of the clips for test, 0..1.
    """
    number = int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "big")
    return number / 2**64 < share
