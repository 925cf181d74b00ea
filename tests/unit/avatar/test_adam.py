"""The same steps as PyTorch's optimiser takes, without its imports."""

from __future__ import annotations

import subprocess
import sys

import torch

from backend.avatar.adam import Adam

RATES = (0.04, 0.015)
WITHOUT_COMPILER = """
import sys, torch
from backend.avatar.adam import Adam
values = torch.ones(3, requires_grad=True)
values.sum().backward()
Adam([(values, .1)], eps=1e-7).step()
assert values.max() < 1
assert "torch._dynamo" not in sys.modules
"""


def parameters() -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    shapes = ((50, 3), (7,))
    return [torch.randn(shape, generator=chance).requires_grad_(True) for shape in shapes]


def loss_of(values: list[torch.Tensor], step: int) -> torch.Tensor:
    return (values[0].sin() * (step + 1)).sum() + values[1].square().sum()


def test_it_steps_as_pytorchs_optimiser():
    ours, theirs = parameters(), parameters()
    pairs = list(zip(ours, RATES, strict=True))
    groups = [{"params": [v], "lr": r} for v, r in zip(theirs, RATES, strict=True)]
    adam, optimiser = Adam(pairs, eps=1e-7), torch.optim.Adam(groups, eps=1e-7)
    for step in range(12):
        if step == 8:
            for group in optimiser.param_groups:
                group["lr"] *= 0.3
        optimiser.zero_grad()
        loss_of(theirs, step).backward()
        optimiser.step()
        loss_of(ours, step).backward()
        adam.step(1.0 if step < 8 else 0.3)
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)


def test_what_has_no_gradient_stays():
    values = torch.ones(3, requires_grad=True)
    Adam([(values, 0.1)], eps=1e-7).step()
    assert values.eq(1).all()


def test_gradients_are_dropped():
    values = torch.ones(3, requires_grad=True)
    values.sum().backward()
    Adam([(values, 0.1)], eps=1e-7).step()
    assert values.grad is None


def test_pytorchs_compiler_is_not_imported():
    subprocess.run([sys.executable, "-c", WITHOUT_COMPILER], check=True)
