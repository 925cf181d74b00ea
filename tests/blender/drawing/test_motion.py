"""When a coarse picture will do."""

import numpy as np

from blender_addon.drawing.motion import SLOW_S, Motion

HERE, THERE = np.eye(4), np.diag([2.0, 1, 1, 1])


def test_a_fast_viewport_is_never_coarse() -> None:
    motion = Motion()
    for view in (HERE, THERE, HERE):
        assert not motion.coarse(view, playing=True)
        motion.took(SLOW_S / 2, coarse=False)


def test_a_slow_viewport_is_coarse_while_it_moves_or_plays() -> None:
    motion = Motion()
    motion.coarse(HERE, playing=False)
    motion.took(SLOW_S * 2, coarse=False)
    assert motion.coarse(THERE, playing=False)
    motion.took(SLOW_S / 9, coarse=True)  # a coarse picture says nothing of a full one
    assert motion.coarse(HERE, playing=False)
    assert not motion.coarse(HERE, playing=False)
    assert motion.coarse(HERE, playing=True)


def test_a_viewport_that_became_fast_stays_full() -> None:
    motion = Motion(slow=True)
    motion.coarse(HERE, playing=False)
    assert not motion.coarse(HERE, playing=False)
    motion.took(SLOW_S / 2, coarse=False)
    assert not motion.coarse(THERE, playing=False)
