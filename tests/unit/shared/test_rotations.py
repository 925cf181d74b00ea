"""Rotations against SciPy's."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp

from shared import rotations

RNG = np.random.default_rng(2)
VECTORS = np.concatenate(
    [RNG.normal(size=(50, 3)), RNG.normal(size=(20, 3)) * 1e-9, np.eye(3) * np.pi, np.zeros((1, 3))]
)
MATRICES = Rotation.from_rotvec(VECTORS).as_matrix()


def test_axis_angles_and_matrices_are_scipys() -> None:
    np.testing.assert_allclose(rotations.rotation_matrix(VECTORS), MATRICES, atol=1e-12)
    back = Rotation.from_rotvec(rotations.axis_angle(MATRICES)).as_matrix()
    np.testing.assert_allclose(back, MATRICES, atol=1e-9)


def test_quaternions_are_scipys_but_for_their_order() -> None:
    wanted = Rotation.from_matrix(MATRICES).as_quat(canonical=True)[:, [3, 0, 1, 2]]
    found = rotations.quaternion(MATRICES)
    same = np.abs((found * wanted).sum(1))
    np.testing.assert_allclose(same, 1, atol=1e-12)
    assert (found[:, 0] >= 0).all()


def test_any_number_of_axes_before_the_last_is_kept() -> None:
    stacked = MATRICES[:12].reshape(3, 4, 3, 3)
    found = rotations.axis_angle(stacked).reshape(-1, 3)
    np.testing.assert_array_equal(found, rotations.axis_angle(MATRICES[:12]))


def test_six_numbers_are_the_first_two_rows_made_orthogonal() -> None:
    six = RNG.normal(size=(20, 6))
    first = torch.nn.functional.normalize(torch.tensor(six[:, :3]), dim=-1)
    rest = torch.tensor(six[:, 3:])
    second = torch.nn.functional.normalize(rest - (first * rest).sum(-1, True) * first, dim=-1)
    wanted = torch.stack([first, second, torch.linalg.cross(first, second)], dim=-2).numpy()
    np.testing.assert_allclose(rotations.from_six(six), wanted, atol=1e-12)
    rows = MATRICES[:, :2].reshape(-1, 6)
    np.testing.assert_allclose(rotations.from_six(rows), MATRICES, atol=1e-12)


def test_between_two_rotations_is_on_their_arc() -> None:
    first, second = VECTORS[:25], VECTORS[25:50]
    part = RNG.uniform(size=(25, 1))
    found = rotations.rotation_matrix(rotations.between(first, second, part))
    for number in range(25):
        ends = Rotation.from_rotvec([first[number], second[number]])
        wanted = Slerp([0, 1], ends)(part[number])[0].as_matrix()
        np.testing.assert_allclose(found[number], wanted, atol=1e-9)
