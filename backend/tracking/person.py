"""One person in any window of a picture: how much of each pixel they are, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .crop import PORTRAIT_PX, Crop
from .decode import Picture
from .detect import Face
from .foreground import foreground
from .matte import Matter
from .neighbours import others_share

_SURELY_BESIDE = 0.05
_LEAST_BESIDE_PX = 200
_MOST_LEFT = 0.25  # of the background, that a cut-out may leave
_LEAST_TOUCHED_PX = 200


@dataclass(frozen=True)
class Person:
    """Tells a person from what is around them.

    Args:
        matter: The segmenter.
        picture: Where they are.
        face: Theirs, in pixels of the picture.
        others: Other people's faces.
        alpha_scale: What brings the file's alpha to 1 where they are whole; None: the file's alpha
            cuts nobody out, and is not used.
    """

    matter: Matter
    picture: Picture
    face: Face
    others: list[Face]
    alpha_scale: float | None = None

    def inside(self, window: Crop) -> np.ndarray:
        """[512, 512] bool: where a window shows the picture."""
        inside = window.inside(*self.picture.size)
        if self.picture.empty is None or self.alpha_scale is not None:
            return inside
        return inside & (window.apply(self.picture.empty.astype(np.float32)) < 0.5)

    def matte(self, rgb: np.ndarray, window: Crop, afar: np.ndarray | None = None) -> np.ndarray:
        """[512, 512] float32 0..1 of a window of the picture; 0 outside the picture.

        Args:
            rgb: [512, 512, 3] uint8 of the window.
            window: On the picture.
            afar: What `afar` says of it.
        """
        inside = self.inside(window)
        if self.picture.alpha is not None and self.alpha_scale is not None:
            matte = window.apply(self.picture.alpha).astype(np.float32) * (self.alpha_scale / 255)
        else:
            part = _box(inside)
            others = self._others(rgb, window)
            matte = np.zeros(inside.shape, np.float32)
            matte[part] = self.matter.fine(
                np.ascontiguousarray(rgb[part]),
                None if others is None else others[part],
                None if afar is None else afar[part],
            )
        return np.where(inside, np.clip(matte, 0, 1), 0).astype(np.float32)

    def colours(self, rgb: np.ndarray, matte: np.ndarray, window: Crop) -> np.ndarray:
        """[512, 512, 3] float32 0..1 of a window: the person's without what is behind them."""
        colours = rgb.astype(np.float32) / 255
        if self.alpha_scale is None:
            part = _box(self.inside(window))
            share = matte[part]
            own = foreground(colours[part], share)
            colours[part] = np.where(share[..., None] > 0, own, colours[part])
        return colours

    def touched(self, rgb: np.ndarray, window: Crop) -> bool:
        """Whether the segmenter takes the person and somebody else for one."""
        others = self._others(rgb, window)
        if others is None or self.alpha_scale is not None:
            return False
        part = _box(self.inside(window))
        together = self.matter.matte(np.ascontiguousarray(rgb[part])) > 0.5
        theirs = int((together & others[part]).sum())
        return min(theirs, int(together.sum()) - theirs) > _LEAST_TOUCHED_PX

    def afar(self, rgb: np.ndarray, wider: Crop, window: Crop) -> np.ndarray:
        """[512, 512] 0..1 what the segmenter says of a window, seen in a wider one.

        Args:
            rgb: [512, 512, 3] uint8 of the wider one.
            wider: On the picture.
            window: On the picture.
        """
        part = _box(self.inside(wider))
        told = np.zeros(rgb.shape[:2], np.float32)
        told[part] = self.matter.coarse(np.ascontiguousarray(rgb[part]))
        x, y = wider.points(np.array([window.x, window.y])).tolist()
        side = window.side * PORTRAIT_PX / wider.side
        return Crop(x, y, side).apply(told)

    def _others(self, rgb: np.ndarray, window: Crop) -> np.ndarray | None:
        return others_share(rgb, window, self.face, self.others) if self.others else None


def cuts_out(alpha: np.ndarray, matte: np.ndarray, inside: np.ndarray) -> bool:
    """Whether a file's alpha [H, W] 0..1 shows a person without their background.

    Round pictures, rounded corners or a stray clear pixel leave it where it is.

    Args:
        alpha: Of the crop.
        matte: What the picture's colours alone say.
        inside: [H, W] bool: where there is a picture.
    """
    beside = inside & (matte < _SURELY_BESIDE)
    return bool(beside.sum() < _LEAST_BESIDE_PX or alpha[beside].mean() < _MOST_LEFT)


def _box(inside: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the rectangle that [H, W] bool `inside` is."""
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
