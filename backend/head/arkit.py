"""ARKit's 52 units told in another head's codes, so that one rig drives every head.

Deviates: FLAME has no such units. The open head's displacements are carried over to FLAME's
surface, and the expression codes and jaw turn that come nearest to them are their translation.
The eyeLook units become turns of the eyes.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE

from .head import Head
from .transfer import HIDDEN, JAW, Surface, nearest_on

_NOISE_M = 0.001
_CODE_SPREAD, _JAW_SPREAD_RAD = 2.0, 0.3
_SECANT_RAD = 0.15
_NEAR_M = 0.015
_SIZE = EXPRESSION_SIZE + 9
"""Numbers per unit: expression codes, jaw, left eye, right eye."""

_GAZE_DEG = {"Up": -20.0, "Down": 25.0, "In": 27.0, "Out": 27.0}
"""How far the open head's eyeLook units turn an eye: about x (down > 0) or sideways."""


def unit_codes(
    head: Head, fitted: np.ndarray, target: Surface, exprdirs: np.ndarray, posedirs: np.ndarray
) -> np.ndarray:
    """[52, 109] codes of each unit: expression 100, jaw 3, left eye 3, right eye 3 (radians).

    Args:
        head: The open head.
        fitted: Its vertices [V0, 3] laid over the target.
        target: The other head.
        exprdirs: [V, 3, 100] its expression.
        posedirs: [V, 3, 36] its pose correctives.
    """
    wanted, used = _carried_units(head, fitted, target)
    turns = np.eye(3) * _SECANT_RAD
    jaw = np.stack([_jaw_moves(target, posedirs, turn) for turn in turns], axis=-1) / _SECANT_RAD
    bases = np.concatenate([exprdirs, jaw], axis=-1)[used].reshape(-1, EXPRESSION_SIZE + 3)
    bases = bases.astype(np.float64)
    spread = np.r_[np.full(EXPRESSION_SIZE, _CODE_SPREAD), np.full(3, _JAW_SPREAD_RAD)]
    prior = np.diag((_NOISE_M / spread) ** 2)
    goal = wanted[used].reshape(-1, wanted.shape[-1])
    codes = np.zeros((len(ARKIT_NAMES), _SIZE))
    codes[:, : EXPRESSION_SIZE + 3] = np.linalg.solve(bases.T @ bases + prior, bases.T @ goal).T
    for number, name in enumerate(ARKIT_NAMES):
        if name.startswith("eyeLook"):
            codes[number, EXPRESSION_SIZE + 3 :] = _gaze(name)
    return codes.astype(np.float32)


def _carried_units(
    head: Head, fitted: np.ndarray, target: Surface
) -> tuple[np.ndarray, np.ndarray]:
    """Displacements [V, 3, 52] on the target's skin, and which vertices [N] they hold for."""
    hidden = np.any([head.regions[name].numpy() for name in (*HIDDEN, "eyeballs")], axis=0)
    faces = head.faces.numpy()
    faces = faces[~hidden[faces].any(axis=1)]
    triangles, weights = nearest_on(fitted, faces, target.points)
    corners = faces[triangles]
    units = head.exprdirs[..., : len(ARKIT_NAMES)].double().numpy()
    place = np.einsum("vc,vcd->vd", weights, fitted[corners])
    near = np.linalg.norm(place - target.points, axis=1) < _NEAR_M
    scale = np.linalg.norm(fitted.std(axis=0)) / np.linalg.norm(head.v_template.numpy().std(axis=0))
    moves = np.einsum("vc,vcdu->vdu", weights, units[corners]) * scale
    return moves, np.flatnonzero(near & ~target.eyeballs)


def _jaw_moves(target: Surface, posedirs: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """[V, 3] how a turn of the jaw moves the average head."""
    change = Rotation.from_rotvec(turn).as_matrix() - np.eye(3)
    correctives = posedirs[..., 9 * (JAW - 1) : 9 * JAW] @ change.ravel()
    arm = target.points + correctives - target.joints[JAW]
    return correctives + target.weights[:, [JAW]] * (arm @ change.T)


def _gaze(name: str) -> np.ndarray:
    """[6] left and right eye of one eyeLook unit, such as eyeLookInLeft."""
    left = name.endswith("Left")
    direction = name.removeprefix("eyeLook").removesuffix("Left" if left else "Right")
    angle = np.radians(_GAZE_DEG[direction])
    turn = np.zeros(6)
    first = 0 if left else 3
    if direction in ("Up", "Down"):
        turn[first] = angle
    else:  # the left eye looks out to +x, which is a positive turn about y
        turn[first + 1] = angle if left == (direction == "Out") else -angle
    return turn
