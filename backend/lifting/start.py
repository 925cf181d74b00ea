"""The avatar's residuals before personalisation, from one portrait."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from backend.head import Head
from backend.head.zbuffer import Visible, rasterise_mesh
from backend.model.attributes import logit
from backend.model.planes import BACK, FRONT, offset_logits, scale_logits
from backend.model.residuals import IdentityResiduals, LayerResiduals, colour_residuals
from backend.model.splitavatar import SplitAvatar
from backend.personalise import Personal, Target
from backend.tracking.portrait import Portrait
from shared.flame import ARKIT_NAMES

from .colours import SiteColours, Sites, facing_camera, look_up, sample
from .fill import extend_colours
from .planes import PlaneTargets, plane_targets
from .polygons import Polygons, dilate, erode, polygons

_STILL_M, _MOVING_M = 0.0004, 0.002
_LID_M = 0.001
_MOBILITY_MARGIN_PX = 5
_MOBILITY_BLUR_PX = 3.0
_EYE_RECESS_M = 0.0018  # splats have thickness: eyeballs must not shine through closed lids
_EYE_SPLATS = 0.75  # of the size of others, for the same reason
_CELL_SIGMA = 0.8
_DRAWN_PX = 4
_LEAST_SPLATS = 0.7
_BORDER_SIGMAS = 1.5
_MOST_DRAWN = 0.95  # of the network's own reach
_ABSENT = -9.0  # opacity logit of Gaussians that must not show
_DROPPED = -6.0  # residual on the mask logit of children that start masked
_MATTE_MARGIN_CELLS = 0


@dataclass(frozen=True)
class Start:
    """Where personalisation starts, and what it aims at.

    Args:
        personal: The residuals.
        target: The portrait.
        betas: [300] the portrait's identity.
    """

    personal: Personal
    target: Target
    betas: np.ndarray

    def to(self, device: str) -> Start:
        """The same start on another device."""
        return Start(self.personal.to(device), self.target.to(device), self.betas)


def start(portrait: Portrait, head: Head, model: SplitAvatar) -> Start:
    """Initial residuals: colours by projection, ownership by what moves, planes as a hull.

    Args:
        portrait: The matted, fitted picture.
        head: The head the rig uses, on the CPU, where all of this happens.
        model: The network; untrained outputs are 0, so that the residuals are all there is.

    Source: first-avatar.md, What mattered, 1-7.
    """
    view = _View(portrait, head)
    target = view.target(model)
    layers, frozen, anchored = _layers(view, head, model)
    identity, mask = _planes(view, model)
    return Start(Personal(identity, layers, mask, frozen, anchored), target, view.betas)


class _View:
    """The portrait and the fitted head, seen together."""

    def __init__(self, portrait: Portrait, head: Head) -> None:
        self.portrait, self.head = portrait, head
        self.camera = portrait.fit.camera
        track = portrait.fit.track
        assert track.betas is not None  # a fit always has them
        self.betas = track.betas
        self.vertices = head.vertices_of(track)  # [1, V, 3]
        self.rest = head.shape(torch.from_numpy(self.betas)[None])
        self.matte = portrait.matte
        self.rgb = extend_colours(portrait.rgb, self.matte)
        self.shapes: Polygons = polygons(portrait.landmarks, self.camera.width)
        self.regions = {name: mask.numpy() for name, mask in head.regions.items()}
        self.regions["lids"] = self.regions["lids"] | self.regions["eye_sockets"] | lid_skin(head)
        faces = head.faces.numpy()
        solid = ~self.regions["lashes"][faces].any(1)
        self.faces = faces[solid]
        self.visible: Visible = rasterise_mesh(self.vertices[0].numpy(), self.faces, self.camera)
        self.mobility = vertex_mobility(head)

    def target(self, model: SplitAvatar) -> Target:
        return Target(
            image=torch.from_numpy(np.ascontiguousarray(self.portrait.matted)),
            alpha=torch.from_numpy(self.matte),
            camera=self.camera,
            vertices=self.vertices,
            frames=self.head.local_frames(self.vertices),
            still=torch.from_numpy(self.mobility < 0.05),
        )

    def shift_inside(self, sites: Sites, pixels: np.ndarray) -> np.ndarray:
        """[M, 3] metres in each site's local frame that bring it into the matte.

        Where the head is wider than the person, its skin is drawn in rather than cut off.
        """
        outside = ~erode(self.matte > 0.5, _DRAWN_PX)
        nearest = distance_transform_edt(outside, return_distances=False, return_indices=True)
        y, x = (look_up(plane, pixels, 0) for plane in np.asarray(nearest))
        depth = sites.positions @ self.camera.viewmat[2, :3] + self.camera.viewmat[2, 3]
        step = (np.stack([x, y], 1) + 0.5 - pixels) * (depth / self.camera.K[0, 0])[:, None]
        world = step @ self.camera.viewmat[:2, :3]
        frames = self.head.local_frames(self.vertices)[0].numpy()[sites.vertices]
        return np.einsum("mij,mi->mj", frames, world)

    def narrowed(self, vertices: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """[M] factor of the splats' size that keeps them from spilling over the matte's border."""
        inside = np.asarray(distance_transform_edt(self.matte > 0.5))
        room_px = look_up(inside, pixels, 0.0)
        depth = self.camera.viewmat[2, 3]
        sigma_px = self.head.site_spacing.numpy()[vertices] * self.camera.K[0, 0] / depth
        fit = room_px / (_BORDER_SIGMAS * sigma_px)
        return np.clip(fit, _LEAST_SPLATS, 1).astype(np.float32)

    def mobility_image(self) -> np.ndarray:
        """[H, W] 0..1: the pixel shows skin that the rig moves."""
        hit = self.visible.face >= 0
        corners = self.mobility[self.faces[self.visible.face]]
        image = np.where(hit, (corners * self.visible.barycentric).sum(-1), 0)
        size = 2 * _MOBILITY_MARGIN_PX + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        grown = cv2.dilate(image.astype(np.float32), disc)
        return np.clip(cv2.GaussianBlur(grown, (0, 0), _MOBILITY_BLUR_PX), 0, 1)


def vertex_mobility(head: Head) -> np.ndarray:
    """[V] 0..1: how far any expression unit moves a vertex; the front of the face counts fully."""
    reach = head.exprdirs.norm(dim=1).amax(dim=-1).numpy()  # [V] metres
    mobility = np.clip((reach - _STILL_M) / (_MOVING_M - _STILL_M), 0, 1)
    inner = ("face", "lips", "lids", "mouth_interior", "teeth_upper", "teeth_lower", "tongue")
    for name in (*inner, "left_eyeball", "right_eyeball"):
        mobility[head.regions[name].numpy()] = 1.0
    return mobility.astype(np.float32)


def lid_skin(head: Head) -> np.ndarray:
    """[V] bool: skin that blinking moves."""
    blink = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    reach = head.exprdirs[..., blink].norm(dim=1).amax(dim=-1).numpy()
    return (reach > _LID_M) & ~head.regions["lashes"].numpy()


def _layers(
    view: _View, head: Head, model: SplitAvatar
) -> tuple[list[LayerResiduals], list[Tensor], list[Tensor]]:
    """Residuals of G0..GL, and which of each layer are frozen and anchored."""
    config = model.config
    device = next(model.buffers()).device
    posed = [view.vertices[0]]
    rest = [view.rest[0]]
    for layer in range(1, config.layers + 1):
        posed.append(model.sites(layer, view.vertices.to(device))[0].cpu())
        rest.append(model.sites(layer, view.rest.to(device))[0].cpu())
    counts = [len(p) for p in posed]
    vertices = np.concatenate(
        [np.repeat(np.arange(counts[0]), count // counts[0]) for count in counts]
    )
    normals = head.normals(view.vertices)[0].numpy()[vertices]
    positions = torch.cat(posed).numpy()
    sites = Sites(positions, normals, torch.cat(rest).numpy(), vertices)
    painter = SiteColours(
        view.rgb, view.matte, view.shapes, view.regions, view.camera, view.visible
    )
    colours = painter.paint(sites)
    pixels = view.camera.project(positions)
    absent = look_up(view.matte, pixels, 0.0) < 0.5
    shift = view.shift_inside(sites, pixels)
    reach = np.concatenate([np.full(n, config.lambda_position[i]) for i, n in enumerate(counts)])
    drawn = absent & view.regions["face"][vertices] & (np.abs(shift).max(1) < _MOST_DRAWN * reach)
    absent &= ~drawn
    narrow = view.narrowed(vertices, pixels)
    absent |= view.regions["lashes"][vertices]
    facing = facing_camera(sites, view.camera)
    # Necks are thinner than the head's: what the portrait hides of one is left to the planes.
    behind = positions[:, 2] < view.head.joints_of(view.betas)[1, 2]
    absent |= view.regions["neck"][vertices] & (facing < 0) & behind
    frozen = look_up(view.shapes.frozen, pixels, False)
    for region in ("lips", "lids"):
        frozen = frozen | view.regions[region][vertices]
    for region in ("teeth_upper", "teeth_lower", "tongue", "left_eyeball", "right_eyeball"):
        frozen = frozen & ~view.regions[region][vertices]

    split = np.split(np.arange(len(positions)), np.cumsum(counts)[:-1])
    features = colour_residuals([torch.from_numpy(colours[part]) for part in split], config.split)
    eyes = view.regions["left_eyeball"] | view.regions["right_eyeball"]
    eyes = eyes[vertices]
    residuals = []
    for layer, part in enumerate(split):
        offset = torch.zeros(len(part), 3)
        recess = np.arctanh(-_EYE_RECESS_M / config.lambda_position[layer])
        offset[torch.from_numpy(eyes[part]), 2] = float(recess)
        inside = drawn[part]
        drawing = np.arctanh(shift[part][inside] / config.lambda_position[layer])
        offset[torch.from_numpy(inside)] = torch.from_numpy(drawing.astype(np.float32))
        scale = torch.zeros(len(part), 3)
        scale[torch.from_numpy(eyes[part])] = float(np.log(_EYE_SPLATS))
        scale += torch.from_numpy(np.log(narrow[part]))[:, None]
        hidden = torch.from_numpy(absent[part])
        residuals.append(
            LayerResiduals(
                features=features[layer].float().contiguous(),
                opacity=torch.where(hidden, _ABSENT, 0.0) if layer == 0 else torch.zeros(len(part)),
                scale=scale,
                offset=offset,
                mask=None if layer == 0 else torch.where(hidden, _DROPPED, 0.0),
            )
        )
    frozen_parts = [torch.from_numpy(frozen[part]) for part in split]
    return residuals, frozen_parts, [torch.from_numpy(eyes[part]) for part in split]


def _planes(view: _View, model: SplitAvatar) -> tuple[IdentityResiduals, Tensor]:
    config, camera = model.config, view.camera
    depth = float(camera.viewmat[2, 3])
    targets = plane_targets(view.rgb, view.matte, view.visible, view.mobility_image(), depth)
    cells = _cell_centres(config.grid, camera.width)

    def at(image: np.ndarray) -> Tensor:
        values = sample(image.reshape(*image.shape[:2], -1), cells)
        return torch.from_numpy(values.astype(np.float32)).squeeze(-1)

    step = camera.width / config.grid
    sigma = _CELL_SIGMA * step * depth / camera.K[0, 0]
    count = len(cells)
    scale = scale_logits(torch.full((2, count, 3), sigma), config)
    colour = logit(at(targets.rgb).clamp(0, 1), eps=1e-3)
    opacity = logit(at(targets.opacity).clamp(0, 1), eps=0.01)
    residuals = IdentityResiduals(
        features=torch.stack([colour, colour]).contiguous(),
        opacity=torch.stack([opacity, opacity]).contiguous(),
        scale=scale.contiguous(),
        offset=_offsets(targets, at, depth, camera, config),
    )
    margin = round(_MATTE_MARGIN_CELLS * step)
    inside = dilate(view.matte > 0.5, margin)
    mask = torch.from_numpy(look_up(inside, cells, False).astype(bool))
    return residuals, torch.cat([mask, mask])


def _offsets(targets: PlaneTargets, at, depth: float, camera, config) -> Tensor:
    front = offset_logits(depth - at(targets.front_m), camera, config, FRONT)
    back = offset_logits(depth + at(targets.back_m), camera, config, BACK)
    return torch.stack([front, back]).float().contiguous()


def _cell_centres(grid: int, size_px: int) -> np.ndarray:
    """[grid * grid, 2] pixels of the cells' centres, row-major."""
    steps = (np.arange(grid) + 0.5) * size_px / grid
    x, y = np.meshgrid(steps, steps)
    return np.stack([x.ravel(), y.ravel()], axis=-1)
