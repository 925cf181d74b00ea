"""Losses: of training (Sec. 3.5) and of personalising one portrait."""

from backend.losses.points import PointLosses, lifting_loss, nearest, split_loss
from backend.losses.portrait import image_loss
from backend.losses.ssim import ssim
from backend.losses.training import TERMS, LossWeights, TrainingLoss

__all__ = [
    "TERMS",
    "LossWeights",
    "PointLosses",
    "TrainingLoss",
    "image_loss",
    "lifting_loss",
    "nearest",
    "split_loss",
    "ssim",
]
