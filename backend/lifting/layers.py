"""Residuals of G0..GL before personalisation: what each site shows, and whether it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from backend.configs.network import ModelConfig
from backend.model.residuals import LayerResiduals, colour_residuals
from backend.model.splitavatar import SplitAvatar

from .colours import SiteColours, Sites, facing_camera, look_up
from .polygons import erode
from .view import View

_EYE_RECESS_M = 0.0018  # splats have thickness: eyeballs must not shine through closed lids
_EYE_SPLATS = 0.75  # of the size of others, for the same reason
_DRAWN_PX = 4
_MOST_DRAWN = 0.95  # of the network's own reach
_LEAST_SPLATS = 0.7
_BORDER_SIGMAS = 1.5
_ABSENT = -9.0  # opacity logit of Gaussians that must not show
DROPPED = -6.0
"""Residual on the mask logit of children that start masked."""


@dataclass(frozen=True)
class StartingLayers:
    """The expression branch's part of an avatar.

    Args:
        residuals: Of G0..GL.
        frozen: Per layer [N] bool: lips and lids.
        anchored: Per layer [N] bool: eyeballs.
    """

    residuals: list[LayerResiduals]
    frozen: list[Tensor]
    anchored: list[Tensor]


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


def starting_layers(view: View, model: SplitAvatar) -> StartingLayers:
    """Colours by projection, eyeballs behind the lids, nothing beside the person.

    Args:
        view: The portrait and the fitted head.
        model: Gives the sites.
    """
    config = model.config
    sites, counts = _sites(view, model)
    pixels = view.camera.project(sites.positions)
    painter = SiteColours(
        view.rgb, view.matte, view.shapes, view.regions, view.camera, view.visible
    )
    colours = painter.paint(sites)
    reach = np.concatenate([np.full(n, config.lambda_position[i]) for i, n in enumerate(counts)])
    placement = _placement(view, sites, pixels, reach)
    frozen = _frozen(view, sites, pixels)
    parts = np.split(np.arange(len(pixels)), np.cumsum(counts)[:-1])
    features = colour_residuals([torch.from_numpy(colours[part]) for part in parts], config.split)
    eyes = _eyes(view, sites)
    return StartingLayers(
        [
            _residuals(config, layer, features[layer], placement, part)
            for layer, part in enumerate(parts)
        ],
        [torch.from_numpy(frozen[part]) for part in parts],
        [torch.from_numpy(eyes[part]) for part in parts],
    )


def _sites(view: View, model: SplitAvatar) -> tuple[Sites, list[int]]:
    """All sites at the portrait's pose, and how many each layer has."""
    device = next(model.buffers()).device
    posed, rest = [view.vertices[0]], [view.rest[0]]
    for layer in range(1, model.config.layers + 1):
        posed.append(model.sites(layer, view.vertices.to(device))[0].cpu())
        rest.append(model.sites(layer, view.rest.to(device))[0].cpu())
    counts = [len(positions) for positions in posed]
    vertices = np.concatenate(
        [np.repeat(np.arange(counts[0]), count // counts[0]) for count in counts]
    )
    normals = view.head.normals(view.vertices)[0].numpy()[vertices]
    return Sites(torch.cat(posed).numpy(), normals, torch.cat(rest).numpy(), vertices), counts


def _placement(view: View, sites: Sites, pixels: np.ndarray, reach: np.ndarray) -> _Placement:
    """What shows, where and how large.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        reach: [M] metres that the network's offsets reach.
    """
    absent = look_up(view.matte, pixels, 0.0) < 0.5
    shift = _shift_inside(view, sites, pixels)
    near = np.abs(shift).max(1) < _MOST_DRAWN * reach
    drawn = absent & view.regions["face"][sites.vertices] & near
    absent &= ~drawn
    absent |= view.regions["lashes"][sites.vertices]
    # Necks are thinner than the head's: what the portrait hides of one is left to the planes.
    behind = sites.positions[:, 2] < view.head.joints_of(view.betas)[1, 2]
    away = facing_camera(sites, view.camera) < 0
    absent |= view.regions["neck"][sites.vertices] & away & behind
    offset = np.where(drawn[:, None], shift, 0.0)
    size = _narrowed(view, sites.vertices, pixels)
    eyes = _eyes(view, sites)
    offset[eyes & ~drawn, 2] = -_EYE_RECESS_M
    size[eyes] *= _EYE_SPLATS
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


def _shift_inside(view: View, sites: Sites, pixels: np.ndarray) -> np.ndarray:
    """[M, 3] metres in each site's local frame that bring it into the matte.

    Where the head is wider than the person, its skin is drawn in rather than cut off.
    """
    outside = ~erode(view.matte > 0.5, _DRAWN_PX)
    nearest = distance_transform_edt(outside, return_distances=False, return_indices=True)
    y, x = (look_up(plane, pixels, 0) for plane in np.asarray(nearest))
    depth = sites.positions @ view.camera.viewmat[2, :3] + view.camera.viewmat[2, 3]
    step = (np.stack([x, y], 1) + 0.5 - pixels) * (depth / view.camera.K[0, 0])[:, None]
    world = step @ view.camera.viewmat[:2, :3]
    frames = view.head.local_frames(view.vertices)[0].numpy()[sites.vertices]
    return np.einsum("mij,mi->mj", frames, world)


def _narrowed(view: View, vertices: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """[M] factor of the splats' size that keeps them from spilling over the matte's border."""
    inside = np.asarray(distance_transform_edt(view.matte > 0.5))
    room_px = look_up(inside, pixels, 0.0)
    depth = view.camera.viewmat[2, 3]
    sigma_px = view.head.site_spacing.numpy()[vertices] * view.camera.K[0, 0] / depth
    fit = room_px / (_BORDER_SIGMAS * sigma_px)
    return np.clip(fit, _LEAST_SPLATS, 1).astype(np.float32)


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
