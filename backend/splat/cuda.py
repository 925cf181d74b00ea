"""gsplat's CUDA rasteriser behind the same signature as `reference` and `cpu`.

Import this module only after torch.cuda.is_available(): on a machine with nvcc but CPU torch,
gsplat would start a build that cannot succeed.

Where it differs from `reference`:
- alpha_max is gsplat's own, .999, and its extent is `opacity`; other values are not possible and
  are logged as a warning.
- mask_gradient: gsplat skips contributions below 1/255, hence everything of opacity 0. A second
  pass draws the dropped Gaussians at opacity _PROBE, adds 0 to the picture and carries their
  gradient. It is the gradient at _PROBE instead of at 0, inside 1.8 standard deviations instead
  of 3.3, and costs one more forward and backward.
"""

from __future__ import annotations

import logging

import torch
from gsplat import rasterization
from torch import Tensor

from backend.splat.gaussians import Gaussians
from shared.camera import Camera
from shared.low_pass import EPS2D

_log = logging.getLogger(__name__)

GSPLAT_ALPHA_MAX = 0.999
"""gsplat's compiled-in clamp."""

_PROBE = 0.02

_told: set[tuple[float, str]] = set()


def rasterise(
    gaussians: Gaussians,
    camera: Camera,
    *,
    mask_gradient: bool,
    alpha_max: float,
    near_m: float,
    extent: str = "opacity",
    eps2d: float = EPS2D,
) -> tuple[Tensor, Tensor, Tensor]:
    """The same as `reference.rasterise`, for tensors on a CUDA device; see the module's text.

    Returns:
        features [H, W, C], transmittance [H, W], weighted z [H, W] (metres, not normalised).
    """
    wanted = (alpha_max, extent)
    if wanted != (GSPLAT_ALPHA_MAX, "opacity") and wanted not in _told:
        _told.add(wanted)
        _log.warning(
            "alpha_max %g and extent %s are asked for, but gsplat has %g and opacity: pictures "
            "differ a little from the CPU's",
            *wanted,
            GSPLAT_ALPHA_MAX,
        )
    opacities = gaussians.opacities
    picture = _render(gaussians, opacities, camera, near_m, eps2d)
    dropped = opacities.detach() == 0
    if mask_gradient and torch.is_grad_enabled() and opacities.requires_grad and dropped.any():
        fixed = Gaussians(
            gaussians.means.detach(),
            gaussians.quats.detach(),
            gaussians.scales.detach(),
            opacities.detach(),
            gaussians.features.detach(),
        )
        probed = torch.where(dropped, _PROBE + opacities, opacities.detach())
        probe = _render(fixed, probed, camera, near_m, eps2d)
        picture = picture + (probe - probe.detach())
    return picture[..., :-2], picture[..., -2], picture[..., -1]


def _render(
    gaussians: Gaussians, opacities: Tensor, camera: Camera, near_m: float, eps2d: float
) -> Tensor:
    """[H, W, C + 2]: features, transmittance, weighted z."""
    device = gaussians.means.device
    if gaussians.means.dtype != torch.float32:
        raise ValueError(f"gsplat takes float32; got {gaussians.means.dtype}")
    if len(gaussians) == 0:
        empty = torch.zeros(camera.height, camera.width, gaussians.channels + 2, device=device)
        empty[..., -2] = 1
        return empty
    view = torch.as_tensor(camera.viewmat, dtype=torch.float32, device=device)
    intrinsics = torch.as_tensor(camera.K, dtype=torch.float32, device=device)
    colors, alphas, _ = rasterization(
        means=gaussians.means,
        quats=gaussians.quats,
        scales=gaussians.scales,
        opacities=opacities,
        colors=gaussians.features,
        viewmats=view[None],
        Ks=intrinsics[None],
        width=camera.width,
        height=camera.height,
        near_plane=near_m,
        eps2d=eps2d,
        packed=False,
        render_mode="RGB+D",
        channel_chunk=gaussians.channels + 1,  # one pass: 32 and depth are 33, which is native
    )
    return torch.cat([colors[0, ..., :-1], 1 - alphas[0], colors[0, ..., -1:]], dim=-1)
