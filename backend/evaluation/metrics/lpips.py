"""LPIPS 0.1 (Zhang et al. 2018): VGG16 and AlexNet forms, on the user's weight files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.assets.downloads import asset
from backend.losses.perceptual import alexnet_layers, vgg16_layers
from shared.errors import AvatarError
from shared.restricted.damage import ARCHIVE_DAMAGE

from .shot import Shot

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)

Net = Literal["vgg", "alex"]

_TAPS: dict[Net, tuple[int, ...]] = {"vgg": (3, 8, 15, 22, 29), "alex": (1, 4, 7, 9, 11)}
"""torchvision's numbers of the layers that are compared: every block's last ReLU."""

FILES: dict[Net, tuple[str, str]] = {
    "vgg": ("lpips/vgg16.pth", "lpips/vgg.pth"),
    "alex": ("lpips/alexnet.pth", "lpips/alex.pth"),
}
"""Trunk (torchvision's ImageNet file) and linear layers (the lpips package's, v0.1)."""


class LpipsNet(nn.Module):
    """The distance of two pictures in a trunk's features.

    Parameters are named as in the two files: `features.*` and `lin*.model.1.weight`.

    Args:
        net: `vgg` (the paper's) or `alex`.

    Source: Sec. 4.2, "LPIPS computes perceptual differences using features extracted from a VGG
    network".
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.features = vgg16_layers() if net == "vgg" else alexnet_layers()
        self.taps = frozenset(_TAPS[net])
        for index, tap in enumerate(_TAPS[net]):
            width = _width_before(self.features, tap)
            # The package has a dropout at index 0, which does nothing in evaluation.
            layers = nn.Sequential(nn.Identity(), nn.Conv2d(width, 1, 1, bias=False))
            self.add_module(f"lin{index}", nn.ModuleDict({"model": layers}))
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def describe(self, image: Tensor) -> list[Tensor]:
        """Unit-length features of five layers.

        Args:
            image: [B, 3, H, W] display sRGB 0..1.
        """
        x = (2 * image - 1 - self.shift) / self.scale
        found = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                length = x.square().sum(1, keepdim=True).sqrt()
                found.append(x / (length + 1e-10))
        return found

    def compare(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """[B] distances of two descriptions."""
        total = torch.zeros(len(a[0]), device=a[0].device)
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            weight = self.get_parameter(f"lin{index}.model.1.weight")
            total = total + functional.conv2d((x - y) ** 2, weight).mean(dim=(1, 2, 3))
        return total

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """[B] distances of two batches of pictures [B, 3, H, W] in 0..1."""
        return self.compare(self.describe(image), self.describe(target))


def load_lpips(net: Net, trunk: Path, linear: Path) -> LpipsNet:
    """The network with a user's two files; keys and shapes must be exactly theirs.

    Args:
        net: `vgg` or `alex`.
        trunk: torchvision's state dict; its `classifier.*` is not used.
        linear: The lpips package's `weights/v0.1/<net>.pth`.

    Raises:
        AvatarError: `bad_file` naming the file and what differs.
    """
    model = LpipsNet(net)
    wanted = model.state_dict()
    backbone = {k: v for k, v in _read(trunk).items() if not k.startswith("classifier.")}
    _check(trunk, backbone, {k: v for k, v in wanted.items() if k.startswith("features.")})
    linears = _read(linear)
    _check(linear, linears, {k: v for k, v in wanted.items() if k.startswith("lin")})
    model.load_state_dict({**backbone, **linears})
    return model


class Lpips:
    """LPIPS as a metric; `lpips` is the paper's (VGG16), `lpips_alex` has AlexNet's features.

    Raises:
        AvatarError: `missing_weights` or `bad_file`.
    """

    against: Literal["target", "source"] = "target"

    def __init__(self, net: Net, device: str = "cpu") -> None:
        self.name = "lpips" if net == "vgg" else "lpips_alex"
        trunk, linear = FILES[net]
        self._model = load_lpips(net, asset(trunk), asset(linear)).to(device)
        self._device = device

    @torch.inference_mode()
    def describe(self, shot: Shot) -> list[Tensor]:
        """Unit-length features."""
        image = torch.from_numpy(shot.pixels).to(self._device).permute(2, 0, 1)[None] / 255
        return self._model.describe(image)

    @torch.inference_mode()
    def compare(self, result: list[Tensor], reference: list[Tensor]) -> float:
        """Lower is nearer."""
        return float(self._model.compare(result, reference))

    def close(self) -> None:
        """Holds nothing that needs closing."""


def _width_before(features: nn.Sequential, tap: int) -> int:
    convolution = features[tap - 1]
    assert isinstance(convolution, nn.Conv2d)
    return convolution.out_channels


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except ARCHIVE_DAMAGE as error:
        raise _bad(path, f"cannot be read ({error})") from error
    if not isinstance(state, Mapping):
        raise _bad(path, f"holds a {type(state).__name__}, not a state dict")
    return state


def _check(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or extra:
        raise _bad(path, f"lacks {missing[:4] or 'nothing'} and has {extra[:4] or 'nothing'} more")
    for key, value in wanted.items():
        if found[key].shape != value.shape:
            raise _bad(path, f"has {key} {list(found[key].shape)}; expected {list(value.shape)}")


def _bad(path: Path, what: str) -> AvatarError:
    return AvatarError(
        "bad_file",
        f"{path} {what}.",
        "Put torchvision's ImageNet file or the lpips package's weights/v0.1 file there.",
    )
