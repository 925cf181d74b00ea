from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from backend.splat import quaternions


def _random(count: int) -> tuple[torch.Tensor, Rotation]:
    rotations = Rotation.random(count, rng=np.random.default_rng(3))
    xyzw = torch.tensor(rotations.as_quat())
    return xyzw[:, [3, 0, 1, 2]], rotations


def test_matrices_equal_scipys():
    quats, rotations = _random(100)
    expected = torch.tensor(rotations.as_matrix())
    torch.testing.assert_close(quaternions.to_matrix(quats), expected)


def test_quaternions_of_matrices_equal_scipys_up_to_sign():
    quats, rotations = _random(100)
    half_turns = torch.tensor(Rotation.from_euler("xyz", torch.eye(3) * torch.pi).as_matrix())
    found = quaternions.from_matrix(torch.tensor(rotations.as_matrix()))
    torch.testing.assert_close(found, torch.where(quats[:, :1] < 0, -quats, quats))
    back = quaternions.to_matrix(quaternions.from_matrix(half_turns))
    torch.testing.assert_close(back, half_turns)


def test_multiplying_composes_rotations_as_scipy_does():
    quats, rotations = _random(100)
    product = quaternions.multiply(quats[:50], quats[50:])
    expected = torch.tensor((rotations[:50] * rotations[50:]).as_matrix())
    torch.testing.assert_close(quaternions.to_matrix(product), expected)
