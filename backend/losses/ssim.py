"""Structural similarity, fast on a CPU and differentiable in its first picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_SIGMA = 1.5
_RADIUS = 5
_WINDOW = (2 * _RADIUS + 1, 2 * _RADIUS + 1)


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Mean structural similarity of two [H, W, 3] pictures in 0..1.

    Gaussian window of 11 pixels, sigma 1.5, borders left out: equal to scikit-image's
    `structural_similarity(gaussian_weights=True, use_sample_covariance=False)`.
    """
    blurred = _Blur.apply(torch.cat([image, image * image, image * target], dim=-1))
    mean_a, aa, ab = blurred.split(3, dim=-1)
    with torch.no_grad():
        mean_b, bb = _Blur.apply(torch.cat([target, target * target], dim=-1)).split(3, dim=-1)
    c1, c2 = 0.01**2, 0.03**2
    covariance = ab - mean_a * mean_b
    spread = aa - mean_a**2 + bb - mean_b**2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    quality = top / ((mean_a**2 + mean_b**2 + c1) * (spread + c2))
    return quality[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS].mean()


class _Blur(torch.autograd.Function):
    """Gaussian blur of [H, W, C] with zeros beyond the border, which is its own adjoint.

    OpenCV's separable filter takes a tenth of the time of torch's depthwise convolution on a CPU;
    for pictures on a GPU, bringing them to the CPU and back was 40 % of personalising.
    """

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        return _blurred(values)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        return _blurred(gradients[0])


def _blurred(values: Tensor) -> Tensor:
    values = values.detach()
    return _by_opencv(values) if values.device.type == "cpu" else _by_convolution(values)


def _by_opencv(values: Tensor) -> Tensor:
    array = values.contiguous().numpy()
    blurred = np.empty_like(array)
    for start in range(0, array.shape[-1], 4):  # OpenCV filters up to four channels at once
        part = np.ascontiguousarray(array[..., start : start + 4])
        out = cv2.GaussianBlur(part, _WINDOW, _SIGMA, borderType=cv2.BORDER_CONSTANT)
        blurred[..., start : start + 4] = out.reshape(part.shape)
    return torch.from_numpy(blurred)


def _by_convolution(values: Tensor) -> Tensor:
    weights = torch.from_numpy(cv2.getGaussianKernel(_WINDOW[0], _SIGMA)).to(values)[None, None]
    planes = values.permute(2, 0, 1)[:, None]  # [C, 1, H, W]
    down = F.conv2d(planes, weights, padding=(_RADIUS, 0))
    across = F.conv2d(down, weights.mT, padding=(0, _RADIUS))
    return across[:, 0].permute(1, 2, 0)
