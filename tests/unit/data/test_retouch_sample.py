"""Samples of round trips come back from their files as they were."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.data.retouch_sample import SIDE_PX, Sample, read_sample, sample_of, write_sample
from backend.model.retoucher import PICTURE, PLANES
from shared.errors import AvatarError


def test_a_sample_is_read_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    planes = rng.integers(0, 256, (SIDE_PX, SIDE_PX, PLANES + 4), np.uint8)
    sample = Sample(planes[..., :PLANES], planes[..., PLANES:])
    write_sample(tmp_path / "a.webp", sample)
    again = read_sample(tmp_path / "a.webp")
    np.testing.assert_array_equal(again.drawn, sample.drawn)
    np.testing.assert_array_equal(again.target, sample.target)


def test_every_plane_is_in_its_place_at_half_the_size() -> None:
    values = np.linspace(0.1, 0.9, PLANES + PICTURE, dtype=np.float32)
    planes = np.tile(values, (2 * SIDE_PX, 2 * SIDE_PX, 1))
    sample = sample_of(planes[..., :PLANES], planes[..., PLANES:])
    found = np.concatenate([sample.drawn, sample.target], axis=-1)
    assert found.shape == (SIDE_PX, SIDE_PX, PLANES + PICTURE)
    np.testing.assert_allclose(found[7, 9] / 255, values, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("content", [b"", b"no picture", "small"])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "b.webp"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(AvatarError, match=r"b\.webp is .*expected 1280 x 256"):
        read_sample(path)
