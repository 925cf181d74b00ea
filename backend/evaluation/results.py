"""Results folders: pictures of any system, laid out by folder names.

    RESULTS/targets/<clip>/<frame>.png    true picture (self) or driver (cross)
    RESULTS/sources/<clip>.png            the portrait that was animated
    RESULTS/<system>/<clip>/<frame>.png   what a system made of it
    RESULTS/sheets/<clip>.png             pictures to look at, which are not scored

RESULTS may instead hold two such folders, `self` and `cross`. All pictures of one clip have one
size; transparent ones are laid on black.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.export.png import over_background, read_digest, read_png
from shared.errors import AvatarError

from .metrics.precomputed import DEEP3D, LANDMARKS
from .metrics.shot import Shot

TARGETS, SOURCES, SHEETS = "targets", "sources", "sheets"
TASKS = ("self", "cross")
_NOT_SYSTEMS = {TARGETS, SOURCES, SHEETS, DEEP3D, LANDMARKS}


@dataclass(frozen=True)
class Results:
    """The pictures of one task.

    Args:
        root: The folder that holds targets, sources and systems.
        task: `self` or `cross`.
        systems: Names of the systems' folders, sorted.
        clips: Clip -> names of its frames, sorted.
    """

    root: Path
    task: str
    systems: tuple[str, ...]
    clips: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        """Number of pictures to score."""
        return len(self.systems) * sum(len(frames) for frames in self.clips.values())

    def path(self, system: str, clip: str, frame: str) -> Path:
        """A system's picture, or with `targets` the true one."""
        return self.root / system / clip / f"{frame}.png"

    def source(self, clip: str) -> Shot:
        """The portrait of a clip."""
        return read_shot(self.root / SOURCES / f"{clip}.png", self.root)

    def shot(self, system: str, clip: str, frame: str) -> Shot:
        """A system's picture, or with `targets` the true one."""
        return read_shot(self.path(system, clip, frame), self.root)


def stamp_of(contents: Iterable[bytes], *settings: object) -> str:
    """What pictures were made of, as a hash: the files' contents, and how."""
    digest = hashlib.blake2b(digest_size=16)
    for content in contents:
        digest.update(content)
    digest.update(" ".join(str(setting) for setting in settings).encode())
    return digest.hexdigest()


def is_whole(root: Path, clip: str, stamp: str) -> bool:
    """Whether a clip's source, which is written last, carries this stamp."""
    return read_digest(root / SOURCES / f"{clip}.png") == stamp


def open_results(folder: Path, protocol: str | None) -> list[Results]:
    """The one or two tasks of a results folder, complete and ready to score.

    Args:
        folder: The results folder.
        protocol: `self` or `cross`: what a folder without such subfolders holds, or the only one
            to score; None: self, or both.

    Raises:
        AvatarError: `bad_file` naming what is missing or empty.
    """
    parts = [task for task in TASKS if (folder / task / TARGETS).is_dir()]
    if (folder / TARGETS).is_dir():
        return [_open(folder, protocol or "self")]
    wanted = [task for task in parts if protocol in (None, task)]
    if not wanted:
        raise AvatarError(
            "bad_file",
            f"{folder} has no folder {TARGETS!r} for the task {protocol or 'self or cross'}.",
            "Put the true or driving pictures into targets/<clip>/<frame>.png; docs/evaluation.md "
            "shows the layout.",
        )
    return [_open(folder / task, task) for task in wanted]


def read_shot(path: Path, root: Path) -> Shot:
    """One picture on black.

    Raises:
        AvatarError: `bad_file` for a missing or damaged file.
    """
    rgba = read_png(path)
    opaque = bool((rgba[..., 3] == 255).all())
    pixels = np.ascontiguousarray(rgba[..., :3]) if opaque else over_background(rgba, (0, 0, 0))
    return Shot(pixels, path, root)


def check_size(result: Shot, target: Shot) -> None:
    """A result must have its target's size.

    Raises:
        AvatarError: `bad_file` naming both sizes.
    """
    found, wanted = result.pixels.shape[1::-1], target.pixels.shape[1::-1]
    if found != wanted:
        raise AvatarError(
            "bad_file",
            f"{result.path} is {found[0]}x{found[1]} pixels; "
            f"its target is {wanted[0]}x{wanted[1]}.",
            "Crop and resize the system's pictures as the targets are.",
        )


def _open(root: Path, task: str) -> Results:
    clips = {
        folder.name: tuple(sorted(path.stem for path in folder.glob("*.png")))
        for folder in sorted((root / TARGETS).iterdir())
        if folder.is_dir()
    }
    if not clips:
        raise _lacks(root / TARGETS, "has no clip folders")
    for clip, frames in clips.items():
        if not frames:
            raise _lacks(root / TARGETS / clip, "has no PNG pictures")
        if not (root / SOURCES / f"{clip}.png").is_file():
            raise _lacks(root / SOURCES / f"{clip}.png", "is missing: the clip's source portrait")
    systems = sorted(
        path.name for path in root.iterdir() if path.is_dir() and path.name not in _NOT_SYSTEMS
    )
    if not systems:
        raise _lacks(root, "has no system's folder beside targets and sources")
    results = Results(root, task, tuple(systems), clips)
    for system in systems:
        _check_complete(results, system)
    return results


def _check_complete(results: Results, system: str) -> None:
    missing = [
        f"{clip}/{frame}.png"
        for clip, frames in results.clips.items()
        for frame in frames
        if not results.path(system, clip, frame).is_file()
    ]
    if missing:
        total = sum(len(frames) for frames in results.clips.values())
        shown = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        raise _lacks(results.root / system, f"lacks {len(missing)} of {total} pictures ({shown})")


def _lacks(path: Path, what: str) -> AvatarError:
    return AvatarError(
        "bad_file",
        f"{path} {what}.",
        "Complete the results folder; docs/evaluation.md shows the layout.",
    )
