"""The whole network: portrait -> identity planes and G0, posed head -> G0..GL, union."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from backend.configs.network import ModelConfig
from backend.model import build
from backend.model.attributes import GEOMETRY
from backend.model.embedding import Decoder, Embedding, plain_attributes, standardise
from backend.model.expression import (
    ExpressionLayers,
    ExpressionRaw,
    GaussianLayer,
    Pose,
    Sites,
    assemble_layer,
    assemble_layers,
)
from backend.model.graph import mesh_edges
from backend.model.gsn import SplittingNetwork
from backend.model.head_mesh import HeadMesh
from backend.model.masks import MaskNetwork
from backend.model.planes import PlaneGaussians, lift_planes
from backend.model.residuals import IdentityResiduals, LayerResiduals
from backend.model.shapes import check_shape
from shared.camera import Camera
from shared.errors import AvatarError


@dataclass(frozen=True)
class Encoded:
    """What the network makes of a portrait, once.

    Args:
        global_feature: [B, C] of the encoder.
        plane_raw: [B, 2, P, 9 + C] raw identity planes, front and back.
        g0_raw: [B, V * g0_copies, 11 + C] raw G0.
    """

    global_feature: Tensor
    plane_raw: Tensor
    g0_raw: Tensor


class SplitAvatar(nn.Module):
    """The SplitAvatar network (Fig. 2) and its variants.

    Args:
        config: Sizes and scale factors.
        head: The head mesh that carries the expression Gaussians.
        seed: Of the initial weights; the same seed gives the same weights.

    Attributes:
        stores_encoder: Its checkpoints hold the frozen encoder too, because the file that it came
            from does (a converted baseline).
    """

    def __init__(self, config: ModelConfig, head: HeadMesh, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.head_hash = str(head.hash)
        vertices = len(head.v_template)
        self.vertices = vertices
        self.stores_encoder = False
        with torch.device("cpu"):  # tables hold values even where parameters are only counted
            faces = torch.as_tensor(head.faces).long()
            self.sites = _sites(config, head, faces)
            self.graph = build.graph(config, vertices, mesh_edges(faces))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._build(config, vertices)

    def _build(self, config: ModelConfig, vertices: int) -> None:
        width, channels, each = config.node_width, config.channels, range(config.layers)
        self.encoder = build.encoder(config)
        self.adapter = build.adapter(config, self.encoder)
        self.generator = build.generator(config, vertices, self.encoder)
        coded = each if config.embedding else ()
        self.embeddings = nn.ModuleList(Embedding(channels, width) for _ in coded)
        self.splitting = nn.ModuleList(SplittingNetwork(config) for _ in each)
        self.decoders = nn.ModuleList(Decoder(width, channels) for _ in coded)
        gated = each if config.gating else ()
        self.masks = nn.ModuleList(
            MaskNetwork(width, config.split, config.mask_start) for _ in gated
        )
        self.renderer = build.renderer(config)

    # Identity branch ------------------------------------------------------------------------

    def encode(self, image: Tensor, camera: Camera | Sequence[Camera]) -> Encoded:
        """Once per portrait: identity planes and G0, raw.

        Args:
            image: [B, 3, S, S] display sRGB 0..1 on black, S = `config.image_size`.
            camera: The source camera of every portrait (one for all, or B).
        """
        cameras = [camera] * len(image) if isinstance(camera, Camera) else list(camera)
        forward = torch.from_numpy(np.stack([c.viewmat[2, :3] for c in cameras])).to(image)
        seen = self.encoder(image)
        return Encoded(
            global_feature=seen.global_feature,
            plane_raw=self.adapter(seen, image, forward),
            g0_raw=self.generator(seen.global_feature, forward),
        )

    def identity(
        self,
        encoded: Encoded,
        residuals: IdentityResiduals | None,
        camera: Camera,
        *,
        channels: int | None = None,
    ) -> PlaneGaussians:
        """Identity Gaussians of portraits that share one source camera; see `lift_planes`."""
        return lift_planes(encoded.plane_raw, camera, self.config, residuals, channels)

    # Expression branch ----------------------------------------------------------------------

    def expression(
        self,
        g0_raw: Tensor,
        vertices: Tensor,
        frames: Tensor,
        residuals: Sequence[LayerResiduals] | None = None,
        ablate: frozenset[str] = frozenset(),
    ) -> ExpressionLayers:
        """Split G0 along the mesh, once per driving frame.

        Args:
            g0_raw: [B or 1, V, 11 + C] from `encode`.
            vertices: [B, V, 3] posed head, metres, head pose excluded.
            frames: [B, V, 3, 3] local frames of `vertices`; columns tangent, bitangent, normal.
            residuals: The avatar's own, one per layer 0..L; None: none.
            ablate: `gsn`: no G1..GL; `masks`: every mask is 1. (`expression` freezes the driver
                and is the caller's: the posed vertices it passes.)

        Source: Sec. 3.3-3.4, Eqs. 4-13.
        """
        self._check_pose(g0_raw, vertices, frames, residuals)
        pose = Pose(vertices, frames)
        g0_raw = g0_raw.expand(len(vertices), -1, -1)
        raws: list[Tensor] = [g0_raw]
        masks: list[Tensor | None] = [None]
        layers = [self._assemble(0, g0_raw, None, residuals, pose, None)]
        for index in range(0 if "gsn" in ablate else self.config.layers):
            raw, mask_logits = self._split(index, raws[-1], layers[-1])
            layer = self._assemble(index + 1, raw, mask_logits, residuals, pose, layers[-1])
            raws.append(raw)
            masks.append(mask_logits)
            layers.append(layer)
        if "masks" in ablate:
            layers = [
                dataclasses.replace(layer, mask=torch.ones_like(layer.mask)) for layer in layers
            ]
        raw = ExpressionRaw(tuple(raws), tuple(masks))
        return ExpressionLayers(tuple(layers), raw, self.config.g0_copies)

    @torch.no_grad()
    def expression_raw(
        self,
        g0_raw: Tensor,
        vertices: Tensor,
        frames: Tensor,
        residuals: Sequence[LayerResiduals] | None = None,
    ) -> ExpressionRaw:
        """The network part of `expression` alone, without gradients; arguments as there.

        While personalising, these outputs count as constants: `assemble` them with residuals that
        change, and refresh them now and then, since F_i embeds what the residuals change.
        """
        return self.expression(g0_raw, vertices, frames, residuals).raw

    def assemble(
        self,
        raw: ExpressionRaw,
        residuals: Sequence[LayerResiduals] | None,
        vertices: Tensor,
        frames: Tensor,
        *,
        channels: int | None = None,
    ) -> ExpressionLayers:
        """The other part of `expression`: residuals, activation, sites, masks.

        Args:
            raw: From `expression_raw`.
            residuals: One per layer 0..L.
            vertices: As in `expression`.
            frames: As in `expression`.
            channels: Assemble only the first channels of the features (3: colours), which is all
                that the coarse image needs.
        """
        self._check_pose(raw.attributes[0], vertices, frames, residuals)
        pose = Pose(vertices, frames)
        layers = assemble_layers(self.config, self.sites, raw, residuals, pose, channels)
        return ExpressionLayers(layers, raw, self.config.g0_copies)

    def _assemble(
        self,
        index: int,
        raw: Tensor,
        mask_logits: Tensor | None,
        residuals: Sequence[LayerResiduals] | None,
        pose: Pose,
        parent: GaussianLayer | None,
    ) -> GaussianLayer:
        own = residuals[index] if residuals else None
        return assemble_layer(self.config, self.sites, index, raw, mask_logits, own, pose, parent)

    def _split(self, index: int, raw: Tensor, layer: GaussianLayer) -> tuple[Tensor, Tensor | None]:
        """G_i -> raw attributes [B, k N, 11 + C] and mask logits [B, k N] of G_{i+1}."""
        network = self.splitting[index]
        if self.config.embedding:
            attributes = standardise(
                layer.means, layer.opacities, layer.quats, layer.scales, layer.features
            )
            features = self.embeddings[index](attributes)  # F_i [B, N, width]
            children = self.decoders[index](network(features, self.graph, index))
        else:
            features, carried = plain_attributes(raw, layer.means, layer.feature_logits)
            children = network(features, self.graph, index, carried)
        # Mixed precision computes in half; Gaussians are made, and drawn, in full.
        exact = layer.means.dtype
        gates = self.masks[index](features).to(exact) if self.config.gating else None
        return children.to(exact), gates

    def _check_pose(
        self,
        g0_raw: Tensor,
        vertices: Tensor,
        frames: Tensor,
        residuals: Sequence[LayerResiduals] | None,
    ) -> None:
        count = self.vertices * self.config.g0_copies
        check_shape("g0_raw", g0_raw, None, count, GEOMETRY + self.config.channels)
        check_shape("vertices", vertices, None, self.vertices, 3)
        check_shape("frames", frames, len(vertices), self.vertices, 3, 3)
        if residuals is not None and len(residuals) != self.config.layers + 1:
            raise ValueError(
                f"{len(residuals)} layers of residuals; expected {self.config.layers + 1}"
            )


def _sites(config: ModelConfig, head: HeadMesh, faces: Tensor) -> Sites:
    needed = sum(config.copies(layer) for layer in range(1, config.layers + 1))
    found = torch.as_tensor(head.site_faces).shape[1]
    fits = needed <= found and found in _site_counts(config.split, found)
    if config.sites and config.layers and not fits:
        raise AvatarError(
            "head_mismatch",
            f"The head stores {found} sites per vertex; k = {config.split} and L = "
            f"{config.layers} need {needed}.",
            "Use a head made for this preset, or set sites = false.",
        )
    return Sites(head, faces, config)


def _site_counts(split: int, most: int) -> list[int]:
    """Sites per vertex that a head can store for this k: those of G1, of G1 and G2, ..."""
    counts = [split]
    while split > 1 and counts[-1] < most:
        counts.append((counts[-1] + 1) * split)
    return counts
