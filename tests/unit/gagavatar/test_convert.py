"""What crosses the border to GAGAvatar: cameras, files that are refused, inputs of parity runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.avatar.weights import trained_weights
from backend.gagavatar.convert import convert
from backend.gagavatar.parity import read_inputs
from backend.gagavatar.units import MODEL_UNITS_PER_M, camera_of
from shared.errors import AvatarError
from tests.fakes import gagavatar_weights as gagavatar


def test_a_camera_projects_as_row_vectors_in_model_units_do():
    inputs = gagavatar.inputs()
    transform, points = inputs["t_transform"].astype(np.float64), inputs["t_points"][::50]
    x, y, z = (points @ transform[:, :3] + transform[:, 3]).T  # +X left, +Y up, +Z forward
    expected = np.stack([256 - 3072 * x / z, 256 - 3072 * y / z], axis=-1)
    found = camera_of(transform, 512).project(points / MODEL_UNITS_PER_M)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def refusal(source: Path, out: Path) -> AvatarError:
    with pytest.raises(AvatarError) as error:
        convert(source, out)
    assert not out.exists()
    return error.value


class Hostile:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"model": {"a": torch.zeros(1)}, "hidden": Hostile()}, "plain tensors"),
        ({"weights": torch.zeros(1)}, r"\['weights'\]"),
        ({"model": {"head_base": "text"}}, "not 'model' with tensors"),
        ([1, 2], "list"),
    ],
)
def test_other_files_are_refused_and_nothing_in_them_runs(tmp_path: Path, content, says: str):
    torch.save(content, tmp_path / "other.pt")
    error = refusal(tmp_path / "other.pt", tmp_path / "out.safetensors")
    assert error.code == "bad_file"
    assert re.search(says, error.message)
    assert "GAGAvatar.pt" in error.remedy


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", b"\x80\x02garbage"])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: bytes):
    (tmp_path / "broken.pt").write_bytes(damage)
    assert refusal(tmp_path / "broken.pt", tmp_path / "out.safetensors").code == "bad_file"


def test_a_file_that_is_not_there_and_a_wrong_name_for_the_result(tmp_path: Path):
    error = refusal(tmp_path / "GAGAvatar.pt", tmp_path / "out.safetensors")
    assert error.code == "missing_weights"
    assert refusal(tmp_path / "GAGAvatar.pt", tmp_path / "out.pt").code == "bad_request"


def test_a_preset_without_its_weights_says_which_command_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    with pytest.raises(AvatarError) as error:
        trained_weights("gagavatar")
    assert error.value.code == "missing_weights"
    assert str(tmp_path / "checkpoints" / "gagavatar.safetensors") in error.value.message
    assert "python -m backend convert GAGAvatar.pt" in error.value.remedy


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
