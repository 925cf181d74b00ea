"""Fits of a head to pictures' landmarks."""

from __future__ import annotations

import numpy as np

from backend.head import Head
from shared.camera import Camera, portrait_intrinsics
from shared.flame import BETAS_SIZE, EXPRESSION_SIZE, Track

from .crop import PORTRAIT_PX
from .fit import Fit, landmark_error_px
from .following import Following
from .landmarks import LANDMARKS, LEFT_IRIS, RIGHT_IRIS
from .solver import FittedHead, Solver

_SKULL_SEEN = 0.45  # cosine to the camera from which on the skull is followed


class Fitter:
    """Fits identity, expression, eyes and camera to 478 landmarks.

    Nonlinear least squares over the landmark-embedded blend shapes, with Gaussian priors: betas
    of unit spread; the open head's expression around the detector's own scores, FLAME's codes
    around zero with unit spread, its jaw around rest.

    Deviates: the open head's jaw is driven by its jawOpen unit, so there `jaw_pose` stays zero.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._known = known = FittedHead.of(head)
        self._model, self._identities = known.model, known.identities
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
        solver = self.solver(landmarks, blendshapes, betas, depth_m, following)
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

    def solver(
        self,
        landmarks: np.ndarray,
        blendshapes: dict[str, float],
        betas: np.ndarray | None = None,
        depth_m: float | None = None,
        following: Following | None = None,
    ) -> Solver:
        """The search for one picture's fit, whose arguments are those of `fit`."""
        return Solver(self._known, landmarks, blendshapes, betas, depth_m, following)

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
        points, camera = self.landmarks(fit)[:LANDMARKS], fit.camera
        depth = camera.depth(points)
        aside = (landmarks[:LANDMARKS] - camera.project(points)) / np.diag(camera.K)[:2]
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
            ("leye_pose", joints[3], LEFT_IRIS[0]),
            ("reye_pose", joints[4], RIGHT_IRIS[0]),
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


def _shortest_rotation(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """[3] rotation vector that turns direction `start` into direction `end`."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    sine = float(np.linalg.norm(axis))
    return axis / max(sine, 1e-12) * np.arctan2(sine, a @ b)
