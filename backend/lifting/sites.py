"""The rig's Gaussians as places on the head, and which of them a portrait shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from backend.model.splitavatar import SplitAvatar
from shared.camera import Camera

from .sampling import look_up
from .view import View, facing


@dataclass(frozen=True)
class Sites:
    """The rig's Gaussians, G0..GL one after the other, at the portrait's pose.

    Args:
        positions: [M, 3] head space, metres.
        normals: [M, 3] unit.
        rest: [M, 3] positions with neutral expression and eyes, for symmetry.
        vertices: [M] int, each one's rig vertex.
    """

    positions: np.ndarray
    normals: np.ndarray
    rest: np.ndarray
    vertices: np.ndarray


def sites_of(view: View, model: SplitAvatar) -> tuple[Sites, list[int]]:
    """All sites at a portrait's pose, and how many each layer has."""
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


def regions_at(view: View, vertices: np.ndarray) -> dict[str, np.ndarray]:
    """[M] bool of each region, and of all teeth, all in the mouth and both eyes: the sites of
    vertices [M] that are in it."""
    at = {name: mask[vertices] for name, mask in view.regions.items()}
    at["teeth"] = at["teeth_upper"] | at["teeth_lower"]
    at["in_mouth"] = at["teeth"] | at["tongue"] | at["mouth_interior"]
    at["eyes"] = at["left_eyeball"] | at["right_eyeball"]
    return at


def facing_camera(sites: Sites, camera: Camera) -> np.ndarray:
    """[M] cosine between each site's normal and the direction to the camera."""
    return facing(sites.positions, sites.normals, camera)


def shown_sites(
    view: View,
    sites: Sites,
    pixels: np.ndarray,
    slack_m: np.ndarray | float,
    least: np.ndarray | float,
) -> np.ndarray:
    """[M] bool: the mesh shows the site, from not too far aside, inside the matte.

    Args:
        view: The portrait and the fitted head.
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        slack_m: How far behind the mesh a site may lie, metres.
        least: Cosine to the camera from where on a site is seen.
    """
    depth = view.camera.depth(sites.positions)
    front = depth <= look_up(view.visible.depth, pixels, np.inf) + slack_m
    inside = look_up(view.matte, pixels, 0.0) > 0.95
    return front & inside & (facing_camera(sites, view.camera) > least)
