"""Frames to files, resumable: a finished file of the same content is kept.

Every file carries a digest of what it shows (avatar, parameters, camera, settings). A frame is
finished when its final file exists with the right digest, so that a changed keyframe re-renders
only its own frames and several machines can fill one folder without a shared record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.export import ply, png
from backend.export.mp4 import Mp4Writer
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import FRAME_SIZES, Track
from shared.progress import Progress
from shared.tracks import RIG_HEAD
from shared.version import VERSION


@dataclass(frozen=True)
class Shots:
    """What to make files of.

    Args:
        avatar: A `backend.avatar.file.Avatar`.
        avatar_hash: Tells avatars apart: its file's hash.
        track: Parameters, T frames.
        frames: T frame numbers, for the file names; -5 becomes NAME_-0005.
        out: Folder; made when missing.
        name: Files are NAME_0001.suffix, padded to the largest frame.
        ablate: Parts of the network switched off.
        numbered_to: Largest frame number of the whole sequence, when `frames` is a part of it.
    """

    avatar: Any
    avatar_hash: str
    track: Track
    frames: tuple[int, ...]
    out: Path
    name: str
    ablate: frozenset[str] = frozenset()
    numbered_to: int = 0

    def __post_init__(self) -> None:
        if len(self.frames) != len(self.track) or not self.frames:
            raise AvatarError(
                "bad_request",
                f"There are {len(self.frames)} frame numbers for {len(self.track)} frames.",
                "Give one number per frame, at least one.",
            )
        if len(set(self.frames)) != len(self.frames):
            raise AvatarError("bad_request", "Frame numbers repeat.", "Give every frame its own.")
        if not self.name or Path(self.name).name != self.name:
            raise AvatarError(
                "bad_request", f"{self.name!r} is not a file name.", "Leave out folders."
            )
        check_head(self.track, self.avatar.source)

    def path(self, index: int, suffix: str) -> Path:
        """The file of the track's frame `index`."""
        frame = self.frames[index]
        digits = max(4, *(len(str(abs(n))) for n in (*self.frames, self.numbered_to)))
        sign = "-" if frame < 0 else ""
        return self.out / f"{self.name}_{sign}{abs(frame):0{digits}d}{suffix}"

    def digest(self, index: int, **settings: Any) -> str:
        """What the file of a frame shows, as a hash."""
        content = hashlib.sha256()
        facts = {**settings, "ablate": sorted(self.ablate), "version": VERSION}
        content.update(json.dumps(facts, sort_keys=True).encode())
        content.update(self.avatar_hash.encode())
        for name in FRAME_SIZES:
            content.update(getattr(self.track, name)[index].tobytes())
        return content.hexdigest()


@dataclass(frozen=True)
class Rendered:
    """Files in frame order, and how many of them were found finished."""

    files: list[Path]
    resumed: int


def check_head(track: Track, source: Track) -> None:
    """Refuses codes of another head than the avatar's, ARKit weights excepted: all heads know them.

    Raises:
        AvatarError: `head_mismatch`.
    """
    if track.head not in (RIG_HEAD, source.head):
        raise AvatarError(
            "head_mismatch",
            f"The track's codes belong to the head {track.head!r}; the avatar's head is"
            f" {source.head!r}.",
            "Use a track made for this head, or convert it.",
        )


def export_ply(
    pipeline: Any, shots: Shots, axes: str, compact: bool, progress: Progress, sh: int = 0
) -> list[Path]:
    """One Gaussian PLY per frame; finished ones of the same content are kept.

    Args:
        pipeline: A `backend.avatar.pipeline.Pipeline`.
        shots: What to write.
        axes: As `write_ply`, with `compact` and `sh`.
        compact: Leaves masked Gaussians out.
        progress: Told before each frame.
        sh: Degree of spherical harmonics.
    """
    ply.check_settings(axes, sh)
    files = [shots.path(i, ".ply") for i in range(len(shots.frames))]
    digests = [
        shots.digest(i, kind="ply", axes=axes, compact=compact, sh=sh) for i in range(len(files))
    ]
    todo = [i for i, file in enumerate(files) if ply.read_digest(file) != digests[i]]
    for done, index in enumerate(todo):
        progress("exporting frames", done, len(todo))
        gaussians = pipeline.drive(shots.avatar, shots.track.frame(index), shots.ablate)
        comment = f"frame {shots.frames[index]}"
        ply.write_ply(files[index], gaussians, axes, compact, [comment], digests[index], sh)
    progress("exporting frames", len(todo), len(todo))
    return files


def render_png(
    pipeline: Any, shots: Shots, cameras: Sequence[Camera], resume: bool, progress: Progress
) -> Rendered:
    """One PNG with straight alpha per frame; finished ones of the same content are kept.

    Args:
        pipeline: A `backend.avatar.pipeline.Pipeline`.
        shots: What to render.
        cameras: One per frame, or one for all.
        resume: False renders every frame anew.
        progress: Told before each frame.
    """
    if len(cameras) not in (1, len(shots.frames)):
        raise AvatarError(
            "bad_request",
            f"There are {len(cameras)} cameras for {len(shots.frames)} frames.",
            "Give one camera, or one per frame.",
        )
    views = list(cameras) * (len(shots.frames) if len(cameras) == 1 else 1)
    files = [shots.path(i, ".png") for i in range(len(shots.frames))]
    digests = [shots.digest(i, kind="png", **_facts(view)) for i, view in enumerate(views)]
    todo = [i for i, file in enumerate(files) if not resume or png.read_digest(file) != digests[i]]
    for done, index in enumerate(todo):
        progress("rendering frames", done, len(todo))
        frame = shots.track.frame(index)
        picture = pipeline.picture(shots.avatar, frame, views[index], shots.ablate)
        png.write_png(files[index], picture.rgba8(), digests[index])
    progress("rendering frames", len(todo), len(todo))
    return Rendered(files, len(files) - len(todo))


def write_video(
    path: Path,
    pictures: Sequence[Path],
    fps: float,
    background: tuple[float, float, float],
    progress: Progress,
    sound: Path | None = None,
) -> Path:
    """An H.264 MP4 of PNG frames over a background colour; returns its path.

    Args:
        path: The file.
        pictures: The frames; where sizes differ, the video is as wide and high as any, and smaller
            frames stand in its middle.
        fps: Frames per second.
        background: sRGB 0..1.
        progress: Told before each frame.
        sound: A video whose sound it gets, where that has any.
    """
    sizes = {png.read_size(picture) for picture in pictures}
    width, height = (max(sides) for sides in zip(*sizes, strict=True))
    with Mp4Writer(path, fps, (width, height), sound) as writer:
        for done, picture in enumerate(pictures):
            progress("writing the video", done, len(pictures))
            shown = png.over_background(png.read_png(picture), background)
            writer.add(_in_the_middle(shown, width, height, background))
    progress("writing the video", len(pictures), len(pictures))
    return path


def _in_the_middle(
    rgb: np.ndarray, width: int, height: int, background: tuple[float, float, float]
) -> np.ndarray:
    if rgb.shape[:2] == (height, width):
        return rgb
    page = np.empty((height, width, 3), np.uint8)
    page[:] = np.rint(np.array(background) * 255)
    top, left = (height - rgb.shape[0]) // 2, (width - rgb.shape[1]) // 2
    page[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return page


def write_on(path: Path, rgba: np.ndarray, background: tuple[float, float, float]) -> None:
    """Writes an opaque PNG of a straight-alpha picture over a colour."""
    png.write_png(path, png.over_background(rgba, background))


def _facts(camera: Camera) -> dict[str, Any]:
    return {
        "viewmat": np.asarray(camera.viewmat).tolist(),
        "K": np.asarray(camera.K).tolist(),
        "size": [camera.width, camera.height],
    }
