"""The torso: its clothes stay when the head moves, and go on behind it."""

from __future__ import annotations

import cv2
import numpy as np

from backend.splat.gaussians import Gaussians
from backend.tracking.landmarks import EYE_CORNERS

from .discs import CELL_SIGMA, facing_discs
from .fill import nearest_fill
from .parts import hued_as_skin, like_skin
from .planes import PlaneTargets, staggered_m
from .polygons import dilate, erode, joined, opened
from .sampling import look_up
from .view import View

_CHIN = 152
_EDGE_PX = 2  # of soft cloth
_SLIVER_PX, _BESIDE_PX = 4, 24  # half as wide may be the outline of a jaw, or of hair
_INSIDE_PX = 32  # of a collar that a neck turns away from; farther in, throats only stretch
_NECK_ENDS_PX = 32  # above the picture's edge, at most, where it is narrower than a head's neck
_SEAM_PX = 3  # cloth beside a head has its shade, and its colours
_NECK_PX = 15  # across: beside a neck they lie as deep as behind it
_BEHIND_M = 0.005
_OPACITY = 0.99


def torso_clothes(view: View) -> np.ndarray:
    """[H, W] bool: clothes that stay when the head moves, however high shoulders reach beside a
    head that is lowered or tilted. Hats, hoods and headscarves reach above the eyes, and go along.

    Args:
        view: The portrait and the fitted head.
    """
    chin = view.portrait.landmarks[_CHIN, 1]
    eyes = view.portrait.landmarks[EYE_CORNERS, 1].mean()
    height = np.arange(len(view.matte))[:, None]
    clothes = joined(view.parts.clothes, np.broadcast_to(height > chin, view.matte.shape))
    clothes &= ~joined(clothes, np.broadcast_to(height < eyes, view.matte.shape))
    hair = opened(view.parts.hair, _SLIVER_PX)
    wide = erode(clothes, _SLIVER_PX)
    # What is narrow beside cloth would hang from the head as a speck, the outline of a neck stand
    # up from the collar when the neck turns away.
    beside = joined((clothes | view.parts.hair) & ~hair, wide) & dilate(wide, _BESIDE_PX)
    beside &= ~like_skin(view.rgb, view.skin, wide)
    whole = dilate(wide, _SLIVER_PX)
    soft = dilate(wide, _SLIVER_PX + _EDGE_PX) | dilate(beside, _EDGE_PX)
    # On a collar that a neck turns away from, skin would be a red seam.
    return (whole | (soft & ~hued_as_skin(view.rgb, view.skin, clothes))) & ~hair


def behind_head(
    view: View,
    targets: PlaneTargets,
    clothes: np.ndarray,
    bare: np.ndarray,
    cells: np.ndarray,
    step_px: float,
) -> Gaussians:
    """Clothes that a head hides, as one sees when it rises or turns away: those beside it go on.

    Behind a jaw there may be a neck, which wears nothing: they go on behind that, and so does the
    inside of a collar.

    Args:
        view: The portrait and the fitted head.
        targets: What the planes should show.
        clothes: [H, W] bool, see `torso_clothes`.
        bare: [V] bool: the neck's vertices that no clothes cover.
        cells: [P, 2] pixels of the planes' cells.
        step_px: How far apart they are.
    """
    person, height = view.matte > 0.5, np.arange(len(clothes))[:, None]
    throat = view.shows("neck") & ~view.parts.worn
    lower, between = _shoulders(opened(clothes, _SLIVER_PX), person)
    covered, beside = person & ~clothes, dilate(clothes, 1)
    hidden = joined(covered & (height > lower) & ~throat, beside)
    aside = dilate(_beside_mesh(view), _INSIDE_PX)
    hidden |= joined(covered & (height > between) & aside, beside)
    known = erode(clothes, _SEAM_PX)
    kept = look_up(dilate(hidden, 1), cells, False) & known.any()
    cells, away = cells[kept], float(view.camera.viewmat[2, 3])
    planes = np.dstack([targets.rgb, away - targets.front_m])
    there = nearest_fill(planes, known)[tuple(np.floor(cells).astype(int).T[::-1])]
    hides = np.minimum(away - targets.front_m, view.visible.depth)
    neck = np.where(throat, view.back_of(view.regions["neck"]).depth, view.back_of(bare).depth)
    neck = cv2.dilate(np.where(np.isfinite(neck), neck, 0), np.ones((_NECK_PX, _NECK_PX)))
    hides = np.maximum(hides, neck)
    depth = np.maximum(there[:, -1], look_up(hides, cells, np.inf) + _BEHIND_M)
    depth += staggered_m(len(depth))
    opacity = np.full(len(cells), _OPACITY)
    sigma_px = CELL_SIGMA * step_px
    return facing_discs(view.camera, cells, depth, sigma_px, there[:, :-1], opacity)


def _beside_mesh(view: View) -> np.ndarray:
    """[H, W] bool: where the fitted head is not, but for what is only below the end of its neck:
    the inside of a collar, seen there, would be bits of cloth on a throat."""
    bare = view.visible.face < 0
    rows = np.indices(bare.shape)[0]
    at_edge = joined(bare, rows == len(bare) - 1)
    return bare & ~(at_edge & ~joined(bare, rows < len(bare) - _NECK_ENDS_PX))


def _shoulders(clothes: np.ndarray, person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[W] the row below which the torso is, column by column: where its clothes [H, W] end before
    the background; where the person [H, W] hides that, the lower of both places beside it, and
    [W] the same with the line between both: so high are collars behind."""
    rows, columns = clothes.argmax(0), np.arange(clothes.shape[1])
    above = person[np.maximum(rows - 1 - _EDGE_PX, 0), columns]
    free = clothes.any(0) & (rows > _EDGE_PX) & ~above
    if not free.any():
        nowhere = np.full(len(columns), len(clothes))
        return nowhere, nowhere
    after = np.searchsorted(columns[free], columns).clip(0, free.sum() - 1)
    before = (np.searchsorted(columns[free], columns, side="right") - 1).clip(0)
    lower = np.maximum(rows[free][before], rows[free][after])
    return lower, np.interp(columns, columns[free], rows[free])
