"""The paper's adapter: shapes, start, and one transformer for each plane."""

from __future__ import annotations

import pytest
import torch

from backend.model.encoder import EncoderOutput
from backend.model.vit_adapter import DEPTH, HEADS, WIDTH, VitAdapter
from shared.errors import AvatarError


def adapter() -> VitAdapter:
    torch.manual_seed(8)
    return VitAdapter((24,) * 4, 32, 8, 5, depth=2, inner=16, heads=2)


def encoded(seed: int = 9) -> EncoderOutput:
    generator = torch.Generator().manual_seed(seed)
    maps = tuple(torch.randn(2, 24, 4, 4, generator=generator) for _ in range(4))
    return EncoderOutput(torch.zeros(2, 24), maps)


IMAGE = torch.zeros(2, 3, 1, 1)
DIRECTION = torch.nn.functional.normalize(torch.tensor([[0.1, 0.2, -1.0], [0.0, 0.0, -1.0]]), dim=1)


def test_the_papers_sizes() -> None:
    assert (DEPTH, HEADS, WIDTH) == (12, 8, 512)
    with torch.device("meta"):
        whole = VitAdapter((768,) * 4, 296, 256, 32)
    assert all(len(plane.blocks) == 12 for plane in whole.planes)  # type: ignore[arg-type]
    assert [c.out_channels for c in whole.planes[0].doublings] == [256] * 3  # type: ignore


def test_an_untrained_adapter_gives_raw_zero_for_every_cell() -> None:
    raw = adapter()(encoded(), IMAGE, DIRECTION)
    assert raw.shape == (2, 2, 32 * 32, 14)
    assert not raw.any()


def test_planes_have_transformers_of_their_own_and_every_weight_learns() -> None:
    model = adapter()
    for plane in model.planes:
        torch.nn.init.normal_(plane.head[-1].weight)  # type: ignore[index]
    raw = model(encoded(), IMAGE, DIRECTION)
    assert not torch.allclose(raw[:, 0], raw[:, 1])
    raw[:, 1].square().sum().backward()
    gradients = {n: p.grad is not None and bool(p.grad.any()) for n, p in model.named_parameters()}
    assert all(has == name.startswith("planes.1.") for name, has in gradients.items())


def test_the_direction_of_the_source_camera_matters() -> None:
    model = adapter()
    torch.nn.init.normal_(model.planes[0].head[-1].weight)  # type: ignore[index]
    seen = encoded()
    other = model(seen, IMAGE, DIRECTION.flip(0))
    assert not torch.allclose(model(seen, IMAGE, DIRECTION)[:, 0], other[:, 0])


def test_a_grid_that_is_not_eight_times_a_side_is_refused() -> None:
    with pytest.raises(AvatarError, match="multiple of 8"):
        VitAdapter((24,) * 4, 300, 8, 5)
