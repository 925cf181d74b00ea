"""From Gaussians in head space to ellipses in the picture (EWA splatting).

The formulas are gsplat's. They are written element by element because csrc/project.h does the same
operations in the same order: depths must agree to the last bit, or Gaussians at almost the same
depth change places between the two rasterisers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.splat.gaussians import Gaussians
from backend.splat.quaternions import normalise, to_matrix
from shared.camera import Camera
from shared.low_pass import EPS2D

ALPHA_MIN = 1.0 / 255.0
"""Contributions below this are skipped."""

NEAR_M = 0.01
"""Gaussians nearer to the camera plane than this are not drawn, metres."""

FULL_EXTENT = 3.33
"""Standard deviations at which a Gaussian of opacity 1 falls below ALPHA_MIN (as gsplat)."""


@dataclass
class Projection:
    """What the picture sees of N Gaussians.

    Args:
        means2d: [N, 2] centres, pixels (pixel centres at half-integers).
        conics: [N, 3] upper triangle (a, b, c) of the inverse 2D covariance, 1 / square pixels.
        depths: [N] z in camera space, metres.
        extents: [N, 2] half width and height of the visible ellipse, pixels; 0 when not visible.
        radii: [N] whole pixels that hold three standard deviations of the longer axis, whatever
            the opacity; 0 nearer than `near_m` (the original 3DGS rasteriser's radius).
    """

    means2d: Tensor
    conics: Tensor
    depths: Tensor
    extents: Tensor
    radii: Tensor

    @property
    def visible(self) -> Tensor:
        """[N] bool: can touch the picture."""
        return self.extents[:, 0] > 0


def project(
    gaussians: Gaussians,
    camera: Camera,
    *,
    visible_opacities: Tensor | None = None,
    near_m: float = NEAR_M,
    eps2d: float = EPS2D,
) -> Projection:
    """Projects Gaussians as gsplat does.

    Args:
        gaussians: N Gaussians; features are not looked at.
        camera: Where they are seen from.
        visible_opacities: [N] opacities that decide the extent; default: the Gaussians' own.
        near_m: Nearest z that is drawn, metres.
        eps2d: Low pass, square pixels.

    Source: gsplat 1.5.3, ProjectionEWA3DGSFused.cu and cuda/_torch_impl.py.
    """
    means = gaussians.means
    view = torch.as_tensor(camera.viewmat, dtype=means.dtype, device=means.device)
    x, y, depths = camera_points(means, view).unbind(-1)
    z = torch.where(depths > near_m, depths, 1.0)  # keeps NaN out of gradients; not drawn anyway
    fx, fy = float(camera.K[0, 0]), float(camera.K[1, 1])
    cx, cy = float(camera.K[0, 2]), float(camera.K[1, 2])
    means2d = torch.stack([fx * x / z + cx, fy * y / z + cy], dim=-1)  # [N, 2]

    # the linearisation is taken at most 15 % of the picture outside of it
    margin_x, margin_y = 0.15 * camera.width / fx, 0.15 * camera.height / fy
    tx = z * (x / z).clamp(-(cx / fx + margin_x), (camera.width - cx) / fx + margin_x)
    ty = z * (y / z).clamp(-(cy / fy + margin_y), (camera.height - cy) / fy + margin_y)
    z2 = z * z
    jw0 = (fx / z)[:, None] * view[0, :3] + (-fx * tx / z2)[:, None] * view[2, :3]  # [N, 3]
    jw1 = (fy / z)[:, None] * view[1, :3] + (-fy * ty / z2)[:, None] * view[2, :3]  # [N, 3]
    m = to_matrix(normalise(gaussians.quats)) * gaussians.scales[:, None, :]  # [N, 3, 3]
    u0 = jw0[:, 0:1] * m[:, 0] + jw0[:, 1:2] * m[:, 1] + jw0[:, 2:3] * m[:, 2]  # [N, 3]
    u1 = jw1[:, 0:1] * m[:, 0] + jw1[:, 1:2] * m[:, 1] + jw1[:, 2:3] * m[:, 2]  # [N, 3]
    c00 = _dot(u0, u0) + eps2d
    c01 = _dot(u0, u1)
    c11 = _dot(u1, u1) + eps2d
    det = c00 * c11 - c01 * c01
    conics = torch.stack([c11 / det, -c01 / det, c00 / det], dim=-1)  # [N, 3]

    opacities = gaussians.opacities if visible_opacities is None else visible_opacities
    with torch.no_grad():
        reach = (2 * torch.log(opacities / ALPHA_MIN)).clamp(0, FULL_EXTENT**2).sqrt()
        extents = reach[:, None] * torch.stack([c00, c11], dim=-1).sqrt()  # [N, 2]
        size = torch.tensor([camera.width, camera.height], device=means.device)
        valid = (depths > near_m) & (det > 0) & (opacities >= ALPHA_MIN)
        valid &= (torch.isfinite(extents) & torch.isfinite(means2d)).all(-1)
        valid &= ((means2d + extents > 0) & (means2d - extents < size)).all(-1)
        extents = torch.where(valid[:, None], extents.clamp_min(1e-6), 0)
        middle = 0.5 * (c00 + c11)
        longer = middle + (middle * middle - det).clamp_min(0.1).sqrt()
        radii = (3 * longer.sqrt()).ceil().where((depths > near_m) & (det > 0), 0)
    return Projection(means2d, conics, depths, extents, radii)


def camera_points(means: Tensor, view: Tensor) -> Tensor:
    """Head-space points [N, 3] in camera space [N, 3], by a `viewmat` [4, 4]."""
    rows = []
    x, y, z = means.unbind(-1)
    for i in range(3):
        rows.append(view[i, 0] * x + view[i, 1] * y + view[i, 2] * z + view[i, 3])
    return torch.stack(rows, dim=-1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]
