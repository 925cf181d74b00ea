"""Necks and jaws as wide as the skin that a photo shows: what lies beside a head's mesh would hang
there as a shred as soon as the head turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.tracking.outline import in_picture, inner_landmarks

from .sampling import look_up
from .view import View

_WIDENED = ("neck", "jaw", "chin", "cheeks", "face_sides")
_RIM_FACING = 0.4
_OUTLINE_PX = 3  # so far out from a vertex at the outline the mesh has ended
_MOST_PX = 30
_MOST_BACK_PX = 12
_MARGIN_PX = 1.0  # as far within the skin's edge: splats have a size
_LEAST_PX = 1.0  # on average: else the fit is as good as the matte
_OUT_NOISE_PX, _HELD_NOISE_PX = 3.0, 3.0
_LANDMARK_NOISE_PX = 1.0
_JOINT_NOISE_PX = 0.3
"""The head turns about them: where they lie elsewhere than in the clip that drives it, it comes to
lie aside."""
_SPREAD = 0.7
_STEPS = 3


@dataclass(frozen=True)
class _Beside:
    """How far skin goes on beside a fitted head.

    Args:
        vertices: [N] at the outline of neck and jaw.
        outwards: [N, 2] unit vectors of the picture.
        wanted_px: [N] how far each should move that way, pixels.
    """

    vertices: np.ndarray
    outwards: np.ndarray
    wanted_px: np.ndarray


def with_own_neck(views: Sequence[View]) -> list[View]:
    """The same photos with an identity whose neck and jaw end where the skin does that they show.

    Landmarks tell nothing of a neck; the usual one is narrower than most. Faces, cameras and
    expressions stay.

    Args:
        views: Photos of one person, with one identity.
    """
    for _ in range(_STEPS):
        found = [_beside(view) for view in views]
        if not any(_much(beside) for beside in found):
            break
        count = views[0].head.shapedirs.shape[-1]
        pairs = [_equations(*pair) for pair in zip(views, found, strict=True)]
        pairs.append((np.eye(count) / _SPREAD, np.zeros(count)))
        rows, wanted = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        betas = np.asarray(views[0].betas, np.float64).copy()
        betas[:count] += np.linalg.lstsq(rows, wanted, rcond=None)[0]
        views = [view.with_betas(betas) for view in views]
    return list(views)


def _equations(view: View, beside: _Beside) -> tuple[np.ndarray, np.ndarray]:
    """[R, S] and [R]: what a change of the identity [S] should do in a picture, in units of noise:
    the outline moves outwards, all the rest stays."""
    head, px_per_m = view.head, view.camera.K[0, 0] / view.camera.viewmat[2, 3]
    directions = head.shapedirs.double().numpy()  # [V, 3, S]
    rest = directions[view.regions["skin"] & ~_widened(view)]
    landmarks = in_picture(view.camera, inner_landmarks(head))
    joints = (head.J_regressor.double() @ head.shapedirs.double().permute(2, 0, 1)).numpy()
    along = in_picture(view.camera, directions[beside.vertices])
    out = np.einsum("nj,njs->ns", beside.outwards, along)
    still = [
        px_per_m * rest / _HELD_NOISE_PX,
        px_per_m * joints.transpose(1, 2, 0) / _JOINT_NOISE_PX,
        landmarks / _LANDMARK_NOISE_PX,
    ]
    rows = [out / _OUT_NOISE_PX, *(part.reshape(-1, part.shape[-1]) for part in still)]
    wanted = np.zeros(sum(map(len, rows)))
    wanted[: len(out)] = beside.wanted_px / _OUT_NOISE_PX
    return np.concatenate(rows), wanted


def _widened(view: View) -> np.ndarray:
    return np.any([view.regions[name] for name in _WIDENED], axis=0)


def below_ears(view: View) -> np.ndarray:
    """[V] bool: neck and jaw, below the ears."""
    rest = view.rest[0].numpy()
    low = rest[:, 1] < rest[view.regions["ears"], 1].min()
    return low & _widened(view)


def _much(beside: _Beside) -> bool:
    return len(beside.wanted_px) > 0 and float(np.abs(beside.wanted_px).mean()) > _LEAST_PX


def _beside(view: View) -> _Beside:
    """How far a photo shows skin beside the outline of its fitted neck and jaw, or these the wall.

    What hair or a collar hides is not asked for, and skin without an end is a bare shoulder's.
    """
    person, skin, clear = view.matte > 0.5, view.skin, view.visible.face < 0
    pixels = view.camera.project(view.vertices[0].double().numpy())
    normals = view.head.normals(view.vertices)[0].numpy() @ view.camera.viewmat[:3, :3].T
    at = np.flatnonzero(below_ears(view) & (np.abs(normals[:, 2]) < _RIM_FACING))
    pixels, outwards = pixels[at], normals[at, :2]
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)

    def reach(mask: np.ndarray, first_px: int, last_px: int) -> np.ndarray:
        steps = np.arange(first_px, last_px, np.sign(last_px - first_px))
        places = pixels[:, None] + steps[:, None] * outwards[:, None]
        inside = look_up(mask, places.reshape(-1, 2), False).reshape(len(at), len(steps))
        return np.cumprod(inside, axis=1).sum(1)

    out = reach(skin & clear, _OUTLINE_PX, _MOST_PX)
    at_edge = look_up(clear, pixels + _OUTLINE_PX * outwards, False)
    narrow = look_up(skin, pixels, False) & at_edge & (out < _MOST_PX - _OUTLINE_PX)
    back = reach(~person, 0, -_MOST_BACK_PX)
    wide = look_up(skin, pixels - back[:, None] * outwards, False) & (back > 0)
    wanted = np.where(out > 0, out + _OUTLINE_PX - 1.0, 0.0) - back - _MARGIN_PX
    used = narrow | wide
    return _Beside(at[used], outwards[used], wanted[used])
