"""Gaussians around the identity planes: shoulders and hair that the portrait crop cuts."""

from __future__ import annotations

import cv2
import numpy as np

from backend.splat.gaussians import Gaussians
from backend.tracking.surround import WIDER

from .discs import facing_discs
from .fill import extend_colours
from .planes import staggered_m
from .sampling import sample
from .view import View

_CELLS = 256
"""Along each side of the surround: half as dense as the planes, where the head is."""

_CELL_SIGMA = 0.7
_LEAST_MATTE = 0.1
_SPILL_PX = 10.0
_SMOOTHING_PX = 12.0


def surround(view: View, front_m: np.ndarray) -> Gaussians:
    """A sheet that continues the front plane's hull; it is not personalised.

    Args:
        view: The portrait and the fitted head.
        front_m: [H, W] of the portrait crop, see `PlaneTargets`.
    """
    given = view.portrait.surround
    if given is None:
        none = np.zeros(0)
        return facing_discs(view.camera, np.zeros((0, 2)), none, 0.0, np.zeros((0, 3)), none)
    camera = view.camera
    side = camera.width * WIDER
    steps = (np.arange(_CELLS) + 0.5) * side / _CELLS - (side - camera.width) / 2
    x, y = (grid.ravel() for grid in np.meshgrid(steps, steps))
    cells = np.stack([x, y], axis=-1)  # pixels of the crop, outside it
    in_surround = (cells + (side - camera.width) / 2) * (given.matte.shape[1] / side)
    opacity = sample(given.matte[..., None], in_surround)[:, 0]
    # Beside the crop's border its own, finer matte decides: splats spill over the border.
    at_border = np.clip(cells, 0.5, camera.width - 0.5)
    beside = np.abs(cells - at_border).max(1) < _SPILL_PX
    own = sample(view.matte[..., None], at_border)[:, 0]
    opacity = np.where(beside & (own <= 0.5), 0.0, opacity)
    beyond = ((cells < 0) | (cells >= camera.width)).any(1) & (opacity > _LEAST_MATTE)
    cells, opacity = cells[beyond], opacity[beyond]
    colours = sample(extend_colours(given.rgb, given.matte), in_surround[beyond])
    depth = float(camera.viewmat[2, 3]) - _continued(front_m, at_border[beyond])
    depth -= staggered_m(len(depth))
    sigma_px = _CELL_SIGMA * side / _CELLS
    return facing_discs(camera, cells, depth, sigma_px, colours, opacity)


def _continued(front_m: np.ndarray, at_border: np.ndarray) -> np.ndarray:
    """[N] metres: the sheet at the crop's border, smoothed along it."""
    smooth = cv2.GaussianBlur(front_m, (0, 0), _SMOOTHING_PX, borderType=cv2.BORDER_REPLICATE)
    return sample(smooth[..., None], at_border)[:, 0]
