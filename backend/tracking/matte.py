"""Person mattes: MediaPipe's selfie segmentation, made finer by the picture's own colours."""

from __future__ import annotations

import cv2
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from scipy.ndimage import distance_transform_edt

from backend.assets import SELFIE_SEGMENTATION

from .closed_form import closed_form
from .lit import lit
from .task import OpenTask

_RADIUS_PX = 6
_EPSILON = 1e-4
_SHARPER = 0.6
_SURELY, _HARDLY = 0.7, 0.2  # what the segmenter says of person and background
_INWARDS_PX, _OUTWARDS_PX = 14, 10  # from there on it is right: hair is mixed as deep as that
_FARTHEST_PX = 28  # from the outline, where it is not sure at all: that would take long
_BESIDE_PX, _TUFTS_PX, _MIXED_PX = 40, 45, 7  # background between tufts lies as deep as that
_ALIKE, _LEAST_APART = 0.4, 0.2  # of the way from the background's colour to the person's
_NOISE = 0.03  # of a matte: background that is not quite clear, a person not quite whole


class Matter(OpenTask[vision.ImageSegmenter]):
    """The segmenter, kept open. Not thread-safe: one per thread."""

    def __init__(self) -> None:
        options = vision.ImageSegmenterOptions(
            base_options=BaseOptions(model_asset_path=str(SELFIE_SEGMENTATION)),
            output_confidence_masks=True,
        )
        super().__init__(lambda: vision.ImageSegmenter.create_from_options(options))

    def matte(self, rgb: np.ndarray) -> np.ndarray:
        """[H, W] float32 0..1: how much of each pixel of [H, W, 3] uint8 is the person."""
        rgb = lit(rgb)
        person = _largest(np.clip((self._segmented(rgb) - 0.3) / 0.4, 0, 1))
        fine = guided_filter(rgb.astype(np.float32) / 255, person, _RADIUS_PX, _EPSILON)
        fine = np.clip((fine - 0.5) / _SHARPER + 0.5, 0, 1)
        near = cv2.dilate((fine > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8))
        return fine * near

    def coarse(self, rgb: np.ndarray) -> np.ndarray:
        """[H, W] float32 0..1: how sure the segmenter is of a person, and of their mirror image."""
        mirrored = self._segmented(np.ascontiguousarray(rgb[:, ::-1]))[:, ::-1]
        return (self._segmented(rgb) + mirrored) / 2

    def fine(
        self,
        rgb: np.ndarray,
        others: np.ndarray | None = None,
        afar: np.ndarray | None = None,
    ) -> np.ndarray:
        """The same to single hairs, ten times as slow: for photographs, not for videos.

        Args:
            rgb: [H, W, 3] uint8.
            others: [H, W] bool: where another person's share begins; None: nobody else is there.
            afar: [H, W] 0..1 what `coarse` says of it in a wider view: a corner of wall is told
                from a shoulder by what is around it.
        """
        rgb = lit(rgb)
        coarse = self.coarse(rgb)
        if afar is not None:
            coarse = (coarse + afar) / 2
        if others is not None:
            coarse = np.where(others, 0, coarse)
        coarse = _largest(coarse)
        known = _depth(coarse > _SURELY) > _INWARDS_PX
        known |= _depth(coarse < _HARDLY) > _OUTWARDS_PX
        known |= np.maximum(_depth(coarse > 0.5), _depth(coarse <= 0.5)) > _FARTHEST_PX
        known &= ~_seen_through(rgb.astype(np.float32) / 255, coarse, known)
        if others is not None:
            known |= others
        share = np.where(known, coarse > 0.5, coarse)
        solved = closed_form(rgb.astype(np.float32) / 255, share, known)
        return np.clip((solved - _NOISE) / (1 - 2 * _NOISE), 0, 1)

    def _segmented(self, rgb: np.ndarray) -> np.ndarray:
        """[H, W] float32 0..1: how sure the segmenter is of a person."""
        masks = self.run(lambda task, image: task.segment(image).confidence_masks, rgb)
        # A copy: what MediaPipe shows is gone with its masks.
        return np.array(masks[-1].numpy_view(), np.float32).reshape(rgb.shape[:2])


def _seen_through(rgb: np.ndarray, coarse: np.ndarray, known: np.ndarray) -> np.ndarray:
    """[H, W] bool: what the segmenter takes for the person, near the outline of the picture's upper
    half, where hair is, and what has the colour of the background beside it, not of the person."""
    person = coarse > _SURELY
    depth = _depth(coarse > 0.5)
    behind = local_mean(rgb, known & (coarse < 0.5), _BESIDE_PX)
    own = local_mean(rgb, person & (depth > _INWARDS_PX), _BESIDE_PX)
    if behind is None or own is None:
        return np.zeros_like(person)
    like_behind = np.abs(rgb - behind).max(-1) < _ALIKE * np.abs(own - behind).max(-1)
    apart = np.abs(own - behind).max(-1) > _LEAST_APART
    upper = np.arange(len(rgb))[:, None] < len(rgb) / 2
    found = person & like_behind & apart & upper & (depth < _TUFTS_PX)
    return cv2.dilate(found.astype(np.uint8), np.ones((_MIXED_PX, _MIXED_PX), np.uint8)) > 0


def local_mean(rgb: np.ndarray, where: np.ndarray, radius_px: int) -> np.ndarray | None:
    """[H, W, 3] the mean of [H, W, 3] around, of some pixels [H, W] bool; None where none are."""
    if not where.any():
        return None
    size = (2 * radius_px + 1,) * 2
    weight = cv2.blur(where.astype(np.float32), size)[..., None]
    total = cv2.blur(np.where(where[..., None], rgb, 0).astype(np.float32), size)
    near = weight[..., 0] > 1e-4
    mean = total / np.maximum(weight, 1e-4)
    return np.where(near[..., None], mean, rgb[where].mean(0))


def _depth(mask: np.ndarray) -> np.ndarray:
    """[H, W] pixels from the border of [H, W] bool `mask` inwards; the picture's edge is none."""
    return np.asarray(distance_transform_edt(np.pad(mask, 1, mode="edge")))[1:-1, 1:-1]


def _largest(matte: np.ndarray) -> np.ndarray:
    """Keeps the largest connected part, and closes holes in it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((matte > 0.5).astype(np.uint8))
    if count < 2:
        return matte
    body = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    near = cv2.dilate(body, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(body.copy(), contours, -1, 1, cv2.FILLED)
    holes = cv2.erode(filled, np.ones((3, 3), np.uint8)) > 0
    return np.where(holes, 1.0, matte * near).astype(np.float32)


def guided_filter(
    guide: np.ndarray, value: np.ndarray, radius_px: int, epsilon: float
) -> np.ndarray:
    """[H, W] `value` smoothed along the edges of [H, W, 3] `guide` (He et al. 2010), 0..1."""
    size = (2 * radius_px + 1,) * 2

    def mean(array: np.ndarray) -> np.ndarray:
        return cv2.blur(array, size, borderType=cv2.BORDER_REFLECT)

    center = mean(guide)
    covariance = np.stack(
        [mean(guide * guide[..., i : i + 1]) - center * center[..., i : i + 1] for i in range(3)],
        axis=-2,
    )  # [H, W, 3, 3]
    covariance += epsilon * np.eye(3, dtype=np.float32)
    cross = mean(guide * value[..., None]) - center * mean(value)[..., None]
    slope = np.linalg.solve(covariance, cross[..., None])[..., 0]
    offset = mean(value) - (slope * center).sum(-1)
    return np.clip((mean(slope) * guide).sum(-1) + mean(offset), 0, 1).astype(np.float32)
