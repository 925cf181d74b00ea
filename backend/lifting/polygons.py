"""Which pixels of the portrait show lips, teeth and eyes, by the detector's landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from backend.tracking.landmarks import INNER_LIPS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE

_OPEN_LIPS_PX = 3.0
_FROZEN_MARGIN_PX = 7
_LASHES = 0.2  # of an eye's width: how far they reach over the skin below a closed lid


@dataclass(frozen=True)
class Polygons:
    """Masks [H, W] bool of the portrait crop.

    Args:
        mouth: Between the lips; empty where they are closed.
        lips: Outer lips with what is between them.
        left_eye: Between the subject's left lids; empty where they are closed.
        right_eye: Between the subject's right lids, likewise.
        lashes: Around the eyes that are closed: what upper lids and their lashes hide there.
        frozen: Lips and lids with a margin: where personalisation leaves colour, place and
            size alone.
    """

    mouth: np.ndarray
    lips: np.ndarray
    left_eye: np.ndarray
    right_eye: np.ndarray
    lashes: np.ndarray
    frozen: np.ndarray

    @property
    def eyes(self) -> np.ndarray:
        """Both eyes."""
        return self.left_eye | self.right_eye


def polygons(landmarks: np.ndarray, closed_eyes: tuple[bool, bool], size_px: int) -> Polygons:
    """Polygon masks of a square picture.

    Args:
        landmarks: [478, 2] pixels.
        closed_eyes: The left and the right one.
        size_px: The picture's side.
    """

    def fill(indices: tuple[int, ...]) -> np.ndarray:
        mask = np.zeros((size_px, size_px), np.uint8)
        points = np.round((landmarks[list(indices), :2] - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(mask, [points], 1, shift=4)
        return mask.astype(bool)

    mouth = fill(INNER_LIPS)
    if abs(landmarks[13, 1] - landmarks[14, 1]) < _OPEN_LIPS_PX:
        mouth[:] = False
    lips, left, right = fill(OUTER_LIPS), fill(LEFT_EYE), fill(RIGHT_EYE)
    frozen = dilate(lips | left | right, _FROZEN_MARGIN_PX)
    lashes = np.zeros_like(mouth)
    for eye, closed in zip((left, right), closed_eyes, strict=True):
        if closed:
            lashes |= dilate(eye, round(_LASHES * np.ptp(np.nonzero(eye)[1])))
            eye[:] = False
    return Polygons(mouth, lips, left, right, lashes, frozen)


def dilate(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Grows a bool mask by a disc."""
    return _morph(cv2.dilate, mask, radius_px)


def erode(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Shrinks a bool mask by a disc."""
    return _morph(cv2.erode, mask, radius_px)


def opened(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """The mask without what is narrower than a disc."""
    return dilate(erode(mask, radius_px), radius_px)


def joined(mask: np.ndarray, to: np.ndarray) -> np.ndarray:
    """[H, W] bool: the islands of a mask that share a pixel with another mask."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return mask & np.isin(labels, np.unique(labels[mask & to]))


def inside_px(matte: np.ndarray) -> np.ndarray:
    """[H, W] pixels from a matte's [H, W] border inwards; the picture's edge is none."""
    padded = np.pad(matte > 0.5, 1, mode="edge")
    return np.asarray(distance_transform_edt(padded))[1:-1, 1:-1]


def disc(radius_px: int) -> np.ndarray:
    """[2 radius + 1, 2 radius + 1] uint8, OpenCV's structuring element."""
    side = 2 * radius_px + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _morph(operation, mask: np.ndarray, radius_px: int) -> np.ndarray:
    return operation(mask.astype(np.uint8), disc(radius_px)).astype(bool)
