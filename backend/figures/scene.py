"""What Fig. 6 shows: one driven head as Gaussians, from an avatar or from a network."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.data.frame import FrameSource, Pair
from backend.evaluation.network import Network, animate, picture
from backend.head import Head
from backend.splat.gaussians import Gaussians
from backend.training.batch import collate
from shared.flame import Track

from .density import Density, kept_density


@dataclass(frozen=True)
class Scene:
    """A driven head.

    Args:
        picture: [H, W, 3] uint8 the result, on black.
        cloud: All Gaussians, masked ones at opacity 0, on the CPU.
        vertices: [V, 3] the posed head, metres.
        head: Its triangles and regions.
    """

    picture: np.ndarray
    cloud: Gaussians
    vertices: np.ndarray
    head: Head

    def density(self) -> Density:
        """Where the masks keep Gaussians."""
        return kept_density(
            self.cloud.layers.numpy(),
            self.cloud.vertices.numpy(),
            (self.cloud.opacities > 0).numpy(),
            self.vertices,
            self.head.faces.numpy(),
            {name: mask.numpy() for name, mask in self.head.regions.items()},
        )


def avatar_scene(pipeline: Pipeline, avatar: Avatar, frame: Track) -> Scene:
    """An avatar in one pose, seen by its portrait's camera."""
    cloud = pipeline.drive(avatar, frame)
    shown = pipeline.picture(avatar, frame, avatar.camera)
    own = dataclasses.replace(frame, betas=avatar.source.betas)
    vertices = pipeline.head.vertices_of(own)[0]
    return Scene(
        (np.clip(shown.rgb, 0, 1) * 255).round().astype(np.uint8),
        cloud.to("cpu"),
        vertices.cpu().numpy(),
        pipeline.head.to("cpu"),
    )


def network_scene(
    network: Network, data: FrameSource, source: tuple[str, int], driver: tuple[str, int]
) -> Scene:
    """A network's avatar of one frame, driven by another."""
    portrait = data.read(*source)
    ((target, pictures),) = animate(network, data, portrait, [driver])
    with torch.no_grad():
        vertices = collate([Pair(portrait, target)], network.head).vertices[0]
    cloud = pictures.clouds[0].to("cpu")
    return Scene(picture(pictures), cloud, vertices.numpy(), network.head)


def write_cloud(path: Path, cloud: Gaussians, colors: np.ndarray) -> None:
    """What scripts/render_gaussians.py reads.

    Args:
        path: The .npz.
        cloud: N Gaussians.
        colors: [N, 3] display sRGB 0..1.
    """
    arrays = {name: getattr(cloud, name).numpy() for name in ("means", "quats", "scales")}
    np.savez(path, **arrays, colors=np.clip(colors, 0, 1))
