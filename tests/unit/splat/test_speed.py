from __future__ import annotations

from backend.splat import native
from backend.splat.speed import measured


def test_the_speed_is_told_with_the_rasteriser_that_has_it():
    told = measured()
    assert told["used"] == native.load()[1].message
    assert told["frame_ms"] > 0
    assert (told["splats"], told["size_px"]) == (100_000, 512)
