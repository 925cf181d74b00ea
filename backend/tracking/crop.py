"""The square portrait crop: 1.65 x head box, 512x512, and its way back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shared.camera import Camera

from .detect import Face
from .similarity import half_pixel

PORTRAIT_PX = 512
_HEAD_FACTOR = 1.65
_WIDTH_FACTOR = 1.30  # ears and hair beside the landmarks' box
_ABOVE = 0.42  # forehead and hair above it, in box heights


@dataclass(frozen=True)
class Crop:
    """A square window on a picture.

    Args:
        x: Left edge, pixels of the picture; may lie outside it.
        y: Top edge.
        side: Side, pixels of the picture.
    """

    x: float
    y: float
    side: float

    def widened(self, factor: float) -> Crop:
        """The window with the same middle and a side of `factor` times this one's."""
        more = (factor - 1) * self.side
        return Crop(self.x - more / 2, self.y - more / 2, self.side + more)

    def matrix(self) -> np.ndarray:
        """[2, 3] affine map from the picture's pixel coordinates to the crop's."""
        scale = PORTRAIT_PX / self.side
        return np.array([[scale, 0, -self.x * scale], [0, scale, -self.y * scale]])

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Cuts [H, W, ...] to [PORTRAIT_PX, PORTRAIT_PX, ...]; what lies outside is 0, and none of
        it gets into what lies inside."""
        outside = ~self.inside(image.shape[1], image.shape[0])
        matrix = half_pixel(self.matrix())
        shrinking = self.side > PORTRAIT_PX
        if shrinking:
            blur = 0.4 * self.side / PORTRAIT_PX
            x, y, image = self._window(image, margin_px=int(np.ceil(5 * blur)) + 2)
            matrix[:, 2] += matrix[:, :2] @ (x, y)
            image = cv2.GaussianBlur(image, (0, 0), blur)
        flags = cv2.INTER_LINEAR if shrinking else cv2.INTER_CUBIC
        size, border = (PORTRAIT_PX, PORTRAIT_PX), cv2.BORDER_REPLICATE
        shown = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=border)
        shown[outside] = 0
        return shown

    def _window(self, image: np.ndarray, margin_px: int) -> tuple[int, int, np.ndarray]:
        """The part of a large picture that matters, and its left and top edge."""
        height, width = image.shape[:2]
        x, y = (int(np.floor(edge)) - margin_px for edge in (self.x, self.y))
        length = int(np.ceil(self.side)) + 2 * margin_px + 1
        left, right = np.clip((x, x + length), 0, width).tolist()
        top, bottom = np.clip((y, y + length), 0, height).tolist()
        if left == right or top == bottom:  # the crop lies beside the picture
            return 0, 0, np.zeros_like(image[:1, :1])
        return left, top, image[top:bottom, left:right]

    def points(self, xy: np.ndarray) -> np.ndarray:
        """[..., 2] picture coordinates in the crop's."""
        return (xy - np.array([self.x, self.y])) * (PORTRAIT_PX / self.side)

    def camera(self, camera: Camera) -> Camera:
        """A camera of the picture as one of the crop."""
        intrinsics = np.vstack([self.matrix(), [0, 0, 1]]) @ camera.K
        return Camera(camera.viewmat, intrinsics, PORTRAIT_PX, PORTRAIT_PX)

    def inside(self, width: int, height: int) -> np.ndarray:
        """[PORTRAIT_PX, PORTRAIT_PX] bool: where the crop shows the picture at all."""
        centres = (np.arange(PORTRAIT_PX) + 0.5) * self.side / PORTRAIT_PX
        x, y = centres + self.x, centres + self.y
        return ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))


def head_box(face: Face) -> np.ndarray:
    """[4] x0, y0, x1, y1 around a face's whole head, pixels.

    Deviates: estimated from the landmarks' box, since no head detector may ship.
    """
    x0, y0, x1, y1 = face.box
    beside = (x1 - x0) * (_WIDTH_FACTOR - 1) / 2
    return np.array([x0 - beside, y0 - (y1 - y0) * _ABOVE, x1 + beside, y1])


def crop_around(face: Face) -> Crop:
    """The portrait crop of a face: 1.65 x sqrt(head width x head height) about the head.

    Source: baseline.md, Tracking.
    """
    x0, y0, x1, y1 = head_box(face).tolist()
    side = _HEAD_FACTOR * float(np.sqrt((x1 - x0) * (y1 - y0)))
    return Crop((x0 + x1 - side) / 2, (y0 + y1 - side) / 2, side)
