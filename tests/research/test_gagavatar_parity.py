"""GAGAvatar's own numbers: its checkpoint (with invented weights) converted and run by commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backend import __main__ as program
from tests.fakes import gagavatar_weights as gagavatar

NETWORKS = 1e-4
"""Highest difference of what a network gives, times its largest number."""

PICTURE = 2e-5
"""Mean difference of the refined picture, whose values are 0 to 1.

Gaussians of a plane lie at nearly equal depths, and rounding decides in which order they are drawn:
1 % of the pixels have 70 % of the rasterised features' difference. So right results of different
processors differ by far more than the neural renderer's own rounding, which is 3.4e-7 (float32
against float64 on the same features). Measured mean differences from the stored picture:

    float32, AVX-512                                            3.5e-6
    float32, AVX2                                               1.09e-5
    float32, no vector instructions in PyTorch, AVX2 in oneDNN  1.02e-5
    float32, SSE 4.1 in oneDNN, the compatible branch in MKL    9.8e-6
    encoder, planes and generator in float64, the rest float32  9.6e-6
    all of it in float64                                        1.22e-5

Any two of these pictures differ by 1.8e-5 at the most.
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Both commands on the invented checkpoint; the arrays they end with."""
    folder = tmp_path_factory.mktemp("gagavatar")
    torch.save(gagavatar.checkpoint(), folder / "GAGAvatar.pt")
    np.savez(folder / "inputs.npz", allow_pickle=False, **gagavatar.inputs())
    weights = folder / "weights.safetensors"
    assert program.main(["convert", str(folder / "GAGAvatar.pt"), "--out", str(weights)]) == 0
    (folder / "GAGAvatar.pt").unlink()
    arguments = ["--inputs", str(folder / "inputs.npz"), "--out", str(folder / "ours.npz")]
    assert program.main(["parity", "--weights", str(weights), *arguments]) == 0
    with np.load(folder / "ours.npz") as file:
        arrays = {name: file[name] for name in file.files}
    for path in folder.iterdir():
        path.unlink()  # 700 MB
    return arrays


def differences(ours: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, float]:
    expected = gagavatar.reference()[name].astype(np.float64)
    count = 20_000 if name == "feature_image_sub" else 1700  # enough for its 99.9th percentile
    found = gagavatar.sampled(ours[name], count).astype(np.float64)
    return np.abs(found - expected), float(np.abs(expected).max())


def test_every_array_is_there(ours):
    assert sorted(ours) == sorted(gagavatar.reference())


@pytest.mark.parametrize(
    "name",
    sorted(
        set(gagavatar.reference())
        - {"feature_image_sub", "sr_gen_image", "losses", "radii", "plane_idx"}
    ),
)
def test_networks_cameras_and_gaussians_equal_the_originals(ours, name):
    difference, largest = differences(ours, name)
    assert difference.max() <= NETWORKS * largest


def test_the_rasterised_features_equal_the_originals(ours):
    difference, _ = differences(ours, "feature_image_sub")
    assert difference.mean() <= 1e-5
    assert np.quantile(difference, 0.999) <= 1e-3


def test_radii_equal_the_originals_but_for_rounding(ours):
    difference, _ = differences(ours, "radii")
    assert difference.max() <= 1
    assert difference.mean() <= 1e-3


def test_the_refined_picture_equals_the_original(ours):
    difference, _ = differences(ours, "sr_gen_image")
    assert difference.mean() <= PICTURE


def test_losses_equal_the_originals_but_for_the_one_without_weights(ours):
    expected = gagavatar.reference()["losses"]
    assert np.isnan(ours["losses"][0])
    np.testing.assert_allclose(ours["losses"][1:], expected[1:], atol=1e-4)


def test_a_checkpoint_of_another_kind_is_refused_by_the_command(tmp_path: Path, capfd):
    other = {"model": {"head_base": torch.zeros(7, 256)}, "meta_cfg": {}}
    torch.save(other, tmp_path / "other.pt")
    out = tmp_path / "out.safetensors"
    code = program.main(["convert", str(tmp_path / "other.pt"), "--out", str(out), "--json"])
    assert code == 1
    error = json.loads(capfd.readouterr().out)["error"]
    assert error["code"] == "bad_file"
    assert "missing" in error["message"]
    assert not out.exists()
