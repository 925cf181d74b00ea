"""The fit finds what it was shown: landmarks projected by NumPy alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.spatial.transform import Rotation

from backend.tracking.fit import Fit
from backend.tracking.fitter import Fitter
from backend.tracking.following import Following
from backend.tracking.landmark_model import landmark_normals
from backend.tracking.landmarks import BROWS, LEFT_EYE, RIGHT_EYE
from backend.tracking.portrait import check_fit
from shared.camera import Camera
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES
from tests.unit.tracking.derivatives import assert_slopes
from tests.unit.tracking.heads import FOCAL_PX, Subject

FIRST_OF_BROWS = 81
"""Of the identity components: both brows lower."""


@pytest.fixture(scope="module")
def fitter(open_head) -> Fitter:
    return Fitter(open_head)


SUBJECTS = {
    "neutral": ([], {}, (0, 0, 0), (0.0, 0.02, 1.9)),
    "identity": ([1.2, -0.8, 0.6, 0, -1], {}, (5, -3, 2), (0.01, 0.03, 1.8)),
    "speaking": (
        [0.5, 0.5],
        {"jawOpen": 0.5, "mouthFunnel": 0.4, "browInnerUp": 0.7},
        (-20, 6, -4),
        (-0.01, 0.0, 2.1),
    ),
    "smiling": (
        [-0.7, 0, 0.9],
        {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.8, "eyeSquintLeft": 0.5},
        (30, 0, 10),
        (0.0, 0.02, 1.7),
    ),
    "on the side": ([0.3], {"jawOpen": 0.2}, (0, 0, 80), (0.0, 0.0, 1.9)),
}


@pytest.fixture(params=SUBJECTS)
def subject(request, open_head) -> Subject:
    return Subject(open_head, *SUBJECTS[request.param])


def test_known_parameters_come_back(fitter, subject):
    fit = fitter.fit(subject.landmarks, subject.scores)
    assert fit.error_px < 0.6
    rotation = fit.camera.viewmat[:3, :3] @ subject.rotation.T
    assert np.degrees(Rotation.from_matrix(rotation).magnitude()) < 1.0
    scale = fit.camera.viewmat[2, 3] / subject.shift[2]
    assert abs(scale - 1) < 0.06, "size and distance look alike at 216 mm"
    expected = np.array([subject.weights.get(name, 0.0) for name in ARKIT_NAMES])
    assert np.abs(fit.track.expression[0, :52] - expected).max() < 0.15


def test_with_known_identity_the_distance_is_exact(fitter, subject):
    fit = fitter.fit(subject.landmarks, subject.scores, betas=subject.betas)
    assert fit.error_px < 0.1
    np.testing.assert_allclose(fit.camera.viewmat[:3, 3], subject.shift, atol=0.01)
    np.testing.assert_allclose(fit.track.betas[: len(subject.betas)], subject.betas, atol=1e-6)


@pytest.mark.parametrize("lower", [1.3, -1.3])
def test_how_brows_lie_is_the_persons_own(fitter, open_head, lower):
    """Low ones score half a frown, high ones nothing; both are there when nothing moves them."""
    betas = np.zeros(open_head.shapedirs.shape[2])
    betas[FIRST_OF_BROWS] = lower
    scores = {"browDownLeft": 0.7, "browDownRight": 0.7} if lower > 0 else {}
    subject = Subject(open_head, betas, {})
    fit = fitter.fit(subject.landmarks, {**subject.scores, **scores})
    rest = np.asarray(fit.track.betas)

    def higher(betas: np.ndarray) -> float:
        brows = fitter.neutral(betas)[list(BROWS), 1] - fitter.neutral(0 * betas)[list(BROWS), 1]
        return float(brows.mean())

    assert abs(higher(betas)) > 0.001
    assert higher(rest) == pytest.approx(higher(betas), rel=0.4)
    assert brow_codes(fit).max() < 0.2


def test_brows_that_move_are_no_other_person(fitter, open_head):
    """An identity that is known stays, and a frown or a rise is whole."""
    for weights in ({"browDownLeft": 0.8, "browDownRight": 0.8}, {"browInnerUp": 0.8}):
        subject = Subject(open_head, [0.4], weights)
        fit = fitter.fit(subject.landmarks, subject.scores, betas=subject.betas)
        expected = [weights.get(name, 0.0) for name in ARKIT_NAMES if name.startswith("brow")]
        np.testing.assert_allclose(brow_codes(fit), expected, atol=0.1)


def brow_codes(fit: Fit) -> np.ndarray:
    return fit.track.expression[0, [n.startswith("brow") for n in ARKIT_NAMES] + [False] * 48]


def turned_badly_seen(open_head) -> tuple[Subject, np.ndarray]:
    """A head turned by 55 degrees, and landmarks of which those turned away lie 15 pixels off."""
    subject = Subject(open_head, [0.5], {}, (55, 0, 0))
    away = (landmark_normals(open_head) @ subject.rotation.T)[:, 2] > -0.1
    landmarks = subject.landmarks.copy()
    landmarks[away, 0] += 15 * np.sign(landmarks[~away, 0].mean() - landmarks[away, 0].mean())
    return subject, landmarks


def test_what_is_turned_away_hardly_counts(fitter, open_head):
    subject, landmarks = turned_badly_seen(open_head)
    fit = fitter.fit(landmarks, {}, betas=subject.betas)
    rotation = fit.camera.viewmat[:3, :3] @ subject.rotation.T
    assert np.degrees(Rotation.from_matrix(rotation).magnitude()) < 3.0


def test_a_known_distance_is_kept(fitter, open_head):
    subject, landmarks = turned_badly_seen(open_head)
    free = fitter.fit(landmarks, {}, betas=subject.betas)
    held = fitter.fit(landmarks, {}, subject.betas, subject.shift[2], free)
    gaps = [abs(fit.camera.viewmat[2, 3] - subject.shift[2]) for fit in (free, held)]
    assert gaps[1] < max(min(gaps[0], 0.02), 0.001), gaps


def test_who_opens_their_eyes_is_not_nearer(fitter, open_head):
    """A second picture of a still head, in which the detector has lids, which cannot be followed,
    elsewhere; all of the skin and the skull say that nothing moved."""
    subject = Subject(open_head, [0.4], {})
    first = fitter.fit(subject.landmarks, subject.scores)
    betas, missed = first.track.betas, fitter.missed(first, subject.landmarks)
    skull = fitter.skull(first)
    trust = np.ones(468 + len(skull))
    trust[[*LEFT_EYE, *RIGHT_EYE]] = 0
    following = Following(missed, skull, first.camera.project(skull), trust)
    again = subject.landmarks.copy()
    again[[*LEFT_EYE, *RIGHT_EYE], 1] -= 3
    again[list(LEFT_EYE), 0] += 2
    again[list(RIGHT_EYE), 0] -= 2
    depth = first.camera.viewmat[2, 3]
    free, held = (
        fitter.fit(again, subject.scores, betas, following=known).camera.viewmat[2, 3] / depth - 1
        for known in (None, following)
    )
    assert abs(held) < 0.002
    assert abs(free) > 3 * abs(held), (free, held)


def test_brows_that_raise_the_scalp_do_not_raise_the_head(fitter, open_head):
    """The hairline goes up by 3 mm, the crown stays, and so does all of the face."""
    subject = Subject(open_head, [0.4], {})
    first = fitter.fit(subject.landmarks, subject.scores)
    skull = fitter.skull(first)
    raised = skull.copy()
    raised[:, 1] += 0.003 * (skull[:, 1].max() - skull[:, 1]) / np.ptp(skull[:, 1])
    missed = fitter.missed(first, subject.landmarks)
    places, trust = first.camera.project(raised), np.ones(468 + len(skull))
    following = Following(missed, skull, places, trust)
    again = fitter.fit(
        subject.landmarks, subject.scores, first.track.betas, following=following
    ).camera.viewmat
    turn = again[:3, :3] @ first.camera.viewmat[:3, :3].T
    assert np.degrees(Rotation.from_matrix(turn).magnitude()) < 0.2
    np.testing.assert_allclose(again[:2, 3], first.camera.viewmat[:2, 3], atol=2e-4)
    assert abs(again[2, 3] / first.camera.viewmat[2, 3] - 1) < 0.001


def test_the_skull_is_what_the_picture_shows_of_the_scalp(fitter, open_head):
    """Seen by no ray tracer: on the side of the camera, above the ears, within the outline."""
    for yaw in (-25, 0, 25):
        subject = Subject(open_head, [], {}, (yaw, 0, 0))
        fit = fitter.fit(subject.landmarks, {}, betas=subject.betas)
        skull = fitter.skull(fit)
        assert len(skull) > 60
        middle = fit.camera.viewmat[:3, :3] @ skull.mean(0)
        assert abs(middle[0]) < 0.03, "it faces the camera"
        ears = open_head.v_template[open_head.regions["ears"]]
        assert skull[:, 1].min() > ears[:, 1].mean()


def test_scores_that_are_wrong_are_corrected_by_the_landmarks(fitter, open_head):
    subject = Subject(open_head, [0.4], {"jawOpen": 0.6})
    fit = fitter.fit(subject.landmarks, {"jawOpen": 0.4}, betas=subject.betas)
    assert fit.track.expression[0, ARKIT_NAMES.index("jawOpen")] == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize("depth_m", [None, 1.9])
def test_the_jacobian_equals_finite_differences(fitter, subject, depth_m):
    solver = fitter.solver(subject.landmarks, subject.scores, None, depth_m)
    rng = np.random.default_rng(3)
    at = solver.start + rng.normal(0, 0.02, len(solver.start))
    chosen = [*range(6), *rng.choice(np.arange(6, len(at)), 10, replace=False)]
    assert_slopes(solver, at, chosen)


def test_the_gradient_of_the_cost_equals_scipys(fitter, open_head):
    subject = Subject(open_head, [0.5], {"jawOpen": 0.3}, (12, 4, 20))
    solver = fitter.solver(subject.landmarks, {}, subject.betas)
    at = solver.start

    def cost(x: np.ndarray) -> float:
        return 0.5 * float((solver.residuals(x) ** 2).sum())

    gradient = solver.jacobian(at).T @ solver.residuals(at)
    numeric = np.asarray(approx_fprime(at, cost, 1e-7))
    np.testing.assert_allclose(gradient, numeric, rtol=2e-2, atol=1e-3 * np.abs(numeric).max())


def mirrored_indices(points: np.ndarray) -> np.ndarray:
    """[478] each landmark's counterpart, by place on the average head."""
    gaps = np.linalg.norm(points[:, None] * [-1, 1, 1] - points[None], axis=-1)
    return gaps.argmin(1)


def test_a_mirrored_face_gives_mirrored_parameters(fitter, open_head):
    weights = {"mouthSmileLeft": 0.8, "browDownRight": 0.6, "eyeBlinkLeft": 0.5}
    subject = Subject(open_head, [], weights, (15, 4, 5))
    swap = mirrored_indices(open_head.embed_landmarks(open_head.v_template).double().numpy())
    mirrored = subject.landmarks[swap] * [-1, 1] + [512, 0]

    def other(name: str) -> str:
        if name.endswith("Left"):
            return name.removesuffix("Left") + "Right"
        return name.removesuffix("Right") + "Left" if name.endswith("Right") else name

    first = fitter.fit(subject.landmarks, weights)
    second = fitter.fit(mirrored, {other(name): value for name, value in weights.items()})
    for name in weights:
        a = first.track.expression[0, ARKIT_NAMES.index(name)]
        b = second.track.expression[0, ARKIT_NAMES.index(other(name))]
        assert a == pytest.approx(b, abs=0.1), name
    flip = np.diag([-1.0, 1, 1])
    turned = flip @ second.camera.viewmat[:3, :3] @ flip @ first.camera.viewmat[:3, :3].T
    assert np.degrees(Rotation.from_matrix(turned).magnitude()) < 1.5


@pytest.mark.parametrize("look", [(0, 0), (0.4, 0), (-0.4, 0.2)])
def test_eyes_turn_towards_the_detected_irises(fitter, open_head, look):
    """Eyeballs turned by a known angle show their irises where the fit looks for them."""
    yaw, pitch = look
    subject = Subject(open_head, [0.3], {})
    joints = open_head.joints_of(subject.betas)
    pose = Rotation.from_rotvec([pitch, yaw, 0])
    vertices = open_head.v_template.double().numpy() + (
        open_head.shapedirs.double().numpy() @ subject.betas
    )
    corners = vertices[open_head.faces.numpy()[open_head.landmark_faces.numpy()]]
    points = (corners * open_head.landmark_bary.double().numpy()[..., None]).sum(1)
    for first, joint in ((468, joints[4]), (473, joints[3])):
        iris = pose.apply(points[first] - joint) + joint
        local = subject.rotation @ iris + subject.shift
        subject.landmarks[first] = FOCAL_PX * local[:2] / local[2] + 256
    fit = fitter.fit(subject.landmarks, {}, betas=subject.betas)
    for found in (fit.track.leye_pose[0], fit.track.reye_pose[0]):
        axis = Rotation.from_rotvec(found).apply([0, 0, 1])
        expected = pose.apply([0, 0, 1])
        assert np.degrees(np.arccos(np.clip(axis @ expected, -1, 1))) < 6


@pytest.mark.parametrize("yaw", [-60, 52])
def test_a_face_turned_too_far_is_refused_with_its_angle(fitter, open_head, yaw):
    subject = Subject(open_head, [], {}, (yaw, 0, 0))
    with pytest.raises(AvatarError) as caught:
        check_fit(fitter.fit(subject.landmarks, {}))
    assert caught.value.code == "bad_request"
    words = caught.value.message.split()
    assert abs(int(words[words.index("turned") + 1]) - abs(yaw)) <= 3
    assert "at most 45" in caught.value.message
    assert caught.value.remedy == "Use an upright photo taken from the front."


@pytest.mark.parametrize("yaw", [-40, 0, 40])
def test_a_face_turned_less_is_accepted(fitter, open_head, yaw):
    check_fit(fitter.fit(Subject(open_head, [], {}, (yaw, 0, 0)).landmarks, {}))


def test_scattered_landmarks_are_called_a_bad_fit(fitter, open_head):
    subject = Subject(open_head, [], {})
    noise = np.random.default_rng(0).normal(0, 30, subject.landmarks.shape)
    with pytest.raises(AvatarError) as caught:
        check_fit(fitter.fit(subject.landmarks + noise, {}))
    assert "pixels on average; at most 8" in caught.value.message


def test_a_head_that_leans_leans_from_its_shoulders(portrait, open_head):
    """Before the upright camera its root joint stays, and the picture is the same."""
    fit, root = portrait.fit, open_head.joints_of(None)[0]
    leaning = replace(fit, camera=_rolled(fit.camera, 0.2))
    viewmat = leaning.upright(root)
    turn, shift = leaning.motion_before(viewmat)
    np.testing.assert_allclose(viewmat[:3, :3], np.diag([1, -1, -1]))
    rotation = Rotation.from_rotvec(turn).as_matrix()
    np.testing.assert_allclose(rotation @ root + shift, root, atol=1e-9)
    points = open_head.v_template.double().numpy()
    upright = replace(leaning.camera, viewmat=viewmat)
    np.testing.assert_allclose(
        upright.project(points @ rotation.T + shift), leaning.camera.project(points), atol=1e-6
    )
    assert np.linalg.norm(shift) > 0.005, "metres: the face is not where it would be upright"


def _rolled(camera: Camera, angle: float) -> Camera:
    viewmat = camera.viewmat.copy()
    viewmat[:3, :3] = Rotation.from_euler("Z", angle).as_matrix() @ viewmat[:3, :3]
    return replace(camera, viewmat=viewmat)
