"""DINOv2 ViT-S/14, frozen: the paper's encoder in a size for ordinary CPUs."""

from __future__ import annotations

import safetensors.torch

from backend.assets.downloads import asset
from backend.assets.vendored import vendored
from backend.model.dinov2 import DinoV2

WEIGHTS = "dinov2/dinov2_vits14.safetensors"
"""Below the folder for downloads; `SCRIPT` makes it of a package."""

SHA256 = "4e412dbf15ab82a0a482b447af013cd222a2cdf9c650d08aee0810321174b859"
"""Of that file."""

SCRIPT = "scripts/make_dinov2_small.py"
WIDTH, HEADS = 384, 6

TAPS = (10, 8, 4)
"""Blocks, from 1. In the package's weights the last two tell little more than a person from the
background: they are left out of the file, and of the network."""


class DinoV2Small(DinoV2):
    """DINOv2 ViT-S/14 without registers, up to its tenth block.

    Args:
        image_size: Side of the portraits, pixels.
        global_feature: As `DinoV2`.

    Deviates: the paper has ViT-B/14.
    """

    def __init__(self, image_size: int, global_feature: str = "mean") -> None:
        super().__init__(image_size, global_feature, max(TAPS), WIDTH, HEADS, TAPS)
        del self.mask_token  # the package has none
        self._untrained = True

    def read_weights(self) -> None:
        """Reads them from the folder for downloads.

        Raises:
            AvatarError: `missing_weights`, or `bad_file` for any other file.
        """
        content = vendored(asset(WEIGHTS), SHA256, "DINOv2's weights", SCRIPT)
        self.load_state_dict(safetensors.torch.load(content), strict=True)
