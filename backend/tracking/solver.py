"""The search for one picture's fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from backend.head import Head
from shared.camera import portrait_intrinsics
from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE

from .crop import PORTRAIT_PX
from .expression_prior import by_scores, of_components
from .fit import FACING
from .following import Following
from .gauss_newton import GaussNewton
from .landmark_model import LandmarkModel, landmark_model, landmark_normals
from .landmarks import BROWS, FACE_OVAL, FEATURES, LANDMARKS, LEFT_EYE, RIGHT_EYE

_NOISE_PX = 4.0  # neighbouring landmarks err together: less than 468 measurements
_FEATURE_NOISE_PX = 2.0  # lips and lids
_TURNED_FEATURES = 1.7  # times as much they count in a turned head, of which they tell most
_SHARP_NOISE_PX = 0.6  # of lips, lids and brows where the head's pose is known
_OVAL_NOISE_PX = 10.0  # the outline slides over the skin as the head turns
_FOLLOWED_SHARP_NOISE_PX = 0.4  # where they were followed from a first picture
_BETAS_SPREAD = 1.0
_JAW_SPREAD_RAD = 0.2
_JAW_LIMITS_RAD = (np.array([-0.1, -0.3, -0.3]), np.array([0.9, 0.3, 0.3]))
_SHARP_STEPS = 2  # at a known pose, landmarks are almost linear in the codes
_SEEN, _UNSEEN = 0.6, 0.1
"""Cosine to the camera at which a landmark counts fully, and at which hardly: what is turned away
the detector guesses, a little too near the middle."""
_LEAST_SEEN = 0.05
_FINE = [*FEATURES, *BROWS]  # they move most finely
_STRAIGHT, _TURNED = np.radians(8.0), np.radians(18.0)
"""Up to the first angle to the camera all landmarks count, from the second on only what is seen."""
_DEPTH_SPREAD_M = 0.01
_ALIKE = 0.01  # of a direction's length: a head's file has them rounded

_NOISE = np.full(LANDMARKS, _NOISE_PX)
_NOISE[list(FACE_OVAL)] = _OVAL_NOISE_PX
_NOISE[list(FEATURES)] = _FEATURE_NOISE_PX
_COUNTING_TURNED = np.ones(LANDMARKS)
_COUNTING_TURNED[list(FEATURES)] = _TURNED_FEATURES


@dataclass(frozen=True)
class FittedHead:
    """What is fitted to landmarks.

    Args:
        model: Of all landmarks: identity codes, then expression.
        identities: How many identity codes there are.
        resting: How many of them, the last, tell where at rest lies what expressions move: brows.
        arkit: Whether expression is ARKit's units, whose scores the detector gives.
        normals: [468, 3] the average head's at its landmarks, outward.
    """

    model: LandmarkModel
    identities: int
    resting: int
    arkit: bool
    normals: np.ndarray

    @classmethod
    def of(cls, head: Head) -> FittedHead:
        """Of a head on the CPU."""
        arkit = head.codes == "open"
        expressions = len(ARKIT_NAMES) if arkit else EXPRESSION_SIZE
        model = landmark_model(head, expressions, with_jaw=not arkit)
        normals = landmark_normals(head)[:LANDMARKS]
        identities = head.shapedirs.shape[2]
        resting = _moved_alike(*np.split(model.bases, [identities], axis=-1))
        return cls(model, identities, resting, arkit, normals)


class Solver(GaussNewton):
    """Residuals and Jacobian of one fit.

    Unknowns: rotation 3, translation 3, betas (unless known), expression, how far brows have raised
    the scalp (where it was followed), and FLAME's jaw 3.

    Args:
        betas: How many of them are unknown.
    """

    betas: int

    def __init__(
        self,
        known: FittedHead,
        landmarks: np.ndarray,
        blendshapes: dict[str, float],
        betas: np.ndarray | None,
        depth_m: float | None = None,
        following: Following | None = None,
    ) -> None:
        count, sharp = 1 / _NOISE, 1 / _SHARP_NOISE_PX
        if following is not None:
            count, sharp = following.counting(count), 1 / _FOLLOWED_SHARP_NOISE_PX
        sharper = np.ones(len(count))
        sharper[_FINE] = sharp / count[_FINE]
        self._weights, self._sharper = np.repeat(count, 2), np.repeat(sharper, 2)
        self._all_seen, self._normals = self._weights, known.normals
        self._depth_m = depth_m
        self._target = landmarks[:LANDMARKS, :2].astype(np.float64)
        self._model = known.model.first(LANDMARKS)
        self._fixed_betas = None
        self.betas, self._resting = known.identities, known.resting
        if betas is not None:
            self._fixed_betas = np.asarray(betas, np.float64)[: self.betas]
            self._model = self._model.with_known(self._fixed_betas)
            self.betas = self._resting = 0
        if following is not None:
            self._model = following.completed(self._model)
            self._target = np.concatenate([self._target, following.places])
        self._K = portrait_intrinsics(PORTRAIT_PX)
        scalp = int(following is not None)
        self._expressions = self._model.bases.shape[-1] - self.betas - scalp
        if known.arkit:
            prior = by_scores(blendshapes, betas is not None)
        else:
            prior = of_components(self._expressions)
        turns = self._model.turns
        jaw_low, jaw_high = (limit[:turns] for limit in _JAW_LIMITS_RAD)
        self._prior = np.concatenate([np.zeros(self.betas), prior.mean, np.zeros(scalp + turns)])
        jaw = np.full(turns, _JAW_SPREAD_RAD)
        self._precision = 1 / np.concatenate(
            [np.full(self.betas, _BETAS_SPREAD), prior.spread, np.ones(scalp), jaw]
        )
        roll = self._start_roll()
        pose = [0.0, 0.0, roll, *self._start_translation(roll)]
        codes = np.clip(self._prior, 1e-3, 1 - 1e-3)
        self.start = np.concatenate([pose, codes])
        wide, up = np.full(self.betas, 4.0), np.full(scalp, 4.0)
        free = np.full(6, np.inf)
        self.bounds = (
            np.concatenate([-free, -wide, prior.low, -up, jaw_low]),
            np.concatenate([free, wide, prior.high, up, jaw_high]),
        )
        self.scale = np.concatenate([np.full(3, 0.1), [0.01, 0.01, 0.1], 1 / self._precision])

    @property
    def betas_prior(self) -> slice:
        """Which residuals are the unknown betas' distances from their prior."""
        first = len(self._weights)
        return slice(first, first + self.betas)

    def sharpened(self, x: np.ndarray) -> np.ndarray:
        """The expression, and how brows rest, once more at a solution's pose, with lips, lids and
        brows counting more.

        They move most finely; but while the pose is sought, what the codes cannot make of them
        would move the head.
        """
        first = 6 + self.betas - self._resting
        weights, x = self._weights, x.copy()
        self._weights = weights * self._sharper
        for _ in range(_SHARP_STEPS):
            x = np.clip(x + self.step(x, first), *self.bounds)
        self._weights = weights
        return x

    def turns_away(self, x: np.ndarray) -> bool:
        """Whether a solution is of a turned head, whose landmarks then count as they are seen."""
        points, rotation = self._camera_points(x)
        angle = np.arccos(np.clip(-rotation[2, 2], -1, 1))
        if angle <= _STRAIGHT:
            return False
        rays = -points / np.linalg.norm(points, axis=1, keepdims=True)
        facing = np.sum(self._normals @ rotation.T * rays[:LANDMARKS], axis=1)
        share = np.clip((facing - _UNSEEN) / (_SEEN - _UNSEEN), _LEAST_SEEN, 1)
        turned = min((angle - _STRAIGHT) / (_TURNED - _STRAIGHT), 1.0)
        counting = (1 - turned * (1 - share)) * (1 + turned * (_COUNTING_TURNED - 1))
        self._weights = self._all_seen.copy()
        self._weights[: 2 * LANDMARKS] *= np.repeat(counting, 2)
        return True

    def weigh(self, share: float) -> None:
        """Makes the landmarks count less from now on, 0..1."""
        self._weights = self._weights * share

    def _start_roll(self) -> float:
        """Angle of the line from the right eye to the left; a head may lie on its side."""
        right, left = (self._target[list(eye)].mean(0) for eye in (RIGHT_EYE, LEFT_EYE))
        return float(np.arctan2(*(left - right)[::-1]))

    def _start_translation(self, roll: float) -> np.ndarray:
        """Puts the landmarks' centre and spread, which no roll changes, where they are seen."""
        target, neutral = self._target[:LANDMARKS], self._model.neutral[:LANDMARKS]
        center = (target.mean(0) - self._K[:2, 2]) / self._K[0, 0]
        middle = neutral.mean(0)
        seen = np.linalg.norm(target - target.mean(0)) / self._K[0, 0]
        depth = float(np.linalg.norm((neutral - middle)[:, :2]) / max(seen, 1e-6))
        turned = Rotation.from_rotvec([0, 0, roll]).as_matrix() @ FACING @ middle
        return np.append(center * depth, depth) - turned

    def split(
        self, x: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rotation [3, 3], translation [3], betas, expression, the jaw's turn [3 or 0]."""
        rotation = Rotation.from_rotvec(x[:3]).as_matrix() @ FACING
        codes, turn = self._codes(x)
        betas = codes[: self.betas] if self._fixed_betas is None else self._fixed_betas
        expression = codes[self.betas :][: self._expressions]
        return rotation, x[3:6], betas, expression, turn

    def _codes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        end = len(x) - self._model.turns
        return x[6:end], x[end:]

    def _camera_points(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rotation = Rotation.from_rotvec(x[:3]).as_matrix() @ FACING
        points = self._model.points(*self._codes(x))
        return points @ rotation.T + x[3:6], rotation

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """Whitened landmark errors, then whitened distances from the priors."""
        camera, _ = self._camera_points(x)
        image = camera @ self._K.T
        error = (image[:, :2] / image[:, 2:] - self._target).ravel() * self._weights
        known = [] if self._depth_m is None else [(x[5] - self._depth_m) / _DEPTH_SPREAD_M]
        return np.concatenate([error, (x[6:] - self._prior) * self._precision, known])

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """Derivative of `residuals`."""
        camera, rotation = self._camera_points(x)
        focal, depth = self._K[0, 0], camera[:, 2]
        projection = np.zeros((len(camera), 2, 3))
        projection[:, 0, 0] = projection[:, 1, 1] = focal / depth
        projection[:, :, 2] = -focal * camera[:, :2] / depth[:, None] ** 2
        turned = camera - x[3:6]
        cross = np.zeros((len(camera), 3, 3))  # d(exp(w) p)/dw at the current rotation
        cross[:, 0, 1], cross[:, 0, 2] = turned[:, 2], -turned[:, 1]
        cross[:, 1, 0], cross[:, 1, 2] = -turned[:, 2], turned[:, 0]
        cross[:, 2, 0], cross[:, 2, 1] = turned[:, 1], -turned[:, 0]
        rotate = projection @ cross @ _left_jacobian(x[:3])
        by_code, by_turn = self._model.derivatives(*self._codes(x))
        codes = projection @ (rotation @ np.concatenate([by_code, by_turn], axis=-1))
        data = np.concatenate([rotate, projection, codes], axis=2).reshape(-1, len(x))
        prior = np.concatenate([np.zeros((len(self._prior), 6)), np.diag(self._precision)], axis=1)
        known = np.zeros((int(self._depth_m is not None), len(x)))
        known[:, 5] = 1 / _DEPTH_SPREAD_M
        return np.concatenate([data * self._weights[:, None], prior, known])


def _moved_alike(identities: np.ndarray, expressions: np.ndarray) -> int:
    """How many of the last of identity's directions [L, 3, S] are sums of expressions'
    [L, 3, E]."""
    own, units = (moves.reshape(-1, moves.shape[-1]) for moves in (identities, expressions))
    left = own - units @ np.linalg.lstsq(units, own, rcond=None)[0]
    alike = np.linalg.norm(left, axis=0) < _ALIKE * np.linalg.norm(own, axis=0)
    return int(np.cumprod(alike[::-1]).sum())


def _left_jacobian(rotvec: np.ndarray) -> np.ndarray:
    """[3, 3] d(left-multiplied small rotation)/d(rotation vector)."""
    angle = float(np.linalg.norm(rotvec))
    x, y, z = rotvec
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-6:
        return np.eye(3) + skew / 2
    a = (1 - np.cos(angle)) / angle**2
    b = (angle - np.sin(angle)) / angle**3
    return np.eye(3) + a * skew + b * skew @ skew
