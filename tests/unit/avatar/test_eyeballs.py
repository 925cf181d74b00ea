"""Which Gaussians are eyeballs, and how far they look elsewhere than in the photo."""

from __future__ import annotations

import numpy as np
import pytest

from backend.avatar.eyeballs import eyeballs_of
from shared.flame import Track


@pytest.fixture
def own(pipeline, avatar):
    return pipeline.drive(avatar, avatar.source)


def test_an_eye_that_looks_aside_shows_others_of_its_parts(pipeline, avatar, own) -> None:
    eyes = eyeballs_of(own, pipeline.head)
    left, right = eyes.balls
    assert 500 < left.sum() == right.sum()
    assert own.means[left, 0].mean() > own.means[right, 0].mean()
    assert (eyes.members == (left | right)).all()
    assert (eyes.shown(own) == 1).all()
    looking = Track.from_arkit({"eyeLookOutLeft": 0.8}, betas=avatar.source.betas)
    still = Track.from_arkit({}, betas=avatar.source.betas)
    before = eyeballs_of(pipeline.drive(avatar, still), pipeline.head)
    shown = before.shown(pipeline.drive(avatar, looking))
    assert (shown[left] < 0.1).all()
    assert (shown[~left] > 0.99).all()


@pytest.mark.parametrize(
    "units", [{}, {"jawOpen": 0.5}, {"mouthSmileLeft": 1.0, "browInnerUp": 1.0}]
)
def test_a_head_that_turns_or_talks_turns_no_eye(pipeline, avatar, units) -> None:
    still = Track.from_arkit({}, betas=avatar.source.betas)
    before = eyeballs_of(pipeline.drive(avatar, still), pipeline.head)
    turn = np.radians([[10.0, 25.0, 5.0]]).astype(np.float32)
    turned = Track.from_arkit(units, betas=avatar.source.betas, global_orient=turn)
    shown = before.shown(pipeline.drive(avatar, turned))
    assert shown.min() > 0.98
