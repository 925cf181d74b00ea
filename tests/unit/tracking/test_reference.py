"""A clip's identity and camera are told by the picture that shows them best."""

import numpy as np

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
