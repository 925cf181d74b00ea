"""A head's 478 landmarks as a function of its codes and its jaw, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from backend.head import Head

_JAW = 2
_JAW_FEATURES = slice(9, 18)  # of the pose correctives: neck, jaw, left eye, right eye


@dataclass(frozen=True)
class Jaw:
    """How the jaw's turn R moves the landmarks: p + (R - 1) (share - weight joint), pose
    correctives included.

    Args:
        share: [L, 3] sum of corners, each times its jaw weight.
        share_bases: [L, 3, K] the same of the codes' displacements.
        weight: [L] jaw weight.
        correctives: [L, 3, 9] displacement by R - 1, row by row.
        share_correctives: [L, 3, 9] the same, times the jaw weights.
        joint: [3] of the average head.
        joint_bases: [3, K].
    """

    share: np.ndarray
    share_bases: np.ndarray
    weight: np.ndarray
    correctives: np.ndarray
    share_correctives: np.ndarray
    joint: np.ndarray
    joint_bases: np.ndarray


@dataclass(frozen=True)
class LandmarkModel:
    """Landmarks [L, 3] in head space, metres, without the head's pose and the eyes' turn.

    Args:
        neutral: [L, 3] of the average head.
        bases: [L, 3, K] of identity, then expression.
        jaw: Where the head's jaw is turned by a joint, else None.
    """

    neutral: np.ndarray
    bases: np.ndarray
    jaw: Jaw | None

    @property
    def turns(self) -> int:
        """How many numbers the jaw's turn has: 0 or 3."""
        return 0 if self.jaw is None else 3

    def first(self, count: int) -> LandmarkModel:
        """The model of the first `count` landmarks."""
        jaw = self.jaw
        if jaw is not None:
            jaw = Jaw(
                jaw.share[:count],
                jaw.share_bases[:count],
                jaw.weight[:count],
                jaw.correctives[:count],
                jaw.share_correctives[:count],
                jaw.joint,
                jaw.joint_bases,
            )
        return LandmarkModel(self.neutral[:count], self.bases[:count], jaw)

    def and_along(self, points: np.ndarray, ways: np.ndarray) -> LandmarkModel:
        """The model with points [N, 3] behind its landmarks, which one more code, behind the
        others, moves along ways [N, 3], and nothing else does."""
        count, jaw = len(points), self.jaw
        if jaw is not None:
            jaw = Jaw(
                _padded(jaw.share, count),
                _padded(jaw.share_bases, count, 1),
                _padded(jaw.weight, count),
                _padded(jaw.correctives, count),
                _padded(jaw.share_correctives, count),
                jaw.joint,
                _padded(jaw.joint_bases, 0, 1),
            )
        bases = _padded(self.bases, count, 1)
        bases[len(self.bases) :, :, -1] = ways
        return LandmarkModel(np.concatenate([self.neutral, points]), bases, jaw)

    def with_known(self, codes: np.ndarray) -> LandmarkModel:
        """The model of the codes that follow the first ones, which are known [K']."""
        known = len(codes)
        jaw = self.jaw
        if jaw is not None:
            jaw = Jaw(
                jaw.share + jaw.share_bases[..., :known] @ codes,
                jaw.share_bases[..., known:],
                jaw.weight,
                jaw.correctives,
                jaw.share_correctives,
                jaw.joint + jaw.joint_bases[:, :known] @ codes,
                jaw.joint_bases[:, known:],
            )
        neutral = self.neutral + self.bases[..., :known] @ codes
        return LandmarkModel(neutral, np.ascontiguousarray(self.bases[..., known:]), jaw)

    def points(self, codes: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """[L, 3] landmarks.

        Args:
            codes: [K].
            turn: [3] the jaw's axis-angle, radians; [0] where there is no jaw.
        """
        points = self.neutral + self.bases @ codes
        jaw = self.jaw
        if jaw is None:
            return points
        change = Rotation.from_rotvec(turn).as_matrix() - np.eye(3)
        share = jaw.share + jaw.share_bases @ codes + jaw.share_correctives @ change.ravel()
        joint = jaw.joint + jaw.joint_bases @ codes
        arm = share - jaw.weight[:, None] * joint
        return points + jaw.correctives @ change.ravel() + arm @ change.T

    def derivatives(self, codes: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """d points / d codes [L, 3, K] and d points / d turn [L, 3, 3 or 0]."""
        jaw = self.jaw
        if jaw is None:
            return self.bases, self.neutral[..., None][..., :0]
        change = Rotation.from_rotvec(turn).as_matrix() - np.eye(3)
        arm = jaw.share_bases - jaw.weight[:, None, None] * jaw.joint_bases
        step = 1e-5
        sides = [
            (self.points(codes, turn + move) - self.points(codes, turn - move)) / (2 * step)
            for move in np.eye(3) * step
        ]
        return self.bases + change @ arm, np.stack(sides, axis=-1)


def _padded(values: np.ndarray, rows: int, columns: int = 0) -> np.ndarray:
    """Values [L, ..., K] with zeros in more rows and columns."""
    more = [(0, rows), *[(0, 0)] * (values.ndim - 1)]
    if columns:
        more[-1] = (0, columns)
    return np.pad(values, more)


def landmark_model(head: Head, expressions: int, with_jaw: bool) -> LandmarkModel:
    """The landmarks of a head.

    Args:
        head: On the CPU.
        expressions: How many expression codes; identity codes are all used.
        with_jaw: Whether the jaw's joint may turn.
    """
    directions = torch.cat([head.shapedirs, head.exprdirs[..., :expressions]], dim=-1)

    def at(values: Tensor) -> np.ndarray:
        return head.embed_landmarks(values).numpy().astype(np.float64)

    neutral, bases = at(head.v_template), at(directions)
    if not with_jaw:
        return LandmarkModel(neutral, bases, None)
    weight = head.lbs_weights[:, _JAW]
    correctives = torch.zeros(len(weight), 3, 9)
    if head.posedirs is not None:
        correctives = head.posedirs[..., _JAW_FEATURES]
    moving = directions.clone()
    if not head.expression_moves_joints:
        moving[..., head.shapedirs.shape[2] :] = 0
    regressor = head.J_regressor[_JAW]
    jaw = Jaw(
        share=at(head.v_template * weight[:, None]),
        share_bases=at(directions * weight[:, None, None]),
        weight=at(weight),
        correctives=at(correctives),
        share_correctives=at(correctives * weight[:, None, None]),
        joint=(regressor @ head.v_template).numpy().astype(np.float64),
        joint_bases=torch.einsum("v,vdk->dk", regressor, moving).numpy().astype(np.float64),
    )
    return LandmarkModel(neutral, bases, jaw)


def landmark_normals(head: Head) -> np.ndarray:
    """[478, 3] unit normals of the average head's skin at its landmarks, outward."""
    normals = head.normals(head.v_template[None])[0]
    found = head.embed_landmarks(normals).double().numpy()
    return found / np.linalg.norm(found, axis=1, keepdims=True)
