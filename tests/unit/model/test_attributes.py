"""Activations and their inverses."""

from __future__ import annotations

import torch

from backend.model.attributes import (
    activate_features,
    logit,
    normalise_quats,
)


def test_raw_zero_is_no_rotation() -> None:
    assert normalise_quats(torch.zeros(1, 4)).tolist() == [[1, 0, 0, 0]]


def test_colours_are_activated_and_the_other_features_stay() -> None:
    logits = torch.randn(4, 32)
    features = activate_features(logits)
    torch.testing.assert_close(logit(features[:, :3], eps=1e-7), logits[:, :3], atol=1e-4, rtol=0)
    assert torch.equal(features[:, 3:], logits[:, 3:])
    assert torch.equal(activate_features(logits[:, :3]), features[:, :3])


def test_plain_quaternions_are_normalised_raw_values() -> None:
    raw = torch.tensor([[3.0, 0, 4, 0], [0, 0, 0, 0]])
    wanted = torch.tensor([[0.6, 0, 0.8, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(normalise_quats(raw, "plain"), wanted)
