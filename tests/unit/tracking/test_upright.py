"""Photos are turned until the face stands."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from backend.tracking.decode import Picture, decode
from backend.tracking.detect import Face
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


def scripted(*sides: dict[int, tuple[float, float]]) -> Any:
    """A detector that sees, in one view after the other and from each of its four sides, a face at
    an angle in degrees and of a size in pixels, or none."""
    looks = iter([seen.get(turns) for seen in sides for turns in range(4)])
    unit = np.random.default_rng(0).uniform(-0.5, 0.5, (478, 3))

    def detect(view: np.ndarray) -> list[Face]:
        look = next(looks)
        if look is None:
            return []
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_euler("z", look[0], degrees=True).as_matrix()
        middle = np.array([view.shape[1] / 2, view.shape[0] / 2, 0])
        return [Face((middle + look[1] * unit).astype(np.float32), {}, pose)]

    return SimpleNamespace(detect=detect)


def test_one_near_view_that_errs_does_not_turn_a_picture():
    """So an upright man with a moustache and glasses was seen: his moustache for brows."""
    whole = {0: (3.0, 151.0), 1: (91.0, 143.0), 2: (4.0, 138.0), 3: (273.0, 146.0)}
    near = {0: (2.0, 143.0), 2: (6.0, 116.0), 3: (87.0, 101.0)}
    picture = np.zeros((410, 335, 3), np.uint8)
    assert quarter_turns(scripted(whole, near), picture) == 0
    assert quarter_turns(scripted({2: whole[2]}, near), picture) == 2


def test_a_picture_without_a_face_has_no_upright(tracker):
    assert quarter_turns(tracker.detector, np.zeros((200, 300, 3), np.uint8)) is None


def test_alpha_turns_with_its_picture():
    alpha = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = turned(Picture(np.repeat(alpha[..., None], 3, axis=-1), alpha), 1)
    assert found.size == (3, 4)
    assert found.alpha is not None
    np.testing.assert_array_equal(found.rgb[..., 0], found.alpha)
    np.testing.assert_array_equal(found.alpha, np.rot90(alpha))
