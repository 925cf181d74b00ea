"""The eyes' landmarks lie where the lids end."""

import numpy as np

from backend.tracking.landmarks import LEFT_EYE, RIGHT_EYE
from backend.tracking.lid_edges import on_lid_edges

UPPER, LOWER = (159, 386), (145, 374)


def test_the_eyes_landmarks_come_to_the_eyeballs(pipeline) -> None:
    before, after = (
        head.embed_landmarks(head.v_template).numpy()
        for head in (pipeline.head, on_lid_edges(pipeline.head))
    )
    others = np.setdiff1d(np.arange(478), [*LEFT_EYE, *RIGHT_EYE])
    np.testing.assert_array_equal(before[others], after[others])
    moved = np.linalg.norm(after - before, axis=1)[[*LEFT_EYE, *RIGHT_EYE]]
    assert moved.max() < 0.004
    opened = [points[UPPER, 1] - points[LOWER, 1] for points in (before, after)]
    assert (opened[1] < opened[0] - 0.0005).all(), "they were beside the edges, on the lids' skin"
    np.testing.assert_allclose(
        after[[*RIGHT_EYE]] * [-1, 1, 1], after[[*LEFT_EYE]], atol=0.0005, err_msg="symmetric"
    )
