"""From raw outputs to the Gaussians of G0..GL: activation, sites, local frames, masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from backend.configs.network import ModelConfig
from backend.model import attributes as at
from backend.model.covariance import over_points
from backend.model.head_mesh import HeadMesh
from backend.model.masks import child_mask
from backend.model.residuals import LayerResiduals, add, add_features
from backend.splat import quaternions


@dataclass(frozen=True)
class GaussianLayer:
    """One layer G_i of a batch; N = V * k^i, vertex-major.

    Args:
        means: [B, N, 3] metres, head space.
        quats: [B, N, 4] wxyz, normalised.
        scales: [B, N, 3] metres.
        opacities: [B, N] before the mask.
        features: [B, N, C] activated.
        feature_logits: [B, N, C] accumulated along the parents, before activation.
        mask: [B, N] M_i, 0 or 1 going forward (straight-through going backward).
        soft_mask: [B, N] m_i; 1 for G0.
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    features: Tensor
    feature_logits: Tensor
    mask: Tensor
    soft_mask: Tensor


@dataclass(frozen=True)
class ExpressionRaw:
    """The network's outputs for one pose, before residuals and activation.

    Args:
        attributes: Per layer [B, N_i, 11 + C] (`backend.model.attributes`).
        masks: Per layer [B, N_i] mask logits; None for G0.
    """

    attributes: tuple[Tensor, ...]
    masks: tuple[Tensor | None, ...]


@dataclass(frozen=True)
class ExpressionLayers:
    """Result of the expression branch.

    Args:
        layers: G0..GL (fewer where the splitting is switched off).
        raw: What the network gave for them.
        copies: Gaussians per vertex in G0.
    """

    layers: tuple[GaussianLayer, ...]
    raw: ExpressionRaw
    copies: int = 1


class Sites(nn.Module):
    """Where Gaussians start on the posed mesh.

    Args:
        head: The head; columns of its sites are those of G1 (k), then G2 (k^2), ...
        faces: [F, 3] int64 triangles.
        config: `split`, `layers`; the sites themselves are read only with `sites`, their spacing
            only for scales of that form.
    """

    spacing: Tensor

    def __init__(self, head: HeadMesh, faces: Tensor, config: ModelConfig) -> None:
        super().__init__()
        self.vertices = len(head.v_template)
        if config.scale_form == "spacing":
            spacing = torch.as_tensor(head.site_spacing).float()
            self.register_buffer("spacing", spacing, persistent=False)
        if config.sites:
            self._keep_sites(head, faces, config)

    def _keep_sites(self, head: HeadMesh, faces: Tensor, config: ModelConfig) -> None:
        site_faces = torch.as_tensor(head.site_faces).long()  # [V, S]
        site_bary = torch.as_tensor(head.site_bary).float()  # [V, S, 3]
        start = 0
        for layer in range(1, config.layers + 1):
            stop = start + config.copies(layer)
            columns = slice(start, stop)
            corners = faces[site_faces[:, columns].reshape(-1)]  # [N, 3] vertex ids
            weights = site_bary[:, columns].reshape(-1, 3)
            self.register_buffer(f"corners_{layer}", corners, persistent=False)
            self.register_buffer(f"weights_{layer}", weights[..., None], persistent=False)
            start = stop

    def forward(self, layer: int, vertices: Tensor) -> Tensor:
        """Sites of layer >= 1 on posed vertices [B, V, 3] -> [B, N, 3] metres."""
        corners: Tensor = getattr(self, f"corners_{layer}")
        weights: Tensor = getattr(self, f"weights_{layer}")
        first, second, third = (vertices.index_select(1, corners[:, c]) for c in range(3))
        return first * weights[:, 0] + second * weights[:, 1] + third * weights[:, 2]


def assemble_layer(
    config: ModelConfig,
    sites: Sites,
    layer: int,
    raw: Tensor,
    mask_logits: Tensor | None,
    residuals: LayerResiduals | None,
    pose: Pose,
    parent: GaussianLayer | None,
    channels: int | None = None,
) -> GaussianLayer:
    """Activate one layer.

    Args:
        config: Scale factors.
        sites: Sites of the head.
        layer: i.
        raw: [B, N, 11 + C] network output.
        mask_logits: [B, N], None for G0.
        residuals: The avatar's own.
        pose: The posed head.
        parent: G_{i-1}, None for G0.
        channels: Assemble only the first channels of the features (3: colours).

    Source: Eq. 5; method.md 3.
    Deviates: the paper says only that lambda scales each attribute and decreases for opacity and
        scale. Here: position lambda * tanh, rotated with the vertex's local frame, from the
        parent's mean or (`sites`) from a fixed site on the mesh; opacity sigmoid * lambda; scale
        sigmoid * lambda, or (`spacing`) the sites' spacing * exp(lambda * raw), a disc on the
        skin; colours add up along the parents before their sigmoid. G0 may leave its vertex by
        the avatar's own offset only: the network's is 0.
    """
    own = residuals or LayerResiduals()
    logits = raw[..., at.FEATURES][..., :channels] * config.lambda_features[layer]
    logits = add_features(logits, own.features)
    if parent is not None:
        logits = logits + parent.feature_logits.repeat_interleave(config.split, dim=1)
    soft, mask = _masks(config, mask_logits, own, parent, raw)
    offset = add(raw[..., at.OFFSET], own.offset).tanh() * config.lambda_position[layer]
    opacity = add(raw[..., at.OPACITY] + config.opacity_bias[layer], own.opacity)
    quats = add(raw[..., at.ROTATION] * config.lambda_rotation[layer], own.quat)
    scales = _scales(config, sites, layer, raw[..., at.SCALE], own.scale)
    if layer == 0 and config.quat_norm == "points":
        quats, scales = over_points(quats, scales)
    else:  # a split Gaussian's raw starts at 0, which is no direction of a plain quaternion
        quats = at.normalise_quats(quats, config.quat_form if layer == 0 else "residual")
    if config.local_quats:
        copies = quats.shape[1] // sites.vertices
        frames = pose.frame_quats().repeat_interleave(copies, dim=1)
        quats = quaternions.multiply(frames, quats)
    return GaussianLayer(
        means=_start(config, sites, layer, pose, parent) + pose.rotate(offset),
        quats=quats,
        scales=scales,
        opacities=opacity.sigmoid() * config.lambda_opacity[layer],
        features=at.activate_features(logits),
        feature_logits=logits,
        mask=mask,
        soft_mask=soft,
    )


class Pose:
    """The posed head of a batch.

    Args:
        vertices: [B, V, 3] metres, head space, head pose excluded.
        frames: [B, V, 3, 3] local frames; columns are tangent, bitangent, normal.
    """

    def __init__(self, vertices: Tensor, frames: Tensor) -> None:
        self.vertices = vertices
        self.frames = frames
        self._quats: Tensor | None = None

    def frame_quats(self) -> Tensor:
        """[B, V, 4] the frames as quaternions."""
        if self._quats is None:
            self._quats = quaternions.from_matrix(self.frames)
        return self._quats

    def rotate(self, local: Tensor) -> Tensor:
        """Vectors [B, N, 3] in the local frame of their vertex to head space."""
        batch, vertices = self.frames.shape[:2]
        grouped = local.view(batch, vertices, -1, 3)
        x, y, z = grouped.unsqueeze(-1).unbind(-2)  # [B, V, M, 1]
        tangent, bitangent, normal = self.frames[:, :, None].unbind(-1)  # [B, V, 1, 3]
        return (x * tangent + y * bitangent + z * normal).view_as(local)


def _masks(
    config: ModelConfig,
    mask_logits: Tensor | None,
    own: LayerResiduals,
    parent: GaussianLayer | None,
    raw: Tensor,
) -> tuple[Tensor, Tensor]:
    if parent is None or mask_logits is None:
        ones = torch.ones_like(raw[..., 0])  # M_0 = 1
        return ones, ones
    soft = add(mask_logits, own.mask).sigmoid()
    return soft, child_mask(soft, parent.mask, config.split)


def _start(
    config: ModelConfig, sites: Sites, layer: int, pose: Pose, parent: GaussianLayer | None
) -> Tensor:
    if parent is None:
        copies = config.g0_copies
        return pose.vertices.repeat_interleave(copies, dim=1) if copies > 1 else pose.vertices
    if config.sites:
        return sites(layer, pose.vertices)
    return parent.means.repeat_interleave(config.split, dim=1)


def _scales(
    config: ModelConfig, sites: Sites, layer: int, raw: Tensor, residual: Tensor | None
) -> Tensor:
    factor = config.lambda_scale[layer]
    if config.scale_form == "sigmoid":
        return add(raw, residual).sigmoid() * factor
    log_scale = add(raw * factor, residual)
    disc = raw.new_tensor([1.0, 1.0, config.disc_thickness]) * config.scale_spacing[layer]
    spacing = sites.spacing.repeat_interleave(raw.shape[1] // sites.vertices)
    return log_scale.exp() * (spacing[:, None] * disc)


def assemble_layers(
    config: ModelConfig,
    sites: Sites,
    raw: ExpressionRaw,
    residuals: Sequence[LayerResiduals] | None,
    pose: Pose,
    channels: int | None = None,
) -> tuple[GaussianLayer, ...]:
    """G0..GL from raw outputs; see `assemble_layer`."""
    layers: list[GaussianLayer] = []
    for index, (attributes, masks) in enumerate(zip(raw.attributes, raw.masks, strict=True)):
        own = residuals[index] if residuals else None
        parent = layers[-1] if layers else None
        layers.append(
            assemble_layer(config, sites, index, attributes, masks, own, pose, parent, channels)
        )
    return tuple(layers)
