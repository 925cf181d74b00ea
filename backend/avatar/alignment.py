"""An avatar's face brought onto the driving one's: as large, and in the same place.

Another person's eyes lie further apart, or their nose is longer: fitted heads of the same size in
space are not faces of the same size in a picture. What counts is measured where it is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from backend.tracking.crop import Crop
from backend.tracking.detect import Face
from backend.tracking.landmarks import INNER, PLAIN
from backend.tracking.similarity import similarity, unlikeness
from backend.tracking.video import Tracked
from shared.camera import Camera
from shared.progress import Progress

RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 98, 327)
"""Landmarks that expressions hardly move: corners of the eyes, bridge and wings of the nose."""

Drawn = Callable[[int, Camera], np.ndarray]
"""A frame's number and a camera to the avatar's picture, [H, W, 3] uint8 on black."""

Detect = Callable[[np.ndarray], Sequence[Face]]
"""A picture, [H, W, 3] uint8, to the faces in it."""

_LOOKS, _ROUNDS = 7, 2
_ANOTHER, _OTHER_PHOTO = 0.0165, 0.0125
"""How unlike faces of two people are: landmarks laid over each other differ by .012 to .033, root
mean square in distances of the eyes, those of one person by .005 to .015. And from which difference
in size on an avatar was made of another photo than the clip's first frame, with a somewhat other
identity: there it is .015 to .04, with the first frame's own .009 at most. Both rigid landmarks and
all of the skin have to say so: eyes that were shut have their corners elsewhere when they open, and
cheeks are read by what lies behind them."""
_TOLD = 0.01
"""The landmarker reads the same face that much differently from one picture to the next, in shares
of its size and of the distance of its eyes: what is less is left as it is."""
_CROP = 2.2  # sides of the picture that is looked at, in the landmarks' own


def aligned(
    cameras: Sequence[Camera],
    tracked: Tracked,
    drawn: Drawn,
    detect: Detect,
    progress: Progress,
) -> list[Camera]:
    """Cameras nearer or further, and aside, by one way for the whole clip; for another person, and
    for oneself in another photo.

    An avatar of the clip's first frame has the right size already: the landmarker errs by more.

    Args:
        cameras: One per frame, T, in the pixels of the driving frames.
        tracked: The driving clip.
        drawn: Draws the avatar.
        detect: What told the driving frames' landmarks.
        progress: Told of every round; may cancel.

    Source: issue "The face", 1: scale to .5 % and shift to 1 % of the eyes' distance.
    """
    frames = _calmest(tracked)
    found, another, other = list(cameras), False, False
    for number in range(_ROUNDS):
        progress("compare faces", number, _ROUNDS)
        looks = [_look(found[n], tracked.landmarks[n], n, drawn, detect) for n in frames]
        told = [look for look in looks if look is not None]
        if not told:
            break
        rigid, whole, across, down, unlike = np.median(told, axis=0)
        another |= bool(unlike > _ANOTHER)
        scale = rigid if another else min(rigid, whole, key=lambda size: abs(size - 1))
        off = max(abs(scale - 1), float(np.hypot(across, down)))
        other |= another or abs(scale - 1) > _OTHER_PHOTO
        if not other or off < _TOLD:
            break
        eyes_px = np.median([_eyes_px(tracked.landmarks[n]) for n in frames])
        shift_px = np.array([across, down]) * eyes_px
        found = [_moved(camera, scale, shift_px) for camera in found]
    progress("compare faces", _ROUNDS, _ROUNDS)
    return found


def _calmest(tracked: Tracked) -> list[int]:
    """Frames with a face that looks ahead and does little, spread over the clip."""
    seen = np.flatnonzero(np.isfinite(tracked.landmarks).all((1, 2)))
    turned = np.linalg.norm(tracked.track.global_orient[seen], axis=1)
    moved = np.abs(tracked.track.expression[seen]).sum(axis=1)
    order = seen[np.argsort(turned + moved / 10, kind="stable")]
    calm = np.sort(order[: max(_LOOKS, len(order) // 3)])
    return calm[np.linspace(0, len(calm) - 1, min(_LOOKS, len(calm))).astype(int)].tolist()


def _look(
    camera: Camera, landmarks: np.ndarray, number: int, drawn: Drawn, detect: Detect
) -> np.ndarray | None:
    """[5] how much larger the driving face is than the avatar's by its rigid landmarks and by all
    of its skin, how far to the right and below of it, and how unlike its shape, in distances of its
    eyes; None where no face is seen."""
    low, high = landmarks.min(0), landmarks.max(0)
    side = _CROP * float((high - low).max())
    x, y = ((low + high - side) / 2).tolist()
    crop = Crop(x, y, side)
    faces = detect(drawn(number, crop.camera(camera)))
    if not faces:
        return None
    ours, theirs = faces[0].landmarks[:, :2], crop.points(landmarks)
    eyes_px, rigid = _eyes_px(theirs), list(RIGID)
    shift = (theirs[rigid].mean(0) - ours[rigid].mean(0)) / eyes_px
    sizes = [
        float(np.linalg.norm(similarity(ours[which], theirs[which])[:, 0]))
        for which in (rigid, PLAIN)
    ]
    unlike = unlikeness(ours[INNER], theirs[INNER]) / eyes_px
    return np.array([*sizes, *shift, unlike])


def _eyes_px(landmarks: np.ndarray) -> float:
    return float(np.linalg.norm(landmarks[33] - landmarks[263]))


def _moved(camera: Camera, scale: float, shift_px: np.ndarray) -> Camera:
    """A camera that shows the head `scale` times as large and [2] pixels further aside."""
    viewmat = camera.viewmat.copy()
    x, y, z = viewmat[:3, 3]
    nearer = z / scale
    aside = np.array([x, y]) / z + shift_px / np.diag(camera.K)[:2]
    viewmat[:3, 3] = [*(aside * nearer), nearer]
    return replace(camera, viewmat=viewmat)
