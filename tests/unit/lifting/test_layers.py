"""Where another photo shows skin, it is there, whatever the main photo's outline says."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.lifting.colours import Shown
from backend.lifting.hair_grain import HairGrain
from backend.lifting.layers import starting_layers
from backend.lifting.sampling import look_up
from backend.lifting.view import View


@pytest.fixture(scope="module")
def narrow(pipeline, portrait) -> View:
    """A matte that cuts the head's sides off."""
    matte = cv2.erode(portrait.matte, np.ones((1, 41)))
    return View(replace(portrait, matte=matte), pipeline.head)


def test_skin_that_another_photo_shows_is_there_beyond_the_outline(narrow, pipeline):
    nothing = np.zeros((512, 512), bool)
    vertices = len(narrow.rest[0])
    count = vertices * 15
    told = Shown(
        np.full((count, 3), 0.5, np.float32),
        np.ones(count),
        np.zeros(count, bool),
        np.ones(count),
    )
    grain = HairGrain(narrow)
    alone = starting_layers(narrow, pipeline.model, nothing, grain).residuals[0]
    both = starting_layers(narrow, pipeline.model, nothing, grain, [told]).residuals[0]
    assert alone.opacity is not None
    assert both.opacity is not None
    pixels = narrow.camera.project(narrow.vertices[0].numpy())
    beyond = look_up(narrow.matte, pixels, 0.0) < 0.5
    ears = narrow.regions["ears"] & beyond
    assert ears.sum() > 50
    assert (alone.opacity.numpy()[ears] < -5).all()
    assert (both.opacity.numpy()[ears] == 0).all()


def test_a_jaw_that_is_too_wide_is_drawn_in_and_has_no_hole(narrow, pipeline):
    nothing = np.zeros((512, 512), bool)
    layer = starting_layers(narrow, pipeline.model, nothing, HairGrain(narrow)).residuals[0]
    assert layer.opacity is not None
    assert layer.offset is not None
    pixels = narrow.camera.project(narrow.vertices[0].numpy())
    inside = look_up(narrow.matte, pixels, 0.0) > 0.5
    near = look_up(cv2.dilate(narrow.matte, np.ones((1, 13))), pixels, 0.0) > 0.5
    beyond = (narrow.regions["jaw"] | narrow.regions["cheeks"]) & near & ~inside
    beyond &= ~narrow.regions["face"]
    assert beyond.sum() > 2
    assert (layer.opacity.numpy()[beyond] == 0).all()
    assert (layer.offset.abs().amax(1).numpy()[beyond] > 0).all()


def test_a_neck_that_is_too_wide_is_drawn_in_and_has_no_hole(narrow, pipeline):
    """Between a jaw and a collar it would be one, as the head turns."""
    nothing = np.zeros((512, 512), bool)
    layer = starting_layers(narrow, pipeline.model, nothing, HairGrain(narrow)).residuals[0]
    assert layer.opacity is not None
    pixels = narrow.camera.project(narrow.vertices[0].numpy())
    inside = look_up(narrow.matte, pixels, 0.0) > 0.5
    near = look_up(cv2.dilate(narrow.matte, np.ones((1, 13))), pixels, 0.0) > 0.5
    height = narrow.rest[0, :, 1].numpy()
    high = height > height[narrow.regions["jaw"]].min()
    beyond = narrow.regions["neck"] & high & near & ~inside
    assert beyond.sum() > 2
    assert (layer.opacity.numpy()[beyond] == 0).all()


def test_what_reaches_below_hair_is_not_painted_with_it(pipeline, portrait):
    view = View(portrait, pipeline.head)
    cheek = view.shows("cheeks")
    row, column = (int(np.median(k)) for k in np.nonzero(cheek & (np.arange(512) < 256)))
    strand = np.zeros((512, 512), bool)
    strand[row - 20 : row + 20, column - 4 : column + 4] = True
    frozen, before = (
        starting_layers(view, pipeline.model, over, HairGrain(view)).frozen[0].numpy()
        for over in (strand, np.zeros_like(strand))
    )
    pixels = view.camera.project(view.vertices[0].numpy())
    away = np.abs(pixels - (column, row))
    beside, far = (away < (9, 20)).all(1), away.max(1) > 30
    assert beside.sum() > 6
    assert frozen[beside].all()
    assert before[beside].mean() < 0.5
    assert np.array_equal(frozen[far], before[far])
