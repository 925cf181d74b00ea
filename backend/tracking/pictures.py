"""Pictures to track: a video, one picture, or a folder of them; no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from shared.errors import AvatarError
from shared.pictures import SUFFIXES, UNREAD_SUFFIXES

from .animation import animation_frames, animation_times
from .decode import decode
from .notes import CUT, DAMAGED, HDR, LEFT_OUT
from .picture_kinds import is_video, is_webp, unread
from .video_file import video_facts, video_frames

PICTURE_SUFFIXES = frozenset(SUFFIXES)
FOLDER_FPS = 25.0
"""Frames per second taken for a folder of pictures."""

_UNEVEN = 0.5  # of a frame; containers round times to milliseconds
_MOST_FPS = 60.0


@dataclass(frozen=True)
class Pictures:
    """The frames of a video file or of a folder of pictures, read one at a time.

    Args:
        path: The file or folder.
        kind: `folder`, `picture`, `animation` or `video`.
        names: File name (without folder) under which each frame's result is stored, `.png`.
        fps: Frames per second.
        order: For a video of uneven times, the number of the video's frame that each frame shows,
            rising; else None. Then a frame is due at its number divided by `fps`, all the same.
        notes: What the user should know of it, one sentence each.
    """

    path: Path
    kind: str
    names: tuple[str, ...]
    fps: float
    order: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path) -> Pictures:
        """Looks at a video, a picture or a folder of pictures.

        Raises:
            AvatarError: `bad_file` when it is missing or holds no picture; `unsupported_format` for
                a kind that is not read.
        """
        if path.is_dir():
            return cls._folder(path)
        if not path.exists():
            raise AvatarError("bad_file", f"{path} does not exist.", "Check the path.")
        with path.open("rb") as stream:
            head = stream.read(4096)
        if (error := unread(head, str(path))) is not None:
            raise error
        named = path.suffix.lower() in PICTURE_SUFFIXES
        if (named and not is_video(head)) or is_webp(head):
            return cls._picture(path)
        facts = video_facts(path)
        order, fps = _even(facts.times, facts.fps if 0 < facts.fps < 1000 else FOLDER_FPS)
        count = len(facts.times) if order is None else len(order)
        notes = [HDR] if facts.hdr else []
        notes += [DAMAGED.format(path=path, lost=facts.damaged)] if facts.damaged else []
        if facts.ends_early:
            notes += [CUT.format(path=path, seconds=facts.seconds, told=facts.told_seconds)]
        return cls(path, "video", _numbered(count), fps, order, tuple(notes))

    @classmethod
    def _folder(cls, path: Path) -> Pictures:
        names = [p.name for p in picture_files(path)]
        others = sorted(p.name for p in path.iterdir() if p.suffix.lower() in UNREAD_SUFFIXES)
        if not names and others:
            raise AvatarError(
                "unsupported_format",
                f"The folder {path} holds no pictures that are read, but {others[0]}.",
                "Export them as JPEG or PNG.",
            )
        if not names:
            suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
            raise AvatarError(
                "bad_file", f"The folder {path} holds no pictures.", f"Expected {suffixes}."
            )
        results = tuple(f"{Path(name).stem}.png" for name in names)
        if len({name.lower() for name in results}) < len(results):
            raise AvatarError(
                "bad_file",
                f"Pictures in {path} differ only in their suffix, or in small and large letters.",
                "Give every picture a name of its own.",
            )
        left_out = LEFT_OUT.format(count=len(others), first=others[0]) if others else ""
        return cls(path, "folder", results, FOLDER_FPS, notes=(left_out,) if left_out else ())

    @classmethod
    def _picture(cls, path: Path) -> Pictures:
        due = animation_times(path)
        if due is None:
            return cls(path, "picture", (f"{path.stem}.png",), FOLDER_FPS)
        steps = np.diff(due)
        order, fps = _even(due[:-1], float(1 / np.median(steps)))
        return cls(path, "animation", _numbered(len(order or steps)), fps, order)

    @property
    def is_video(self) -> bool:
        """Whether this is a video file, which may have sound."""
        return self.kind == "video"

    @property
    def files(self) -> list[Path]:
        """What is read."""
        return picture_files(self.path) if self.kind == "folder" else [self.path]

    def __len__(self) -> int:
        return len(self.names)

    def frames(self) -> Iterator[np.ndarray]:
        """[H, W, 3] uint8 BGR pictures in order.

        Raises:
            AvatarError: `bad_file` naming the picture that cannot be read.
        """
        if self.kind in ("folder", "picture"):
            yield from map(read_picture, self.files)
        else:
            read = video_frames if self.kind == "video" else animation_frames
            yield from _ordered(read(self.path), self.order)


def picture_files(folder: Path) -> list[Path]:
    """Pictures directly in a folder, in the order of their names, numbers in theirs.

    Hidden files are none: some systems lay one beside every picture.
    """
    found = (p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
    return sorted((p for p in found if not p.name.startswith(".")), key=_by_number)


def _by_number(path: Path) -> tuple[list[tuple[int, str]], str]:
    """frame2 comes before frame10."""
    parts = re.split(r"(\d+)", path.name)
    keys = [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
    return keys, path.name


def _numbered(count: int) -> tuple[str, ...]:
    digits = max(4, len(str(count)))
    return tuple(f"frame_{i:0{digits}d}.png" for i in range(1, count + 1))


def read_picture(path: Path) -> np.ndarray:
    """[H, W, 3] uint8 BGR of a picture file.

    Raises:
        AvatarError: `bad_file` or `unsupported_format`, naming it.
    """
    return cv2.cvtColor(decode(path.read_bytes(), str(path)).rgb, cv2.COLOR_RGB2BGR)


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
