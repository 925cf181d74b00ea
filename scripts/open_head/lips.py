"""Closes the lips: MakeHuman's neutral mouth stands open by up to half a millimetre.

The template's slit is closed, and identity displacements move both lips alike where they touch, so
that every identity has a closed mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

OVERLAP_DM = 0.004
TAPER_DM = 0.005
REACH_DM = 0.035
"""How far from the slit the correction fades out (1/e at this distance)."""

SMOOTH_DM = 0.015
FRONT_DM = 0.12
"""The slit's depth behind the lips' foremost point at the same x."""


@dataclass(frozen=True)
class Contact:
    """Where the lips touch.

    Args:
        upper: Indices of the upper lip's vertices at the slit, by rising x.
        lower: Indices of the lower lip's.
        spread: [V, U + L] how a correction of the touching vertices carries on to the others.
    """

    upper: np.ndarray
    lower: np.ndarray
    spread: np.ndarray


def close_lips(
    vertices: np.ndarray, faces: np.ndarray, mouth: np.ndarray, jaw: np.ndarray, mirror: np.ndarray
) -> tuple[np.ndarray, Contact]:
    """Vertices [V, 3] with closed lips, and where they touch.

    Args:
        vertices: [V, 3] decimetres, lips (nearly) closed.
        faces: [F, 3].
        mouth: [V] bool, lips and mouth cavity.
        jaw: [V] the jaw's skin weight, which tells the lower lip from the upper.
        mirror: [V].
    """
    closed = vertices.copy()
    sides = (mouth & (jaw < 0.5), mouth & (jaw >= 0.5))
    contact = None
    for _ in range(4):
        upper, lower = (
            _outline(closed, faces, side, s) for side, s in zip(sides, (-1, 1), strict=True)
        )
        gap = _gap(upper, lower)
        contact = contact or _contact(closed, sides, upper, lower)
        need = np.interp(closed[:, 0], *gap)
        push = np.concatenate([-need[contact.upper] / 2, need[contact.lower] / 2])
        lift = contact.spread @ push
        closed[:, 1] += (lift + lift[mirror]) / 2
    assert contact is not None
    return closed, contact


def sealed(rows: np.ndarray, vertices: np.ndarray, contact: Contact) -> np.ndarray:
    """Displacements [R, V, 3] changed so that touching lips keep touching."""
    upper, lower = contact.upper, contact.lower
    partner_of_upper = _blend(vertices[upper, 0], vertices[lower, 0])
    partner_of_lower = _blend(vertices[lower, 0], vertices[upper, 0])
    on_upper = (np.einsum("ul,rld->rud", partner_of_upper, rows[:, lower]) - rows[:, upper]) / 2
    on_lower = (np.einsum("lu,rud->rld", partner_of_lower, rows[:, upper]) - rows[:, lower]) / 2
    push = np.concatenate([on_upper, on_lower], axis=1)
    return rows + np.einsum("vp,rpd->rvd", contact.spread, push)


def _outline(vertices: np.ndarray, faces: np.ndarray, side: np.ndarray, sign: int) -> np.ndarray:
    """The lip's edge at the slit in the front view: points [N, 2] (x, y) by rising x.

    Args:
        vertices: [V, 3].
        faces: [F, 3].
        side: [V] bool, the lip.
        sign: -1 for the upper lip (its lowest points), 1 for the lower (its highest).
    """
    own = faces[side[faces].all(axis=1)]
    t = np.linspace(0, 1, 9)[:, None, None]
    edges = np.concatenate([own[:, [0, 1]], own[:, [1, 2]], own[:, [2, 0]]])
    points = (vertices[edges[:, 0]] * (1 - t) + vertices[edges[:, 1]] * t).reshape(-1, 3)
    bins = np.arange(points[:, 0].min(), points[:, 0].max(), 0.01)
    owner = np.clip(np.digitize(points[:, 0], bins) - 1, 0, len(bins) - 1)
    outline = []
    for index in range(len(bins)):
        here = points[owner == index]
        if len(here):
            here = here[here[:, 2] > here[:, 2].max() - FRONT_DM]
            outline.append((bins[index] + 0.005, sign * (sign * here[:, 1]).max()))
    return np.array(outline)


def _gap(upper: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and how far the lips must approach there, zero at the corners."""
    low, high = max(upper[0, 0], lower[0, 0]), min(upper[-1, 0], lower[-1, 0])
    x = np.linspace(low, high, 80)
    gap = np.interp(x, *upper.T) - np.interp(x, *lower.T) + OVERLAP_DM
    gap = np.clip(gap, 0, 0.03)
    taper = np.clip(np.minimum(x - low, high - x) / TAPER_DM, 0, 1)
    return x, gap * taper


def _contact(
    vertices: np.ndarray, sides: tuple[np.ndarray, np.ndarray], upper: np.ndarray, lower: np.ndarray
) -> Contact:
    touching = []
    for side, outline in zip(sides, (upper, lower), strict=True):
        height = np.interp(vertices[:, 0], *outline.T)
        front = vertices[:, 2] > vertices[side, 2].max() - 0.45
        inside = (vertices[:, 0] > outline[0, 0]) & (vertices[:, 0] < outline[-1, 0])
        near = side & inside & front & (np.abs(vertices[:, 1] - height) < 0.012)
        index = np.flatnonzero(near)
        touching.append(index[np.argsort(vertices[index, 0], kind="stable")])
    both = np.concatenate(touching)
    spread = np.zeros((len(vertices), len(both)))
    start = 0
    for side, index in zip(sides, touching, strict=True):
        distance = cdist(vertices, vertices[index])
        share = np.exp(-((distance / SMOOTH_DM) ** 2) / 2)
        share /= share.sum(axis=1, keepdims=True) + 1e-30
        fade = np.exp(-((distance.min(axis=1) / REACH_DM) ** 2))
        spread[:, start : start + len(index)] = np.where(
            (side & (fade > 1e-3))[:, None], share * fade[:, None], 0
        )
        start += len(index)
    return Contact(touching[0], touching[1], spread)


def _blend(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[N, M] weights that interpolate values at `others` to `x` along the slit."""
    share = np.exp(-(((x[:, None] - others) / SMOOTH_DM) ** 2) / 2)
    return share / (share.sum(axis=1, keepdims=True) + 1e-30)
