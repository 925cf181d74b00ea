"""GAGAvatar's quaternions of the expression branch, as Gaussians that any rasteriser can draw."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.splat import quaternions


def over_points(raw: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
    """Quaternions and scales of the covariances that GAGAvatar's rasteriser makes.

    Its quaternions are normalised over the points instead of each by itself, which leaves norms of
    about .028, and its rasteriser computes R = I + O(1e-3) from them without normalising again.
    R diag(scales)^2 R^T is a proper covariance, so its principal axes give the same Gaussian.

    Args:
        raw: [B, N, 4] raw quaternions, wxyz, of all points.
        scales: [B, N, 3] metres.

    Returns:
        quats [B, N, 4] unit, wxyz; scales [B, N, 3] metres, positive.

    Source: baseline.md Q2.
    Deviates: the axes get no gradient (that of nearly round Gaussians is unbounded); scales do.
    """
    small = torch.nn.functional.normalize(raw, dim=1).double()
    half = quaternions.to_matrix(small) * scales.double()[..., None, :]  # [B, N, 3, 3]
    covariance = half @ half.mT
    axes = _near_identity(torch.linalg.eigh(covariance.detach()).eigenvectors)
    variances = (axes.mT @ covariance @ axes).diagonal(dim1=-2, dim2=-1)
    return quaternions.from_matrix(axes).to(raw), variances.clamp_min(1e-24).sqrt().to(raw)


def _near_identity(axes: Tensor) -> Tensor:
    """Columns [..., 3, 3] reordered and turned round into the rotation nearest to none.

    Principal axes have no order and no sign of their own; this choice keeps each scale with the
    axis that it came from.
    """
    permutations = torch.tensor(
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], device=axes.device
    )
    candidates = axes[..., permutations].movedim(-2, -3)  # [..., 6, 3, 3]
    fit = candidates.diagonal(dim1=-2, dim2=-1).abs().sum(-1)  # [..., 6]
    best = fit.argmax(-1)[..., None, None, None].expand(*axes.shape[:-2], 1, 3, 3)
    chosen = candidates.gather(-3, best).squeeze(-3)
    diagonal = chosen.diagonal(dim1=-2, dim2=-1)
    chosen = chosen * torch.where(diagonal < 0, -1.0, 1.0)[..., None, :]
    third = torch.where(torch.linalg.det(chosen) < 0, -1.0, 1.0)[..., None]
    return torch.cat([chosen[..., :2], chosen[..., 2:] * third[..., None]], dim=-1)
