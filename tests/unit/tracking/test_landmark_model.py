"""The landmarks that the fit moves are the head's own, and so are their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.head import Head, load_head
from backend.tracking.fitter import Fitter
from backend.tracking.following import Following
from backend.tracking.landmark_model import LandmarkModel, landmark_model
from shared.camera import portrait_intrinsics
from tests.unit.head.flame_files import as_npz, small_flame

TURN = np.array([0.3, -0.1, 0.05])


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Head:
    path = tmp_path_factory.mktemp("flame") / "flame.npz"
    path.write_bytes(as_npz(small_flame()))
    return load_head("flame2023", path)


@pytest.fixture(scope="module")
def model(flame: Head) -> LandmarkModel:
    return landmark_model(flame, 100, with_jaw=True)


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    return np.random.default_rng(0).normal(size=400)


def test_landmarks_equal_those_on_the_posed_head(
    flame: Head, model: LandmarkModel, codes: np.ndarray
) -> None:
    betas, expression, jaw = (
        torch.from_numpy(part).float()[None] for part in (codes[:300], codes[300:], TURN)
    )
    rest = torch.zeros(1, 3)
    vertices = flame.vertices(betas, expression, jaw, rest, rest)[0]
    wanted = flame.embed_landmarks(vertices)
    np.testing.assert_allclose(model.points(codes, TURN), wanted, atol=1e-6)


def test_derivatives_equal_finite_differences(model: LandmarkModel, codes: np.ndarray) -> None:
    by_code, by_turn = model.derivatives(codes, TURN)
    step = 1e-5
    for number in (0, 150, 299, 300, 399):
        moved = codes.copy()
        moved[number] += step
        slope = (model.points(moved, TURN) - model.points(codes, TURN)) / step
        np.testing.assert_allclose(by_code[..., number], slope, atol=1e-9)
    slope = (model.points(codes, TURN + [step, 0, 0]) - model.points(codes, TURN)) / step
    np.testing.assert_allclose(by_turn[..., 0], slope, atol=1e-5)


def test_known_codes_give_the_same_landmarks(model: LandmarkModel, codes: np.ndarray) -> None:
    reduced = model.with_known(codes[:300])
    assert reduced.bases.shape[-1] == 100
    points = reduced.points(codes[300:], TURN)
    np.testing.assert_allclose(points, model.points(codes, TURN), atol=1e-12)


def test_what_lies_behind_the_landmarks_moves_by_its_own_code_alone(
    model: LandmarkModel, codes: np.ndarray
) -> None:
    still, ways = np.random.default_rng(1).normal(size=(2, 5, 3))
    more = model.and_along(still, ways)
    points = more.points(np.append(codes, 0.5), TURN)
    np.testing.assert_allclose(points[:-5], model.points(codes, TURN))
    np.testing.assert_allclose(points[-5:], still + 0.5 * ways)
    by_code, by_turn = more.derivatives(np.append(codes, 0.5), TURN)
    np.testing.assert_allclose(by_code[-5:, :, -1], ways)
    assert not by_code[-5:, :, :-1].any()
    assert not by_code[:-5, :, -1].any()
    assert not by_turn[-5:].any()


FOLLOWING = Following(
    np.full((468, 3), 0.001),
    np.array([[0.0, 0.1, 0.05], [0.03, 0.12, 0.04]]),
    np.array([[250.0, 100.0], [300.0, 80.0]]),
    np.linspace(0, 1, 470),
)


@pytest.mark.parametrize("following", [None, FOLLOWING])
def test_the_fits_jacobian_equals_finite_differences(
    flame: Head, codes: np.ndarray, following: Following | None
) -> None:
    landmarks = np.random.default_rng(1).uniform(100, 400, (478, 2))
    solver = Fitter(flame).solver(landmarks, {}, codes[:300], None, following)
    rng = np.random.default_rng(2)
    x = solver.start + rng.normal(size=len(solver.start)) * 0.01
    jacobian = solver.jacobian(x)
    for number in (0, 1, 2, 5, 6, 100, 106, 107, 108):
        step = np.zeros(len(x))
        step[number] = 1e-6
        slope = (solver.residuals(x + step) - solver.residuals(x - step)) / 2e-6
        np.testing.assert_allclose(jacobian[:, number], slope, rtol=1e-4, atol=2e-3)


def test_a_face_with_its_jaw_open_is_explained(
    flame: Head, model: LandmarkModel, codes: np.ndarray
) -> None:
    """Seen from the front at 1.8 m, without noise, with the identity known."""
    wanted = np.concatenate([codes[:300], 0.3 * codes[300:]])
    points = model.points(wanted, np.array([0.25, 0.0, 0.0])) * (1, -1, -1) + (0, 0, 1.8)
    image = points @ portrait_intrinsics(512).T
    fit = Fitter(flame).fit(image[:, :2] / image[:, 2:], {}, betas=codes[:300])
    assert fit.error_px < 0.5
    assert fit.track.head == "flame2023"
    assert fit.track.betas is not None
    np.testing.assert_allclose(fit.track.betas, codes[:300], atol=1e-6)
    assert np.isfinite(fit.track.jaw_pose).all()
