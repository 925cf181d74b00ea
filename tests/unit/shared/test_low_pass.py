"""The low pass of splats by the size of a head."""

import pytest

from shared.low_pass import EPS2D, LEAST, low_pass


def test_splats_are_as_blurred_as_in_the_portrait() -> None:
    assert low_pass(1.0) == EPS2D
    assert low_pass(2.0) == pytest.approx(4 * EPS2D)
    assert low_pass(0.5) == pytest.approx(EPS2D / 4)
    assert low_pass(0.01) == LEAST
