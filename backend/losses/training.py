"""The training objective: Eqs. 15 to 19."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.losses.perceptual import Perceptual
from backend.losses.points import lifting_loss, split_loss
from backend.model.pictures import Pictures
from backend.splat.gaussians import FIRST_EXPRESSION_LAYER

TERMS = ("image", "perceptual", "lifting", "split")
"""Names of Eq. 19's terms."""

_BOX_MARGIN = 1.1


@dataclass(frozen=True)
class LossWeights:
    """Eq. 19's weights, and what the baseline's released code does otherwise.

    Args:
        image: Of Eq. 15.
        perceptual: lambda_p of Eq. 16 (baseline: .01).
        lifting: lambda_l of Eq. 17 (baseline: 10).
        split: lambda_s of Eq. 18.
        box_share: Part of the image term that looks at the head's box only (baseline: .5).
        perceptual_box: Let the perceptual term see the head's box only (baseline).
    """

    image: float = 1.0
    perceptual: float = 0.5
    lifting: float = 1.0
    split: float = 0.5
    box_share: float = 0.0
    perceptual_box: bool = False


class TrainingLoss:
    """Eq. 19.

    Args:
        weights: Of the terms; one of weight 0 is not computed.
        perceptual: The feature network of Eq. 16, or None to leave the term out.
    """

    def __init__(self, weights: LossWeights, perceptual: Perceptual | None) -> None:
        self.weights = weights
        self.perceptual = perceptual

    def __call__(
        self, pictures: Pictures, targets: Tensor, vertices: Tensor, boxes: Tensor
    ) -> dict[str, Tensor]:
        """The terms, unweighted, and their weighted sum `total`.

        Args:
            pictures: What the network drew.
            targets: [B, 3, H, W] display sRGB 0..1 on black.
            vertices: [B, V, 3] the tracked driving heads, metres.
            boxes: [B, 4] head boxes x0, y0, x1, y1, 0..1 of the picture.

        Source: Sec. 3.5.
        """
        boxes = head_squares(boxes)
        terms: dict[str, Tensor] = {}
        if self.weights.image:
            terms["image"] = self._image(pictures, targets, boxes)
        if self.weights.perceptual and self.perceptual is not None:
            terms["perceptual"] = self._features(self.perceptual, pictures, targets, boxes)
        if self.weights.lifting:
            terms["lifting"] = _lifting(pictures, vertices)
        if self.weights.split and len(pictures.expression[0].layers) > 1:
            terms["split"] = _split(pictures, vertices)
        weighted = [getattr(self.weights, name) * value for name, value in terms.items()]
        return {**terms, "total": torch.stack(weighted).sum()}

    def _image(self, pictures: Pictures, targets: Tensor, boxes: Tensor) -> Tensor:
        """Eq. 15: L1 of the coarse and of the fine picture (where there is one)."""
        share = self.weights.box_share
        loss = targets.new_zeros(())
        for picture in drawn(pictures):
            loss = loss + (1 - share) * F.l1_loss(picture, targets)
            if share:
                inside = F.l1_loss(crop_boxes(picture, boxes), crop_boxes(targets, boxes))
                loss = loss + share * inside
        return loss

    def _features(
        self, network: Perceptual, pictures: Pictures, targets: Tensor, boxes: Tensor
    ) -> Tensor:
        """Eq. 16."""
        shown = drawn(pictures)
        if self.weights.perceptual_box:
            shown = [crop_boxes(picture, boxes) for picture in shown]
            targets = crop_boxes(targets, boxes)
        return network(shown, targets)


def drawn(pictures: Pictures) -> list[Tensor]:
    """The coarse and, with a neural renderer, the fine pictures, each [B, 3, H, W]."""
    return [p for p in (pictures.coarse, pictures.fine) if p is not None]


def head_squares(boxes: Tensor) -> Tensor:
    """A little more than each box as a square, as large as fits into the picture around its centre.

    Args:
        boxes: [B, 4] x0, y0, x1, y1, 0..1 of a square picture.

    Source: the baseline's released code.
    """
    x0, y0, x1, y1 = boxes.clamp(0, 1).unbind(dim=-1)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    half = _BOX_MARGIN / 2 * ((x1 - x0) * (y1 - y0)).sqrt()
    half = torch.stack([half, x, y, 1 - x, 1 - y]).amin(dim=0)
    return torch.stack([x - half, y - half, x + half, y + half], dim=-1)


def crop_boxes(images: Tensor, boxes: Tensor) -> Tensor:
    """The boxes' contents, enlarged to whole pictures so that they batch.

    Args:
        images: [B, 3, H, W].
        boxes: [B, 4] x0, y0, x1, y1, 0..1 of the picture; parts outside are left out.

    Returns:
        [B, 3, H, W].
    """
    height, width = images.shape[2:]
    crops = []
    for image, box in zip(images, boxes.clamp(0, 1).tolist(), strict=True):
        x0, y0 = min(int(box[0] * width), width - 1), min(int(box[1] * height), height - 1)
        x1, y1 = max(int(box[2] * width), x0 + 1), max(int(box[3] * height), y0 + 1)
        crop = image[None, :, y0:y1, x0:x1]
        size = (height, width)
        crops.append(
            F.interpolate(crop, size, mode="bilinear", align_corners=False, antialias=True)
        )
    return torch.cat(crops)


def _lifting(pictures: Pictures, vertices: Tensor) -> Tensor:
    losses = []
    for cloud, head in zip(pictures.clouds, vertices, strict=True):
        planes = cloud.layers < FIRST_EXPRESSION_LAYER
        # A portrait's start switches the cells beside the person off: they are nobody's.
        there = planes & (cloud.opacities.detach() > 0)
        if not there.any():  # a sigmoid that has run down to 0 everywhere
            there = planes
        losses.append(lifting_loss(cloud.means[there], head))
    return torch.stack(losses).mean()


def _split(pictures: Pictures, vertices: Tensor) -> Tensor:
    losses = []
    for expression, head in zip(pictures.expression, vertices, strict=True):
        means = torch.cat([layer.means[0] for layer in expression.layers[1:]])
        losses.append(split_loss(means, head))
    return torch.stack(losses).mean()
