"""Pictures of other colour spaces look as they are meant."""

import numpy as np
import pytest
from PIL import Image

from backend.tracking.decode import decode
from tests.unit.tracking.pictures import encoded, opened
from tests.unit.tracking.profiles import SPACES, SRGB, encoded_in, matrix_profile


@pytest.fixture(scope="module")
def picture(astronaut: bytes) -> Image.Image:
    return opened(astronaut).crop((100, 200, 400, 500))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("space", SPACES)
def test_colours_of_another_space_become_srgb(picture, space, kind):
    wanted = np.asarray(picture).astype(int)
    told = encoded_in(wanted, *SPACES[space])
    unread = np.abs(told - wanted).mean()
    how = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 98}}[kind]
    data = encoded(told, kind, icc_profile=matrix_profile(*SPACES[space]), **how)
    gap = np.abs(decode(data).rgb - wanted).mean()
    assert gap < 1.2 if kind != "JPEG" else gap < 2.5
    assert gap < unread / 2


def test_the_profile_counts_for_cut_outs_too(picture):
    wanted = np.asarray(picture).astype(int)
    alpha = np.zeros(wanted.shape[:2], np.uint8)
    alpha[20:, 30:] = 255
    told = np.dstack([encoded_in(wanted, *SPACES["Display P3"]), alpha])
    found = decode(encoded(told, "PNG", icc_profile=matrix_profile(*SPACES["Display P3"])))
    assert np.abs(found.rgb - wanted).mean() < 1.2
    np.testing.assert_array_equal(found.alpha, alpha)


def test_a_damaged_or_foreign_profile_is_left_aside(picture):
    pixels = np.asarray(picture)
    whole = matrix_profile(SRGB, 2.2)
    for profile in (whole[:60], b"nonsense", whole.replace(b"RGB XYZ ", b"GRAYXYZ ")):
        found = decode(encoded(picture, "PNG", icc_profile=profile))
        np.testing.assert_array_equal(found.rgb, pixels)
