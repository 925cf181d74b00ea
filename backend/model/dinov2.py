"""DINOv2, a frozen image encoder: ViT-B/14, which the paper and the baseline have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.assets.downloads import asset
from backend.model.encoder import IMAGENET_MEAN, IMAGENET_STD, EncoderOutput
from backend.model.shapes import check_shape
from backend.model.vit import NORM_EPS, Block
from shared.errors import AvatarError
from shared.restricted.damage import ARCHIVE_DAMAGE

WEIGHTS = "dinov2/dinov2_vitb14_pretrain.pth"
"""The released file, below the folder for downloads."""

_RELEASED = (12, 768, 12)
"""Its depth, width and heads."""

PATCH = 14
MAPS = 4
"""The last blocks whose tokens are given out where nothing else is asked for."""

_TRAINED_SIDE = 37
"""Patches on a side of the position embedding in the released file."""

_INTERPOLATE_OFFSET = 0.1
"""DINOv2 asks `interpolate` for a factor of (side + 0.1) / trained side, which moves the grid."""


def encoded_side(image_size: int) -> int:
    """Patches on a side of a portrait: 512 pixels become 518, which is 37 patches."""
    return -(-image_size // PATCH)


def resize_for_patches(image: Tensor) -> Tensor:
    """Portraits [B, 3, S, S] at the next multiple of 14, antialiased."""
    side = encoded_side(image.shape[-1]) * PATCH
    if image.shape[-1] == side:
        return image
    size = (side, side)
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)


def normalise_image(image: Tensor) -> Tensor:
    """Display sRGB 0..1 [B, 3, S, S] by ImageNet's mean and deviation."""
    mean = image.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = image.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (image - mean) / std


class _PatchEmbedding(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride=PATCH)

    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).flatten(2).mT  # [B, h * w, width]


class DinoV2(nn.Module):
    """DINOv2 ViT-B/14 without registers, frozen. Parameter names are those of the released file.

    The released weights are read at the first picture, from the folder for downloads, unless a
    checkpoint brought them. (A network of another size, for tests, has none to read.)

    Args:
        image_size: Side of the portraits, pixels.
        global_feature: `cls`, `mean` (of the last tapped block's patch tokens) or `first_patch`
            (its top-left patch token: what GAGAvatar takes for the global feature).
        depth: Blocks.
        width: Channels of a token.
        heads: Attention heads.
        taps: Numbers of the blocks, from 1, whose tokens are given out, in that order; None: the
            last 4.

    Source: Sec. 3.2; baseline.md Q1.
    """

    mask_token: Tensor

    def __init__(
        self,
        image_size: int,
        global_feature: str = "cls",
        depth: int = 12,
        width: int = 768,
        heads: int = 12,
        taps: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.taps = tuple(taps or range(depth - MAPS + 1, depth + 1))
        if not all(1 <= tap <= depth for tap in self.taps):
            raise ValueError(f"taps are {list(self.taps)}; expected blocks from 1 to {depth}")
        if global_feature not in ("cls", "mean", "first_patch"):
            raise ValueError(f"global_feature is {global_feature!r}")
        self.image_size = image_size
        self.global_feature = global_feature
        self.global_channels = width
        self.map_channels = (width,) * len(self.taps)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, _TRAINED_SIDE**2 + 1, width))
        # In the released file, and of no use after its training.
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.patch_embed = _PatchEmbedding(width)
        self.blocks = nn.ModuleList(Block(width, heads, layer_scale=True) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.requires_grad_(False)
        self._untrained = (depth, width, heads) == _RELEASED
        self.register_load_state_dict_post_hook(_note_loaded)

    @torch.no_grad()
    def forward(self, image: Tensor) -> EncoderOutput:
        """Encode portraits.

        Args:
            image: [B, 3, S, S] display sRGB 0..1, on black.

        Returns:
            The global feature [B, width] and the tokens of the blocks `taps`, each after the final
            norm, as maps [B, width, h, w] in their order, all of one size.

        Raises:
            AvatarError: `missing_weights` or `bad_file`, when there are no weights yet.
        """
        if self._untrained and not image.is_meta:  # who only counts needs no values
            self.read_weights()
        check_shape("image", image, None, 3, self.image_size, self.image_size)
        side = encoded_side(self.image_size)
        x = self.patch_embed(normalise_image(resize_for_patches(image)))
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)  # [B, 1 + h w, width]
        x = x + self._positions(side)
        tokens = {}
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number in self.taps:
                tokens[number] = self.norm(x)
        maps = tuple(tokens[tap][:, 1:].mT.unflatten(-1, (side, side)) for tap in self.taps)
        return EncoderOutput(self._global(tokens[max(self.taps)]), maps)

    def read_weights(self) -> None:
        """Reads the weights of the file that is known for this network."""
        load_dinov2(self, asset(WEIGHTS))

    def _global(self, tokens: Tensor) -> Tensor:
        if self.global_feature == "mean":
            return tokens[:, 1:].mean(dim=1)
        return tokens[:, 0 if self.global_feature == "cls" else 1]

    def _positions(self, side: int) -> Tensor:
        """[1, 1 + side^2, width] the position embedding for another number of patches.

        Source: DINOv2's released model: bicubic, not antialiased, by a factor instead of a size.
        """
        if side == _TRAINED_SIDE:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].mT.unflatten(-1, (_TRAINED_SIDE, _TRAINED_SIDE))
        factor = (side + _INTERPOLATE_OFFSET) / _TRAINED_SIDE
        grid = F.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).mT], dim=1)


def _note_loaded(encoder: Any, keys: Any) -> None:
    """A checkpoint was read: the encoder has weights unless it lacked them."""
    if not any(name.endswith("patch_embed.proj.weight") for name in keys.missing_keys):
        encoder._untrained = False


def load_dinov2(encoder: DinoV2, path: Path) -> None:
    """Read the released weights (dinov2_vitb14_pretrain.pth) into an encoder.

    Raises:
        AvatarError: `bad_file` if the file is anything else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        encoder.load_state_dict(state, strict=True)
    except ARCHIVE_DAMAGE as error:
        raise AvatarError(
            "bad_file",
            f"{path.name} is not dinov2_vitb14_pretrain.pth: {str(error)[:300]}",
            "Download the file again; the variants with registers or of other sizes do not fit.",
        ) from error
