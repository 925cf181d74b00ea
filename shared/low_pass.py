"""How much splats are blurred in a picture: one rule for the backend's and for the viewport's."""

from __future__ import annotations

EPS2D = 0.3
"""Square pixels, added to the variances of splats in a picture (gsplat 1.5.3)."""

LEAST = 0.05
"""Square pixels: smaller splats would be lost between a picture's pixels."""


def low_pass(times: float) -> float:
    """Square pixels of a picture in which a head is so many times as large, a side, as in its
    portrait: as many of the portrait's as `EPS2D` there.

    What a portrait shows beyond its splats is told at its own scale. At another one splats are as
    blurred, in their own sizes, else soft outlines are too thick where a head is smaller.
    """
    return max(EPS2D * times * times, LEAST)
