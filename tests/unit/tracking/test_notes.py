"""Notes tell of dark, colourless and tilted photos, and are silent on good ones."""

import numpy as np

from backend.tracking.notes import (
    COLOURLESS,
    DARK,
    EYES_CLOSED,
    NODDING,
    ONE_EYE_CLOSED,
    photo_notes,
)

FACE = np.stack(np.meshgrid(np.arange(20, 40), np.arange(20, 40)), axis=-1).reshape(-1, 2)
OPEN = (False, False)
LEVEL = np.diag([1.0, -1.0, -1.0, 1.0])


def picture(*colour: int) -> np.ndarray:
    return np.full((64, 64, 3), colour, np.uint8)


def test_a_good_photo_has_no_notes():
    assert photo_notes(picture(180, 140, 120), FACE, LEVEL, OPEN) == []


def test_dark_and_colourless_faces_are_noted():
    assert photo_notes(picture(25, 18, 12), FACE, LEVEL, OPEN) == [DARK]
    assert photo_notes(picture(8, 5, 5), FACE, LEVEL, OPEN) == [DARK]
    assert photo_notes(picture(8, 8, 8), FACE, LEVEL, OPEN) == [DARK, COLOURLESS]
    assert photo_notes(picture(140, 140, 141), FACE, LEVEL, OPEN) == [COLOURLESS]


def test_a_face_that_looks_up_is_noted():
    angle = np.radians(30)
    nodding = LEVEL.copy()
    nodding[1:3, 1:3] @= [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert photo_notes(picture(180, 140, 120), FACE, nodding, OPEN) == [NODDING]


def test_closed_eyes_are_noted():
    for closed, note in (((True, True), EYES_CLOSED), ((False, True), ONE_EYE_CLOSED)):
        assert photo_notes(picture(180, 140, 120), FACE, LEVEL, closed) == [note]
