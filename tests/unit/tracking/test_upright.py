"""Photos are turned until the face stands."""

import numpy as np
import pytest
from PIL import Image

from backend.tracking.decode import Picture, decode
from backend.tracking.upright import quarter_turns, turned


@pytest.mark.parametrize("turns", range(4))
def test_the_turns_that_bring_a_face_upright_are_found(tracker, astronaut, turns):
    lying = np.ascontiguousarray(np.rot90(decode(astronaut).rgb, turns))
    assert (turns + quarter_turns(tracker.detector, lying)) % 4 == 0


@pytest.mark.parametrize("angle", range(0, 360, 15))
def test_a_face_at_any_angle_is_brought_within_sixty_five_degrees(tracker, astronaut, angle):
    """Single looks at it err: upside down it is taken for an upright, smaller one."""
    tilted = np.asarray(Image.fromarray(decode(astronaut).rgb).rotate(angle))
    left = (angle + 90 * (quarter_turns(tracker.detector, tilted) or 0) + 180) % 360 - 180
    assert abs(left) <= 65


def test_a_picture_without_a_face_has_no_upright(tracker):
    assert quarter_turns(tracker.detector, np.zeros((200, 300, 3), np.uint8)) is None


def test_alpha_turns_with_its_picture():
    alpha = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = turned(Picture(np.repeat(alpha[..., None], 3, axis=-1), alpha), 1)
    assert found.size == (3, 4)
    assert found.alpha is not None
    np.testing.assert_array_equal(found.rgb[..., 0], found.alpha)
    np.testing.assert_array_equal(found.alpha, np.rot90(alpha))
