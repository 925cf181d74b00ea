"""Smoothing over time: quiet where nothing moves, true where something does."""

from __future__ import annotations

import numpy as np

from backend.tracking.smoothing import NOISE, smoothed
from shared.flame import FRAME_SIZES

_FRAMES = 60


def rows(**changed: np.ndarray) -> dict[str, np.ndarray]:
    still = {name: np.zeros((_FRAMES, size)) for name, size in FRAME_SIZES.items()}
    return still | changed


def test_every_parameter_has_a_noise() -> None:
    assert set(NOISE) == set(FRAME_SIZES)
    quiet = smoothed(rows())
    assert {name: value.shape for name, value in quiet.items()} == {
        name: (_FRAMES, size) for name, size in FRAME_SIZES.items()
    }


def test_a_still_head_is_twice_as_still() -> None:
    rng = np.random.default_rng(0)
    rough = rng.normal(0, NOISE["transl"] / 3, (_FRAMES, 3))
    quiet = smoothed(rows(transl=rough))["transl"]
    assert (quiet.std(0) < 0.6 * rough.std(0)).all()
    assert np.abs(quiet.mean(0) - rough.mean(0)).max() < 2e-4


def test_a_blink_of_three_frames_keeps_its_depth() -> None:
    blink = np.zeros((_FRAMES, FRAME_SIZES["expression"]))
    blink[30:33, 8] = [0.6, 1.0, 0.5]
    kept = smoothed(rows(expression=blink))["expression"]
    np.testing.assert_allclose(kept, blink, atol=0.01)


def test_a_cut_stays_a_cut() -> None:
    orient = np.zeros((_FRAMES, 3))
    orient[30:, 1] = 0.4
    np.testing.assert_allclose(smoothed(rows(global_orient=orient))["global_orient"], orient)


def test_a_fast_turn_is_not_held_back_where_the_clip_begins_and_ends() -> None:
    across = np.zeros((_FRAMES, 3))
    across[:, 0] = np.arange(_FRAMES) * 0.004
    np.testing.assert_allclose(smoothed(rows(transl=across))["transl"], across, atol=2e-5)


def test_one_frame_stays_as_it_is() -> None:
    one = {name: np.full((1, size), 0.3) for name, size in FRAME_SIZES.items()}
    for name, value in smoothed(one).items():
        np.testing.assert_allclose(value, one[name])
