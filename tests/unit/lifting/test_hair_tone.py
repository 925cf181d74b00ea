"""Hair goes on behind what shows in its own colour, not in that of the skin beside it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.lifting.hair_tone import hair_tone
from backend.lifting.parts import Parts
from backend.lifting.view import View

DARK, SKIN = np.array([0.2, 0.16, 0.14]), np.array([0.85, 0.68, 0.6])


@pytest.fixture(scope="module")
def striped(portrait, pipeline) -> View:
    """Skin with a wide and a narrow band of dark hair above the face, both with soft edges."""
    bands = np.zeros((512, 512), np.float32)
    bands[20:60, 100:400] = 1
    bands[90:100, 100:400] = 1
    share = cv2.GaussianBlur(bands, (0, 0), 3.0)[..., None]
    rgb = (SKIN + share * (DARK - SKIN)).astype(np.float32)
    view = View(replace(portrait, rgb=rgb, matte=np.ones((512, 512), np.float32)), pipeline.head)
    view.parts = Parts(bands > 0.5, np.zeros((512, 512), bool))
    return view


def test_narrow_hair_is_less_like_skin_than_it_shows(striped):
    tone, share = hair_tone(striped)
    np.testing.assert_allclose(tone[40, 250], DARK, atol=0.03)
    shown = striped.rgb[90:100, 250].mean(0) - DARK
    assert (tone[95, 250] - DARK < 0.8 * shown).all()
    assert share[40, 250] == 1


def test_far_from_hair_there_is_none(striped):
    assert hair_tone(striped)[1][400, 250] == 0


def test_ears_that_are_taken_for_hair_tell_nothing(striped):
    ears = striped.shows("ears")
    mistaken = replace(striped.parts, hair=striped.parts.hair | ears)
    view = View(striped.portrait, striped.head)
    view.parts = mistaken
    assert hair_tone(view)[1][ears].max() == 0


def test_who_shows_no_hair_keeps_the_picture(striped):
    view = View(striped.portrait, striped.head)
    view.parts = Parts(np.zeros((512, 512), bool), np.zeros((512, 512), bool))
    tone, share = hair_tone(view)
    np.testing.assert_array_equal(tone, view.unspilt)
    assert not share.any()
