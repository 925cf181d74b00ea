"""How fast the CPU's rasteriser is here, on a cloud that is the same everywhere."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from backend.splat import native
from backend.splat.gaussians import Gaussians
from backend.splat.rasterise import rasterise
from shared.camera import Camera, portrait_intrinsics

_COUNT, _CHANNELS, _SIZE_PX = 100_000, 3, 512
_PATIENCE_S = 0.3


def head_like_scene(count: int, channels: int, size_px: int) -> tuple[Gaussians, Camera]:
    """Two planes and a shell before them, with the density of an avatar's Gaussians."""
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    plane = int(count * 0.35)
    side = 0.3  # the portrait camera sees 0.3 m at 1.8 m
    means = (rand(count, 3) - 0.5) * side
    means[:plane, 2] = 0.05 * rand(plane)
    means[plane : 2 * plane, 2] = -0.05 * rand(plane)
    shell = count - 2 * plane
    directions = torch.nn.functional.normalize(torch.randn(shell, 3, generator=generator), dim=-1)
    means[2 * plane :] = directions * torch.tensor([0.08, 0.11, 0.09])
    spacing = side / plane**0.5
    cloud = Gaussians(
        means,
        torch.nn.functional.normalize(torch.randn(count, 4, generator=generator), dim=-1),
        spacing * (0.5 + 0.6 * rand(count, 3)),
        0.3 + 0.65 * rand(count),
        rand(count, channels),
    )
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[2, 3] = 1.8
    return cloud, Camera(view, portrait_intrinsics(size_px), size_px, size_px)


def measured() -> dict[str, Any]:
    """Which rasteriser draws on the CPU, and its best time for one picture; takes half a second.

    Returns:
        used: the library with its instruction set, or why it is PyTorch; frame_ms: milliseconds
        for a picture of size_px x size_px pixels of `splats` Gaussians on `threads` threads.
    """
    cloud, camera = head_like_scene(_COUNT, _CHANNELS, _SIZE_PX)
    library, status = native.load()
    taken, until = [], time.perf_counter() + _PATIENCE_S
    with torch.no_grad():
        if library is not None:
            rasterise(cloud, camera)  # starts threads and touches memory
        while not taken or time.perf_counter() < until:
            started = time.perf_counter()
            rasterise(cloud, camera)
            taken.append(time.perf_counter() - started)
    return {
        "used": status.message,
        "frame_ms": round(1e3 * min(taken), 1),
        "splats": _COUNT,
        "size_px": _SIZE_PX,
        "threads": torch.get_num_threads(),
    }
