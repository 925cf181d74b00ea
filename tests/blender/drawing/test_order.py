"""Far to near."""

import numpy as np

from blender_addon.drawing import order


def test_the_farthest_comes_first() -> None:
    depths = np.random.default_rng(1).uniform(1.6, 1.9, 5000).astype(np.float32)
    sorted_depths = depths[order.back_to_front(depths)]
    finest = 0.3 / 65535
    assert (np.diff(sorted_depths) <= finest).all()
    assert sorted_depths[0] == depths.max()


def test_of_two_at_one_depth_the_first_is_drawn_last() -> None:
    depths = np.array([1, 2, 1, 2, 1], np.float32)
    assert order.back_to_front(depths).tolist() == [3, 1, 4, 2, 0]


def test_one_depth_and_none_at_all_have_an_order() -> None:
    assert order.back_to_front(np.full(3, 7, np.float32)).tolist() == [2, 1, 0]
    assert order.back_to_front(np.empty(0, np.float32)).tolist() == []
