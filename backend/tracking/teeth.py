"""How high a person's teeth are: no landmark tells it, a smile that shows them does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from backend.head import Head
from backend.head.zbuffer import rasterise_mesh

from .fit import Fit
from .landmarks import INNER, INNER_LIPS

_LEAST_OPEN_PX = 3.0
_LEAST_COLUMNS = 8
_MIDDLE_M = 0.007  # the incisors
_LEAST_BRIGHT, _MOST_RED = 0.5, 0.17  # of skin's brightness; of (red - blue) / sum: lips are redder
_MOST_HIGHER = 1.7  # standard deviations: from there on a lip at rest hides them
_MOST_LOWER = 1.7  # teeth down to the lower lip may be both rows


@dataclass(frozen=True)
class Smile:
    """A fitted photo that may show teeth.

    Args:
        fit: Parameters and camera of a crop.
        rgb: [H, W, 3] uint8 the crop.
        landmarks: [478, 2] pixels in it.
    """

    fit: Fit
    rgb: np.ndarray
    landmarks: np.ndarray


def with_teeth(smiles: Sequence[Smile], head: Head) -> list[Fit]:
    """The fits with the person's teeth as high as the first photo that shows them has it.

    The lower edge of the upper row goes where teeth end in the photo, or where the lower lip begins
    to hide them.

    Args:
        smiles: Photos of one person, whose identity is the same.
        head: What was fitted; one whose identity does not move teeth leaves all as it is.
    """
    component = _teeth_component(head)
    fits = [smile.fit for smile in smiles]
    if component is None:
        return fits
    for smile in smiles:
        higher = _higher(smile, head, component)
        if higher is not None:
            return [_moved(fit, component, higher) for fit in fits]
    return fits


@lru_cache(maxsize=4)
def _teeth_component(head: Head) -> int | None:
    """Which identity component moves teeth and nothing else."""
    teeth = head.regions["teeth_upper"] | head.regions["teeth_lower"]
    moves = head.shapedirs.abs().amax(1)  # [V, S]
    alone = (moves[teeth] > 0).any(0) & (moves[~teeth] == 0).all(0)
    return int(alone.nonzero()[0]) if alone.any() else None


def _moved(fit: Fit, component: int, amount: float) -> Fit:
    assert fit.track.betas is not None  # a fit always has them
    betas = fit.track.betas.copy()
    betas[component] = amount
    return replace(fit, track=replace(fit.track, betas=betas))


def _higher(smile: Smile, head: Head, component: int) -> float | None:
    """In standard deviations; None where the photo shows no teeth."""
    shown, mesh = _shown_edge(smile), _mesh_edge(smile.fit, head)
    both = np.isfinite(shown) & np.isfinite(mesh)
    camera, middle = smile.fit.camera, smile.landmarks[[13, 14], 0].mean()
    depth = float(camera.viewmat[2, 3])
    reach = _MIDDLE_M * camera.K[0, 0] / depth
    both &= np.abs(np.arange(camera.width) + 0.5 - middle) < reach
    if both.sum() < _LEAST_COLUMNS:
        return None
    up_px = float(np.median((mesh - shown)[both]))
    step_m = float(head.shapedirs[..., 1, component].max())
    per_step = step_m * camera.K[1, 1] / depth * abs(camera.viewmat[1, 1])
    return float(np.clip(up_px / per_step, -_MOST_LOWER, _MOST_HIGHER))


def _shown_edge(smile: Smile) -> np.ndarray:
    """[W] the row where the upper teeth end in every column, NaN where none show."""
    height, width = smile.rgb.shape[:2]
    mouth = np.zeros((height, width), np.uint8)
    upper, lower = smile.landmarks[13], smile.landmarks[14]
    edge = np.full(width, np.nan)
    if np.linalg.norm(upper - lower) < _LEAST_OPEN_PX:
        return edge
    cv2.fillPoly(mouth, [np.round(smile.landmarks[list(INNER_LIPS)]).astype(np.int32)], 1)
    rows, columns = np.floor(smile.landmarks[INNER]).astype(int).clip(0, height - 1).T[::-1]
    skin = np.median(smile.rgb[rows, columns].mean(1))
    colours = smile.rgb.astype(np.float32)
    bright = colours.mean(2)
    red = (colours[..., 0] - colours[..., 2]) / np.maximum(colours.sum(2), 1)
    teeth = (mouth > 0) & (bright > _LEAST_BRIGHT * skin) & (red < _MOST_RED)
    teeth = cv2.morphologyEx(teeth.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 1))) > 0
    for column in np.flatnonzero(teeth.any(0)):
        ends = np.flatnonzero(np.diff(teeth[:, column].astype(int)) < 0)
        if len(ends):
            edge[column] = ends[0] + 1  # of the first row of teeth
    return edge


def _mesh_edge(fit: Fit, head: Head) -> np.ndarray:
    """[W] the row where the fitted head's upper teeth end, as if nothing were before them."""
    faces = head.faces.numpy()
    teeth = faces[head.regions["teeth_upper"].numpy()[faces].all(1)]
    vertices = head.vertices_of(fit.track)[0].numpy()
    hit = rasterise_mesh(vertices, teeth, fit.camera).face >= 0
    last = hit.shape[0] - hit[::-1].argmax(0)
    return np.where(hit.any(0), last, np.nan).astype(float)
