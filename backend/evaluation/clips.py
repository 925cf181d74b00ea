"""Videos of people: the first frame makes the avatar, the others drive it and judge it.

Beside the avatar's pictures stand those of two baselines: the unmoving first frame, and the first
frame warped by landmarks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.avatar.create import CreateOptions
from backend.avatar.pipeline import Pipeline
from backend.data.prepare.sources import Clip, find_clips
from backend.export.png import over_background, write_png
from backend.lifting.gaps import cleared
from backend.tracking.crop import Crop, crop_around
from backend.tracking.decode import Picture
from backend.tracking.detect import Face
from backend.tracking.faces import choose, search
from backend.tracking.matte import Matter
from backend.tracking.person import Person
from backend.tracking.pictures import Pictures
from shared.errors import AvatarError
from shared.progress import Progress

from .results import SOURCES, TARGETS, is_whole, stamp_of
from .warp import warp

OURS, COPY, WARP = "splitavatar", "copy", "warp2d"
SYSTEMS = (OURS, COPY, WARP)
FRAMES = 24
"""How many frames of a clip are judged, spread evenly over it."""

_WINDOW = 1.3
"""Side of what is judged, in portrait crops: shoulders and hair beyond the crop count too."""

_BLACK = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class _Window:
    """The part of a clip's frames that is judged, on black."""

    crop: Crop
    matter: Matter
    face: Face

    def person(self, bgr: np.ndarray) -> np.ndarray:
        """[512, 512, 3] uint8 display sRGB: the person on black."""
        picture = Picture(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), alpha=None)
        window, person = self.crop.apply(picture.rgb), Person(self.matter, picture, self.face, [])
        matte = person.matte(window, self.crop)
        own, matte = cleared(person.colours(window, matte, self.crop), matte)
        return (255 * own * matte[..., None] + 0.5).astype(np.uint8)

    def within(self, picture: np.ndarray, bgr: np.ndarray) -> np.ndarray:
        """A picture of the window, black where the frame shows nothing: there is no truth."""
        return picture * self.crop.inside(bgr.shape[1], bgr.shape[0])[..., None]


def write_clips(
    pipeline: Pipeline,
    folder: Path,
    out: Path,
    options: CreateOptions,
    limit: int,
    progress: Progress,
) -> dict[str, Any]:
    """Makes a results folder of every clip; clips that are whole already stay.

    Args:
        pipeline: The network and the tracker.
        folder: Videos and folders of pictures, as `find_clips`.
        out: The results folder.
        options: How avatars are made.
        limit: Most judged frames of a clip.
        progress: Told the clip and its frames; may cancel.

    Returns:
        `clips`, the names of those that were made or are there; `refused`, a reason by name.

    Raises:
        AvatarError: As `find_clips`; `bad_request` for a limit below 1; `no_face_found` where not
            one clip could be used.
    """
    if limit < 1:
        raise AvatarError(
            "bad_request",
            f"At most {limit} frames of each clip were to be judged; expected 1 or more.",
            "Correct --limit.",
        )
    clips = find_clips(folder)
    refused: dict[str, str] = {}
    with Matter() as matter:
        for number, clip in enumerate(clips):
            contents = (path.read_bytes() for path in _files(clip.path))
            stamp = stamp_of(contents, pipeline.preset, pipeline.picture_hash, options, limit)
            if is_whole(out, clip.name, stamp):
                continue
            try:
                _write_clip(pipeline, matter, clip, out, stamp, options, limit, progress)
            except AvatarError as error:
                if error.code == "cancelled":
                    raise
                refused[clip.name] = error.message
            progress("clips", number + 1, len(clips))
    made = [clip.name for clip in clips if clip.name not in refused]
    if not made:
        reasons = "; ".join(f"{name}: {why}" for name, why in refused.items())
        raise AvatarError(
            "no_face_found",
            f"None of the {len(clips)} clips in {folder} can be used: {reasons}",
            "Use videos whose first frame shows one face from the front.",
        )
    return {"clips": made, "refused": refused}


def _write_clip(
    pipeline: Pipeline,
    matter: Matter,
    clip: Clip,
    out: Path,
    stamp: str,
    options: CreateOptions,
    limit: int,
    progress: Progress,
) -> None:
    pictures = Pictures.open(clip.path)
    _check_frames(clip, pictures)
    first = next(pictures.frames())
    face = choose(pipeline.tracker.detector, cv2.cvtColor(first, cv2.COLOR_BGR2RGB))
    window = _Window(crop_around(face).widened(_WINDOW), matter, face)
    avatar = pipeline.create(cv2.imencode(".png", first)[1].tobytes(), options, progress)
    tracked = pipeline.track_frames(pictures.frames(), pictures.fps, progress)
    track = pipeline.motion(avatar, tracked)
    cameras = pipeline.kept_framing(avatar, tracked, progress)
    source = window.person(first)
    landmarks = window.crop.points(face.landmarks[:, :2])
    wanted = _spread(len(pictures), limit)
    judged = 0
    # Read once more, so that a long video is never in memory as a whole.
    for number, bgr in enumerate(pictures.frames()):
        seen = _face(pipeline, bgr) if number in wanted else None
        if seen is None:
            continue
        target = window.person(bgr)
        moved = window.crop.points(seen.landmarks[:, :2])
        camera = window.crop.camera(cameras[number])
        ours = pipeline.picture(avatar, track.frame(number), camera).rgba8()
        made = {
            OURS: window.within(over_background(ours, _BLACK), bgr),
            COPY: source,
            WARP: warp(source, landmarks, moved),
        }
        file = Path(clip.name) / f"{number:06d}.png"
        for system, picture in made.items():
            write_png(out / system / file, picture, stamp)
        write_png(out / TARGETS / file, target, stamp)  # last: with it the frame is whole
        judged += 1
        progress(f"judge {clip.name}", judged, len(wanted))
    if not judged:
        raise AvatarError(
            "no_face_found",
            f"No face was found in any of the {len(wanted)} frames to judge.",
            "Use a video that shows one face from the front.",
        )
    write_png(out / SOURCES / f"{clip.name}.png", source, stamp)  # and with this the clip


def _check_frames(clip: Clip, pictures: Pictures) -> None:
    """A clip has a second frame, and one size: what is judged is cut out of one place.

    Raises:
        AvatarError: `bad_file`.
    """
    if len(pictures) < 2:
        raise AvatarError(
            "bad_file",
            f"{clip.path} has one frame; expected a first one and others to judge it by.",
            "Use a video, or a folder of pictures of one person.",
        )
    if not clip.path.is_dir():  # a video's frames have one size
        return
    sizes = {bgr.shape[1::-1] for bgr in pictures.frames()}
    if len(sizes) > 1:
        found = " and ".join(f"{width}x{height}" for width, height in sorted(sizes)[:2])
        raise AvatarError(
            "bad_file",
            f"The pictures of {clip.path} are {found} pixels; expected one size.",
            "Crop them alike.",
        )


def _face(pipeline: Pipeline, bgr: np.ndarray) -> Face | None:
    """The largest face, None where there is none."""
    faces = search(pipeline.tracker.detector, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    return faces[0] if faces else None


def _spread(count: int, limit: int) -> list[int]:
    """Numbers of frames after the first, at most `limit` of them, evenly spread."""
    return sorted(
        set(np.linspace(1, count - 1, min(limit, count - 1)).round().astype(int).tolist())
    )


def _files(path: Path) -> Iterable[Path]:
    return sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else (path,)
