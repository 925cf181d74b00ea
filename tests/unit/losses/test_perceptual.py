"""Perceptual networks: the embedded one, and files of the shapes that the public ones have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from backend.losses.perceptual import (
    AlexVggFacePerceptual,
    Vgg16Perceptual,
    alexnet_layers,
    perceptual_network,
    vgg16_layers,
)
from shared.errors import AvatarError


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def baseline_state() -> dict[str, Tensor]:
    """Random weights under the names of the baseline's checkpoint."""
    torch.manual_seed(3)
    face = {f"percep_loss.vggface.network.{n}": v for n, v in vgg16_layers().state_dict().items()}
    slices = {"0": "slice1", "3": "slice2", "6": "slice3", "8": "slice4", "10": "slice5"}
    alex = {
        f"percep_loss.net.{slices[name.split('.')[0]]}.{name}": value
        for name, value in alexnet_layers().state_dict().items()
    }
    return {**face, **alex}


def test_the_slot_none_is_no_network():
    assert perceptual_network("none", 64) is None


def test_the_embedded_network_is_zero_for_the_target_and_grows_with_the_blur():
    network = perceptual_network("effnet", 64)
    assert network is not None
    target = noise(1, 3, 64, 64)
    slight = torch.nn.functional.avg_pool2d(target, 3, 1, 1)
    strong = torch.nn.functional.avg_pool2d(target, 9, 1, 4)
    same, near, far = (float(network([image], target)) for image in (target, slight, strong))
    assert same == pytest.approx(0, abs=1e-6)
    assert 0 < near < far


def test_the_gradient_reaches_the_picture_and_no_weight():
    network = perceptual_network("effnet", 64)
    assert network is not None
    image = noise(1, 3, 64, 64).requires_grad_(True)
    network([image], noise(1, 3, 64, 64, seed=1)).backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()
    assert float(image.grad.abs().max()) > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_black_picture_has_a_finite_gradient():
    network = Vgg16Perceptual({f"features.{n}": v for n, v in vgg16_layers().state_dict().items()})
    image = torch.zeros(1, 3, 64, 64, requires_grad=True)
    network([image], torch.zeros(1, 3, 64, 64)).backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()


def test_vgg16_has_the_public_networks_numbers_of_weights():
    convolutions = vgg16_layers()
    assert sum(p.numel() for p in convolutions.parameters()) == 14_714_688  # as published
    assert sum(p.numel() for p in alexnet_layers().parameters()) == 2_469_696


def test_the_baselines_distance_is_alexnets_plus_half_of_vgg_faces():
    network = AlexVggFacePerceptual(baseline_state())
    image, target = noise(1, 3, 64, 64), noise(1, 3, 64, 64, seed=1)
    total = 0.0
    for (weight, a), (_, b) in zip(network.features(image), network.features(target), strict=True):
        a, b = (v / v.square().sum(1, keepdim=True).sqrt().clamp_min(1e-10) for v in (a, b))
        total += weight * float((a - b).abs().sum(1).mean())
    assert float(network([image], target)) == pytest.approx(total, rel=1e-4)
    weights = [weight for weight, _ in network.features(image)]
    assert weights == [0.1, 0.1, 1, 1, 1, 0.05, 0.05, 0.5, 0.5, 0.5]


def test_files_of_the_user_are_read_from_the_assets_folder(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    with pytest.raises(AvatarError, match=r"vgg16\.pth") as missing:
        perceptual_network("vgg16", 64)
    assert missing.value.code == "missing_weights"
    (tmp_path / "lpips").mkdir()
    (tmp_path / "gagavatar").mkdir()
    classifier = {"classifier.0.bias": torch.zeros(3)}  # the public file has more than we use
    state = {f"features.{n}": v for n, v in vgg16_layers().state_dict().items()}
    torch.save({**state, **classifier}, tmp_path / "lpips" / "vgg16.pth")
    torch.save({"model": baseline_state()}, tmp_path / "gagavatar" / "GAGAvatar.pt")
    assert isinstance(perceptual_network("vgg16", 64), Vgg16Perceptual)
    assert isinstance(perceptual_network("alexnet_vggface", 64), AlexVggFacePerceptual)


@pytest.mark.parametrize("content", [b"", b"not a torch file", None])
def test_another_file_in_its_place_is_a_clear_error(tmp_path: Path, monkeypatch, content):
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    path = tmp_path / "lpips" / "vgg16.pth"
    path.parent.mkdir()
    if content is None:
        torch.save({"features.0.weight": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(AvatarError, match=r"vgg16\.pth does not hold") as found:
        perceptual_network("vgg16", 64)
    assert found.value.code == "bad_file"


def test_an_unknown_slot_lists_the_known_ones():
    with pytest.raises(AvatarError, match="effnet"):
        perceptual_network("resnet", 64)
