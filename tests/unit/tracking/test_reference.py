"""A clip's identity and camera are told by the picture that shows them best."""

from dataclasses import replace

import cv2
import numpy as np

from backend.tracking.crop import crop_around
from backend.tracking.faces import choose
from backend.tracking.reference import start
from backend.tracking.video import track_video
from shared.progress import silent
from tests.unit.tracking.test_video import painted_turn


def test_a_clip_that_begins_in_profile_is_read_as_one_that_ends_in_it(tracker, open_head):
    frames = painted_turn(open_head, [0.0, 0.0, 20.0, 40.0, 50.0])
    front = track_video(tracker, frames, 25, silent)
    profile = track_video(tracker, frames[::-1], 25, silent)
    near, far = (tracked.cameras[0].viewmat[2, 3] for tracked in (front, profile))
    assert abs(near - far) < 0.02, "metres from the camera"
    gap = front.track.expression[0] - profile.track.expression[-1]
    assert np.abs(gap).max() < 0.06
    assert np.abs(front.track.transl[0] - profile.track.transl[-1]).max() < 0.01


def test_of_a_head_that_the_picture_cuts_off_what_is_seen_of_the_skull_is_followed(
    tracker, astronaut
):
    """The same photograph, whole and without what lies above the middle of the forehead."""
    rgb = cv2.imdecode(np.frombuffer(astronaut, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert rgb is not None
    face = choose(tracker.detector, rgb)
    whole = start(tracker, face, crop_around(face), rgb.shape[:2])
    top = int(face.landmarks[10, 1]) - 5
    moved = replace(face, landmarks=face.landmarks - np.array([0, top, 0], np.float32))
    cut = start(tracker, moved, crop_around(moved), (rgb.shape[0] - top, rgb.shape[1]))
    kept = whole.seen[:, 1] >= top
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_allclose(cut.seen, whole.seen[kept] - [0, top], atol=0.1)
    np.testing.assert_allclose(cut.skull, whole.skull[kept], atol=1e-4)
