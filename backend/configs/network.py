"""Every number that shapes the network; one preset file sets them all."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import Refusal

_refuse = Refusal(
    "network",
    "bad_file",
    "Correct the preset file, or use the one that came with this version.",
)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and scale factors of one network. Per-layer tuples have `layers + 1` entries (G0..GL).

    Args:
        preset: Name of the preset this came from.
        head: Head mesh that carries the expression Gaussians: `open`, `flame2020`, `flame2023`,
            `flame2023_open` or `flame_with_eye` (GAGAvatar's file).
        width: Width of F_i, of the vertex embedding and of the generator.
        heads: Attention heads; `width` is divisible by it.
        layers: Number of splits, L.
        split: Children per Gaussian and split, k.
        attention: `reference` (torch-geometric on the explicit edge list), `structured` (the same
            function and weights without an edge list) or `mlp` (no graph: Table 3, no_gnn).
        embedding: E and D around the GSN; off: it works on the raw attributes (no_embedding).
        gating: Learned masks; off: every Gaussian is kept (no_mask).
        g0_copies: Gaussians per vertex in G0; more than 1 only with `layers` 0 (baseline_15x).
        channels: Features per Gaussian; the first three are display sRGB.
        encoder: `efficientnet_lite0`, `dinov2_s` (ViT-S/14) or `dinov2_vitb14`.
        global_feature: What the generator sees of the portrait: `mean` (of the last map), `cls`, or
            `first_patch` (GAGAvatar's: the last block's top-left patch token).
        adapter: `open` (convolutional upsampling of the encoder's maps), `vit` (two vision
            transformers, the paper's) or `dpt` (GAGAvatar's).
        generator: `open` or `baseline` (the layers of GAGAvatar's checkpoint).
        renderer: `none` (the coarse image is the picture) or `styleunet`.
        renderer_noise: `stored` buffers, or `fresh` noise at every call (GAGAvatar's own code).
        image_size: Side of the portrait, pixels.
        grid: Side of an identity plane, cells.
        adapter_width: Channels of the adapter at the grid's resolution.
        cell_centres: Cells sit at pixel centres; off: the outermost cells sit on the border.
        offset_along: `forward` (camera axis) or `ray` (a cell keeps its pixel at any offset).
        plane_offset_m: Depth at offset sigmoid 1, metres.
        plane_scale_m: Gaussian scale at scale sigmoid 1 on the planes, metres.
        sites: Children start at fixed barycentric sites; off: at their parent's mean.
        local_quats: Rotations are relative to the vertex's local frame (planes: the camera).
        quat_form: `residual` (normalise(identity + raw)) or `plain` (normalise(raw)).
        quat_norm: Over `each` quaternion, or over the `points` of G0 (GAGAvatar: norms of about
            .028, so that R is nearly the identity; rasterised by the unnormalised formula).
        plane_colours: The planes' sigmoid is on `channels` 0-2, or on `columns` 0-2 of the grid
            (GAGAvatar's slice).
        alpha_max: Opacity at which one contribution to a pixel saturates.
        scale_form: `spacing` (log-scale around the sites' spacing) or `sigmoid`.
        disc_thickness: Scale along the local normal divided by the tangential one (`spacing`).
        scale_spacing: Per layer: tangential scale / site spacing where raw is 0 (`spacing`).
        lambda_position: Per layer: reach of the offset, metres.
        lambda_opacity: Per layer: highest opacity.
        lambda_scale: Per layer: highest scale in metres (`sigmoid`), or factor of the raw
            log-scale (`spacing`).
        lambda_rotation: Per layer: factor of the raw quaternion.
        lambda_features: Per layer: factor of the raw features.
        opacity_bias: Per layer: opacity logit where raw is 0.
        mask_start: Soft mask of an untrained network.
    """

    preset: str = "open"
    head: str = "open"
    width: int = 64
    heads: int = 4
    layers: int = 3
    split: int = 2
    attention: str = "structured"
    embedding: bool = True
    gating: bool = True
    g0_copies: int = 1
    channels: int = 32
    encoder: str = "efficientnet_lite0"
    global_feature: str = "mean"
    adapter: str = "open"
    generator: str = "open"
    renderer: str = "none"
    renderer_noise: str = "stored"
    image_size: int = 512
    grid: int = 256
    adapter_width: int = 32
    cell_centres: bool = True
    offset_along: str = "ray"
    plane_offset_m: float = 0.2
    plane_scale_m: float = 0.01
    sites: bool = True
    local_quats: bool = True
    quat_form: str = "residual"
    quat_norm: str = "each"
    plane_colours: str = "channels"
    alpha_max: float = 0.999
    scale_form: str = "spacing"
    disc_thickness: float = 0.3
    scale_spacing: tuple[float, ...] = (1.0, 0.9, 0.85, 0.8)
    lambda_position: tuple[float, ...] = (0.002, 0.004, 0.003, 0.002)
    lambda_opacity: tuple[float, ...] = (1.0, 0.99, 0.98, 0.97)
    lambda_scale: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7)
    lambda_rotation: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    lambda_features: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    opacity_bias: tuple[float, ...] = (3.0, 3.0, 3.0, 3.0)
    mask_start: float = 0.9

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                _refuse(name, getattr(self, name), f"one of {sorted(allowed)}")
        for name in PER_LAYER:
            if len(getattr(self, name)) != self.layers + 1:
                _refuse(
                    name, getattr(self, name), f"{self.layers + 1} numbers (G0..G{self.layers})"
                )
        if self.width % self.heads:
            _refuse("width", self.width, f"a multiple of heads = {self.heads}")
        if self.g0_copies > 1 and (self.layers or self.generator != "baseline"):
            _refuse("g0_copies", self.g0_copies, "1, or layers = 0 and generator = baseline")

    @property
    def node_width(self) -> int:
        """Width of F_i: of the embedding, or of the attributes themselves without one."""
        return self.width if self.embedding else _GEOMETRY + self.channels

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return -(-self.node_width // self.heads)

    def copies(self, layer: int) -> int:
        """Copies of every vertex in a layer: k^i."""
        return self.split**layer

    def differences(self, other: ModelConfig) -> list[str]:
        """Names of the settings that make `other` another network.

        The preset's name is none of them, and neither are two forms of the same attention.
        """
        mine, others = self.to_dict(), other.to_dict()
        names = [n for n in mine if n != "preset" and mine[n] != others[n]]
        if {self.attention, other.attention} == {"reference", "structured"}:
            names.remove("attention")
        return names

    def to_dict(self) -> dict[str, Any]:
        """Plain values (tuples as lists), for JSON and TOML."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


_GEOMETRY = 11
"""As `backend.model.attributes.GEOMETRY`."""

PER_LAYER = (
    "scale_spacing",
    "lambda_position",
    "lambda_opacity",
    "lambda_scale",
    "lambda_rotation",
    "lambda_features",
    "opacity_bias",
)

_CHOICES = {
    "attention": {"reference", "structured", "mlp"},
    "encoder": {"efficientnet_lite0", "dinov2_s", "dinov2_vitb14"},
    "global_feature": {"mean", "cls", "first_patch"},
    "adapter": {"open", "vit", "dpt"},
    "generator": {"open", "baseline"},
    "renderer": {"none", "styleunet"},
    "renderer_noise": {"stored", "fresh"},
    "quat_form": {"residual", "plain"},
    "quat_norm": {"each", "points"},
    "plane_colours": {"channels", "columns"},
    "offset_along": {"forward", "ray"},
    "scale_form": {"spacing", "sigmoid"},
}


def model_config(values: Mapping[str, Any]) -> ModelConfig:
    """The network's part of a preset.

    Args:
        values: A flat preset; keys that are not `ModelConfig` fields belong to others.

    Raises:
        AvatarError: `bad_file` when a field is missing, of the wrong type or out of range.
    """
    chosen: dict[str, Any] = {}
    for field in dataclasses.fields(ModelConfig):
        if field.name not in values:
            _refuse(field.name, "nothing", f"a value of type {field.type}")
        chosen[field.name] = _converted(field.name, field.default, values[field.name])
    return ModelConfig(**chosen)


def _converted(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(_is_number(v) for v in value):
            _refuse(name, value, "a list of numbers")
        return tuple(float(v) for v in value)
    if isinstance(default, float):
        if not _is_number(value):
            _refuse(name, value, "a number")
        return float(value)
    if type(value) is not type(default):
        _refuse(name, value, f"a value of type {type(default).__name__}")
    return value


def _is_number(value: Any) -> bool:
    """A number that a float holds: JSON and TOML know whole ones of any length."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and not (isinstance(value, int) and abs(value) > sys.float_info.max)
