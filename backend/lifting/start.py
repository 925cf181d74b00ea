"""The avatar's residuals before personalisation, from one portrait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.model.attributes import logit
from backend.model.planes import BACK, FRONT, offset_logits, scale_logits
from backend.model.residuals import IdentityResiduals
from backend.model.splitavatar import SplitAvatar
from backend.splat.gaussians import Gaussians

from .collar import neckwear, off_the_neck
from .discs import CELL_SIGMA
from .frames import frames_of_glasses, standing_off
from .glasses import glasses
from .hair import hair_over_face, wide_enough
from .hair_grain import HairGrain
from .layers import starting_layers
from .mirrored import mirrored_side, symmetric
from .neck import neck_sides
from .other_photos import shown_by
from .planes import PlaneTargets, plane_targets, staggered_m
from .polygons import dilate, erode
from .sampling import between, look_up, sample
from .surround import surround
from .target import Personal, Target
from .torso import behind_head, torso_clothes
from .view import View

_DEEP_SIGMA, _DEEPEST = 0.4, 0.8
"""Of two cells' distance in depth (with more, temples that turn away have spikes); of the largest
there are."""

_LEAST_BEHIND = 0.05
_LEAST_MATTE = 0.1  # single hairs
_SOFT_PX = 1.5
_CLOSE_M, _APART_M = 0.02, 0.04  # to and from the scalp: long hair hangs by itself
_SCALP_NEIGHBOURS = 4
_COLLAR_PX, _STEEP = 4, 0.5  # beside it the planes show where the neck's skin ends; a cosine
_FRAME_SHADE_PX = 3  # beside a frame
_EDGE_PX = 2  # cells reach so far beyond clothes


@dataclass(frozen=True)
class Start:
    """Where personalisation starts, and what it aims at.

    Args:
        personal: The residuals.
        target: The portrait.
        betas: [300] the portrait's identity.
        clothes: [N] bool: which identity Gaussians, the cells that exist and what is fixed, are
            clothes on the torso.
    """

    personal: Personal
    target: Target
    betas: np.ndarray
    clothes: Tensor

    def to(self, device: str) -> Start:
        """The same start on another device."""
        return replace(self, personal=self.personal.to(device), target=self.target.to(device))


def start(view: View, model: SplitAvatar, others: Sequence[View] = ()) -> Start:
    """Initial residuals: colours by projection, ownership by what moves, planes as a hull.

    Args:
        view: The portrait and the fitted head.
        model: The network; untrained outputs are 0, so that the residuals are all there is.
        others: More photos of the person, with the same identity: they show what this one hides.

    Source: first-avatar.md, What mattered, 1-7.
    """
    over = hair_over_face(view, view.parts.worn)
    frames = standing_off(view, glasses(view.portrait.rgb, view.portrait.landmarks))
    hides = over | dilate(frames, _FRAME_SHADE_PX)
    grain = HairGrain(view)
    told = [shown_by(other, model) for other in others]
    layers = starting_layers(view, model, hides, grain, told)
    far_side, skin = view.far_side(), ~view.parts.worn
    collar = neckwear(view)
    strands = (wide_enough(over) | collar).astype(np.float32)
    targets = plane_targets(
        view.unspilt,
        view.matte,
        view.parts.worn,
        view.visible,
        far_side,
        view.mobility_image() * (1 - cv2.GaussianBlur(strands, (0, 0), _SOFT_PX)),
        float(view.camera.viewmat[2, 3]),
        off_the_neck(collar),
    )
    # Beside jaw and neck a back of skin would hang behind them as a thread.
    targets.opacity[BACK][skin & (far_side.face < 0)] = 0
    clothes = torso_clothes(view)
    targets = symmetric(view, targets, ~clothes)
    cells = _cell_centres(model.config.grid, view.camera.width)
    step_px = view.camera.width / model.config.grid
    mirrored, behind = mirrored_side(view, targets, ~clothes, cells, step_px)
    targets.opacity[BACK][behind] = 0
    neck, sides = neck_sides(view, targets, layers.vertices, layers.bare, cells, step_px)
    # On a neck's steep side that strip would lie across the neck as a streak once it turns.
    strip = ~erode(skin, _COLLAR_PX) & (view.facing_image() > _STEEP)
    throat = view.shows_all(layers.bare) & skin & ~strip
    targets.opacity[FRONT][sides | throat] = 0
    identity, mask, rim = _planes(view, model, targets, cells, grain, layers.vertices)
    around, frames = surround(view, targets.front_m), frames_of_glasses(view, frames)
    behind_it = behind_head(view, targets, clothes, layers.bare, cells, step_px)
    fixed = Gaussians.cat([around, behind_it, frames, mirrored, neck])
    personal = Personal(
        identity,
        layers.residuals,
        mask,
        rim,
        layers.frozen,
        layers.toned,
        layers.shown,
        layers.anchored,
        fixed,
    )
    at_edge = view.camera.project(around.means.double().numpy()).clip(0, view.camera.width - 1)
    edged = clothes | (dilate(clothes, _EDGE_PX) & ~view.parts.hair)
    worn = np.concatenate(
        [
            np.tile(look_up(edged, cells, False), 2)[mask.numpy()],
            look_up(clothes, at_edge, False),
            np.ones(len(behind_it), bool),
            np.zeros(len(frames) + len(mirrored) + len(neck), bool),
        ]
    )
    return Start(personal, view.target(), view.betas, torch.from_numpy(worn))


def _planes(
    view: View,
    model: SplitAvatar,
    targets: PlaneTargets,
    cells: np.ndarray,
    grain: HairGrain,
    vertices: np.ndarray,
) -> tuple[IdentityResiduals, Tensor, Tensor]:
    """Residuals of the identity planes, [2P] bool: the cells inside the matte, and [2P] bool: those
    whose colours are not what the portrait shows there.

    Args:
        view: The portrait and the fitted head.
        model: Gives the planes.
        targets: What they should show.
        cells: [P, 2] pixels of their cells.
        grain: Of hair that the portrait hides.
        vertices: [V, 3] display sRGB of the head's vertices.

    Deviates: design.md keeps two cells beyond the matte; they left a dark rim.
    """
    config, camera = model.config, view.camera
    depth = float(camera.viewmat[2, 3])

    def at(image: np.ndarray) -> Tensor:
        values = sample(image.reshape(*image.shape[:2], -1), cells)
        return torch.from_numpy(values.astype(np.float32)).squeeze(-1)

    step = camera.width / config.grid
    sigma = CELL_SIGMA * step * depth / camera.K[0, 0]
    count = len(cells)
    scale = torch.full((2, count, 3), sigma)
    for side, depth_m in zip(scale, (targets.front_m, targets.back_m), strict=True):
        apart = at(_steepness(depth_m)) * step
        side[:, 2] = (
            side[:, 2].maximum(_DEEP_SIGMA * apart).clamp_max(_DEEPEST * config.plane_scale_m)
        )
    scale = scale_logits(scale, config)
    shown = at(targets.rgb)
    places = camera.unproject(cells, depth + at(targets.back_m).numpy())
    hidden, close = _like_scalp(view, vertices, places)
    hidden = (hidden * torch.from_numpy(grain.at(places)).float()).clamp(0, 1)
    colour = logit(torch.stack([shown, shown.lerp(hidden, close)]).clamp(0, 1), eps=1e-3)
    opacity = logit(torch.stack([at(side) for side in targets.opacity]).clamp(0, 1), eps=0.01)
    residuals = IdentityResiduals(
        features=colour.contiguous(),
        opacity=opacity.contiguous(),
        scale=scale.contiguous(),
        offset=_offsets(targets, at, depth, camera, config),
    )
    mask = torch.from_numpy(look_up(view.matte > _LEAST_MATTE, cells, False).astype(bool))
    # Where both sheets meet, at the outline, which of two cells is drawn first would be chance.
    solid = torch.from_numpy(look_up(view.matte > 0.5, cells, False).astype(bool))
    behind = solid & (at(targets.opacity[BACK]) > _LEAST_BEHIND)
    at_rim = torch.from_numpy(look_up(targets.rim, cells, False).astype(bool))
    rear = at_rim | (close[:, 0] > 0.5)
    return residuals, torch.cat([mask, behind]), torch.cat([at_rim, rear])


def _like_scalp(view: View, vertices: np.ndarray, places: np.ndarray) -> tuple[Tensor, Tensor]:
    """[P, 3] colours of the scalp nearest to places of a sheet [P, 3], metres, and [P, 1] 0..1 how
    close that is: a portrait's outline, seen from behind, would be stripes of dark hair, skin and
    the wall's light."""
    scalp = view.regions["scalp"] & ~view.regions["lids"]
    skull = view.vertices[0].numpy()[scalp]
    apart = np.asarray(KDTree(skull).query(places)[0])[:, None]
    close = np.clip((_APART_M - apart) / (_APART_M - _CLOSE_M), 0, 1)
    colours = between(skull, vertices[scalp], places, _SCALP_NEIGHBOURS)
    return torch.from_numpy(colours).float(), torch.from_numpy(close).float()


def _steepness(depth_m: np.ndarray) -> np.ndarray:
    """[H, W] metres of depth per pixel."""
    down, right = np.gradient(depth_m)
    return np.hypot(down, right)


def _offsets(targets: PlaneTargets, at, depth: float, camera, config) -> Tensor:
    fore, aft = at(targets.front_m), at(targets.back_m)
    apart = torch.from_numpy(staggered_m(len(fore)))
    # Shoulders lie behind the plane, which is the farthest that a front cell can.
    front = offset_logits(depth - fore.clamp_min(0) - apart, camera, config, FRONT)
    back = offset_logits(depth + aft + apart, camera, config, BACK)
    return torch.stack([front, back]).float().contiguous()


def _cell_centres(grid: int, size_px: int) -> np.ndarray:
    """[grid * grid, 2] pixels of the cells' centres, row-major."""
    steps = (np.arange(grid) + 0.5) * size_px / grid
    x, y = np.meshgrid(steps, steps)
    return np.stack([x.ravel(), y.ravel()], axis=-1)
