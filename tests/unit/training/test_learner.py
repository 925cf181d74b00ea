"""Rates."""

from __future__ import annotations

import pytest

from backend.configs.training import TrainConfig
from backend.training.learner import adam, set_rate


def test_the_rate_falls_in_a_straight_line_and_named_parts_have_their_own(model):
    train = TrainConfig(lr=1.0, lr_end=0.1, iterations=11, lr_names=("masks",), lr_factors=(0.5,))
    optimiser = adam(model, train)
    for step, rate in ((0, 1.0), (5, 0.55), (10, 0.1), (50, 0.1)):
        assert set_rate(optimiser, train, step) == pytest.approx(rate)
        rates = {group["factor"]: group["lr"] for group in optimiser.param_groups}
        assert rates == {1.0: pytest.approx(rate), 0.5: pytest.approx(rate / 2)}
    slow = {id(p) for g in optimiser.param_groups if g["factor"] == 0.5 for p in g["params"]}
    assert slow == {id(p) for n, p in model.named_parameters() if n.startswith("masks.")}
