"""LPIPS equals the lpips package's numbers, and refuses other files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from backend.evaluation.metrics.lpips import LpipsNet, Net, load_lpips
from scripts.make_lpips_reference import PAIRS, fill, pictures
from shared.errors import AvatarError

REFERENCE = Path(__file__).parents[3] / "data" / "lpips_reference.json"
NETS: tuple[Net, ...] = ("vgg", "alex")


def filled(net: Net) -> dict[str, torch.Tensor]:
    shapes = LpipsNet(net).state_dict()
    return {k: torch.from_numpy(fill(k, tuple(v.shape))) for k, v in shapes.items()}


def files(folder: Path, state: dict[str, torch.Tensor]) -> tuple[Path, Path]:
    """As the user has them: torchvision's trunk with its classifier, and the linear layers."""
    trunk, linear = folder / "trunk.pth", folder / "linear.pth"
    features = {k: v for k, v in state.items() if k.startswith("features.")}
    torch.save({**features, "classifier.0.weight": torch.zeros(2, 2)}, trunk)
    torch.save({k: v for k, v in state.items() if k.startswith("lin")}, linear)
    return trunk, linear


@pytest.mark.parametrize("net", NETS)
def test_distances_equal_the_lpips_packages(net: Net):
    expected = json.loads(REFERENCE.read_text())["distances"][net]
    model = LpipsNet(net)
    model.load_state_dict(filled(net))
    for pair in range(PAIRS):
        image, target = (torch.from_numpy(p).permute(2, 0, 1)[None] for p in pictures(pair))
        assert float(model(image, target)) == pytest.approx(expected[pair], rel=1e-5)


def test_a_users_two_files_give_the_same_network(tmp_path: Path):
    state = filled("alex")
    loaded = load_lpips("alex", *files(tmp_path, state)).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_a_file_that_lacks_a_layer_is_refused_by_name(tmp_path: Path):
    state = filled("alex")
    del state["features.8.bias"]
    with pytest.raises(AvatarError, match=r"trunk.pth lacks \['features.8.bias'\]"):
        load_lpips("alex", *files(tmp_path, state))


def test_a_layer_of_another_shape_is_refused_by_name(tmp_path: Path):
    state = filled("alex")
    state["lin1.model.1.weight"] = torch.zeros(1, 7, 1, 1)
    with pytest.raises(AvatarError, match=r"lin1.model.1.weight \[1, 7, 1, 1\]; expected \[1, 192"):
        load_lpips("alex", *files(tmp_path, state))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path):
    trunk, linear = files(tmp_path, filled("alex"))
    torch.save({"features": Path}, trunk)
    with pytest.raises(AvatarError, match="cannot be read"):
        load_lpips("alex", trunk, linear)
