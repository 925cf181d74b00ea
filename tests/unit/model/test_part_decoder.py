"""The parser's decoder: from the encoder's maps to parts at half the picture's size."""

import pytest
import torch

from backend.model.encoder import EfficientNetLite0
from backend.model.part_decoder import PARTS, PartDecoder


def maps_of(side: int) -> list[torch.Tensor]:
    return [
        torch.randn(2, channels, side // scale, side // scale)
        for channels, scale in zip(EfficientNetLite0.map_channels, (32, 16, 8, 4))
    ]


def test_it_says_at_half_the_picture_s_size_which_part_each_pixel_is() -> None:
    logits = PartDecoder()(maps_of(64), torch.rand(2, 3, 32, 32))
    assert logits.shape == (2, len(PARTS), 32, 32)


def test_every_map_and_the_colours_count() -> None:
    torch.manual_seed(0)
    decoder, maps, colours = PartDecoder(), maps_of(64), torch.rand(2, 3, 32, 32)
    before = decoder(maps, colours)
    for level in range(len(maps)):
        changed = [m + 1 if n == level else m for n, m in enumerate(maps)]
        assert not torch.allclose(decoder(changed, colours), before)
    assert not torch.allclose(decoder(maps, 1 - colours), before)


def test_colours_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"colours has shape \[2, 3, 64, 64\]"):
        PartDecoder()(maps_of(64), torch.rand(2, 3, 64, 64))
