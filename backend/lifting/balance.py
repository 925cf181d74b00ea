"""Colours of one photo in the light of another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .appearance import LEAST_COLOUR, light_terms
from .colours import Shown
from .sites import Sites
from .skin import NOT_PLAIN

_WELL = 0.8
_ENOUGH = 200
_MOST = np.log(3.0)
_ROUNDS = 8
_NOISE = 0.1  # of a logarithm: beyond it a difference is no light's
_TILT_SPREAD = 0.3  # of a logarithm: how much brighter the lit side usually is


def balanced(other: Shown, main: Shown, sites: Sites, at: dict[str, np.ndarray]) -> Shown:
    """A photo's colours as the main photo would show them.

    Between the plain skin that both show well, each channel's logarithm differs by a constant
    (exposure, white balance) and by a multiple of the normal (light from another side): a robust
    linear fit finds both. Where hardly any skin is seen by both, nothing changes.

    Args:
        other: What the photo shows.
        main: What the main photo shows.
        sites: M sites at the main photo's pose.
        at: [M] bool of each region.
    """
    both = np.minimum(main.well, other.well) > _WELL
    both &= at["face"] & ~np.any([at[name] for name in NOT_PLAIN], axis=0)
    both &= (np.minimum(main.colours, other.colours) > LEAST_COLOUR).all(1)
    if both.sum() < _ENOUGH:
        return other
    difference = np.log(main.colours[both]) - np.log(other.colours[both])
    light = np.stack([_light(sites.normals[both], channel) for channel in difference.T])  # [3, 4]
    gain = np.exp(np.clip(light_terms(sites.normals) @ light.T, -_MOST, _MOST))
    return replace(other, colours=np.clip(other.colours * gain, 0, 1).astype(np.float32))


def _light(normals: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """[4] the terms' factors that explain differences [N] best, by iterated reweighing (Huber)."""
    terms = light_terms(normals)
    held = np.diag([0.0, *np.full(3, (_NOISE / _TILT_SPREAD) ** 2)]) * len(terms) / 100
    found = np.array([np.median(difference), 0.0, 0.0, 0.0])
    for _ in range(_ROUNDS):
        away = np.abs(difference - terms @ found)
        weighted = terms * np.minimum(1, _NOISE / np.maximum(away, 1e-9))[:, None]
        found = np.linalg.solve(weighted.T @ terms + held, weighted.T @ difference)
    return found
