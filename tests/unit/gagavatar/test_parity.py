"""Inputs of parity runs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.gagavatar.parity import read_inputs
from shared.errors import AvatarError
from tests.fakes import gagavatar_weights as gagavatar


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"t_points": None}, "has no array t_points"),
        ({"t_points": np.zeros((5, 2))}, r"t_points has shape \[5, 2\]; expected \[None, 3\]"),
        ({"f_transform": np.full((3, 4), np.nan)}, "f_transform has values that are not finite"),
        ({"plane_idx": np.zeros(3)}, "plane_idx has values of type float64"),
    ],
)
def test_inputs_of_another_kind_are_refused_by_name(tmp_path: Path, changed, says: str):
    arrays = {**gagavatar.inputs(), **changed}
    path = tmp_path / "inputs.npz"
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(path, allow_pickle=False, **kept)
    with pytest.raises(AvatarError, match=says):
        read_inputs(path)


def test_inputs_that_are_no_npz_are_refused(tmp_path: Path):
    (tmp_path / "inputs.npz").write_bytes(b"nothing")
    with pytest.raises(AvatarError, match=r"inputs\.npz is not a parity run's inputs"):
        read_inputs(tmp_path / "inputs.npz")


def test_a_member_that_is_no_array_is_refused(tmp_path: Path):
    path = tmp_path / "inputs.npz"
    np.savez(path, **{k: v for k, v in gagavatar.inputs().items() if k != "t_bbox"})  # pyright: ignore[reportArgumentType]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("t_bbox", b"no array")
    with pytest.raises(AvatarError, match="t_bbox has shape"):
        read_inputs(path)
