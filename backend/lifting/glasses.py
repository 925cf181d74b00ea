"""Frames of glasses: they stand before the face and stay where they are when it moves.

Found by their bridge: a dark bar that crosses the nose between the eyes, with skin above and below.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.tracking.landmarks import BROWS, FACE_OVAL, LEFT_EYE, RIGHT_EYE

from .polygons import dilate

# Lengths and places in distances between the eyes' centres: `across` from the nose to the subject's
# left, `below` downwards from the line between the eyes.
_BAR = 0.2  # frames are thinner
_ABOVE, _BELOW, _NOSE_BELOW = -0.5, 0.6, 0.35
_BRIDGE_ACROSS, _BRIDGE_BELOW = 0.13, (-0.25, 0.3)
_RIM_ACROSS, _RIM_BELOW, _LEAST_RIM = 0.25, 0.15, 1.0  # the lower rims, and their pixels per length
_NOSE_ACROSS = 0.45
_LENS_GAP, _LARGEST_LENS, _RIM = 0.05, 0.8, 0.13  # closed; area in squares of lengths; thickness
_HINGE_ACROSS, _HINGE_BELOW = 0.75, (-0.35, 0.2)
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


def _within_face(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The same of the face alone."""
    shape = (rgb.shape[0], rgb.shape[1])
    none = np.zeros(shape, bool)
    left, right = landmarks[[362, 263]].mean(0), landmarks[[33, 133]].mean(0)
    apart = float(np.linalg.norm(left - right))
    if apart < 1 / _GAP or not none.size:
        return none
    across, below = _axes(shape, left, right)
    dark = _darker(rgb, apart)
    eyes = _filled(shape, landmarks, LEFT_EYE) | _filled(shape, landmarks, RIGHT_EYE)
    where = _filled(shape, landmarks, FACE_OVAL) & ~dilate(eyes, round(_LIDS * apart))
    where &= (below > _ABOVE) & (below < _BELOW)
    column = np.floor((across / _BRIDGE_ACROSS + 1) / 2 * _COLUMNS).astype(int)
    core = (np.abs(across) < _BRIDGE_ACROSS) & _within(below, _BRIDGE_BELOW)
    whole = _crossing(where & (dark > _FAINT), core, column, apart)
    if not whole.any():
        return none
    bars = [np.where(core & whole & (column == i), dark, 0) for i in range(_COLUMNS)]
    strength = float(np.median([bar.max() for bar in bars]))
    rims = [
        (whole & (side * across > _RIM_ACROSS) & (below > _RIM_BELOW)).sum() / apart
        for side in (-1, 1)
    ]
    if strength < _PLAIN:
        contrast = strength / max(_beside(bars, dark, apart), _SKIN_NOISE)
        if strength < _CLEAR or min(rims) < _LEAST_RIM or contrast < _LEAST_CONTRAST:
            return none
    frames = whole & (dark > np.clip(_OWN_SHARE * strength, *_OWN_LIMITS))
    brows = _hull(shape, landmarks, BROWS[:10]) | _hull(shape, landmarks, BROWS[10:])
    thick = _opened(frames, _THICK * apart) & dilate(brows, round(_AT_BROWS * apart))
    nose = (np.abs(across) < _NOSE_ACROSS) & (below > _NOSE_BELOW)
    perhaps = ~(thick & (dark < _BROWS_SHARE * strength)) & ~(
        nose & (dark < _NOSE_SHARE * strength)
    )
    hinge = (np.abs(across) > _HINGE_ACROSS) & _within(below, _HINGE_BELOW)
    for side, eye in ((across >= 0, left), (across < 0, right)):
        lens = _lens(frames, eye, apart)
        rim = perhaps if lens is None else dilate(lens, round(_RIM * apart)) | core | hinge
        frames &= rim | ~side
    return _large(frames, apart)


def _lens(frames: np.ndarray, eye: np.ndarray, apart: float) -> np.ndarray | None:
    """[H, W] bool: what frames enclose around an eye's centre [2]; None where they are open."""
    joined = cv2.morphologyEx(frames.astype(np.uint8), cv2.MORPH_CLOSE, _disc(_LENS_GAP * apart))
    _, labels = cv2.connectedComponents(1 - joined, connectivity=4)
    x, y = np.floor(eye).astype(int)
    if not (0 <= y < len(labels) and 0 <= x < labels.shape[1]) or not labels[y, x]:
        return None
    lens = labels == labels[y, x]
    return lens if lens.sum() < _LARGEST_LENS * apart**2 else None


def _axes(
    shape: tuple[int, int], left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[H, W] `across` and `below` of every pixel."""
    apart = np.linalg.norm(left - right)
    x_axis = (left - right) / apart
    y, x = np.mgrid[: shape[0], : shape[1]]
    x, y = ((axis + 0.5 - at) / apart for axis, at in zip((x, y), (left + right) / 2, strict=True))
    return x * x_axis[0] + y * x_axis[1], y * x_axis[0] - x * x_axis[1]


def _darker(rgb: np.ndarray, apart: float) -> np.ndarray:
    """[H, W] 0..1: how much darker than what is around within a bar's width."""
    grey = cv2.GaussianBlur(rgb.mean(2, dtype=np.float32), (0, 0), 0.7)
    around = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, _disc(_BAR * apart / 2))
    return (around - grey) / np.maximum(around, 0.03)


def _crossing(mask: np.ndarray, core: np.ndarray, column: np.ndarray, apart: float) -> np.ndarray:
    """[H, W] bool: the connected parts of a mask that cross the bridge from side to side."""
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, _disc(0.02 * apart))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    labels = labels * mask
    found = [n for n in np.unique(labels[core & mask]) if n]
    across = [n for n in found if len(np.unique(column[core & (labels == n)])) == _COLUMNS]
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
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, _disc(_GAP * apart))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    extent = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    large = extent > _LEAST_EXTENT * apart
    large[0] = False  # what is no part of the mask
    return mask & large[labels]


def _opened(mask: np.ndarray, radius: float) -> np.ndarray:
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disc(radius)) > 0


def _within(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values > limits[0]) & (values < limits[1])


def _filled(shape: tuple[int, int], landmarks: np.ndarray, indices: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(landmarks[list(indices), :2]).astype(np.int32)], 1)
    return mask > 0


def _hull(shape: tuple[int, int], landmarks: np.ndarray, indices: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    points = np.round(landmarks[list(indices), :2]).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(points), 1)
    return mask > 0


def _disc(radius: float) -> np.ndarray:
    size = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
