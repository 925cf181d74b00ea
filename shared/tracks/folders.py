"""Folders of trackers: a file a frame, or a folder a frame, in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .containers import EXTENSIONS, damaged, load

_EMOCA = ("shape", "exp", "pose")
_DATA_SET = "transforms.json"


def opened(path: Path) -> tuple[Path, Any]:
    """The file that a path stands for, and its content.

    Any of EMOCA's shape.npy, exp.npy and pose.npy stands for all three. A folder is LAM's with
    its transforms.json, EMOCA's with these three, or one of frames, of which it is the first.

    Raises:
        AvatarError: `bad_file` for a folder that is none of these.
    """
    if path.suffix == ".npy" and path.stem in _EMOCA and (codes := _codes(path.parent)) is not None:
        return path.parent, codes
    if not path.is_dir():
        return path, load(path)
    if (path / _DATA_SET).is_file():
        return path / _DATA_SET, load(path / _DATA_SET)
    if (codes := _codes(path)) is not None:
        return path, codes
    frames = _frames_in(path)
    if not frames:
        raise damaged(path, "is a folder without tracks: no file of a frame with a number")
    first = frames[min(frames)]
    return first, content_of(first)


def content_of(frame: Path) -> Any:
    """What one frame's file holds, or its folder."""
    if not frame.is_dir():
        return load(frame)
    codes = _codes(frame)
    return load(_only_file(frame) or frame) if codes is None else codes


def frames_beside(path: Path) -> dict[int, Path]:
    """The frames of a folder by number, from any one of them; empty where it has no number."""
    alike = path.is_dir() or path.suffix
    frames = _frames_in(path.parent)
    kin = {n: p for n, p in frames.items() if (p.is_dir() or p.suffix) == alike}
    return kin if path in kin.values() else {}


def _frames_in(folder: Path) -> dict[int, Path]:
    """Numbered files of tracks of the commonest kind; else sub-folders of a frame each."""
    files = [p for p in folder.iterdir() if p.is_file() and _numbers(p)]
    kinds = [p.suffix for p in files if p.suffix.lower() in EXTENSIONS]
    if not kinds:
        kinds = [p.suffix for p in files]
    if kinds:
        kind = max(sorted(set(kinds)), key=kinds.count)
        return _by_number([p for p in files if p.suffix == kind])
    inner = [p for p in folder.iterdir() if p.is_dir() and _numbers(p)]
    return _by_number([p for p in inner if _codes(p, read=False) is not None or _only_file(p)])


def _by_number(paths: Sequence[Path]) -> dict[int, Path]:
    """Paths by the last of their names' numbers that tells them apart (`00012_00`: 12)."""
    numbers = {path: _numbers(path) for path in paths}
    columns = min((len(n) for n in numbers.values()), default=0)
    for column in range(-1, -columns - 1, -1):
        chosen = {n[column]: path for path, n in numbers.items()}
        if len(chosen) == len(paths):
            return dict(sorted(chosen.items()))
    return {}


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.stem)]


def _codes(folder: Path, read: bool = True) -> dict[str, Any] | None:
    """What EMOCA writes to a folder, or None where it is none of its."""
    files = {name: folder / f"{name}.npy" for name in _EMOCA}
    if not all(file.is_file() for file in files.values()):
        return None
    return {name: load(file) if read else None for name, file in files.items()}


def _only_file(folder: Path) -> Path | None:
    """The one file of parameters in a folder, as DECA writes NAME/NAME.mat."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in (".mat", ".npy", ".npz", ".pkl")]
    return found[0] if len(found) == 1 else None
