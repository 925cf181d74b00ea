"""The faces of a whole picture: looked for from far and near, and counted.

Everywhere, face 1 is the first from the left, 2 the next; 0 or none given means the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from shared.errors import AvatarError

from .crop import PORTRAIT_PX, Crop, crop_around
from .detect import Detector, Face

MINIMUM_FACE_PX = 64
NEAREST_PX = 8192
"""Longer side of the largest picture that is searched in tiles; larger ones are shrunk to it."""

TILE_PX = 512
_STEP_PX = 384  # the overlap holds every face that the next coarser look would miss
_FOUND = 8.0  # one look finds faces of an eighth of its side
_BACKGROUND = 0.25  # of the largest face: smaller ones are not counted
_SAME = 0.5  # of a face's size: nearer middles are one face's
_AGAIN = 0.25

Tick = Callable[[], None]
"""Called between looks; may raise to cancel."""


def unwatched() -> None:
    """A `Tick` that does nothing."""


def least_px(rgb: np.ndarray) -> int:
    """The least size of a face that is sure to be found in [H, W, 3], pixels."""
    return max(MINIMUM_FACE_PX, round(max(rgb.shape[:2]) / NEAREST_PX * TILE_PX / _FOUND))


def search(detector: Detector, rgb: np.ndarray, tick: Tick = unwatched) -> list[Face]:
    """The faces of the first look, from far to near, that shows any; largest first.

    Args:
        detector: Looks.
        rgb: [H, W, 3] uint8.
        tick: Called between looks.
    """
    return next((found for _, found in _looks(detector, rgb, tick) if found), [])


def everyone(detector: Detector, rgb: np.ndarray, tick: Tick = unwatched) -> list[Face]:
    """All faces of a picture, but for those much smaller than the largest; largest first."""
    faces: list[Face] = []
    for least, found in _looks(detector, rgb, tick):
        faces = _distinct([*faces, *found])
        if faces and _BACKGROUND * faces[0].size_px >= least:
            break
    return [face for face in faces if face.size_px >= _BACKGROUND * faces[0].size_px]


def choose(
    detector: Detector, rgb: np.ndarray, number: int | None = None, tick: Tick = unwatched
) -> Face:
    """The face to use.

    Args:
        detector: Looks.
        rgb: [H, W, 3] uint8.
        number: From the left, from 1; 0 or None takes the largest.
        tick: Called between looks.

    Raises:
        AvatarError: `no_face_found`, `face_too_small`, or `bad_request` for the number.
    """
    check_size(rgb)
    faces = everyone(detector, rgb, tick)
    if not faces:
        raise no_face(rgb)
    number = number or 0
    if not 0 <= number <= len(faces):
        raise AvatarError(
            "bad_request",
            f"Face {number} was asked for, but the picture shows {len(faces)}.",
            f"Choose a face from 1 to {len(faces)}, counted from left to right, or 0 for the "
            "largest.",
        )
    face = faces[0] if number == 0 else sorted(faces, key=lambda f: f.box[0])[number - 1]
    if face.size_px < MINIMUM_FACE_PX:
        raise AvatarError(
            "face_too_small",
            f"The face is {face.size_px:.0f} pixels; at least {MINIMUM_FACE_PX} are needed.",
            "Use a larger photo or crop nearer to the face before shrinking it.",
        )
    return face


def placed(face: Face, window: Crop) -> Face:
    """A face seen in a window, in pixels of the picture."""
    landmarks = face.landmarks * (window.side / PORTRAIT_PX)
    landmarks[:, :2] += [window.x, window.y]
    return replace(face, landmarks=landmarks)


def check_size(rgb: np.ndarray) -> None:
    """Refuses pictures that are smaller than a face.

    Raises:
        AvatarError: `face_too_small`.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < MINIMUM_FACE_PX:
        raise AvatarError(
            "face_too_small",
            f"The picture is {width}x{height} pixels; a face of at least {MINIMUM_FACE_PX} "
            "is needed.",
            "Use a larger photo.",
        )


def no_face(rgb: np.ndarray) -> AvatarError:
    """The error for a picture [H, W, 3] in which no face was found."""
    height, width = rgb.shape[:2]
    least = least_px(rgb)
    near = "" if least == MINIMUM_FACE_PX else "Crop the picture to the person, or "
    use = "Use a photo that shows one face from the front, well lit and not covered."
    return AvatarError(
        "no_face_found",
        f"No face was found in the picture ({width}x{height} pixels), in which one of {least} "
        "pixels would be.",
        near + (use[0].lower() + use[1:] if near else use),
    )


def _looks(detector: Detector, rgb: np.ndarray, tick: Tick) -> Iterator[tuple[float, list[Face]]]:
    """Looks at the whole picture and at ever smaller tiles of it.

    Yields:
        The size in pixels of the smallest face that this look is sure to find, and its faces.
    """
    longest = max(rgb.shape[:2])
    tick()
    yield longest / _FOUND, detector.detect(rgb) or _from_farther(detector, rgb)
    nearest, side = shrunk_to(rgb, NEAREST_PX), TILE_PX
    least = 2 * TILE_PX  # small pictures are enlarged: what is too small has to be seen, to say so
    while side < max(least, min(longest, NEAREST_PX)):
        side *= 2
        near = resized_to(nearest, side) if longest < least else shrunk_to(nearest, side)
        scale = longest / max(near.shape[:2])
        found: list[Face] = []
        for corner, tile in _tiles(near):
            tick()
            faces = [_moved(face, corner, scale) for face in detector.detect(tile)]
            found += [face for face in (_again(detector, rgb, f) for f in faces) if face]
        yield TILE_PX / _FOUND * scale, _distinct(found)


def _from_farther(detector: Detector, rgb: np.ndarray) -> list[Face]:
    """A face that fills the picture is missed by a look at the whole of it."""
    small = shrunk_to(rgb, 2 * TILE_PX)
    border = np.array([small.shape[1] // 2, small.shape[0] // 2])
    x, y = border.tolist()
    bordered = cv2.copyMakeBorder(small, y, y, x, x, cv2.BORDER_CONSTANT)
    scale = max(rgb.shape[:2]) / max(small.shape[:2])
    return [_moved(face, -border, scale) for face in detector.detect(bordered)]


def _again(detector: Detector, rgb: np.ndarray, face: Face) -> Face | None:
    """A face of a tile seen in its own crop, also in the mirror, or None: it is none.

    Where many tiles are looked at, a few show faces in leaves and clouds; tiles' edges cut others.
    """
    crop = crop_around(face)
    seen = crop.apply(rgb)
    for view, mirrored in ((seen[:, ::-1], True), (seen, False)):
        found = detector.detect(np.ascontiguousarray(view))
        if not found:
            return None
        nearest = placed(found[0], crop)
        middle, size = nearest.landmarks[:, :2].mean(0), nearest.size_px
        if mirrored:
            middle[0] = 2 * crop.x + crop.side - middle[0]
        gap = np.linalg.norm(middle - face.landmarks[:, :2].mean(0))
        if gap > _AGAIN * size or not 0.6 < size / face.size_px < 1.7:
            return None
    return nearest


def shrunk_to(rgb: np.ndarray, side: int) -> np.ndarray:
    """[h, w, 3] uint8 whose longer side is at most `side` pixels."""
    return rgb if side >= max(rgb.shape[:2]) else resized_to(rgb, side)


def resized_to(rgb: np.ndarray, side: int) -> np.ndarray:
    """[h, w, 3] uint8 whose longer side is `side` pixels."""
    scale = side / max(rgb.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    height, width = (max(round(length * scale), 1) for length in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=how)


def _tiles(rgb: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tiles of [H, W, 3] that overlap, with their corners x, y; the last ones end with it."""
    height, width = rgb.shape[:2]
    for y in _starts(height):
        for x in _starts(width):
            yield np.array([x, y]), rgb[y : y + TILE_PX, x : x + TILE_PX]


def _starts(length: int) -> list[int]:
    last = max(length - TILE_PX, 0)
    return sorted({*range(0, last, _STEP_PX), last})


def _moved(face: Face, offset: np.ndarray, scale: float) -> Face:
    landmarks = face.landmarks.copy()
    landmarks[:, :2] += offset
    return replace(face, landmarks=landmarks * scale)


def _distinct(faces: list[Face]) -> list[Face]:
    """Every face once, as it was first seen; largest first."""
    kept: list[Face] = []
    for face in faces:
        middle = face.landmarks[:, :2].mean(0)
        gaps = [float(np.linalg.norm(middle - k.landmarks[:, :2].mean(0))) for k in kept]
        limits = [_SAME * max(k.size_px, face.size_px) for k in kept]
        if all(gap > limit for gap, limit in zip(gaps, limits, strict=True)):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.size_px)
