"""Depth, colour and ownership of the identity planes: the hull of hair, neck and shoulders."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.head.zbuffer import Visible

from .fill import extend_colours, nearest_fill, smooth_fill
from .hair import within_outline
from .polygons import inside_px
from .view import STILL

_HULL_PX = 60.0
_START_PX = 4.0
_BEHIND_FACE_M = 0.015
_HAIR_M, _SKIN_M = 0.006, 0.003  # before the mesh
_FRONT_M = 0.075
_BACK_M = 0.085
_HAIR_BEHIND_M, _UNDER_SCALP_M, _UNDER_PX = 0.012, 0.002, 4.0
_SEAM_PX = 6.0
_OVERLAP_PX = 9
_WHOLE, _OVERLAID, _REACH_PX = 0.97, 4, 3
_SINGLE = 0.5  # of what is no wider than they reach, such as single hairs
_RIM_PX = 8.0  # hair seen edge on is darker than the hair it becomes when the head turns
_STAGGER_M, _GOLDEN = 3e-4, (5**0.5 - 1) / 2  # neighbours differ most by golden steps


@dataclass(frozen=True)
class PlaneTargets:
    """What the identity planes should show, in the portrait's pixels.

    Args:
        front_m: [H, W] distance of the front sheet from the plane through the head's origin,
            metres towards the camera (may be negative: behind the plane).
        back_m: [H, W] the same for the back sheet, metres away from the camera.
        rgb: [H, W, 3] float 0..1 of both, extended beyond the matte.
        rim: [H, W] bool: hair at the outline, whose colours are those farther inside.
        opacity: [2, H, W] 0..1: the matte times what the moving skin leaves over in front; what
            the mesh of the head leaves over behind.
    """

    front_m: np.ndarray
    back_m: np.ndarray
    rgb: np.ndarray
    rim: np.ndarray
    opacity: np.ndarray


def staggered_m(count: int) -> np.ndarray:
    """[count] up to .3 mm outwards: which of two cells of a flat sheet is drawn first would be
    chance, another one from picture to picture."""
    return _STAGGER_M * (np.arange(count) * _GOLDEN % 1)


def hull_profile(matte: np.ndarray) -> np.ndarray:
    """[H, W] 0..1 thickness of the hull: 0 at the matte's border, 1 from 60 px inside.

    Source: first-avatar.md, item 5.
    """
    depth = np.clip(inside_px(matte) - _START_PX, 0, _HULL_PX)
    return 1 - (1 - depth / _HULL_PX) ** 2


def plane_targets(
    rgb: np.ndarray,
    matte: np.ndarray,
    worn: np.ndarray,
    coverage: Visible,
    far_side: Visible,
    mobility: np.ndarray,
    plane_depth_m: float,
    off_m: np.ndarray,
) -> PlaneTargets:
    """Where the identity planes lie and what they own.

    Args:
        rgb: [H, W, 3] float 0..1 portrait.
        matte: [H, W] 0..1.
        worn: [H, W] bool: hair and clothes.
        coverage: The fitted mesh from the portrait's camera.
        far_side: The back of the fitted head, as if its front were not there.
        mobility: [H, W] 0..1: how much the pixel belongs to skin that the rig moves.
        plane_depth_m: Camera z of the plane through the head's origin.
        off_m: [H, W] metres that the front sheet lies farther out than hair.
    """
    hit = coverage.face >= 0
    height = np.where(hit, plane_depth_m - coverage.depth, 0)  # towards the camera
    still = hit & (mobility < STILL)
    # Behind the face the sheet continues what surrounds it (ears, neck, scalp).
    ground = smooth_fill(height, still) if still.any() else np.zeros_like(height)
    off = cv2.GaussianBlur(np.where(worn, _HAIR_M, _SKIN_M), (0, 0), _SEAM_PX)
    ground = np.where(still, height + off * (1 - mobility), ground)
    covered = hit & ~still
    ground = np.where(covered, np.minimum(ground, height - _BEHIND_FACE_M), ground)

    thickness = hull_profile(matte)
    front = np.where(hit, ground, np.minimum(ground, _FRONT_M) * thickness)
    seam = cv2.GaussianBlur(front.astype(np.float32), (0, 0), 2.0)
    front = np.where(hit & still, ground, seam) + off_m
    colours, rim = _with_rim(extend_colours(rgb, matte), matte, worn, mobility, hit, far_side)
    behind = far_side.face >= 0
    # It ends inside the skull: an edge that stood off would be a step in a turned head's outline.
    off_back = np.interp(inside_px(hit), (0, _UNDER_PX), (_HAIR_BEHIND_M, -_UNDER_SCALP_M))
    back = np.where(behind, far_side.depth - plane_depth_m + off_back, _BACK_M * thickness)
    back = np.where(behind, back, cv2.GaussianBlur(back.astype(np.float32), (0, 0), _SEAM_PX))
    inner = cv2.erode(hit.astype(np.uint8), np.ones((_OVERLAP_PX, _OVERLAP_PX))) > 0
    inner |= hit & ~behind  # ears and neck end where the mesh does
    # Some four splats lie over each other: each lets so much more through at a soft border, and
    # they reach beyond their cells.
    within = np.maximum(cv2.erode(matte, np.ones((_REACH_PX, _REACH_PX))), _SINGLE * matte)
    share = np.where(within < _WHOLE, 1 - (1 - within) ** (1 / _OVERLAID), within)
    back_opacity = np.where(inner, 0, share)
    return PlaneTargets(
        front.astype(np.float32),
        back.astype(np.float32),
        colours.astype(np.float32),
        rim,
        np.stack([share * (1 - 0.98 * mobility), back_opacity]).astype(np.float32),
    )


def _with_rim(
    colours: np.ndarray,
    matte: np.ndarray,
    worn: np.ndarray,
    mobility: np.ndarray,
    hit: np.ndarray,
    far_side: Visible,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours [H, W, 3] whose rim, hair beside the head, is like what is farther inside; [H, W]
    bool the rim."""
    inside = inside_px(matte)
    inner = within_outline(matte, worn, _RIM_PX) & (worn | (mobility < STILL))
    beside = ~hit & (far_side.face >= 0).any(1, keepdims=True)
    like = (np.clip(2 * (1 - inside / _RIM_PX), 0, 1) * beside)[..., None]
    hair = nearest_fill(worn[..., None], matte > 0.5)[..., 0]
    rim = np.zeros_like(hit)
    for part in (hair, ~hair):  # at a temple the nearest that is still may be an ear
        if (inner & part).any():
            filled = colours + like * (nearest_fill(colours, inner & part) - colours)
            colours = np.where(part[..., None], filled, colours)
            rim |= part & (like[..., 0] > 0)
    return colours, rim
