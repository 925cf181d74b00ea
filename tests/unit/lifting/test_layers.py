"""Where another photo shows skin, it is there, whatever the main photo's outline says."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.lifting.colours import Shown
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
    alone = starting_layers(narrow, pipeline.model, nothing).residuals[0]
    both = starting_layers(narrow, pipeline.model, nothing, [told]).residuals[0]
    assert alone.opacity is not None
    assert both.opacity is not None
    pixels = narrow.camera.project(narrow.vertices[0].numpy())
    beyond = look_up(narrow.matte, pixels, 0.0) < 0.5
    ears = narrow.regions["ears"] & beyond
    assert ears.sum() > 50
    assert (alone.opacity.numpy()[ears] < -5).all()
    assert (both.opacity.numpy()[ears] == 0).all()
