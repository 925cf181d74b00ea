"""Every row of Tables 3-5 builds, takes a training step, is saved, loaded and drawn.

Small sizes: a head of 162 vertices, transformers with few narrow blocks, a narrow StyleUNet.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import pytest
import torch

from backend.configs.network import ModelConfig, model_config
from backend.configs.presets import load_preset
from backend.model import dinov2, styleunet, vit_adapter
from backend.model.checkpoint import load_checkpoint, save_checkpoint
from backend.model.pictures import Pictures, draw
from backend.model.splitavatar import SplitAvatar
from shared.errors import AvatarError
from tests.fakes.small_head import SmallHead, outward_frames, small_camera, small_head

VARIANTS = {  # Gaussians per vertex and layer
    "paper": (1, 2, 4, 8),
    "no_ar": (1, 1),
    "no_gnn": (1, 2, 4, 8),
    "no_embedding": (1, 2, 4, 8),
    "no_mask": (1, 2, 4, 8),
    "k2L2": (1, 2, 4),
    "k3L2": (1, 3, 9),
    "k3L3": (1, 3, 9, 27),
    "k4L2": (1, 4, 16),
    "baseline_15x": (15,),
    "gagavatar": (1,),
    "gagavatar_split": (1, 2, 4, 8),
}
OPEN_VARIANTS = [name for name in VARIANTS if not name.startswith(("baseline", "gagavatar"))]
HEAD = small_head()


class NarrowDinoV2(dinov2.DinoV2):
    def __init__(self, image_size: int, global_feature: str) -> None:
        super().__init__(image_size, global_feature, depth=4, width=24, heads=2)


@pytest.fixture(autouse=True)
def narrow_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dinov2, "DinoV2", NarrowDinoV2)
    adapter = partial(vit_adapter.VitAdapter, depth=2, inner=16, heads=2)
    monkeypatch.setattr(vit_adapter, "VitAdapter", adapter)
    for width in ("_encoder_width", "_decoder_width"):
        monkeypatch.setattr(styleunet, width, lambda side: 16)


def small(name: str) -> ModelConfig:
    config = model_config(load_preset(name))
    return dataclasses.replace(config, width=16, image_size=64, grid=40, adapter_width=8)


def small_open(name: str) -> ModelConfig:
    """What a variant changes of `paper`, changed of `open`."""
    paper = load_preset("paper")
    changes = {key: value for key, value in load_preset(name).items() if value != paper[key]}
    layers = changes.get("layers", 3) + 1
    lists = {k: v[:layers] for k, v in ModelConfig().to_dict().items() if isinstance(v, list)}
    values = ModelConfig().to_dict() | changes | lists | {"sites": False}
    return dataclasses.replace(
        model_config(values), width=16, image_size=64, grid=16, adapter_width=8
    )


def moved(config: ModelConfig, head: SmallHead = HEAD) -> SplitAvatar:
    """A network whose layers that start at zero have moved, so that every path does something."""
    model = SplitAvatar(config, head, seed=5)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for value in model.parameters():
            if value.requires_grad:
                value.add_(torch.randn(value.shape, generator=generator) * 0.05)
        for network in model.masks:
            network.out.bias.fill_(0.3)  # type: ignore[union-attr]
    return model


def pictures(model: SplitAvatar, mask_gradient: bool = False) -> Pictures:
    """Two samples with their own portraits, poses and cameras."""
    camera = small_camera()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    rest = torch.from_numpy(HEAD.v_template)
    vertices = torch.stack([rest, rest * torch.tensor([1.1, 0.9, 1.0]) + 0.01])
    cameras = [camera, camera]
    return draw(
        model,
        model.encode(images, cameras),
        cameras,
        vertices,
        outward_frames(vertices),
        cameras,
        mask_gradient=mask_gradient,
    )


def takes_a_step_and_comes_back(config: ModelConfig, path: Path) -> Pictures:
    model = moved(config)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    drawn = pictures(model, mask_gradient=True)
    loss = drawn.coarse.square().mean()
    if drawn.fine is not None:
        loss = loss + drawn.fine.square().mean()
    loss.backward()
    for name, value in model.named_parameters():
        if value.requires_grad:
            assert value.grad is not None, f"{name} gets no gradient"
            assert value.grad.isfinite().all(), name
    optimiser.step()

    save_checkpoint(path, model)
    loaded = load_checkpoint(path, HEAD)
    if config.encoder == "dinov2_vitb14":
        loaded.encoder.load_state_dict(model.encoder.state_dict())
    with torch.no_grad():
        before, after = pictures(model), pictures(loaded)
    assert torch.equal(before.coarse, after.coarse)
    assert torch.isfinite(after.coarse).all()
    assert (after.alpha > 0.01).any()
    assert (before.fine is None) == (config.renderer == "none")
    if before.fine is not None and after.fine is not None:
        assert torch.equal(before.fine, after.fine)
    return after


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_trains_saves_loads_and_draws(name: str, tmp_path: Path) -> None:
    config = small(name)
    after = takes_a_step_and_comes_back(config, tmp_path / "weights.safetensors")
    cloud = after.clouds[1]
    identity = 2 * config.grid**2
    per_layer = [int((cloud.layers == 2 + i).sum()) for i in range(config.layers + 1)]
    assert len(cloud) == identity + sum(per_layer)
    assert per_layer == [162 * copies for copies in VARIANTS[name]]


@pytest.mark.parametrize("name", OPEN_VARIANTS)
def test_the_same_variants_of_the_open_preset_do(name: str, tmp_path: Path) -> None:
    takes_a_step_and_comes_back(small_open(name), tmp_path / "weights.safetensors")


def test_splitting_added_to_a_baseline_starts_with_the_baselines_picture() -> None:
    baseline = moved(small("gagavatar")).eval()
    split = SplitAvatar(small("gagavatar_split"), HEAD, seed=1).eval()
    new = split.load_state_dict(baseline.state_dict(), strict=False)
    assert not new.unexpected_keys
    with torch.no_grad():
        before, after = pictures(baseline), pictures(split)
    assert len(after.clouds[0]) == len(before.clouds[0]) + 162 * (2 + 4 + 8)
    for name in ("coarse", "alpha", "depth"):
        assert torch.equal(getattr(after, name), getattr(before, name)), name


@pytest.mark.parametrize(("split", "layers"), [(1, 1), (3, 2), (4, 2), (2, 4)])
def test_sites_of_another_splitting_are_refused(split: int, layers: int) -> None:
    lists = {k: [0.5] * (layers + 1) for k, v in ModelConfig().to_dict().items() if type(v) is list}
    values = ModelConfig().to_dict() | lists | {"split": split, "layers": layers}
    with pytest.raises(AvatarError, match="sites per vertex") as error:
        SplitAvatar(model_config(values), HEAD)
    assert "sites = false" in error.value.remedy
