"""One clip to frames of a store: sampled, tracked, cropped, matted, checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np

from backend.data.frame import Frame
from backend.data.motion import camera_motion
from backend.data.store import StoreWriter
from backend.head import Head
from backend.tracking.crop import PORTRAIT_PX, Crop, crop_around, head_box
from backend.tracking.detect import Face
from backend.tracking.faces import MINIMUM_FACE_PX
from backend.tracking.matte import Matter
from backend.tracking.portrait import Tracker
from backend.tracking.video import Tracked, track_video
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import Track
from shared.progress import Progress

from .shots import find_shots
from .sources import Clip, Sampled

LEAST_FRAMES = 2
"""A pair needs a source and a target."""

_LANDMARKS = 468  # without the irises, which the eyes turn
_WORST_FIT_PX = 8.0  # as for portraits
_MOST_CUT_OFF = 0.06  # of the landmarks
_LEAST_MATTE = 0.05
_STEADY = 0.1  # of the crop's side: while the head moves less, the crop stays
_SMOOTHED_FROM_FPS = 20.0  # what follows more slowly is too far apart to be smoothed
_TRACKING_SHARE = 0.5  # of the time a clip takes


@dataclass
class ClipReport:
    """What became of a clip.

    Args:
        clip: Its name.
        source: The video or folder.
        frames: How many frames there are (every so manieth).
        kept: How many are in the store.
        dropped: Reason -> numbers of frames.
        error: Why the clip as a whole gave nothing; empty where it gave frames.
        notes: What is to be known of the file: HDR, damage.
        seconds: How long it took.
    """

    clip: str
    source: str
    frames: int = 0
    kept: int = 0
    dropped: dict[str, list[int]] = field(default_factory=dict)
    error: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Sight:
    """A tracked frame in its crop.

    Args:
        crop: Where it lies in the frame.
        camera: Head space to the crop, all head motion in it.
        track: The frame's parameters, without that motion.
        landmarks: [478, 2] the track's, pixels of the crop.
        box: [4] head box, 0..1 of the crop.
    """

    crop: Crop
    camera: Camera
    track: Track
    landmarks: np.ndarray
    box: np.ndarray


@dataclass
class _Work:
    """One clip under way."""

    sampled: Sampled
    writer: StoreWriter
    progress: Progress
    report: ClipReport
    shot: list[int] = field(default_factory=list)

    def drop(self, reason: str, number: int) -> None:
        self.report.dropped.setdefault(reason, []).append(number)

    def judge(self) -> None:
        """Says what a clip of too few frames lacks."""
        report = self.report
        if report.kept < LEAST_FRAMES:
            reasons = [f"{len(numbers)} {reason}" for reason, numbers in report.dropped.items()]
            report.error = (
                f"{report.kept} of {report.frames} frames can be used; at least {LEAST_FRAMES} "
                f"are needed ({', '.join(reasons) or 'none was left out'})."
            )


class Preparer:
    """Detection, matting and tracking, kept open for clip after clip. One per process."""

    def __init__(self, head: Head, every: int, image_size: int) -> None:
        self._head, self._every, self._size = head, every, image_size
        self._tracker = Tracker(head)
        self._matter = Matter()

    def close(self) -> None:
        """Frees the models."""
        self._tracker.close()
        self._matter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self, clip: Clip, writer: StoreWriter, progress: Progress) -> ClipReport:
        """Writes a clip's frames; what is wrong with it is reported, not raised.

        Args:
            clip: The video or folder.
            writer: Of the store.
            progress: Told the done part of 1 after every frame; may cancel.

        Raises:
            AvatarError: `cancelled`, `disk_full`.
        """
        started = time.monotonic()
        report = ClipReport(clip.name, str(clip.path))
        try:
            sampled = Sampled.open(clip.path, self._every)
            report.notes = list(sampled.notes)
            self._prepare(_Work(sampled, writer, progress, report))
        except AvatarError as error:
            if error.code in ("cancelled", "disk_full"):
                raise
            report.error = error.message
        report.seconds = round(time.monotonic() - started, 2)
        return report

    def _prepare(self, work: _Work) -> None:
        def readable() -> Iterator[tuple[int, np.ndarray]]:
            for number, bgr in work.sampled.frames():
                if bgr is None:
                    work.drop("unreadable", number)
                else:
                    yield number, bgr

        shots = find_shots(readable())
        work.report.frames = sum(map(len, [*shots, *work.report.dropped.values()]))
        work.shot = max(shots, key=len, default=[])
        for number in sorted({n for shot in shots for n in shot} - set(work.shot)):
            work.drop("another shot", number)
        if len(work.shot) >= LEAST_FRAMES:
            self._write(work, self._track(work))
        work.judge()

    def _track(self, work: _Work) -> Tracked:
        def tracking(_: str, done: float, __: float) -> None:
            work.progress("track", _TRACKING_SHARE * done / len(work.shot), 1)

        fps = work.sampled.fps / self._every
        frames = (bgr for _, bgr in work.sampled.chosen(frozenset(work.shot)))
        return track_video(self._tracker, frames, fps, tracking, fps >= _SMOOTHED_FROM_FPS)

    def _write(self, work: _Work, tracked: Tracked) -> None:
        crop: Crop | None = None
        missing = set(tracked.missing)
        for place, (number, bgr) in enumerate(work.sampled.chosen(frozenset(work.shot))):
            done = (place + 1) / len(work.shot)
            work.progress("write", _TRACKING_SHARE + (1 - _TRACKING_SHARE) * done, 1)
            if place in missing:
                work.drop("no face", number)
                continue
            sight = self._sight(tracked, place, crop)
            crop = sight.crop
            try:
                image, matte = self._picture(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), sight)
            except _Dropped as reason:
                work.drop(str(reason), number)
                continue
            work.writer.add(
                Frame(
                    clip=work.report.clip,
                    index=number,
                    image=image,
                    camera=sight.camera.resized(self._size, self._size),
                    track=sight.track,
                    box=sight.box,
                    alpha=matte,
                )
            )
            work.report.kept += 1

    def _sight(self, tracked: Tracked, place: int, before: Crop | None) -> Sight:
        moving = tracked.track.frame(place)
        still, camera = camera_motion(self._head, moving, tracked.cameras[place])
        vertices = self._head.vertices_of(still)[0]
        points = self._head.embed_landmarks(vertices).double().numpy()
        face = Face(np.pad(camera.project(points), ((0, 0), (0, 1))), {}, np.eye(4))
        crop = _steady(before, crop_around(face))
        box = crop.points(head_box(face).reshape(2, 2)).ravel() / PORTRAIT_PX
        return Sight(
            crop,
            crop.camera(camera),
            still,
            crop.points(face.landmarks[:, :2]),
            box.astype(np.float32),
        )

    def _picture(self, rgb: np.ndarray, sight: Sight) -> tuple[np.ndarray, np.ndarray]:
        """The crop on black [S, S, 3] and its matte [S, S], uint8, or `_Dropped`."""
        size = Face(sight.landmarks, {}, np.eye(4)).size_px * sight.crop.side / PORTRAIT_PX
        if size < MINIMUM_FACE_PX:
            raise _Dropped(f"face below {MINIMUM_FACE_PX} pixels")
        inside = sight.crop.inside(rgb.shape[1], rgb.shape[0])
        if _outside(sight.landmarks, inside) > _MOST_CUT_OFF:
            raise _Dropped("face cut off")
        image = sight.crop.apply(rgb)
        faces = self._tracker.detector.detect(image)
        gaps = [_gap(face.landmarks, sight.landmarks) for face in faces]
        if min(gaps, default=np.inf) > _WORST_FIT_PX:
            raise _Dropped("track misses the face" if gaps else "no face")
        matte = cv2.erode(self._matter.matte(image), np.ones((3, 3), np.uint8))
        matte = np.where(inside, np.clip(matte, 0, 1), 0)
        if matte.mean() < _LEAST_MATTE:
            raise _Dropped("person not told from the background")
        size = (self._size, self._size)
        on_black = cv2.resize(image * matte[..., None], size, interpolation=cv2.INTER_AREA)
        matte = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
        return (on_black + 0.5).astype(np.uint8), (matte * 255 + 0.5).astype(np.uint8)


class _Dropped(Exception):
    """Why a frame is left out."""


def _steady(before: Crop | None, now: Crop) -> Crop:
    """The crop before while the head stays about in its middle, as a cameraman would."""
    if before is None:
        return now
    middles = [np.array([crop.x, crop.y]) + crop.side / 2 for crop in (before, now)]
    moved = max(float(np.abs(middles[1] - middles[0]).max()), abs(now.side - before.side))
    return now if moved > _STEADY * before.side else before


def _outside(landmarks: np.ndarray, inside: np.ndarray) -> float:
    """The part of the landmarks [N, 2] that lie where the crop shows nothing."""
    at = np.floor(landmarks[:_LANDMARKS]).astype(int)
    within = ((at >= 0) & (at < PORTRAIT_PX)).all(1)
    columns, rows = np.clip(at, 0, PORTRAIT_PX - 1).T
    return float(1 - (within & inside[rows, columns]).mean())


def _gap(seen: np.ndarray, expected: np.ndarray) -> float:
    """Mean distance of landmarks, pixels."""
    return float(np.linalg.norm(seen[:_LANDMARKS, :2] - expected[:_LANDMARKS], axis=1).mean())
