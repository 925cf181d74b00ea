"""The face's own signal-to-noise ratio: only what lies in the target's box counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.metrics

from backend.evaluation.metrics.faces import FaceReader, PsnrFace
from backend.evaluation.metrics.shot import Shot


@pytest.fixture
def metric() -> Iterator[PsnrFace]:
    metric = PsnrFace(FaceReader())
    yield metric
    metric.close()


def shot(pixels: np.ndarray) -> Shot:
    return Shot(pixels, Path("a.png"), Path())


def test_only_the_targets_face_counts(metric: PsnrFace, sample: np.ndarray) -> None:
    target = sample
    described = metric.describe(shot(target))
    assert described[1] is not None
    x0, y0, x1, y1 = described[1].round().astype(int)
    beside = target.copy()
    beside[: y0 - 2] = 0
    assert metric.compare(metric.describe(shot(beside)), described) == 100
    noise = np.random.default_rng(0).integers(-20, 20, target.shape)
    noisy = (target.astype(int) + noise).clip(0, 255).astype(np.uint8)
    box = (slice(y0, y1 + 1), slice(x0, x1 + 1))
    wanted = skimage.metrics.peak_signal_noise_ratio(target[box], noisy[box])
    assert metric.compare(metric.describe(shot(noisy)), described) == pytest.approx(wanted)


def test_a_result_without_a_face_is_judged_and_a_target_without_one_not(
    metric: PsnrFace, sample: np.ndarray
) -> None:
    seen, empty = (metric.describe(shot(picture)) for picture in (sample, 0 * sample))
    assert metric.compare(empty, seen) is not None
    assert metric.compare(seen, empty) is None
