"""Residuals of G0..GL before personalisation: what each site shows, and whether it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree
from torch import Tensor

from backend.configs.network import ModelConfig
from backend.model.residuals import LayerResiduals, colour_residuals
from backend.model.splitavatar import SplitAvatar

from .collar import clothed, neckwear
from .colours import SEEN, Shown, SiteColours
from .hair_grain import HairGrain
from .hidden import HiddenColours
from .lips import evened_lips
from .mirrored import less_at_outline
from .other_photos import with_others
from .polygons import dilate, erode
from .sampling import look_up
from .sites import Sites, facing_camera, regions_at, sites_of
from .skin import not_skin
from .skin_grain import skin_grain
from .view import View

_EYE_RECESS_M = 0.0018  # splats have thickness: eyeballs must not shine through closed lids
_LID_THICKNESS_M = 0.0004
_EYE_SPLATS = 0.75  # of the size of others, for the same reason
_TOOTH_SPLATS = 0.7  # else no gap shows between two teeth
_TONGUE_SPLATS = 1.15  # its sides are steep, and bare when it is out; larger ones blur speech
_DRAWN, _DRAWN_PX = ("face", "cheeks", "jaw", "neck"), 1
_RIM_PX = 1
_MOST_WIDE_M = 0.004
_DRAWN_SPLATS = 0.8  # of the size of others: they lie at an edge
_TORN = 0.2  # of an ear: the planes show it better
_MOST_DRAWN = 0.95  # of the network's own reach
_LEAST_SPLATS = 0.55
_LEAST_RIM_SPLATS = 0.3  # an eye is open by few splats' width: its lids must not spill into it
_MOST_LARGER = 1.5
_BORDER_SIGMAS, _LIP_SIGMAS = 1.5, 1.0
_INSIDE_LIPS_M, _INSIDE_LIPS = 0.008, 0.6  # size of what lines lips: it must not hang out of them
_WELL = 0.5  # seen so well, a jaw's colours are its own
_ABSENT = -9.0  # opacity logit of Gaussians that must not show
_EYEBALLS = ("left_eyeball", "right_eyeball")
_COLLAR_EDGE_PX = 3  # skin that a collar half covers, or shades: its colours would leap as well
_OUTLINE_PX = 10
_OVER_EDGE_PX = 6  # splats reach below hair, and would be painted with it as dark spots
DROPPED = -6.0
"""Residual on the mask logit of children that start masked."""


@dataclass(frozen=True)
class StartingLayers:
    """The expression branch's part of an avatar.

    Args:
        residuals: Of G0..GL.
        frozen: Per layer [N] bool: lips and lids, eyes, and what is hidden of a mouth: between lips
            that are hardly open, personalisation would paint teeth with them.
        toned: Per layer [N] bool: necks and the undersides of jaws: below a chin many sites show in
            few pixels, and would get colours of which only the sum is right.
        shown: Per layer [N] 0..1: how much the portrait shows of each.
        anchored: Per layer [N] bool: eyeballs and teeth.
        vertices: [V, 3] display sRGB of the head's vertices, those of G0.
        bare: [V] bool: vertices of the neck above its collar, as high as that is in front.
    """

    residuals: list[LayerResiduals]
    frozen: list[Tensor]
    toned: list[Tensor]
    shown: list[Tensor]
    anchored: list[Tensor]
    vertices: np.ndarray
    bare: np.ndarray


@dataclass(frozen=True)
class _Placement:
    """Where sites go, for all layers one after the other.

    Args:
        absent: [M] bool: must not show.
        offset: [M, 3] metres in the local frame.
        size: [M] factor of the splats' size.
    """

    absent: np.ndarray
    offset: np.ndarray
    size: np.ndarray


def starting_layers(
    view: View,
    model: SplitAvatar,
    over: np.ndarray,
    grain: HairGrain,
    others: Sequence[Shown] = (),
) -> StartingLayers:
    """Colours by projection, eyeballs behind the lids, nothing beside the person.

    Args:
        view: The portrait and the fitted head.
        model: Gives the sites.
        over: [H, W] bool: hair that hides the face.
        grain: Of hair that the portrait hides.
        others: What other photos of the person show of the sites.
    """
    config = model.config
    sites, counts = sites_of(view, model)
    pixels = view.camera.project(sites.positions)
    at = regions_at(view, sites.vertices)
    own = less_at_outline(SiteColours(view, over).shown(sites), view, sites, at)
    seen = with_others(own, others, sites, at)
    reach = np.concatenate([np.full(n, config.lambda_position[i]) for i, n in enumerate(counts)])
    told = np.any([other.trust > SEEN for other in others], axis=0)  # False for none
    cloth = clothed(view, sites, pixels)
    foreign = (not_skin(view, sites, pixels, cloth) & ~told) | seen.rim
    # A collar's own sheet lies before the neck, which shows as the head turns.
    collar = dilate(neckwear(view), _COLLAR_EDGE_PX)
    under = at["neck"] & look_up(collar, pixels, False) & ~told
    seen = replace(seen, trust=np.where(under, 0, seen.trust))
    colours = HiddenColours(view).filled(seen, sites, foreign)
    colours = evened_lips(view, sites, colours, seen.trust > SEEN)
    behind = at["scalp"] & (facing_camera(sites, view.camera) < 0) & (seen.trust <= SEEN)
    colours[behind] = np.clip(colours[behind] * grain.at(sites.rest[behind]), 0, 1)
    smooth = colours
    grained = skin_grain(view, sites, own.well, over) ** (1 - seen.trust[:, None])
    colours = np.clip(smooth * grained, 0, 1)
    placement = _placement(view, sites, pixels, reach, told)
    placement.absent[cloth] = True
    inside = erode(view.matte > 0.5, _OUTLINE_PX)  # at the outline what sticks out has to go
    edge = dilate(view.parts.worn & inside, _COLLAR_EDGE_PX)
    beside = at["neck"] & look_up(edge & inside, pixels, False)
    hidden = look_up(dilate(over, _OVER_EDGE_PX), pixels, False)
    toned = at["neck"] | ((at["jaw"] | at["chin"]) & (own.well < _WELL))
    painted = at["in_mouth"] & (colours != seen.colours).any(1)
    frozen = _frozen(view, sites, pixels) | hidden | beside | at["eyes"] | painted
    parts = np.split(np.arange(len(pixels)), np.cumsum(counts)[:-1])
    features = colour_residuals([torch.from_numpy(colours[part]) for part in parts], config.split)
    anchored = _eyes(view, sites) | at["teeth"]
    return StartingLayers(
        [
            _residuals(config, layer, features[layer], placement, part)
            for layer, part in enumerate(parts)
        ],
        [torch.from_numpy(frozen[part]) for part in parts],
        [torch.from_numpy(toned[part]) for part in parts],
        [torch.from_numpy(own.well[part]).float() for part in parts],
        [torch.from_numpy(anchored[part]) for part in parts],
        smooth[parts[0]],
        (at["neck"] & ~clothed(view, sites, pixels, sides_too=False))[parts[0]],
    )


def _placement(
    view: View, sites: Sites, pixels: np.ndarray, reach: np.ndarray, told: np.ndarray
) -> _Placement:
    """What shows, where and how large.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        reach: [M] metres that the network's offsets reach.
        told: [M] bool: another photo shows that the site is there; or one bool for all.
    """
    absent = (look_up(view.matte, pixels, 0.0) < 0.5) & ~told
    # Where a face is wider than the person, its skin is drawn in rather than cut off, which would
    # be holes as soon as it turns; where its lids cover what the portrait shows of the eyes, they
    # are drawn back.
    shift = _shift_out_of(view, sites, pixels, ~erode(view.matte > 0.5, _DRAWN_PX))
    most = (_MOST_DRAWN * reach)[:, None]
    near = np.abs(shift).max(1) < reach + _MOST_WIDE_M
    shift = np.clip(shift, -most, most)  # a face that stays a little wide is better than a hole
    skin = np.any([view.regions[name] for name in _DRAWN], axis=0)
    drawn = absent & skin[sites.vertices] & near & ~told
    absent &= ~drawn
    if view.shapes.eyes.any():
        back = _shift_out_of(view, sites, pixels, dilate(view.shapes.eyes, _RIM_PX))
        near = np.abs(back).max(1) < _MOST_DRAWN * reach
        rim = view.regions["lids"][sites.vertices] & ~_eyes(view, sites) & near & ~drawn
        shift[rim] = back[rim]
        drawn |= rim
    absent |= view.regions["lashes"][sites.vertices] | _inside_lids(view, sites, pixels)
    for side in (sites.rest[:, 0] < 0, sites.rest[:, 0] > 0):
        ear = view.regions["ears"][sites.vertices] & side
        if ear.any() and absent[ear].mean() > _TORN:
            absent |= ear
    offset = np.where(drawn[:, None], shift, 0.0)
    larger = _edge_on(view, sites)
    size = _narrowed(view, sites, pixels, larger, told)
    size[drawn] *= np.minimum(_DRAWN_SPLATS * larger[drawn], 1)
    eyes = _eyes(view, sites)
    offset[eyes & ~drawn, 2] = -_EYE_RECESS_M
    size[eyes] *= _EYE_SPLATS
    teeth = view.regions["teeth_upper"] | view.regions["teeth_lower"]
    size[teeth[sites.vertices]] *= _TOOTH_SPLATS
    size[view.regions["tongue"][sites.vertices]] *= _TONGUE_SPLATS
    return _Placement(absent, offset, size)


def _frozen(view: View, sites: Sites, pixels: np.ndarray) -> np.ndarray:
    """[M] bool: lips and lids, which personalisation would paint with teeth and lashes."""
    frozen = look_up(view.shapes.frozen, pixels, False)
    for region in ("lips", "lids"):
        frozen = frozen | view.regions[region][sites.vertices]
    for region in ("teeth_upper", "teeth_lower", "tongue", "left_eyeball", "right_eyeball"):
        frozen = frozen & ~view.regions[region][sites.vertices]
    return frozen


def _eyes(view: View, sites: Sites) -> np.ndarray:
    eyes = view.regions["left_eyeball"] | view.regions["right_eyeball"]
    return eyes[sites.vertices]


def _inside_lids(view: View, sites: Sites, pixels: np.ndarray) -> np.ndarray:
    """[M] bool: the lids' insides, which eyeballs hide in a mesh but not between splats."""
    inside = np.zeros(len(sites.vertices), bool)
    lids = view.regions["lids"][sites.vertices]
    rest = view.rest[0].numpy()
    for name in _EYEBALLS:
        ball = view.regions[name]
        if ball.any():
            center = (rest[ball].max(0) + rest[ball].min(0)) / 2
            radius = np.linalg.norm(rest[ball] - center, axis=1).max()
            near = np.linalg.norm(sites.rest - center, axis=1) < radius + _LID_THICKNESS_M
            covered = look_up(view.shows(name), pixels, False)
            inside |= (near | covered) & lids & ~ball[sites.vertices]
    return inside


def _shift_out_of(view: View, sites: Sites, pixels: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """[M, 3] metres in each site's local frame that bring it out of a mask [H, W]; 0 outside it."""
    nearest = distance_transform_edt(outside, return_distances=False, return_indices=True)
    y, x = (look_up(plane, pixels, 0) for plane in np.asarray(nearest))
    depth = view.camera.depth(sites.positions)
    away = look_up(outside, pixels, False)[:, None] * (np.stack([x, y], 1) + 0.5 - pixels)
    step = away * (depth / view.camera.K[0, 0])[:, None]
    world = step @ view.camera.viewmat[:2, :3]
    frames = view.head.local_frames(view.vertices)[0].numpy()[sites.vertices]
    return np.einsum("mij,mi->mj", frames, world)


def _edge_on(view: View, sites: Sites) -> np.ndarray:
    """[M] how many times as large as it is a disc on the skin may be to reach as far aside in the
    portrait as one that faces it; seen from the side, too small ones would leave gaps. Larger ones
    would stick out of the outline as soon as the head turns."""
    return np.clip(1 / np.maximum(np.abs(facing_camera(sites, view.camera)), 1e-6), 1, _MOST_LARGER)


def _narrowed(
    view: View, sites: Sites, pixels: np.ndarray, larger: np.ndarray, told: np.ndarray
) -> np.ndarray:
    """[M] factor of the splats' size that keeps them from spilling over the person's outline, or
    over the edges of lids and lips; see `_edge_on` and `_placement`.
    """
    sigma_m = view.head.site_spacing.numpy()[sites.vertices]
    inside = np.asarray(distance_transform_edt(view.matte > 0.5))
    room_m = look_up(inside, pixels, 0.0) * view.camera.viewmat[2, 3] / view.camera.K[0, 0]
    factor = room_m / (_BORDER_SIGMAS * sigma_m)
    factor = np.minimum(np.maximum(factor, _LEAST_SPLATS) * larger, 1)
    factor = np.where(told, 1.0, factor)  # seen from the side, there is skin beyond the outline
    lids = np.flatnonzero(view.regions["lids"][sites.vertices] & ~_eyes(view, sites))
    if len(lids):
        # Closed lids are not folded, so that the distance to their edges is what it looks like.
        places, wide = view.closed(sites.vertices[lids]), view.lid_stretch()[sites.vertices[lids]]
        room = _room(places, view.closed_lid_edges(), _BORDER_SIGMAS * sigma_m[lids])
        factor[lids] = np.minimum(factor[lids] * wide, room)
    lips = np.flatnonzero(view.regions["lips"][sites.vertices])
    if len(lips):
        line = view.lip_line()
        room = _room(sites.rest[lips], line, _LIP_SIGMAS * sigma_m[lips])
        factor[lips] = np.minimum(factor[lips], room)
        insides = np.flatnonzero(view.regions["mouth_interior"][sites.vertices])
        away = np.asarray(KDTree(line).query(sites.rest[insides])[0])
        factor[insides[away < _INSIDE_LIPS_M]] *= _INSIDE_LIPS
    return factor.astype(np.float32)


def _room(places: np.ndarray, edge: np.ndarray, reach_m: np.ndarray) -> np.ndarray:
    """[M] how much of its reach [M], metres, a splat at places [M, 3] has up to an edge [E, 3]."""
    room_m = np.asarray(KDTree(edge).query(places)[0])
    return np.maximum(room_m / reach_m, _LEAST_RIM_SPLATS)


def _residuals(
    config: ModelConfig, layer: int, features: Tensor, placement: _Placement, part: np.ndarray
) -> LayerResiduals:
    """One layer's residuals out of all sites' placement."""
    absent = torch.from_numpy(placement.absent[part])
    offset = np.arctanh(placement.offset[part] / config.lambda_position[layer])
    scale = torch.from_numpy(np.log(placement.size[part])).float()
    none = torch.zeros(len(part))
    return LayerResiduals(
        features=features.float().contiguous(),
        opacity=torch.where(absent, _ABSENT, 0.0) if layer == 0 else none,
        scale=scale[:, None].expand(-1, 3).contiguous(),
        offset=torch.from_numpy(offset.astype(np.float32)),
        mask=None if layer == 0 else torch.where(absent, DROPPED, 0.0),
    )
