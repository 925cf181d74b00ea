"""The neural renderer: its modulated convolution, its noise, its shape."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from backend.model.styleunet import ModulatedConv, StyleUNet


@pytest.fixture(scope="module")
def renderer() -> StyleUNet:
    torch.manual_seed(1)
    model = StyleUNet(8, channels=5)
    with torch.no_grad():
        for conv in model.convs:
            conv.strength.fill_(0.5)  # type: ignore[union-attr]
    return model.eval()


@pytest.mark.parametrize("demodulate", [True, False])
def test_scaling_activations_equals_scaling_the_kernels_of_every_sample(demodulate: bool) -> None:
    torch.manual_seed(2)
    conv = ModulatedConv(6, 4, 3, demodulate).double()
    x, style = torch.randn(2, 6, 5, 5).double(), torch.randn(2, 512).double()
    for sample in range(2):
        kernel = conv.weight * conv.modulation(style[sample])[None, :, None, None]
        if demodulate:  # StyleGAN2, Eq. 3
            kernel = kernel / (kernel.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = F.conv2d(x[sample : sample + 1], kernel, padding=1)
        found = conv(x[sample : sample + 1], style[sample : sample + 1])
        torch.testing.assert_close(found, expected)


def test_a_picture_is_in_range_and_stays_the_same_with_stored_noise(renderer: StyleUNet) -> None:
    features = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        first, second = renderer(features), renderer(features)
    assert first.shape == (2, 3, 8, 8)
    assert 0 < first.min() < first.max() < 1
    assert torch.equal(first, second)


def test_fresh_noise_flickers(renderer: StyleUNet) -> None:
    fresh = StyleUNet(8, channels=5, noise="fresh").eval()
    fresh.load_state_dict(renderer.state_dict())  # the same names: stored noise is kept, unused
    features = torch.randn(1, 5, 8, 8)
    with torch.no_grad():
        assert not torch.equal(fresh(features), fresh(features))


def test_a_batch_equals_its_samples(renderer: StyleUNet) -> None:
    features = torch.randn(3, 5, 8, 8)
    with torch.no_grad():
        together = renderer(features)
        apart = torch.cat([renderer(features[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [4, 24])
def test_sizes_that_do_not_halve_down_to_four_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        StyleUNet(size)
