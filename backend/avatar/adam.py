"""Adam, without what `torch.optim.Adam` imports at first use: all of PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

_FIRST, _SECOND = 0.9, 0.999  # betas


class Adam:
    """PyTorch's own Adam, each parameter at a rate of its own.

    Args:
        parameters: Leaves that require gradients, float32, each with its learning rate.
        eps: Added to the root of the second moment.

    Source: Kingma and Ba 2015, Algorithm 1.
    """

    def __init__(self, parameters: Sequence[tuple[Tensor, float]], eps: float) -> None:
        self._eps = eps
        self._states = [
            (values, rate, torch.zeros_like(values), torch.zeros_like(values), _count(values))
            for values, rate in parameters
        ]

    @torch.no_grad()
    def step(self, share: float = 1.0) -> None:
        """Moves each parameter that has a gradient, at `share` of its rate, and drops it."""
        for values, rate, first, second, count in self._states:
            if values.grad is None:
                continue
            adam(
                [values],
                [values.grad],
                [first],
                [second],
                [],
                [count],
                fused=True,
                amsgrad=False,
                beta1=_FIRST,
                beta2=_SECOND,
                lr=share * rate,
                weight_decay=0.0,
                eps=self._eps,
                maximize=False,
            )
            values.grad = None


def _count(values: Tensor) -> Tensor:
    """[] float32 zero where the values are, as PyTorch counts steps."""
    return torch.zeros((), device=values.device)
