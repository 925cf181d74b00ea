"""FLAME parameters and cameras of a video: one identity, a still camera, a moving head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import FRAME_SIZES, Track
from shared.progress import Progress

from .crop import Crop, crop_around
from .detect import Face
from .faces import placed, search
from .fit import FACING, Fit, about_root
from .followed import FaceFollower
from .notes import ANOTHER_PERSON, NO_FACE, SOMEBODY_ELSE
from .people import Shots
from .portrait import Tracker
from .reference import Reference, at_known_depth, fitted, start, tell_identity_from_the_front
from .same_person import SamePerson
from .smoothing import smoothed
from .torso import TorsoTracker, body_motion

_STEADY = 0.04  # of the crop's side


@dataclass(frozen=True)
class Tracked:
    """A tracked clip.

    Args:
        track: Parameters; head motion is in `global_orient` and `transl`.
        cameras: One per frame, in the pixels of the frames, upright and facing the torso.
        missing: Numbers of the frames in which no face was found, and which were interpolated.
        others: Numbers of the frames from which on another person is shown than before.
        hidden: Numbers of the missing frames that show somebody else.
        landmarks: [T, 478, 2] as detected, pixels of the frames; NaN where no face was found.
        body: [T, 3] metres that the shoulders have moved since the first frame, see `body_motion`.
    """

    track: Track
    cameras: list[Camera]
    missing: list[int]
    others: list[int]
    hidden: list[int]
    landmarks: np.ndarray
    body: np.ndarray

    @property
    def notes(self) -> list[str]:
        """What the user should know of the clip, one sentence each."""
        fps = self.track.fps
        told = [ANOTHER_PERSON.format(number=n, seconds=n / fps) for n in self.others]
        unseen = sorted(set(self.missing) - set(self.hidden))
        for note, frames in ((SOMEBODY_ELSE, self.hidden), (NO_FACE, unseen)):
            if frames:
                first, count = frames[0], len(frames)
                told.append(note.format(count=count, number=first, seconds=first / fps))
        return told

    def on_still_shoulders(self) -> Track:
        """The head's motion without the body's."""
        return replace(self.track, transl=self.track.transl - self.body)


def track_video(
    tracker: Tracker,
    frames: Iterable[np.ndarray],
    fps: float,
    progress: Progress,
    smooth: bool = True,
) -> Tracked:
    """Tracks pictures one after the other.

    Args:
        tracker: Detection and fitting.
        frames: [H, W, 3] uint8 BGR.
        fps: Frames per second.
        progress: Told after every frame (total 0: unknown); may cancel.
        smooth: Follow the skin and smooth over time, for a video; off for pictures that do not
            follow each other.

    Raises:
        AvatarError: `no_face_found` where no frame shows a face; `bad_file` for no frames.
    """
    reference: Reference | None = None
    near: Crop | None = None
    fits: list[Fit | None] = []
    detected: list[Face | None] = []
    faces: list[Face | None] = []
    references: list[Reference | None] = []
    sizes: list[tuple[int, int]] = []
    follower, shoulders, moves = FaceFollower(), TorsoTracker(), []
    shots, person, hidden = Shots(), SamePerson(fps), []
    for number, bgr in enumerate(frames):
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        if reference is not None and reference.size != bgr.shape[:2]:
            reference, near = None, None
            follower, shoulders, person = FaceFollower(), TorsoTracker(), SamePerson(fps)
        face, others_face = _face(tracker, rgb, near, person)
        if others_face:
            hidden.append(number)
        if smooth:
            person.see(rgb, face)
        if person.swapped:
            reference, near = None, None  # an identity and a camera of their own
            follower, shoulders = FaceFollower(), TorsoTracker()
        detected.append(face)
        moves.append(shoulders.follow(rgb, face))
        if face is None:
            near = None
            fits.append(None)
        else:
            near = _steady(near, crop_around(face))
            if smooth:
                shots.see(rgb, face, number)
                face = follower.follow(rgb, face)
            if reference is None:
                reference = start(tracker, face, near, bgr.shape[:2])
                follower.follow_also(reference.seen)
            fits.append(fitted(tracker, face, reference))
        faces.append(face)
        references.append(reference)
        sizes.append((bgr.shape[1], bgr.shape[0]))
        progress("track", number + 1, 0)
    if not fits:
        raise AvatarError("bad_file", "There are no frames to track.", "Choose another video.")
    tell_identity_from_the_front(tracker, fits, faces, references)
    fits = at_known_depth(tracker, fits, faces, references, progress)
    tracked = _joined(fits, detected, references, sizes, fps, smooth)
    track = about_root(tracked.track, tracker.fitter.root(tracked.track.betas))
    seen = _in_metres(moves, tracked.cameras)
    body = body_motion(track.transl.astype(np.float64), seen, fps)
    others = shots.people(tracker.fitter)
    return replace(tracked, track=track, body=body, others=others, hidden=hidden)


def _face(
    tracker: Tracker, rgb: np.ndarray, near: Crop | None, person: SamePerson
) -> tuple[Face | None, bool]:
    """The person's face near where it was, seen in its crop, else anywhere; and whether there are
    faces, but not theirs."""
    if near is not None:
        faces = [placed(face, near) for face in tracker.detector.detect(near.apply(rgb))]
        if (face := person.choose(rgb, faces)) is not None:
            return face, False
    everyone = search(tracker.detector, rgb)
    face = person.choose(rgb, everyone)
    if face is None:
        return None, bool(everyone)
    crop = crop_around(face)
    faces = [placed(again, crop) for again in tracker.detector.detect(crop.apply(rgb))]
    return min(faces, key=lambda f: _apart(f, face), default=None), False


def _apart(face: Face, other: Face) -> float:
    return float(np.linalg.norm(face.landmarks[:, :2].mean(0) - other.landmarks[:, :2].mean(0)))


def _steady(before: Crop | None, now: Crop) -> Crop:
    """The crop before while the face stays within it, so that a still head gives a still track."""
    if before is None:
        return now
    middles = [np.array([c.x, c.y]) + c.side / 2 for c in (before, now)]
    shift = float(np.abs(middles[1] - middles[0]).max())
    moved = max(shift, abs(now.side - before.side)) > _STEADY * before.side
    return now if moved else before


def _joined(
    fits: list[Fit | None],
    detected: list[Face | None],
    references: list[Reference | None],
    sizes: list[tuple[int, int]],
    fps: float,
    smooth: bool,
) -> Tracked:
    found = [i for i, fit in enumerate(fits) if fit is not None]
    if not found:
        raise AvatarError(
            "no_face_found",
            f"No face was found in any of the {len(fits)} frames.",
            "Use a video that shows one face from the front, well lit and not covered.",
        )
    used = [reference for reference in (references[i] for i in found) if reference is not None]
    counts = Counter(map(id, used))
    main = max(used, key=lambda reference: counts[id(reference)])  # the first of equals
    cameras = [
        main.camera.resized(*size) if reference is None else reference.camera
        for reference, size in zip(references, sizes, strict=True)
    ]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in FRAME_SIZES}
    for number in found:
        for name, value in _row(fits[number], cameras[number]).items():
            rows[name].append(value)
    values = {
        name: _resampled(name, np.array(row), np.array(found), len(fits))
        for name, row in rows.items()
    }
    if smooth:
        values = smoothed(values)
    head = fits[found[0]].track.head  # type: ignore[union-attr]
    track = Track(**values, betas=main.betas, fps=fps, head=head)
    missing = sorted(set(range(len(fits))) - set(found))
    landmarks = np.array([_landmarks(face) for face in detected])
    return Tracked(track, cameras, missing, [], [], landmarks, np.zeros((len(fits), 3)))


def _landmarks(face: Face | None) -> np.ndarray:
    """[478, 2] pixels of the frame, NaN for no face."""
    return np.full((478, 2), np.nan) if face is None else face.landmarks[:, :2]


def _in_metres(moves: list[np.ndarray | None], cameras: list[Camera]) -> np.ndarray:
    """[T, 2] ways in pixels of the frames as ways at the head's distance, x and y."""
    ways = np.full((len(moves), 2), np.nan)
    for number, (move, camera) in enumerate(zip(moves, cameras, strict=True)):
        if move is not None:
            scale = camera.viewmat[2, 3] / np.diag(camera.K)[:2]
            ways[number] = move * scale * np.diag(FACING)[:2]
    return ways


def _row(fit: Fit | None, camera: Camera) -> dict[str, np.ndarray]:
    """One frame's parameters, with what its fitted camera says moved into the head's pose."""
    assert fit is not None
    row = {name: getattr(fit.track, name)[0].astype(np.float64) for name in FRAME_SIZES}
    row["global_orient"], row["transl"] = fit.motion_before(camera.viewmat)
    return row


def _resampled(name: str, rows: np.ndarray, found: np.ndarray, count: int) -> np.ndarray:
    """Values at every frame, [count, n], interpolated where frames are missing."""
    at = np.clip(np.arange(count), found[0], found[-1])
    if len(found) == 1:
        return np.repeat(rows, count, axis=0)
    if name in ("global_orient", "leye_pose", "reye_pose"):
        return Slerp(found, Rotation.from_rotvec(rows))(at).as_rotvec()
    return np.stack([np.interp(at, found, column) for column in rows.T], axis=-1)
