"""The neural renderer: a U-Net whose decoder is a modulated StyleGAN2 synthesis network."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.model.shapes import check_shape

_SLOPE = 0.2
_STYLE = 512
_MAPPING_LAYERS = 8
_SMALLEST = 4
"""Side of the smallest maps, pixels."""

_DEMODULATION_EPS = 1e-8
_WEIGHT_EPS = 1e-8


def _encoder_width(side: int) -> int:
    """Channels of the encoder: 16 at 512, doubling with each halving, 256 at most."""
    return min(256, 16 * 512 // side)


def _decoder_width(side: int) -> int:
    """Channels of the decoder: 32 at 512, doubling with each halving, 512 at most."""
    return min(512, 32 * 512 // side)


def _act(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _SLOPE)


def _resize(x: Tensor, factor: float) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class ResizeBlock(nn.Module):
    """A residual block that halves or doubles the resolution.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        factor: 0.5 or 2.
    """

    def __init__(self, inputs: int, outputs: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, inputs, h, w] -> [B, outputs, factor h, factor w]."""
        out = _act(self.conv2(_resize(_act(self.conv1(x)), self.factor)))
        return out + self.skip(_resize(x, self.factor))


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by the style.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Side of the kernel.
        demodulate: Divide each output channel by the norm of its modulated kernel.

    Source: StyleGAN2, Eqs. 1-3.
    Deviates: it scales the kernels for each sample; here the activations are scaled instead,
        y = demod * conv(W, s * x), which is the same function with weights that stay the same.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, demodulate: bool) -> None:
        super().__init__()
        self.demodulate = demodulate
        fan_in = inputs * kernel * kernel
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) / math.sqrt(fan_in))
        self.modulation = nn.Linear(_STYLE, inputs)
        nn.init.ones_(self.modulation.bias)

    def forward(self, x: Tensor, style: Tensor, factor: float = 1.0) -> Tensor:
        """Maps [B, inputs, h, w] and style [B, 512] -> [B, outputs, factor h, factor w]."""
        scale = self.modulation(style)  # [B, inputs]
        x = x * scale[..., None, None]
        if factor != 1:
            x = _resize(x, factor)
        x = F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)
        if not self.demodulate:
            return x
        norms = self.weight.square().sum(dim=(2, 3))  # [outputs, inputs]
        demodulation = (scale.square() @ norms.mT + _DEMODULATION_EPS).rsqrt()
        return x * demodulation[..., None, None]


class StyleConv(nn.Module):
    """Modulated convolution, noise, bias, activation."""

    def __init__(self, inputs: int, outputs: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.conv = ModulatedConv(inputs, outputs, 3, demodulate=True)
        self.strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Maps [B, inputs, h, w], noise [1 or B, 1, h', w'] -> [B, outputs, h', w']."""
        x = self.conv(x, style, self.factor) * math.sqrt(2)
        return _act(x + self.strength * noise + self.bias[:, None, None])


class ToPicture(nn.Module):
    """Adds a level's picture to the upsampled picture of the level below."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, style: Tensor, below: Tensor | None) -> Tensor:
        """Maps [B, inputs, h, w] and the picture [B, 3, h / 2, w / 2] -> [B, 3, h, w]."""
        picture = self.conv(x, style) + self.bias[:, None, None]
        return picture if below is None else picture + _resize(below, 2)


class StyleUNet(nn.Module):
    """Features of the rasteriser -> the refined picture.

    Args:
        size: Side of the picture, pixels; a power of two.
        channels: Features per Gaussian, C.
        noise: `stored` (the 15 buffers of the checkpoint: the same input gives the same picture)
            or `fresh` (drawn at every call, as GAGAvatar's own code does: it flickers).

    Source: Sec. 3.2; baseline.md, StyleUNet and Q4.
    """

    def __init__(self, size: int, channels: int = 32, noise: str = "stored") -> None:
        super().__init__()
        if size < 2 * _SMALLEST or size & (size - 1):
            raise ValueError(f"size is {size}; expected a power of two, at least {2 * _SMALLEST}")
        if noise not in ("stored", "fresh"):
            raise ValueError(f"noise is {noise!r}; expected stored or fresh")
        self.size, self.channels, self.noise = size, channels, noise
        levels = int(math.log2(size // _SMALLEST))
        self.sides = [_SMALLEST << level for level in range(levels + 1)]  # 4, 8, .. size
        self._build_unet()
        self._build_decoder()

    def _build_unet(self) -> None:
        widths = [_encoder_width(side) for side in self.sides]
        coarse_to_fine = list(pairwise(widths))
        self.first = nn.Conv2d(self.channels, widths[-1], 1)
        self.down = nn.ModuleList(
            ResizeBlock(fine, coarse, 0.5) for coarse, fine in reversed(coarse_to_fine)
        )
        self.middle = nn.Conv2d(widths[0], widths[0], 3, padding=1)
        self.style = nn.Linear(widths[0] * _SMALLEST**2, _STYLE)
        self.up = nn.ModuleList(ResizeBlock(coarse, fine, 2) for coarse, fine in coarse_to_fine)
        self.scale = nn.ModuleList(_condition(side) for side in self.sides[1:])
        self.shift = nn.ModuleList(_condition(side) for side in self.sides[1:])

    def _build_decoder(self) -> None:
        widths = [_decoder_width(side) for side in self.sides]
        self.mapping = nn.ModuleList(nn.Linear(_STYLE, _STYLE) for _ in range(_MAPPING_LAYERS))
        self.constant = nn.Parameter(torch.randn(1, widths[0], _SMALLEST, _SMALLEST))
        convs = [StyleConv(widths[0], widths[0], 1)]
        for coarse, fine in pairwise(widths):
            convs += [StyleConv(coarse, fine, 2), StyleConv(fine, fine, 1)]
        self.convs = nn.ModuleList(convs)
        self.to_picture = nn.ModuleList(ToPicture(width, 3) for width in widths)
        for index in range(len(convs)):
            side = self.sides[(index + 1) // 2]
            self.register_buffer(f"noise_{index}", torch.randn(1, 1, side, side))

    def forward(self, features: Tensor) -> Tensor:
        """Refine rasterised features.

        Args:
            features: [B, C, size, size], premultiplied, on black.

        Returns:
            [B, 3, size, size] display sRGB 0..1.
        """
        check_shape("features", features, None, self.channels, self.size, self.size)
        features = features.contiguous(memory_format=torch.channels_last)
        style, conditions = self._encode(features)
        return self._decode(style, conditions).sigmoid()

    def _encode(self, features: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Style code [B, 512] and, coarse to fine, a scale and a shift map for each level."""
        x = _act(self.first(features))
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = _act(self.middle(x))
        style = self.style(x.flatten(1))  # channels, rows, columns
        conditions = []
        for block, skip, scale, shift in zip(
            self.up, reversed(skips), self.scale, self.shift, strict=True
        ):
            x = block(x + skip)
            conditions.append((scale(x), shift(x)))
        return style, conditions

    def _decode(self, style: Tensor, conditions: list[tuple[Tensor, Tensor]]) -> Tensor:
        """The picture [B, 3, size, size] before its sigmoid."""
        style = style * (style.square().mean(dim=1, keepdim=True) + _WEIGHT_EPS).rsqrt()
        for layer in self.mapping:
            style = _act(layer(style))
        batch = len(style)
        x = self.constant.expand(batch, -1, -1, -1)
        x = self.convs[0](x, style, self._noise(0, batch))
        picture = self.to_picture[0](x, style, None)
        for level, (scale, shift) in enumerate(conditions, start=1):
            first, second = 2 * level - 1, 2 * level
            x = self.convs[first](x, style, self._noise(first, batch))
            x = self.convs[second](x * scale + shift, style, self._noise(second, batch))
            picture = self.to_picture[level](x, style, picture)
        return picture

    def _noise(self, index: int, batch: int) -> Tensor:
        stored: Tensor = getattr(self, f"noise_{index}")
        if self.noise == "stored":
            return stored
        return torch.randn(batch, *stored.shape[1:], dtype=stored.dtype, device=stored.device)


def _condition(side: int) -> nn.Sequential:
    width = _encoder_width(side)
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(width, _decoder_width(side), 3, padding=1),
    )
