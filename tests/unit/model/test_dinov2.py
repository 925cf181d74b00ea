"""DINOv2: names of its file, what the global feature is, where its weights come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from backend.model.dinov2 import (
    WEIGHTS,
    DinoV2,
    encoded_side,
    load_dinov2,
    normalise_image,
    resize_for_patches,
)
from backend.model.vit import Attention
from shared.errors import AvatarError
from tests.fakes.gagavatar_weights import shapes


def small(global_feature: str = "cls", image_size: int = 56) -> DinoV2:
    torch.manual_seed(4)
    return DinoV2(image_size, global_feature, depth=4, width=24, heads=2).eval()


def test_names_and_shapes_are_those_of_the_released_file() -> None:
    prefix = "base_model.dino_model."  # GAGAvatar's file holds the released one's tensors
    wanted = {k.removeprefix(prefix): s for k, s in shapes().items() if k.startswith(prefix)}
    with torch.device("meta"):
        state = DinoV2(512).state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == wanted


def test_attention_equals_torchs() -> None:
    torch.manual_seed(5)
    ours, theirs = Attention(24, 3), nn.MultiheadAttention(24, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.in_proj_bias.copy_(ours.qkv.bias)
        theirs.out_proj.load_state_dict(ours.proj.state_dict())
        x = torch.randn(2, 7, 24)
        expected, _ = theirs(x, x, x, need_weights=False)
        torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=1e-5)


def test_a_portrait_of_512_pixels_has_37_patches_on_a_side() -> None:
    assert encoded_side(512) == 37
    assert resize_for_patches(torch.zeros(1, 3, 512, 512)).shape == (1, 3, 518, 518)


def test_maps_are_the_last_four_blocks_tokens_after_the_norm() -> None:
    model = small("mean")
    image = torch.rand(2, 3, 56, 56)
    seen = model(image)
    assert [tuple(m.shape) for m in seen.maps] == [(2, 24, 4, 4)] * 4
    last = seen.maps[-1].flatten(2).mT  # [2, 16, 24]
    torch.testing.assert_close(last.mean(-1), torch.zeros(2, 16), atol=1e-5, rtol=0)  # LayerNorm
    torch.testing.assert_close(seen.global_feature, last.mean(1))


def test_the_first_patch_is_the_top_left_token_and_not_the_class_token() -> None:
    image = torch.rand(1, 3, 56, 56)
    first, cls = small("first_patch")(image), small("cls")(image)
    assert torch.equal(first.global_feature, first.maps[-1][:, :, 0, 0])
    assert not torch.allclose(first.global_feature, cls.global_feature, atol=1e-3)
    assert all(torch.equal(a, b) for a, b in zip(first.maps, cls.maps, strict=True))


def test_the_position_embedding_is_used_as_it_is_at_the_trained_size() -> None:
    model = small()
    assert model._positions(37) is model.pos_embed
    assert model._positions(4).shape == (1, 17, 24)
    assert torch.equal(model._positions(4)[:, 0], model.pos_embed[:, 0])


def test_it_is_frozen_and_normalises_by_imagenet() -> None:
    assert not any(p.requires_grad for p in small().parameters())
    grey = normalise_image(torch.full((1, 3, 1, 1), 0.5)).flatten()
    expected = [(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225]
    torch.testing.assert_close(grey, torch.tensor(expected))


def test_without_weights_the_first_picture_names_the_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    with torch.device("meta"):
        model = DinoV2(56)
    with pytest.raises(AvatarError) as error:
        model(torch.zeros(1, 3, 56, 56))
    assert error.value.code == "missing_weights"
    assert WEIGHTS.rsplit("/", 1)[-1] in error.value.message


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    state = small().state_dict()
    torch.save({**state, "register_tokens": torch.zeros(1, 4, 24)}, tmp_path / "registers.pth")
    with pytest.raises(AvatarError, match="register_tokens") as error:
        load_dinov2(small(), tmp_path / "registers.pth")
    assert error.value.code == "bad_file"
    torch.save(state, tmp_path / "good.pth")
    load_dinov2(small(), tmp_path / "good.pth")
