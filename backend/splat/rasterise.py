"""The one entry to rasterising: checks its input and chooses the implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from backend.splat import cpu, native, reference
from backend.splat.gaussians import Gaussians
from backend.splat.projection import NEAR_M
from shared.camera import Camera
from shared.low_pass import EPS2D

Implementation = Literal["auto", "reference", "cpu", "cuda"]
Extent = Literal["opacity", "three_sigma"]

ALPHA_MAX = 0.999
"""Opacity at which one contribution saturates (as gsplat; the `gagavatar` preset has .99)."""

_PIXELS_MAX = 16384
"""Width and height that the tile indices of every implementation can hold."""


@dataclass
class Raster:
    """A picture of Gaussians.

    Args:
        features: [H, W, C], premultiplied by alpha, on black.
        alpha: [H, W] 0..1, one minus the final transmittance.
        depth: [H, W] expected z in camera space of what is seen, metres; 0 where alpha is 0.
    """

    features: Tensor
    alpha: Tensor
    depth: Tensor


def rasterise(
    gaussians: Gaussians,
    camera: Camera,
    *,
    mask_gradient: bool = False,
    alpha_max: float = ALPHA_MAX,
    near_m: float = NEAR_M,
    extent: Extent = "opacity",
    eps2d: float = EPS2D,
    backend: Implementation = "auto",
) -> Raster:
    """Composites Gaussians, differentiable in all five tensors. Rules: `reference`'s text.

    Args:
        gaussians: N Gaussians of C features; N may be 0.
        camera: Where they are seen from.
        mask_gradient: Give Gaussians of opacity exactly 0 the dL/d opacity they would have.
        alpha_max: Opacity at which one contribution saturates, 0..1 exclusive.
        near_m: Nearest z that is drawn, metres.
        extent: How far a Gaussian is looked at: `opacity` (until it is fainter than 1/255) or
            `three_sigma` (tiles within three standard deviations, as the original rasteriser).
            gsplat has `opacity` only.
        eps2d: Low pass: added to the variances in the picture, square pixels.
        backend: "auto" takes gsplat for CUDA tensors and the C++ op on the CPU, or the PyTorch
            rasteriser where its library cannot be used (logged as a warning).

    Raises:
        ValueError: An argument is not what it should be.
        AvatarError: out_of_memory.

    Source: SplitAvatar Eq. 3.
    """
    _check(gaussians, camera, alpha_max, extent, eps2d)
    chosen = _choose(backend, gaussians.means.device)
    settings: dict[str, Any] = {
        "mask_gradient": mask_gradient,
        "alpha_max": alpha_max,
        "near_m": near_m,
        "extent": extent,
        "eps2d": eps2d,
    }
    if chosen == "cuda":
        from backend.splat import cuda

        features, transmittance, weighted_z = cuda.rasterise(gaussians, camera, **settings)
    elif chosen == "cpu":
        features, transmittance, weighted_z = cpu.rasterise(gaussians, camera, **settings)
    else:
        features, transmittance, weighted_z = reference.rasterise(gaussians, camera, **settings)
    alpha = 1 - transmittance
    depth = torch.where(alpha > 0, weighted_z / alpha.clamp_min(1e-6), 0)
    return Raster(features, alpha, depth)


def _choose(backend: Implementation, device: torch.device) -> str:
    if backend == "auto":
        if device.type == "cuda":
            return "cuda"
        if device.type == "cpu" and native.load()[0] is not None:
            return "cpu"
        return "reference"
    if backend not in ("reference", "cpu", "cuda"):
        raise ValueError(f"backend is {backend!r}; expected auto, reference, cpu or cuda")
    if backend != "reference" and backend != device.type:
        raise ValueError(f"backend is {backend!r} but the Gaussians are on {device.type!r}")
    return backend


def _check(
    gaussians: Gaussians, camera: Camera, alpha_max: float, extent: str, eps2d: float
) -> None:
    tensors = {
        name: getattr(gaussians, name)
        for name in ("means", "quats", "scales", "opacities", "features")
    }
    kinds = {(tensor.dtype, tensor.device) for tensor in tensors.values()}
    if len(kinds) > 1 or gaussians.means.dtype not in (torch.float32, torch.float64):
        got = ", ".join(f"{name} {t.dtype} on {t.device}" for name, t in tensors.items())
        raise ValueError(f"got {got}; expected all float32 or all float64, on one device")
    if gaussians.channels < 1:
        raise ValueError("features has 0 channels; expected at least 1")
    for name, size in (("width", camera.width), ("height", camera.height)):
        if not 1 <= size <= _PIXELS_MAX:
            raise ValueError(f"camera {name} is {size}; expected 1..{_PIXELS_MAX} pixels")
    if not 0 < alpha_max < 1:
        raise ValueError(f"alpha_max is {alpha_max}; expected more than 0 and less than 1")
    if not eps2d > 0:
        raise ValueError(f"eps2d is {eps2d}; expected more than 0 square pixels")
    if extent not in get_args(Extent):
        raise ValueError(f"extent is {extent!r}; expected one of {get_args(Extent)}")
