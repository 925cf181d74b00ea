"""Refined frames for any camera, from a neural renderer that was trained at one framing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.splat.gaussians import FIRST_EXPRESSION_LAYER, Gaussians
from backend.splat.rasterise import Raster, rasterise
from shared.camera import PORTRAIT_FOCAL, Camera, portrait_intrinsics

PORTRAIT_DISTANCE_M = 1.8
"""Usual distance of portrait cameras from the head's origin (GAGAvatar: 9 units of 0.2 m)."""

_MARGIN = 1.05
_SEEN_ALPHA = 1e-4


@torch.no_grad()
def refined(
    renderer: Callable[[Tensor], Tensor],
    size: int,
    cloud: Gaussians,
    camera: Camera,
    alpha_max: float,
) -> Raster:
    """A refined picture: colours of the renderer, alpha and depth of the splats.

    Args:
        renderer: Features [1, C, size, size] -> [1, 3, size, size].
        size: Side of the picture that it was trained at.
        cloud: Gaussians with all C features; of opacity 0: masked out.
        camera: Any camera.
        alpha_max: As `rasterise`.

    Returns:
        `features` [H, W, 3] display sRGB on black (premultiplied), alpha and depth.

    Source: method.md 4.
    Deviates: nothing is drawn where the splats have no alpha, since the picture may lie over
        another; the network alone would paint there too.
    """
    cloud = cloud.kept()
    if is_trained_framing(camera, size):
        return _refine(renderer, cloud, camera, alpha_max)
    window = _window(cloud, camera)
    if window is None:
        black = cloud.features.new_zeros(camera.height, camera.width, 3)
        return Raster(black, black[..., 0], black[..., 0])
    x0, y0, side = window
    crop = _refine(renderer, cloud, _crop_camera(camera, x0, y0, side, size), alpha_max)
    return _pasted(crop, camera, x0, y0, side)


def near_matte(matte: np.ndarray, grid: int, cells: int = 2) -> Tensor:
    """[2 * grid * grid] bool: cells of both planes inside the portrait's matte or close to it.

    The planes cover the background too; without this a picture's alpha would be a box.

    Args:
        matte: [S, S] 0..1.
        grid: Side of a plane, cells.
        cells: How far beyond the matte.
    """
    inside = torch.from_numpy(np.ascontiguousarray(matte > 0.5)).float()[None, None]
    reached = F.interpolate(inside, size=(grid, grid), mode="area") > 0
    reached = F.max_pool2d(reached.float(), 2 * cells + 1, stride=1, padding=cells) > 0
    return reached.flatten().repeat(2)


def is_trained_framing(camera: Camera, size: int) -> bool:
    """Whether a camera has the portraits' intrinsics."""
    wanted = portrait_intrinsics(size)
    return (camera.width, camera.height) == (size, size) and np.allclose(camera.K, wanted)


def _refine(
    renderer: Callable[[Tensor], Tensor], cloud: Gaussians, camera: Camera, alpha_max: float
) -> Raster:
    raster = rasterise(cloud, camera, alpha_max=alpha_max)
    picture = renderer(raster.features.permute(2, 0, 1)[None])[0].permute(1, 2, 0)  # [H, W, 3]
    return Raster(picture.minimum(raster.alpha[..., None]), raster.alpha, raster.depth)


def _window(cloud: Gaussians, camera: Camera) -> tuple[int, int, int] | None:
    """The square of the picture, left, top and side in whole pixels, that frames the head.

    It is as large as portraits' pictures are at the head's depth, and larger if the head's bounds
    need it. None: the head is behind the camera or outside the picture.
    """
    points = cloud.means[cloud.layers == FIRST_EXPRESSION_LAYER].double().cpu().numpy()
    view = points @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    if len(view) == 0 or view[:, 2].min() <= 0:
        return None
    pixels = camera.project(points)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    focal = float(np.sqrt(camera.K[0, 0] * camera.K[1, 1]))
    usual = 2 * PORTRAIT_DISTANCE_M / PORTRAIT_FOCAL * focal / float(np.median(view[:, 2]))
    side = max(usual, _MARGIN * float((high - low).max()))
    x0, y0 = (low + high) / 2 - side / 2
    outside = x0 >= camera.width or y0 >= camera.height or x0 + side <= 0 or y0 + side <= 0
    return None if outside else (round(float(x0)), round(float(y0)), max(1, round(side)))


def _crop_camera(camera: Camera, x0: int, y0: int, side: int, size: int) -> Camera:
    """The same view of a square of the picture alone, at the trained size."""
    intrinsics = camera.K.copy()
    intrinsics[0, 2] -= x0
    intrinsics[1, 2] -= y0
    return Camera(camera.viewmat, intrinsics, side, side).resized(size, size)


def _pasted(crop: Raster, camera: Camera, x0: int, y0: int, side: int) -> Raster:
    """A crop's picture in its place in the frame; nothing around it."""
    layers = torch.cat(
        [crop.features, crop.alpha[..., None], (crop.depth * crop.alpha)[..., None]], dim=-1
    )
    small = F.interpolate(
        layers.permute(2, 0, 1)[None],
        size=(side, side),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )[0].permute(1, 2, 0)
    frame = layers.new_zeros(camera.height, camera.width, layers.shape[-1])
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + side, camera.width), min(y0 + side, camera.height)
    frame[top:bottom, left:right] = small[top - y0 : bottom - y0, left - x0 : right - x0]
    alpha = frame[..., 3]
    depth = torch.where(alpha > _SEEN_ALPHA, frame[..., 4] / alpha.clamp_min(_SEEN_ALPHA), 0)
    return Raster(frame[..., :3], alpha, depth)
