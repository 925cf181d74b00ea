"""The blur has two forms, one for each device; both are the same blur."""

import torch

from backend.losses.ssim import _by_convolution, _by_opencv


def test_the_gpus_blur_is_the_cpus() -> None:
    picture = torch.rand(40, 52, 9, generator=torch.Generator().manual_seed(0))
    found, expected = _by_convolution(picture), _by_opencv(picture)
    assert found.shape == picture.shape
    assert (found - expected).abs().max() < 1e-6
