"""What teeth look like that a portrait hides: crowns, the gaps between them, gums."""

from __future__ import annotations

import numpy as np

NARROWER = 0.9
"""Of people's teeth on the open head. 101 portraits that smile have gaps .101 and .171 of the eyes'
distance from the middle; its eyes' outer corners, as they are detected, are 78 mm apart."""

CROWNS_MM = {
    "upper": tuple(NARROWER * width for width in (8.5, 6.6, 7.6, 7.0, 6.8, 10.2)),
    "lower": tuple(NARROWER * width for width in (5.4, 5.9, 6.9, 7.0, 7.1, 11.2)),
}
"""Widths from the middle to the first molar (Wheeler's Dental Anatomy, mesiodistal diameters), as
far as smiles show them; the open head's rows of teeth are as long, before any identity."""

_CROWN_MM = {"upper": 10.0, "lower": 9.0}
_RISING = 0.12  # of the way along the arch: gums rise sideways, as a smiling lip does
_SCALLOP_MM = 1.8  # how far gums reach down between two teeth
_GAP_MM, _GAP_SHADE = 0.6, 0.33
_SIDES_SHADE = 0.08  # crowns turn away from the light beside their middles
_EDGE_MM = 2.5  # near their edges teeth part farther
_GUM_BLUR_MM = 0.8

GUM = np.array([0.66, 0.36, 0.36])
"""Display sRGB of well-lit gums."""


def paint_teeth(rest: np.ndarray, jaw: str, enamel: np.ndarray, light: np.ndarray) -> np.ndarray:
    """[N, 3] display sRGB of one jaw's sites.

    Args:
        rest: [N, 3] metres, neutral expression.
        jaw: `upper` or `lower`.
        enamel: [3] colour of the crowns.
        light: [3] How brightly the face is lit, 1 for well.
    """
    edges = np.cumsum((0.0, *CROWNS_MM[jaw]))
    along = _along_arch(rest)
    along = along * edges[-1] / along.max()
    tooth = np.clip(np.searchsorted(edges, along, side="right") - 1, 0, len(edges) - 2)
    width = np.diff(edges)[tooth]
    from_gap = np.minimum(np.abs(along - edges[tooth]), np.abs(edges[tooth + 1] - along))
    height = (rest[:, 1] - rest[:, 1].min()) if jaw == "upper" else rest[:, 1].max() - rest[:, 1]
    height = height * 1000  # from the cutting edge towards the gum
    gap_mm = _GAP_MM * (1 + np.clip(1 - height / _EDGE_MM, 0, 1))
    between = 1 - np.clip(2 * from_gap / width, 0, 1)
    gap = _GAP_SHADE * np.exp(-((from_gap / gap_mm) ** 2))
    crown = enamel * ((1 - gap) * (1 - _SIDES_SHADE * between**2))[:, None]
    gum_at = _CROWN_MM[jaw] + _RISING * along - _SCALLOP_MM * between**2
    gum = (1 / (1 + np.exp(-(height - gum_at) / _GUM_BLUR_MM)))[:, None]
    return (1 - gum) * crown + gum * light * GUM


def _along_arch(rest: np.ndarray) -> np.ndarray:
    """[N] metres along the dental arch from its middle, for both sides."""
    center = rest[:, 2].min()
    sideways, forward = np.abs(rest[:, 0]), rest[:, 2] - center
    angle = np.arctan2(sideways, forward)
    radius = np.hypot(sideways, forward)
    steps = np.linspace(0, np.pi / 2, 19)
    which = np.clip(np.digitize(angle, steps) - 1, 0, len(steps) - 2)
    outer = np.array([radius[which == i].max() if (which == i).any() else np.nan
                      for i in range(len(steps) - 1)])  # fmt: skip
    known = np.isfinite(outer)
    middles = (steps[1:] + steps[:-1]) / 2
    r = np.interp(steps, middles[known], outer[known])
    points = np.stack([r * np.sin(steps), r * np.cos(steps)], axis=1)
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    return np.interp(angle, steps, length)
