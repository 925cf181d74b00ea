"""What one optimiser step differentiates: the network with its objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from backend.configs.training import TrainConfig
from backend.losses import TrainingLoss
from backend.losses.perceptual import perceptual_network
from backend.model.pictures import Own, Pictures
from backend.model.splitavatar import SplitAvatar
from backend.training.batch import Batch
from backend.training.forward import forward
from backend.training.settings import Settings, loss_weights
from shared.errors import AvatarError


class Part:
    """What one pass through the learner takes and leaves behind.

    A plain class: a wrapper that moves or casts dataclasses of tensors hands it on as it is.

    Args:
        batch: The pairs.
        own: Residuals of every source.
    """

    def __init__(self, batch: Batch, own: Sequence[Own] | None = None) -> None:
        self.batch = batch
        self.own = own
        self.pictures: Pictures | None = None


class Learner(nn.Module):
    """The network with its objective, as one module for the engine to wrap.

    Args:
        model: The network.
        settings: Of the run.
        device: Where the perceptual network goes.
    """

    def __init__(self, model: SplitAvatar, settings: Settings, device: torch.device) -> None:
        super().__init__()
        self.model = model
        train = settings.train
        network = perceptual_network(train.perceptual, settings.model.image_size)
        # In a tuple: it is no submodule, so neither a checkpoint nor DDP looks at it.
        self._loss = (TrainingLoss(loss_weights(train), network and network.to(device)),)
        self._mask_gradient = train.mask_gradient

    def forward(self, part: Part) -> dict[str, Tensor]:
        """The terms of Eq. 19 and their weighted sum `total`; the pictures stay in the part."""
        batch = part.batch
        gradient = self._mask_gradient and self.training
        pictures = forward(self.model, batch, part.own, mask_gradient=gradient)
        part.pictures = pictures
        return self._loss[0](pictures, batch.target_images, batch.vertices, batch.boxes)


def adam(model: SplitAvatar, train: TrainConfig) -> torch.optim.Adam:
    """Adam over all trainable parameters, those that `lr_names` names at their own rate.

    Source: Sec. 4.1; baseline.md, Training.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = _factor(name, train)
            groups.setdefault(factor, []).append(parameter)
    listed = [{"params": group, "lr": train.lr * f, "factor": f} for f, group in groups.items()]
    first, second = train.betas
    return torch.optim.Adam(listed, lr=train.lr, betas=(first, second))


def _factor(name: str, train: TrainConfig) -> float:
    for part, factor in zip(train.lr_names, train.lr_factors, strict=True):
        if part in name.split("."):
            return factor
    return 1.0


def set_rate(optimiser: torch.optim.Optimizer, train: TrainConfig, step: int) -> float:
    """The learning rate of the step of that number (from 0), set and returned."""
    share = min(step / max(train.iterations - 1, 1), 1.0)
    rate = train.lr * (1 + (train.lr_end - 1) * share)
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]
    return rate


def check_terms(step: int, terms: dict[str, float]) -> None:
    """Refuses to go on with a loss that is not finite.

    Raises:
        AvatarError: `bad_request` naming the step and the term.
    """
    for name, value in terms.items():
        if not torch.isfinite(torch.tensor(value)):
            raise _diverged(f"At step {step} the loss term {name} is {value}")


def kept_fractions(part: Part) -> dict[str, float]:
    """The part of every layer G1..GL that the masks keep, 0..1, in the last pictures."""
    if part.pictures is None:
        return {}
    fractions: dict[str, float] = {}
    for index in range(1, len(part.pictures.expression[0].layers)):
        masks = [sample.layers[index].mask.detach() for sample in part.pictures.expression]
        fractions[f"kept_{index}"] = float(torch.stack(masks).mean())
    return fractions


def gradient_norm(step: int, model: nn.Module, loss_scale: float | None) -> float:
    """Length of the whole gradient.

    Args:
        step: For the error.
        model: After the backward pass.
        loss_scale: What the loss was multiplied by; gradients that are not finite are then the
            scaling's own business, which leaves such a step out. None: not scaled.

    Raises:
        AvatarError: `bad_request` naming the step and the parameter.
    """
    named = list(_gradients(model))
    norm = float(torch.nn.utils.get_total_norm([gradient for _, gradient in named]))
    if loss_scale is not None:
        return norm / loss_scale
    if not torch.isfinite(torch.tensor(norm)):
        name = next((n for n, g in named if not g.isfinite().all()), "their sum")
        raise _diverged(f"At step {step} the gradient of {name} is not finite")
    return norm


def _gradients(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            yield name, parameter.grad


def _diverged(what: str) -> AvatarError:
    return AvatarError(
        "bad_request",
        f"{what}; training stopped.",
        "The last checkpoint is kept: resume from it with a lower lr, or with precision 32.",
    )
