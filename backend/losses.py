"""The losses of Sec. 3.5 that need no trained network."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from backend.splat.rasterise import Raster

_COLOURS = 3
_SPILLED = 8.0
_SIGMA = 1.5
_RADIUS = 5
_WINDOW = (2 * _RADIUS + 1, 2 * _RADIUS + 1)
_LIFTING, _SPLIT = 1.0, 0.5
_MODEL_UNITS = 5.0  # the paper's losses are in its model's units of 0.2 m


def image_loss(raster: Raster, image: Tensor, alpha: Tensor, background: float) -> Tensor:
    """.8 L1 + .2 (1 - SSIM) + .2 alpha; the coarse image of Eq. 15.

    Args:
        raster: What the Gaussians show.
        image: [H, W, 3] the target on black, display sRGB 0..1.
        alpha: [H, W] its matte.
        background: Grey 0..1 behind both; another one at every step tells alpha from darkness.

    Source: first-avatar.md. Deviates: SSIM stands for Eq. 16's perceptual term, whose networks
    are not needed to match one picture.
    """
    coarse = raster.features[..., :_COLOURS] + (1 - raster.alpha[..., None]) * background
    image = image + (1 - alpha[..., None]) * background
    colour = (coarse - image).abs().mean()
    spilled = 1 + _SPILLED * (alpha < 0.01)  # what shows beside a person shows over any scene
    shape = ((raster.alpha - alpha).abs() * spilled).mean()
    return 0.8 * colour + 0.2 * (1 - ssim(coarse, image)) + 0.2 * shape


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

    OpenCV's separable filter takes a tenth of the time of torch's depthwise convolution on a CPU.
    """

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        return _blurred(values)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        return _blurred(gradients[0])


def _blurred(values: Tensor) -> Tensor:
    array = values.detach().cpu().contiguous().numpy()
    blurred = np.empty_like(array)
    for start in range(0, array.shape[-1], 4):  # OpenCV filters up to four channels at once
        part = np.ascontiguousarray(array[..., start : start + 4])
        out = cv2.GaussianBlur(part, _WINDOW, _SIGMA, borderType=cv2.BORDER_CONSTANT)
        blurred[..., start : start + 4] = out.reshape(part.shape)
    return torch.from_numpy(blurred).to(values.device)


class PointLosses:
    """Eqs. 17 and 18 with exact nearest neighbours, looked up again only when asked (detached)."""

    def __init__(self) -> None:
        self._lifting: Tensor | None = None
        self._split: Tensor | None = None

    def __call__(
        self, identity: Tensor, split: Tensor, vertices: Tensor, still: Tensor, refresh: bool
    ) -> Tensor:
        """Lifting over the still vertices plus .5 split over all of them.

        Args:
            identity: [N, 3] means of the identity Gaussians, metres.
            split: [M, 3] means of G1..GL, before masking.
            vertices: [V, 3] the tracked head.
            still: [V] bool: vertices that no expression moves.
            refresh: Look the neighbours up again.

        Deviates: lifting leaves out the skin that moves, which belongs to the rig.
        """
        anchors = vertices[still]
        if refresh or self._lifting is None or self._split is None:
            self._lifting = _nearest(identity, anchors)
            self._split = _nearest(split, vertices)
        lifting = ((identity[self._lifting] - anchors) ** 2).sum(1).mean()
        splitting = ((split[self._split] - vertices) ** 2).sum(1).mean()
        return (_LIFTING * lifting + _SPLIT * splitting) * _MODEL_UNITS**2


def _nearest(points: Tensor, queries: Tensor) -> Tensor:
    tree = KDTree(points.detach().cpu().numpy())
    _, index = tree.query(queries.detach().cpu().numpy())
    return torch.from_numpy(np.asarray(index)).to(points.device)
