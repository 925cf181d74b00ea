"""The sheet around the planes continues the portrait."""

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.surround import surround
from backend.lifting.view import View

SIZE = 512


@pytest.fixture(scope="module")
def view(portrait, pipeline) -> View:
    return View(portrait, pipeline.head)


def test_it_lies_beyond_the_crop_and_shows_the_picture_there(view) -> None:
    sheet = surround(view, np.full((SIZE, SIZE), 0.03, np.float32))
    assert len(sheet) > 1000, "the astronaut's suit goes on below the crop"
    pixels = view.camera.project(sheet.means.numpy().astype(np.float64))
    assert ((pixels < 0.5) | (pixels > SIZE - 0.5)).any(1).all()
    depth = sheet.means.numpy() @ view.camera.viewmat[2, :3] + view.camera.viewmat[2, 3]
    np.testing.assert_allclose(depth, view.camera.viewmat[2, 3] - 0.03, atol=4e-4)
    assert np.abs(np.diff(depth)).min() > 1e-5, "one before the other"
    at = np.floor((pixels + SIZE / 2) / 2).astype(int).clip(0, SIZE - 1)
    shown = view.portrait.surround.rgb[at[:, 1], at[:, 0]]
    assert np.abs(sheet.features.numpy() - shown).mean() < 0.03


def test_a_frame_that_is_all_there_is_has_none(portrait, pipeline) -> None:
    alone = View(replace(portrait, surround=None), pipeline.head)
    assert len(surround(alone, np.zeros((SIZE, SIZE), np.float32))) == 0
