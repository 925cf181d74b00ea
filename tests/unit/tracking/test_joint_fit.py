"""Several pictures tell an identity better than one; each keeps its own expression and camera."""

from __future__ import annotations

import numpy as np
import pytest

from backend.tracking.fit import Fit
from backend.tracking.fitter import Fitter
from backend.tracking.joint_fit import JointSolver, Sighting, fit_jointly
from shared.flame import ARKIT_NAMES
from tests.unit.tracking.derivatives import assert_slopes
from tests.unit.tracking.heads import Subject

IDENTITIES = 86
JAW, SMILE = ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("mouthSmileLeft")


@pytest.fixture(scope="module")
def fitter(open_head) -> Fitter:
    return Fitter(open_head)


@pytest.fixture(scope="module")
def betas() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.8, IDENTITIES)


@pytest.fixture(scope="module")
def sightings(fitter, open_head, betas) -> list[Sighting]:
    """From the front, and from both sides with other expressions; landmarks 1 px off."""
    rng = np.random.default_rng(6)
    faces = [({}, 0), ({"jawOpen": 0.5}, 25), ({"mouthSmileLeft": 0.8}, -25)]
    seen = []
    for weights, yaw in faces:
        subject = Subject(open_head, betas, weights, (yaw, 0, 0))
        landmarks = subject.landmarks + rng.normal(0, 1, (478, 2))
        seen.append(Sighting(landmarks, weights, fitter.fit(landmarks, weights)))
    return seen


def off_mm(fitter: Fitter, fit: Fit, betas: np.ndarray) -> float:
    """Root mean square distance of the neutral landmarks from the true ones, sizes alike."""
    true, found = (fitter.neutral(b) for b in (betas, np.asarray(fit.track.betas)))
    true, found = true - true.mean(0), found - found.mean(0)
    found *= (true * found).sum() / (found**2).sum()
    return 1000 * float(np.sqrt(((found - true) ** 2).sum(1).mean()))


def test_the_joint_identity_is_nearer_the_true_one_than_any_single_ones(fitter, sightings, betas):
    joint = fit_jointly(fitter, sightings)
    alone = [off_mm(fitter, seen.fit, betas) for seen in sightings]
    assert off_mm(fitter, joint[0], betas) < 0.8 * min(alone), alone


def test_all_fits_have_one_identity_and_their_own_expression_and_turn(fitter, sightings):
    joint = fit_jointly(fitter, sightings)
    for fit in joint:
        np.testing.assert_array_equal(fit.track.betas, joint[0].track.betas)
        assert fit.error_px < 2
    np.testing.assert_allclose([f.track.expression[0, JAW] for f in joint], [0, 0.5, 0], atol=0.1)
    np.testing.assert_allclose([f.track.expression[0, SMILE] for f in joint], [0, 0, 0.8], atol=0.1)
    yaws = [np.degrees(np.arctan2(*-f.camera.viewmat[2, [0, 2]])) for f in joint]
    np.testing.assert_allclose(np.abs(yaws), [0, 25, 25], atol=2)
    assert yaws[1] * yaws[2] < 0


def test_a_picture_that_its_own_fit_explains_badly_hardly_counts(fitter, sightings):
    """A detector reads turned faces wrong as a whole, not each landmark by itself."""
    front, side, _ = sightings
    wide = side.landmarks * (1.15, 1)
    blurred = wide + np.random.default_rng(7).normal(0, 4, wide.shape)
    wrong = Sighting(blurred, side.blendshapes, fitter.fit(blurred, side.blendshapes))
    joint = fit_jointly(fitter, [front, wrong])
    apart = off_mm(fitter, joint[0], np.asarray(front.fit.track.betas)[:IDENTITIES])
    alone = off_mm(fitter, wrong.fit, np.asarray(front.fit.track.betas)[:IDENTITIES])
    assert apart < 0.25 * alone


def test_the_joint_jacobian_equals_finite_differences(fitter, sightings):
    joint = JointSolver([fitter.solver(s.landmarks, s.blendshapes) for s in sightings[:2]])
    rng = np.random.default_rng(8)
    at = joint.joined([s.fit.unknowns for s in sightings[:2]])
    first = IDENTITIES
    own = (len(at) - first) // 2
    chosen = [0, 7, first - 1, *range(first, first + 6), first + own + 2, first + own + 20]
    chosen += [*rng.choice(len(at), 5)]
    assert_slopes(joint, at, chosen)


def test_how_usual_an_identity_is_counts_once(fitter, sightings):
    solvers = [fitter.solver(s.landmarks, s.blendshapes) for s in sightings]
    joint = JointSolver(solvers)
    single = [len(solver.residuals(solver.start)) for solver in solvers]
    found = joint.residuals(joint.joined([solver.start for solver in solvers]))
    assert len(found) == sum(single) - 2 * IDENTITIES
