"""Grain of skin that the photo hides: pores, freckles and beards as strong as where it shows some
nearby."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import KDTree

from .fill import mean_around
from .polygons import dilate, erode
from .sampling import between, look_up, sample
from .sites import Sites, regions_at
from .view import View

_BANDS_PX = ((1.5, 3.0), (3.0, 6.0))  # finer the splats do not show; coarser is shade
_AROUND_PX = 8.0
_EDGE_PX = 4  # beside hair, lips, lids and frames
_WELL = 0.6  # seen so well, skin tells its grain
_NEIGHBOURS, _REACH_M = 48, 0.05  # beards do not go far down a neck
_NORMAL = np.sqrt(np.pi / 2)  # standard deviation of normal values, of their mean distance from 0
_LEAST_BRIGHT = 0.02
_MOST = 0.5  # of the logarithm of brightness
_CELL_M, _CELLS = 0.0008, 96
_SEED = 0
_TELLING = ("cheeks", "chin", "face", "face_sides", "forehead", "jaw")  # throats have creases
_SMOOTH = ("brows", "ears", "eyes", "in_mouth", "lashes", "lids", "lips", "scalp")


def skin_grain(view: View, sites: Sites, well: np.ndarray, over: np.ndarray) -> np.ndarray:
    """[M, 1] factors of brightness, about 1, for skin that a photo hides: noise in space, in two
    bands with the strength that these have in the nearest skin that shows, of either side, and less
    farther from it. 1 for all that is no bare skin.

    Args:
        view: The photo and the fitted head.
        sites: M sites.
        well: [M] 0..1 how well the photo shows each.
        over: [H, W] bool: hair and frames over the face.
    """
    at, pixels = regions_at(view, sites.vertices), view.camera.project(sites.positions)
    telling = np.any([at[name] for name in _TELLING], axis=0)
    bare = (telling | at["neck"]) & ~np.any([at[name] for name in _SMOOTH], axis=0)
    skin = erode((view.matte > 0.95) & ~view.parts.worn, _EDGE_PX)
    skin &= ~dilate(view.shapes.frozen | over, _EDGE_PX)
    told = telling & bare & (well > _WELL) & look_up(skin, pixels, False)
    factors = np.ones((len(pixels), 1))
    if told.sum() < _NEIGHBOURS:
        return factors
    strengths = sample(_strengths(view, skin), pixels[told])
    places = sites.rest[told]
    both = np.concatenate([places, places * (-1, 1, 1)])
    near = between(both, np.tile(strengths, (2, 1)), sites.rest[bare], _NEIGHBOURS)
    away = np.asarray(KDTree(both).query(sites.rest[bare])[0])
    near *= np.clip(2 * (1 - away / _REACH_M), 0, 1)[:, None]
    cells_per_px = view.camera.viewmat[2, 3] / view.camera.K[0, 0] / _CELL_M
    noise = _noise(sites.rest[bare] / _CELL_M, cells_per_px)
    grain = np.clip((near * noise).sum(-1, keepdims=True), -_MOST, _MOST)
    factors[bare] = np.exp(grain)
    return factors


def _strengths(view: View, skin: np.ndarray) -> np.ndarray:
    """[H, W, 2] how far the logarithm of brightness goes in each band, around every pixel."""
    bright = np.log(np.maximum(view.rgb.mean(-1), _LEAST_BRIGHT)).astype(np.float32)
    weight = skin.astype(np.float32)

    bands = [
        mean_around(bright, weight, fine) - mean_around(bright, weight, coarse)
        for fine, coarse in _BANDS_PX
    ]
    # A line or an edge is no grain: it would count much more among squares.
    return np.stack(
        [_NORMAL * mean_around(np.abs(band), weight, _AROUND_PX) for band in bands], axis=-1
    )


def _noise(places: np.ndarray, cells_per_px: float) -> np.ndarray:
    """[N, 2] one standard deviation of each band, at places [N, 3] in cells of a block that is
    repeated."""
    chance = np.random.default_rng(_SEED)
    values = []
    for band in _BANDS_PX:
        white = chance.standard_normal((_CELLS,) * 3)
        fine, coarse = (gaussian_filter(white, s * cells_per_px, mode="wrap") for s in band)
        block = (fine - coarse) / (fine - coarse).std()
        values.append(map_coordinates(block, places.T, order=1, mode="grid-wrap"))
    return np.stack(values, axis=-1)
