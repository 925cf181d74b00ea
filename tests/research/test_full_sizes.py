"""The paper's networks at full size: what they hold and cost, and that they can be built."""

from __future__ import annotations

import functools

import pytest
import torch

from backend.configs.network import model_config
from backend.configs.presets import load_preset
from backend.model.cost import network_facts
from backend.model.graph import mesh_edges
from backend.model.made_head import FLAME_EDGES, FLAME_VERTICES, made_head
from backend.model.splitavatar import SplitAvatar
from backend.model.union import union

V = 5023
IDENTITY = 175_232
LAYERS = {
    "paper": [V, 10_046, 20_092, 40_184],
    "no_ar": [V, V],
    "no_gnn": [V, 10_046, 20_092, 40_184],
    "no_embedding": [V, 10_046, 20_092, 40_184],
    "no_mask": [V, 10_046, 20_092, 40_184],
    "k2L2": [V, 10_046, 20_092],
    "k3L2": [V, 15_069, 45_207],
    "k3L3": [V, 15_069, 45_207, 135_621],
    "k4L2": [V, 20_092, 80_368],
    "baseline_15x": [75_345],
    "gagavatar": [V],
    "gagavatar_split": [V, 10_046, 20_092, 40_184],
}


@functools.cache
def facts(name: str) -> dict:
    return network_facts(model_config(load_preset(name)), made_head())


def test_the_made_head_is_as_big_as_flame() -> None:
    head = made_head()
    assert len(head.v_template) == FLAME_VERTICES == 5023
    assert len(mesh_edges(head.faces)) == FLAME_EDGES == 14_995
    assert head.faces.unique().numel() == 5023
    with pytest.raises(ValueError, match="expected 7 to 8"):
        made_head(5, 9)


@pytest.mark.parametrize("name", LAYERS)
def test_every_preset_has_the_gaussians_of_the_paper(name: str) -> None:
    gaussians = facts(name)["gaussians"]
    assert gaussians["layers"] == LAYERS[name]
    assert gaussians["expression"] == sum(LAYERS[name])
    assert gaussians["identity"] == IDENTITY
    assert gaussians["total"] == IDENTITY + sum(LAYERS[name])


def test_the_widened_baseline_has_as_many_gaussians_as_the_paper() -> None:
    assert sum(LAYERS["baseline_15x"]) == sum(LAYERS["paper"]) == 75_345


def test_the_paper_has_the_documented_edges() -> None:
    assert facts("paper")["edges"] == [
        {"layer": 0, "topo": 14_995, "conn": 0},
        {"layer": 1, "topo": 29_990, "conn": 5_023},
        {"layer": 2, "topo": 59_980, "conn": 30_138},
    ]
    assert facts("no_gnn")["edges"] == []


def test_the_baseline_has_the_documented_parameters_and_operations() -> None:
    found = facts("gagavatar")
    millions = {
        part: sum(row.values()) / 1e6
        for part, row in found["parameters"].items()
        if isinstance(row, dict)
    }
    assert millions["encoder"] == pytest.approx(86.58, abs=0.005)
    assert millions["generator"] == pytest.approx(1.29 + 0.61, abs=0.01)
    # Its file holds one more residual unit of two 3x3 convolutions, which is never used (Q8).
    unused = 2 * (256 * 256 * 9 + 256) / 1e6
    assert millions["adapter"] == pytest.approx(30.5 + 2 * 0.63 - unused, abs=0.05)
    assert millions["renderer"] == pytest.approx(48.68, abs=0.02)
    assert found["parameters"]["frozen"] == 86_580_480
    assert found["gflop"]["per_frame"]["renderer"] == pytest.approx(137, abs=0.5)
    assert found["gflop"]["per_portrait"]["total"] > 775  # which leaves out the tokens' attention


def test_splitting_costs_what_was_estimated() -> None:
    flop = facts("paper")["gflop"]["per_frame"]
    assert 25 < flop["gsn"] < 48  # performance.md


def test_the_paper_is_built_whole_and_splits_its_gaussians() -> None:
    head = made_head()
    model = SplitAvatar(model_config(load_preset("paper")), head).eval()
    vertices = torch.randn(1, V, 3, generator=torch.Generator().manual_seed(0)) * 0.1
    frames = torch.eye(3).expand(1, V, 3, 3)
    with torch.no_grad():
        raw = model.generator(torch.zeros(1, 768), torch.zeros(1, 3))
        cloud = union(None, model.expression(raw, vertices, frames))
    assert [int((cloud.layers == 2 + i).sum()) for i in range(4)] == LAYERS["paper"]
    assert torch.equal(cloud.means[:V], vertices[0])
    assert cloud.features.shape == (75_345, 32)
    assert (cloud.opacities > 0).all()  # masks start at .9
