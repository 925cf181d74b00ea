"""Frames of glasses: they stand before the face and stay where they are when it moves.

Found by their bridge: a dark bar that crosses the nose between the eyes, with skin above and below.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.tracking.landmarks import BROWS, FACE_OVAL, LEFT_EYE, RIGHT_EYE

from .polygons import dilate, disc

# Lengths and places in distances between the eyes' centres: `across` from the nose to the subject's
# left, `below` downwards from the line between the eyes.
_BAR = 0.2  # frames are thinner
_ABOVE, _BELOW, _NOSE_BELOW = -0.5, 0.6, 0.35
_BRIDGE_ACROSS, _BRIDGE_BELOW = 0.13, (-0.25, 0.3)
_RIM_ACROSS, _RIM_BELOW, _LEAST_RIM = 0.25, 0.15, 1.0  # the lower rims, and their pixels per length
_NOSE_ACROSS = 0.45
_LENS_GAP, _LARGEST_LENS, _RIM = 0.05, 0.8, 0.13  # closed; area in squares of lengths; thickness
_HINGE_ACROSS, _HINGE_BELOW = 0.75, (-0.35, 0.2)
_BREAK = 0.02  # in a frame
_AROUND = (0.10, 0.22)  # where skin is, above and below the bridge
_LIDS, _AT_BROWS, _THICK, _GAP, _LEAST_EXTENT = 0.07, 0.05, 0.05, 0.03, 0.3
_COLUMNS = 13

# How much darker than what is around them, as a share.
_FAINT, _CLEAR, _PLAIN = 0.13, 0.4, 0.75
_OWN_SHARE, _OWN_LIMITS = 0.28, (0.14, 0.3)  # of the bridge's: the frames' least
_BROWS_SHARE, _NOSE_SHARE = 0.4, 0.7  # of the bridge's: what less is thick there, is a brow or fold
_LEAST_CONTRAST, _SKIN_NOISE = 6.6, 0.02  # times the skin's own marks


def glasses(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """[H, W] bool: frames of glasses; empty without, or where they hardly show.

    Where a brow touches a frame, some of it counts as frame.

    Args:
        rgb: [H, W, 3] 0..1 the portrait.
        landmarks: [478, 2] pixels.
    """
    found = np.zeros(rgb.shape[:2], bool)
    oval = landmarks[list(FACE_OVAL), :2]
    first, last = oval.min(0), oval.max(0) + 1
    x, y = np.maximum(first, 0).astype(int)
    part = (slice(y, int(last[1])), slice(x, int(last[0])))
    found[part] = _within_face(rgb[part], landmarks[:, :2] - (x, y))
    return found


@dataclass(frozen=True)
class _Face:
    """A face in a picture, measured by its eyes.

    Args:
        dark: [H, W] 0..1: how much darker than what is around.
        across: [H, W] of every pixel.
        below: [H, W] of every pixel.
        eyes: The centres of the left and of the right one, pixels.
        apart: Pixels between them.
        landmarks: [478, 2] pixels.
    """

    dark: np.ndarray
    across: np.ndarray
    below: np.ndarray
    eyes: tuple[np.ndarray, np.ndarray]
    apart: float
    landmarks: np.ndarray

    @classmethod
    def of(cls, rgb: np.ndarray, landmarks: np.ndarray) -> _Face | None:
        """None where it is too small to tell."""
        left, right = landmarks[[362, 263]].mean(0), landmarks[[33, 133]].mean(0)
        apart = float(np.linalg.norm(left - right))
        if apart < 1 / _GAP or not rgb.size:
            return None
        across, below = _axes(rgb, left, right)
        return cls(_darker(rgb, apart), across, below, (left, right), apart, landmarks)

    @property
    def bridge(self) -> np.ndarray:
        """[H, W] bool: where one is, between the eyes."""
        return (np.abs(self.across) < _BRIDGE_ACROSS) & _within(self.below, _BRIDGE_BELOW)

    @property
    def column(self) -> np.ndarray:
        """[H, W] which of `_COLUMNS` parts of the bridge, from side to side."""
        return np.floor((self.across / _BRIDGE_ACROSS + 1) / 2 * _COLUMNS).astype(int)

    def filled(self, outline: tuple[int, ...]) -> np.ndarray:
        """[H, W] bool: what landmarks go around."""
        return self._polygon(self.landmarks[list(outline)])

    def hull(self, among: tuple[int, ...]) -> np.ndarray:
        """[H, W] bool: the convex hull of landmarks."""
        return self._polygon(cv2.convexHull(self.landmarks[list(among)].astype(np.float32))[:, 0])

    def _polygon(self, points: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.dark.shape, np.uint8)
        return cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1) > 0


def _within_face(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The same of the face alone."""
    none = np.zeros(rgb.shape[:2], bool)
    face = _Face.of(rgb, landmarks)
    if face is None:
        return none
    eyes = face.filled(LEFT_EYE) | face.filled(RIGHT_EYE)
    where = face.filled(FACE_OVAL) & ~dilate(eyes, round(_LIDS * face.apart))
    where &= _within(face.below, (_ABOVE, _BELOW))
    perhaps = _crossing(where & (face.dark > _FAINT), face)
    strength = _strength(perhaps, face)
    return none if strength is None else _large(_frames(perhaps, strength, face), face.apart)


def _strength(perhaps: np.ndarray, face: _Face) -> float | None:
    """How dark the bridge is of what may be glasses [H, W]; None where it is none."""
    bridge, column = face.bridge & perhaps, face.column
    if not bridge.any():
        return None
    bars = [np.where(bridge & (column == i), face.dark, 0) for i in range(_COLUMNS)]
    strength = float(np.median([bar.max() for bar in bars]))
    if strength >= _PLAIN:
        return strength
    rims = [
        (perhaps & (side * face.across > _RIM_ACROSS) & (face.below > _RIM_BELOW)).sum()
        for side in (-1, 1)
    ]
    contrast = strength / max(_beside(bars, face.dark, face.apart), _SKIN_NOISE)
    there = strength >= _CLEAR and contrast >= _LEAST_CONTRAST
    return strength if there and min(rims) >= _LEAST_RIM * face.apart else None


def _frames(perhaps: np.ndarray, strength: float, face: _Face) -> np.ndarray:
    """[H, W] bool: of what may be glasses what encloses the lenses; where these are open, what is
    neither a brow nor a fold beside the nose."""
    dark, apart = face.dark, face.apart
    frames = perhaps & (dark > np.clip(_OWN_SHARE * strength, *_OWN_LIMITS))
    brows = dilate(face.hull(BROWS[:10]) | face.hull(BROWS[10:]), round(_AT_BROWS * apart))
    brow = (
        brows
        & (_morphed(cv2.MORPH_OPEN, frames, _THICK * apart) > 0)
        & (dark < _BROWS_SHARE * strength)
    )
    beside_nose = (np.abs(face.across) < _NOSE_ACROSS) & (face.below > _NOSE_BELOW)
    fold = beside_nose & (dark < _NOSE_SHARE * strength)
    hinge = (np.abs(face.across) > _HINGE_ACROSS) & _within(face.below, _HINGE_BELOW)
    kept = frames.copy()
    for eye, side in zip(face.eyes, (face.across >= 0, face.across < 0), strict=True):
        lens = _lens(kept, eye, apart)
        if lens is None:
            rim = ~brow & ~fold
        else:
            rim = dilate(lens, round(_RIM * apart)) | face.bridge | hinge
        kept &= rim | ~side
    return kept


def _lens(frames: np.ndarray, eye: np.ndarray, apart: float) -> np.ndarray | None:
    """[H, W] bool: what frames enclose around an eye's centre [2]; None where they are open."""
    joined = _morphed(cv2.MORPH_CLOSE, frames, _LENS_GAP * apart)
    _, labels = cv2.connectedComponents(1 - joined, connectivity=4)
    x, y = np.floor(eye).astype(int)
    if not (0 <= y < len(labels) and 0 <= x < labels.shape[1]) or not labels[y, x]:
        return None
    lens = labels == labels[y, x]
    return lens if lens.sum() < _LARGEST_LENS * apart**2 else None


def _axes(
    picture: np.ndarray, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[H, W] `across` and `below` of every pixel."""
    apart = np.linalg.norm(left - right)
    x_axis = (left - right) / apart
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    x, y = ((axis + 0.5 - at) / apart for axis, at in zip((x, y), (left + right) / 2, strict=True))
    return x * x_axis[0] + y * x_axis[1], y * x_axis[0] - x * x_axis[1]


def _darker(rgb: np.ndarray, apart: float) -> np.ndarray:
    """[H, W] 0..1: how much darker than what is around within a bar's width."""
    grey = cv2.GaussianBlur(rgb.mean(2, dtype=np.float32), (0, 0), 0.7)
    around = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, disc(max(round(_BAR * apart / 2), 1)))
    return (around - grey) / np.maximum(around, 0.03)


def _crossing(mask: np.ndarray, face: _Face) -> np.ndarray:
    """[H, W] bool: the connected parts of a mask that cross the bridge from side to side."""
    joined = _morphed(cv2.MORPH_CLOSE, mask, _BREAK * face.apart)
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    labels = labels * mask
    bridge, column = face.bridge, face.column
    found = [n for n in np.unique(labels[bridge & mask]) if n]
    across = [n for n in found if len(np.unique(column[bridge & (labels == n)])) == _COLUMNS]
    return np.isin(labels, across)


def _beside(bars: list[np.ndarray], dark: np.ndarray, apart: float) -> float:
    """How dark the marks of the skin above and below the bridge are, whichever is darker."""
    near, far = (round(distance * apart) for distance in _AROUND)
    above, beneath = [], []
    for bar in bars:
        row, column = np.unravel_index(int(bar.argmax()), bar.shape)
        above.append(np.median(dark[max(row - far, 0) : max(row - near, 1), column]))
        beneath.append(np.median(dark[row + near : row + far, column]))
    return float(max(np.median(above), np.median(beneath)))


def _large(mask: np.ndarray, apart: float) -> np.ndarray:
    """[H, W] bool: without bits that have fallen off."""
    joined = _morphed(cv2.MORPH_CLOSE, mask, _GAP * apart)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    extent = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    large = extent > _LEAST_EXTENT * apart
    large[0] = False  # what is no part of the mask
    return mask & large[labels]


def _morphed(operation: int, mask: np.ndarray, radius: float) -> np.ndarray:
    """[H, W] uint8 a mask opened or closed by a disc of at least one pixel."""
    return cv2.morphologyEx(mask.astype(np.uint8), operation, disc(max(round(radius), 1)))


def _within(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values > limits[0]) & (values < limits[1])
