"""Finding the clips in a folder, and reading every so manieth frame of one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.tracking.pictures import PICTURE_SUFFIXES, Pictures, picture_files, read_picture
from backend.tracking.video_file import video_frames
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
        notes: What is to be known of it, one sentence each.
    """

    path: Path
    every: int
    fps: float
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path, every: int) -> Sampled:
        """Looks at a clip.

        Raises:
            AvatarError: `bad_file` where nothing of it can be read.
        """
        pictures = Pictures.open(path)
        return cls(path, every, pictures.fps, pictures.notes)

    def frames(self) -> Iterator[tuple[int, np.ndarray | None]]:
        """Number and [H, W, 3] uint8 BGR of every frame; None for one that cannot be read."""
        if self.path.is_dir():
            files = picture_files(self.path)
            yield from ((n, _read(files[n])) for n in range(0, len(files), self.every))
        else:
            frames = video_frames(self.path, self.every)
            yield from ((n * self.every, bgr) for n, bgr in enumerate(frames))

    def chosen(self, numbers: frozenset[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Number and [H, W, 3] uint8 BGR of some frames, those that can be read."""
        for number, bgr in self.frames():
            if number in numbers and bgr is not None:
                yield number, bgr


def _read(path: Path) -> np.ndarray | None:
    try:
        return read_picture(path)
    except AvatarError:
        return None


def held_out(clip: str, share: float) -> bool:
    """Whether a clip is for test: by its name's hash, so that more clips change no answer.

    Args:
        clip: Its name.
        share: Of the clips for test, 0..1.
    """
    number = int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "big")
    return number / 2**64 < share
