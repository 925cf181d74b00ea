from __future__ import annotations

import numpy as np
import pytest

from backend.tracking.expression_prior import AT_REST, above_rest, by_scores, of_components
from shared.flame import ARKIT_NAMES

from .heads import scored


def code(name: str, scores: dict[str, float]) -> float:
    return float(by_scores(scores).mean[ARKIT_NAMES.index(name)])


def test_a_face_at_rest_is_expected_to_do_nothing():
    assert by_scores(scored({})).mean == pytest.approx(np.zeros(52), abs=1e-12)


@pytest.mark.parametrize("name", ["eyeSquintLeft", "mouthPressLeft", "jawOpen"])
def test_scores_above_rest_reach_one(name):
    assert code(name, {name: 1.0}) == pytest.approx(1)
    assert code(name, scored({name: 0.5})) == pytest.approx(0.5)
    assert code(name, {name: 0.0}) == 0, "less than at rest is rest"


@pytest.mark.parametrize("name", ["eyeSquintLeft", "browDownRight", "mouthPressLeft", "jawOpen"])
def test_how_far_scores_lie_above_rest(name):
    at = ARKIT_NAMES.index(name)
    assert above_rest({name: 1.0})[at] == pytest.approx(1)
    assert above_rest(scored({name: 0.5}))[at] == pytest.approx(0.5)
    assert above_rest({name: 0.0})[at] == 0, "less than at rest is rest"


def test_low_brows_are_hardly_taken_for_a_frown():
    """The detector scores half a frown where somebody's brows lie low."""
    assert code("browDownRight", {"browDownRight": 0.35}) == 0
    assert 0 < code("browDownRight", {"browDownRight": 0.85}) < 0.2
    assert code("browDownRight", {"browDownRight": 0.85}) < code(
        "browInnerUp", {"browInnerUp": 0.5}
    )


def test_what_the_eyes_rotation_explains_is_no_code():
    prior = by_scores({"eyeLookUpLeft": 0.8})
    gaze = [n for n, name in enumerate(ARKIT_NAMES) if name.startswith("eyeLook")]
    assert len(gaze) == 8
    assert prior.mean[gaze].max() == 0
    assert prior.spread[gaze].max() < 0.01


def test_both_sides_rest_alike():
    names = {name.removesuffix("Left").removesuffix("Right") for name in ARKIT_NAMES}
    assert set(AT_REST) <= names
    prior = by_scores(dict.fromkeys(ARKIT_NAMES, 0.7))
    for name in AT_REST:
        left, right = (prior.mean[ARKIT_NAMES.index(f"{name}{side}")] for side in ("Left", "Right"))
        assert left == right


def test_components_rest_at_zero():
    prior = of_components(10)
    assert (prior.mean == 0).all()
    assert (prior.low < -3).all()
    assert (prior.high > 3).all()
