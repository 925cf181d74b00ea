"""A small head and a small network; no test here needs the real head."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.configs.network import ModelConfig
from backend.model.masks import MaskNetwork
from backend.model.splitavatar import SplitAvatar
from shared.camera import Camera
from tests.fakes.small_head import SmallHead, outward_frames, small_camera, small_head


@pytest.fixture(scope="session")
def head() -> SmallHead:
    return small_head()


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return replace(ModelConfig(), image_size=64, grid=16, adapter_width=8)


@pytest.fixture(scope="session")
def camera() -> Camera:
    return small_camera()


@pytest.fixture(scope="session")
def untrained(config: ModelConfig, head: SmallHead) -> SplitAvatar:
    return SplitAvatar(config, head, seed=5).eval()


@pytest.fixture(scope="session")
def trained(config: ModelConfig, head: SmallHead) -> SplitAvatar:
    """A network whose zero-initialised layers have moved, so that every path does something."""
    model = SplitAvatar(config, head, seed=5).eval()
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if not name.startswith("encoder."):
                value.add_(torch.randn(value.shape, generator=generator) * 0.08)
        for network in model.masks:
            assert isinstance(network, MaskNetwork)
            network.out.weight.mul_(4)
            network.out.bias.fill_(0.3)  # some are dropped, most are kept
    return model


@pytest.fixture(scope="session")
def vertices(head: SmallHead) -> Tensor:
    """[2, V, 3] two poses."""
    rest = torch.from_numpy(head.v_template)
    return torch.stack([rest, rest * torch.tensor([1.1, 0.9, 1.0]) + 0.01])


@pytest.fixture(scope="session")
def frames(vertices: Tensor) -> Tensor:
    return outward_frames(vertices)


@pytest.fixture(scope="session")
def portrait() -> Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
