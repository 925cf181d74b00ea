"""FLAME parameters and a camera from one picture's landmarks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from backend.head import Head
from shared.camera import Camera, portrait_intrinsics
from shared.flame import ARKIT_NAMES, BETAS_SIZE, EXPRESSION_SIZE, Track

from .crop import PORTRAIT_PX
from .expression_prior import by_scores, of_components
from .following import Following
from .gauss_newton import GaussNewton
from .landmark_model import landmark_model, landmark_normals
from .landmarks import BROWS, FACE_OVAL, FEATURES, LEFT_EYE, RIGHT_EYE

_IRISES = {"right": 468, "left": 473}  # first of five landmarks each: the centre
_LANDMARKS = 468  # without the irises, which the eyes' rotation explains
_NOISE_PX = 4.0  # neighbouring landmarks err together: less than 468 measurements
_FEATURE_NOISE_PX = 2.0  # lips and lids
_TURNED_FEATURES = 1.7  # times as much they count in a turned head, of which they tell most
_SHARP_NOISE_PX = 0.6  # of lips, lids and brows where the head's pose is known
_OVAL_NOISE_PX = 10.0  # the outline slides over the skin as the head turns
_FOLLOWED_SHARP_NOISE_PX = 0.4  # where they were followed from a first picture
_SKULL_SEEN = 0.45  # cosine to the camera from which on the skull is followed
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
FACING = np.diag([1.0, -1.0, -1.0])
"""Head space to the axes of a camera that it faces: x right, y down, z into the picture."""


@dataclass(frozen=True)
class Fit:
    """What one picture says about a head.

    Args:
        track: One frame with betas; the head's pose is all in the camera.
        camera: Portrait camera of the crop, focal 12 NDC.
        error_px: Mean distance between the projected and the detected landmarks.
        unknowns: [N] where the search ended, if it was one: another for the same picture can begin
            there.
    """

    track: Track
    camera: Camera
    error_px: float
    unknowns: np.ndarray | None = None

    def upright(self, root: np.ndarray) -> np.ndarray:
        """[4, 4] viewmat of an upright camera that the torso faces, before which the head has
        turned about its root joint alone: a head that leans, leans from its shoulders.

        Args:
            root: [3] the root joint, metres. The usual head's for a person's photo and video alike,
                so that their shoulders have one place.
        """
        viewmat = self.camera.viewmat.copy()
        viewmat[:3, :3] = FACING
        viewmat[:3, 3] += (self.camera.viewmat[:3, :3] - FACING) @ root
        return viewmat

    def motion_before(self, viewmat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The head's own turn about its origin [3], axis-angle, and shift [3], metres, that show
        the same where a camera stands at `viewmat` [4, 4]."""
        motion = np.linalg.inv(viewmat) @ self.camera.viewmat  # head space to head space
        return Rotation.from_matrix(motion[:3, :3]).as_rotvec(), motion[:3, 3]


def about_root(track: Track, root: np.ndarray) -> Track:
    """The same motion told as FLAME does: rotation about the root joint, then translation.

    Args:
        track: Motion as rotation about the origin, then translation.
        root: [3] the root joint, metres.
    """
    rotations = Rotation.from_rotvec(track.global_orient).as_matrix()
    transl = track.transl + (rotations @ root - root)
    return replace(track, transl=transl.astype(np.float32))


def landmark_error_px(camera: Camera, points: np.ndarray, landmarks: np.ndarray) -> float:
    """Mean distance of points [478, 3] from where they were detected [478, 2], without irises."""
    away = np.linalg.norm(camera.project(points) - landmarks, axis=1)
    return float(away[:_LANDMARKS].mean())


class Fitter:
    """Fits identity, expression, eyes and camera to 478 landmarks.

    Nonlinear least squares over the landmark-embedded blend shapes, with Gaussian priors: betas
    of unit spread; the open head's expression around the detector's own scores, FLAME's codes
    around zero with unit spread, its jaw around rest.

    Deviates: the open head's jaw is driven by its jawOpen unit, so there `jaw_pose` stays zero.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._arkit = head.codes == "open"
        expressions = len(ARKIT_NAMES) if self._arkit else EXPRESSION_SIZE
        self._model = landmark_model(head, expressions, with_jaw=not self._arkit)
        self._identities = head.shapedirs.shape[2]
        noise = np.full(_LANDMARKS, _NOISE_PX)
        noise[list(FACE_OVAL)] = _OVAL_NOISE_PX
        features = list(FEATURES)
        noise[features] = _FEATURE_NOISE_PX
        self._noise = noise
        self._turned = np.ones(_LANDMARKS)
        self._turned[features] = _TURNED_FEATURES
        self._normals = landmark_normals(head)[:_LANDMARKS]
        self._scalp = np.flatnonzero(head.regions["scalp"].numpy())

    def root(self, betas: np.ndarray | None) -> np.ndarray:
        """[3] the root joint of an identity, metres."""
        return self._head.joints_of(betas)[0]

    def neutral(self, betas: np.ndarray) -> np.ndarray:
        """[478, 3] an identity's landmarks without expression, head space, metres."""
        count = self._identities
        return self._model.neutral + self._model.bases[..., :count] @ betas[:count]

    def fit(
        self,
        landmarks: np.ndarray,
        blendshapes: dict[str, float],
        betas: np.ndarray | None = None,
        depth_m: float | None = None,
        before: Fit | None = None,
        following: Following | None = None,
    ) -> Fit:
        """Fits one picture; a turned head once more, with what is turned away counting less.

        Args:
            landmarks: [478, 2] pixels of the 512x512 portrait crop.
            blendshapes: The detector's scores, ARKit name -> 0..1.
            betas: [S] known identity, or None to fit it.
            depth_m: How far from the camera the head's origin is, where that is known to a
                centimetre.
            before: An earlier fit of this picture with the same known identity: a shorter way.
            following: What is known because the landmarks were followed; None: they were not.
        """
        solver = Solver(self, landmarks, blendshapes, betas, depth_m, following)
        found = None if before is None else before.unknowns
        x = solver.solve(solver.start if found is None else found)
        if solver.turns_away(x):
            x = solver.solve(x)
        x = solver.sharpened(x)
        rotation, translation, betas, expression, turn = solver.split(x)
        viewmat = np.eye(4)
        viewmat[:3, :3] = rotation
        viewmat[:3, 3] = translation
        camera = Camera(viewmat, portrait_intrinsics(PORTRAIT_PX), PORTRAIT_PX, PORTRAIT_PX)
        points = self._model.points(np.concatenate([betas, expression]), turn)
        error = landmark_error_px(camera, points, landmarks)
        full_betas = np.zeros(BETAS_SIZE)
        full_betas[: len(betas)] = betas
        codes = np.zeros((1, EXPRESSION_SIZE))
        codes[0, : len(expression)] = expression
        joints = self._head.joints_of(full_betas, codes[0])
        poses = self._eyes(camera, joints, points, landmarks)
        if len(turn):
            poses["jaw_pose"] = turn[None]
        track = Track.neutral(1, expression=codes, betas=full_betas, head=self._head.codes, **poses)
        return Fit(track, camera, error, x)

    def landmarks(self, fit: Fit) -> np.ndarray:
        """[478, 3] where a fit of this head has the landmarks, head space, metres."""
        track = fit.track
        assert track.betas is not None
        count = self._model.bases.shape[-1] - self._identities
        codes = np.append(track.betas[: self._identities], track.expression[0, :count])
        return self._model.points(codes, track.jaw_pose[0, : self._model.turns])

    def missed(self, fit: Fit, landmarks: np.ndarray) -> np.ndarray:
        """[468, 3] metres, head space: from where a fit has the landmarks to where they are.

        What no identity explains stays with the skin: landmarks that are followed have it too.

        Args:
            fit: Of this head.
            landmarks: [478, 2] that it was fitted to.
        """
        points, camera = self.landmarks(fit)[:_LANDMARKS], fit.camera
        depth = camera.depth(points)
        aside = (landmarks[:_LANDMARKS] - camera.project(points)) / np.diag(camera.K)[:2]
        return (aside * depth[:, None]) @ camera.viewmat[:2, :3]

    def skull(self, fit: Fit) -> np.ndarray:
        """[S, 3] the part of the scalp that a fit's picture shows, head space, metres."""
        vertices = self._head.vertices_of(fit.track)
        normals = self._head.normals(vertices)[0].double().numpy()[self._scalp]
        points = vertices[0].double().numpy()[self._scalp]
        rotation, shift = fit.camera.viewmat[:3, :3], fit.camera.viewmat[:3, 3]
        rays = points @ rotation.T + shift
        facing = -np.sum(normals @ rotation.T * rays, axis=1) / np.linalg.norm(rays, axis=1)
        return points[facing > _SKULL_SEEN]

    def _eyes(
        self, camera: Camera, joints: np.ndarray, points: np.ndarray, landmarks: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Eye rotations that bring each eyeball's iris under the detected one."""
        poses = {}
        for name, joint, first in (
            ("leye_pose", joints[3], _IRISES["left"]),
            ("reye_pose", joints[4], _IRISES["right"]),
        ):
            rest = points[first] - joint
            radius = np.linalg.norm(rest)
            center = camera.viewmat[:3, :3] @ joint + camera.viewmat[:3, 3]
            depth = center[2] - radius
            ray = np.linalg.solve(camera.K, np.append(landmarks[first], 1.0)) * depth
            offset = (ray - center)[:2]
            offset *= min(1.0, 0.7 * radius / max(float(np.linalg.norm(offset)), 1e-9))
            gaze = np.append(offset, -np.sqrt(radius**2 - offset @ offset))
            target = camera.viewmat[:3, :3].T @ gaze
            poses[name] = _shortest_rotation(rest, target)[None]
        return poses


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
        fitter: Fitter,
        landmarks: np.ndarray,
        blendshapes: dict[str, float],
        betas: np.ndarray | None,
        depth_m: float | None = None,
        following: Following | None = None,
    ) -> None:
        count, sharp = 1 / fitter._noise, 1 / _SHARP_NOISE_PX
        if following is not None:
            count, sharp = following.counting(count), 1 / _FOLLOWED_SHARP_NOISE_PX
        sharper = np.ones(len(count))
        sharper[_FINE] = sharp / count[_FINE]
        self._weights, self._sharper = np.repeat(count, 2), np.repeat(sharper, 2)
        self._all_seen, self._normals, self._turned = self._weights, fitter._normals, fitter._turned
        self._depth_m = depth_m
        self._target = landmarks[:_LANDMARKS, :2].astype(np.float64)
        self._model = fitter._model.first(_LANDMARKS)
        self._fixed_betas = None
        self.betas = fitter._identities
        if betas is not None:
            self._fixed_betas = np.asarray(betas, np.float64)[: self.betas]
            self._model = self._model.with_known(self._fixed_betas)
            self.betas = 0
        if following is not None:
            self._model = following.completed(self._model)
            self._target = np.concatenate([self._target, following.places])
        self._K = portrait_intrinsics(PORTRAIT_PX)
        scalp = int(following is not None)
        self._expressions = self._model.bases.shape[-1] - self.betas - scalp
        prior = by_scores(blendshapes) if fitter._arkit else of_components(self._expressions)
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
        """The expression once more at a solution's pose, with lips, lids and brows counting more.

        They move most finely; but while the pose is sought, what the codes cannot make of them
        would move the head.
        """
        first = 6 + self.betas
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
        facing = np.sum(self._normals @ rotation.T * rays[:_LANDMARKS], axis=1)
        share = np.clip((facing - _UNSEEN) / (_SEEN - _UNSEEN), _LEAST_SEEN, 1)
        turned = min((angle - _STRAIGHT) / (_TURNED - _STRAIGHT), 1.0)
        counting = (1 - turned * (1 - share)) * (1 + turned * (self._turned - 1))
        self._weights = self._all_seen.copy()
        self._weights[: 2 * _LANDMARKS] *= np.repeat(counting, 2)
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
        target, neutral = self._target[:_LANDMARKS], self._model.neutral[:_LANDMARKS]
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


def _shortest_rotation(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """[3] rotation vector that turns direction `start` into direction `end`."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    sine = float(np.linalg.norm(axis))
    return axis / max(sine, 1e-12) * np.arctan2(sine, a @ b)
