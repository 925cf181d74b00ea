"""Picture metrics equal scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from backend.losses.pixels import iou, psnr, ssim


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.random((40, 52, 3))
    return np.clip(target + rng.normal(0, 0.05, target.shape), 0, 1), target


def test_psnr_equals_scikit_images(pictures):
    image, target = pictures
    expected = peak_signal_noise_ratio(target, image, data_range=1)
    assert psnr(image, target) == pytest.approx(expected, abs=1e-9)


def test_psnr_counts_only_the_mask(pictures):
    image, target = pictures
    mask = np.zeros(image.shape[:2], bool)
    mask[5:20, 7:30] = True
    expected = peak_signal_noise_ratio(target[5:20, 7:30], image[5:20, 7:30], data_range=1)
    assert psnr(image, target, mask) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures_have_infinite_psnr_and_ssim_one(pictures):
    assert psnr(pictures[1], pictures[1]) == float("inf")
    assert ssim(pictures[1], pictures[1]) == pytest.approx(1)


def test_ssim_equals_scikit_images(pictures):
    image, target = pictures
    expected = structural_similarity(
        image, target, channel_axis=-1, data_range=1,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(image, target) == pytest.approx(expected, abs=1e-6)


def test_pictures_that_cannot_be_compared_are_refused(pictures):
    image, target = pictures
    with pytest.raises(ValueError, match="one size"):
        psnr(image[:20], target)
    with pytest.raises(ValueError, match="no pixel"):
        psnr(image, target, np.zeros(image.shape[:2], bool))
    with pytest.raises(ValueError, match="11 or more"):
        ssim(image[:10], target[:10])


def test_iou_of_two_squares():
    a, b = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    a[:, :4], b[:, 2:6] = True, True
    assert iou(a, b) == pytest.approx(20 / 60)
