"""Photos are turned until the face stands."""

from types import SimpleNamespace

import numpy as np
import pytest

from backend.tracking.decode import Picture, decode
from backend.tracking.upright import quarter_turns, turned


@pytest.mark.parametrize("turns", range(4))
def test_the_turns_that_bring_a_face_upright_are_found(tracker, astronaut, turns):
    lying = np.ascontiguousarray(np.rot90(decode(astronaut).rgb, turns))
    assert (turns + quarter_turns(tracker.detector, lying)) % 4 == 0


class ReadWrong:
    """A detector that mistakes an upright face, laid to its left, for one the other way round."""

    def detect(self, rgb: np.ndarray) -> list[SimpleNamespace]:
        upright = np.array([0.0, 0.0, 9.0])
        rolls = {0: upright, 1: [22.0, -6.0, -68.0], 3: [-10.0, 4.0, -81.0]}
        return [SimpleNamespace(size_px=100, yaw_pitch_roll_deg=rolls[int(rgb[0, 0, 0])])]


def test_one_wrong_look_turns_nothing():
    corners = np.zeros((4, 6, 3), np.uint8)
    corners[0, -1], corners[-1, 0] = 1, 3  # which come first after one and after three turns
    assert quarter_turns(ReadWrong(), corners) == 0  # pyright: ignore[reportArgumentType]


def test_a_picture_without_a_face_stays(tracker):
    assert quarter_turns(tracker.detector, np.zeros((200, 300, 3), np.uint8)) == 0


def test_alpha_turns_with_its_picture():
    alpha = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = turned(Picture(np.repeat(alpha[..., None], 3, axis=-1), alpha), 1)
    assert found.size == (3, 4)
    assert found.alpha is not None
    np.testing.assert_array_equal(found.rgb[..., 0], found.alpha)
    np.testing.assert_array_equal(found.alpha, np.rot90(alpha))
