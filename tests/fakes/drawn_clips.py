"""A data set in memory: coloured heads that open their mouths and turn, drawn by our rasteriser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from backend.data.frame import Frame
from backend.head import Head
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track

SIZE = 64

TINY = {
    "preset": "tiny", "width": 8, "heads": 2, "layers": 1, "image_size": SIZE, "grid": 16,
    "channels": 8, "adapter_width": 8, "scale_spacing": [1.0, 0.9],
    "lambda_position": [0.002, 0.004], "lambda_opacity": [1.0, 0.99], "lambda_scale": [1.0, 0.9],
    "lambda_rotation": [1.0, 1.0], "lambda_features": [1.0, 1.0], "opacity_bias": [3.0, 3.0],
    "perceptual": "none", "lr": 1e-3, "batch": 2, "iterations": 6, "checkpoint_every": 2,
    "image_every": 0, "validate_every": 0, "workers": 0,
}  # fmt: skip
"""A network and a training that take a fraction of a second per step."""


@cache
def open_head() -> Head:
    return Head.load("open")


class DrawnClips:
    """A `FrameSource` of two training clips and one of validation, five frames each."""

    head = "open"

    def __init__(self, size: int = SIZE) -> None:
        self.image_size = size
        self._splits = {"train": ("blue", "red"), "val": ("violet",)}

    def splits(self) -> Sequence[str]:
        return tuple(self._splits)

    def clips(self, split: str) -> Sequence[str]:
        return self._splits[split]

    def frames(self, clip: str) -> Sequence[int]:
        return range(0, 50, 10)

    def read(self, clip: str, index: int) -> Frame:
        return _frame(clip, index, self.image_size)


@cache
def _frame(clip: str, index: int, size: int) -> Frame:
    head, colour = open_head(), {"blue": (0.2, 0.4, 0.9), "red": (0.9, 0.3, 0.2)}
    track = Track.from_arkit({"jawOpen": index / 50}, betas=np.zeros(300))
    vertices = head.vertices_of(track)[0]
    count = len(vertices)
    shade = 0.5 + 0.5 * head.normals(vertices[None])[0][:, 2:].clamp(0, 1)
    cloud = Gaussians(
        means=vertices,
        quats=torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
        scales=torch.full((count, 3), 0.004),
        opacities=torch.full((count,), 0.9),
        features=shade * torch.tensor(colour.get(clip, (0.6, 0.3, 0.7))),
    )
    camera = _camera(0.01 * index, size)
    raster = rasterise(cloud, camera)
    return Frame(
        clip=clip,
        index=index,
        image=_bytes(raster.features),
        camera=camera,
        track=track,
        box=np.array([0.2, 0.1, 0.8, 0.9], np.float32),
        alpha=_bytes(raster.alpha),
    )


def _camera(angle_rad: float, size: int) -> Camera:
    turn = np.eye(3)
    turn[0, 0] = turn[2, 2] = np.cos(angle_rad)
    turn[0, 2], turn[2, 0] = np.sin(angle_rad), -np.sin(angle_rad)
    view = np.eye(4)
    view[:3, :3] = np.diag([1.0, -1.0, -1.0]) @ turn
    view[:3, 3] = (0, 0, 1.8)
    return Camera(view, portrait_intrinsics(size), size, size)


def _bytes(values: torch.Tensor) -> np.ndarray:
    return (values.clamp(0, 1) * 255 + 0.5).byte().numpy()
