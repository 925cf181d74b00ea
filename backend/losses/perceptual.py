"""Feature distances between pictures (Eq. 16): one network out of several slots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backend.assets.downloads import asset
from backend.model.encoder import IMAGENET_MEAN, IMAGENET_STD, EfficientNetLite0
from shared.errors import AvatarError
from shared.restricted.damage import ARCHIVE_DAMAGE

SLOTS = ("none", "effnet", "vgg16", "alexnet_vggface")

_VGG_FACE_MEAN = (129.186279296875, 104.76238250732422, 93.59396362304688)


class Perceptual(nn.Module):
    """Distance of two pictures in the feature space of a frozen network.

    Subclasses give `features`. Features are normalised to unit length per pixel, so that layers
    of any magnitude count alike.

    Source: Eq. 16; the normalisation is that of LPIPS and of the baseline.
    Deviates: the paper does not say which norm; squared distances here (as LPIPS), absolute ones
        for `alexnet_vggface` (as the baseline's code).
    """

    def features(self, images: Tensor) -> list[tuple[float, Tensor]]:
        """Weight and map [B, C, h, w] of every layer, for images [B, 3, H, W] in 0..1."""
        raise NotImplementedError

    def distance(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Of two normalised maps [B, C, h, w]: mean over samples and pixels."""
        return ((found - wanted) ** 2).sum(dim=1).mean()

    def forward(self, images: Sequence[Tensor], target: Tensor) -> Tensor:
        """Sum over the pictures of their distance from the target, all [B, 3, H, W] in 0..1."""
        with torch.no_grad():
            wanted = [_unit(value.to(target)) for _, value in self.features(target)]
        total = target.new_zeros(())
        for image in images:
            for (weight, value), other in zip(self.features(image), wanted, strict=True):
                total = total + weight * self.distance(_unit(value.to(target)), other)
        return total

    def train(self, mode: bool = True) -> Perceptual:
        """Stays in evaluation mode."""
        del mode
        return super().train(False)


def _unit(values: Tensor) -> Tensor:
    # The small number is inside the root: a pixel without features has a finite gradient.
    return values / (values.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()


class EfficientNetPerceptual(Perceptual):
    """Four maps of the frozen EfficientNet-Lite0, which comes with the backend.

    Args:
        image_size: Side of the pictures, pixels; a multiple of 32.
    """

    def __init__(self, image_size: int) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0(image_size)

    def features(self, images: Tensor) -> list[tuple[float, Tensor]]:
        """See `Perceptual.features`."""
        maps = self.trunk.features(images).maps
        return [(1 / len(maps), value) for value in maps]


_VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
"""Channels of the convolutions; 0 is a pooling."""

_VGG_TAPS = (3, 8, 15, 22, 29)  # after relu1_2, 2_2, 3_3, 4_3, 5_3
_VGG_FACE_TAPS = (1, 6, 11, 18, 25)  # after the first convolution of every block


def vgg16_layers() -> nn.Sequential:
    """VGG16's convolutions under the public weights' numbers (features.0 .. features.28)."""
    layers: list[nn.Module] = []
    before = 3
    for channels in _VGG16:
        if channels == 0:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers)


def alexnet_layers() -> nn.Sequential:
    """AlexNet's convolutions under the public weights' numbers (features.0 .. features.10)."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


_ALEX_TAPS = (1, 4, 7, 9, 11)


def _tapped(network: nn.Sequential, taps: Sequence[int], x: Tensor) -> list[Tensor]:
    found = []
    for index in range(taps[-1] + 1):
        x = network[index](x)
        if index in taps:
            found.append(x)
    return found


class Vgg16Perceptual(Perceptual):
    """Five layers of the VGG16 trained on ImageNet: Johnson et al.'s, on LPIPS's layers.

    Args:
        state: `features.*` of the public weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.network = vgg16_layers()
        self.network.load_state_dict(_renamed(state, "features."))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def features(self, images: Tensor) -> list[tuple[float, Tensor]]:
        """See `Perceptual.features`."""
        maps = _tapped(self.network, _VGG_TAPS, (images - self.mean) / self.std)
        return [(1 / len(maps), value) for value in maps]


class AlexVggFacePerceptual(Perceptual):
    """The baseline's: AlexNet plus half of VGG-Face, absolute distances.

    Args:
        state: `percep_loss.*` of the baseline's public checkpoint, which holds both networks.

    Source: baseline.md, Training.
    """

    _WEIGHTS = (0.1, 0.1, 1.0, 1.0, 1.0)

    mean: Tensor
    std: Tensor
    face_mean: Tensor

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.alexnet, self.vgg_face = alexnet_layers(), vgg16_layers()
        face = _renamed(state, "percep_loss.vggface.network.")
        alex = {  # net.slice2.3.weight -> 3.weight
            name.split(".", 1)[1]: value
            for name, value in _renamed(state, "percep_loss.net.").items()
        }
        self.vgg_face.load_state_dict(face)
        self.alexnet.load_state_dict(alex)
        means = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD, "face_mean": _VGG_FACE_MEAN}
        for name, values in means.items():
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def features(self, images: Tensor) -> list[tuple[float, Tensor]]:
        """See `Perceptual.features`."""
        alex = _tapped(self.alexnet, _ALEX_TAPS, (images - self.mean) / self.std)
        face = _tapped(self.vgg_face, _VGG_FACE_TAPS, images * 255 - self.face_mean)
        weighted = list(zip(self._WEIGHTS, alex, strict=True))
        return weighted + [(0.5 * w, v) for w, v in zip(self._WEIGHTS, face, strict=True)]

    def distance(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Absolute, as the baseline's code."""
        return (found - wanted).abs().sum(dim=1).mean()


def _renamed(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = len(prefix)
    return {name[start:]: value for name, value in state.items() if name.startswith(prefix)}


def perceptual_network(slot: str, image_size: int) -> Perceptual | None:
    """The feature network of a slot; None for `none`.

    Args:
        slot: One of `SLOTS`.
        image_size: Side of the pictures, pixels.

    Raises:
        AvatarError: `missing_weights` naming the file and its place, `bad_file` for another file,
            `bad_request` for an unknown slot.
    """
    if slot == "none":
        return None
    if slot == "effnet":
        return EfficientNetPerceptual(image_size)
    if slot == "vgg16":
        return _built(asset("lpips/vgg16.pth"), Vgg16Perceptual)
    if slot == "alexnet_vggface":
        return _built(asset("gagavatar/GAGAvatar.pt"), AlexVggFacePerceptual)
    raise AvatarError(
        "bad_request",
        f"There is no perceptual network {slot!r}.",
        f"Expected one of {', '.join(SLOTS)}.",
    )


def _built(path: Path, network: type[Vgg16Perceptual] | type[AlexVggFacePerceptual]) -> Perceptual:
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
        state = state.get("model", state)  # the baseline's file keeps its tensors below this
        return network(state)
    except ARCHIVE_DAMAGE as error:
        raise AvatarError(
            "bad_file",
            f"{path} does not hold the weights of {network.__name__}: {error}",
            "Download the file again.",
        ) from error
