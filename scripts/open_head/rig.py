"""Joints, their regressor, skin weights and the expression units of the head."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shared.flame import ARKIT_NAMES

from .crop import Crop
from .makehuman import CUBES, read_bone_weights, read_faceunit

LOOK_DEGREES = {"Up": 20.0, "Down": 25.0, "In": 27.0, "Out": 27.0}
"""How far an eyeball turns at weight 1 of its eyeLook unit."""

NECK_SHARE = {"neck01": 0.15, "neck02": 0.5, "neck03": 0.85}
"""How far MakeHuman's three neck bones follow our one neck joint; the head's bones do wholly."""

REGRESSOR_POINTS = 150
"""Kept vertices, the nearest, from which a joint is interpolated."""


def joint_positions(full: np.ndarray) -> np.ndarray:
    """Root, neck, jaw, left and right eye [..., 5, 3] from base-mesh vertices [..., 19158, 3].

    The root lies at the foot of the neck, the neck joint half way to the skull's joint: where
    FLAME's are.
    """
    cube = {name: full[..., first : first + 8, :].mean(axis=-2) for name, first in CUBES.items()}
    neck = (cube["neck"] + cube["head"]) / 2
    joints = (cube["neck"], neck, cube["mouth"], cube["left_eye"], cube["right_eye"])
    return np.stack(joints, axis=-2)


def joint_regressor(
    vertices: np.ndarray,
    joints: np.ndarray,
    moves: np.ndarray,
    joint_moves: np.ndarray,
    mirror: np.ndarray,
    among: np.ndarray,
) -> np.ndarray:
    """Weights [5, V] with rows of sum 1 that give the joints from the vertices, for any identity.

    Args:
        vertices: [V, 3] template, metres.
        joints: [5, 3] its joints.
        moves: [V, 3, S] identity components.
        joint_moves: [5, 3, S] the joint cubes' displacements under the same components.
        mirror: [V].
        among: [V] bool, the vertices that may tell a joint.
    """  # fmt: skip
    regressor = np.zeros((5, len(vertices)))
    for j, joint in enumerate(joints):
        away = np.where(among, np.linalg.norm(vertices - joint, axis=1), np.inf)
        near = np.argsort(away, kind="stable")
        near = np.unique(np.concatenate([near[:REGRESSOR_POINTS], mirror[near[:REGRESSOR_POINTS]]]))
        points = np.concatenate([vertices[near][..., None], moves[near]], axis=2)  # [n, 3, 1 + S]
        goal = np.concatenate([joint[:, None], joint_moves[j]], axis=1).reshape(-1)
        system = points.reshape(len(near), -1).T
        # Ridge keeps the weights small and spread; the two exact rows are the sum and the template.
        exact = np.concatenate([np.ones((1, len(near))), vertices[near].T])
        exact_goal = np.concatenate([[1.0], joint])
        gram = system.T @ system + 1e-7 * np.eye(len(near))
        saddle = np.block([[gram, exact.T], [exact, np.zeros((4, 4))]])
        solution = np.linalg.solve(saddle, np.concatenate([system.T @ goal, exact_goal]))
        regressor[j, near] = solution[: len(near)]
    return regressor


def skin_weights(
    assets: Path, crop: Crop, vertices_dm: np.ndarray, jaw_open: np.ndarray
) -> np.ndarray:
    """Weights [V, 5] of root, neck, jaw, left and right eye; rows sum to 1.

    The jaw's share follows from the jawOpen unit (how much of the lower teeth's rigid turn a
    vertex makes), so that bone and unit open the same mouth.

    Args:
        assets: Folder of the MakeHuman assets.
        crop: The head's vertices.
        vertices_dm: [V, 3] base mesh.
        jaw_open: [V, 3] the unit's displacements.
    """
    bones = {name: weights[crop.kept] for name, weights in read_bone_weights(assets).items()}
    below = sum(
        w for name, w in bones.items() if name.startswith(("spine", "clavicle", "shoulder"))
    )
    neck = 1 - np.clip(below, 0, 1)
    neck -= sum((1 - share) * bones[name] for name, share in NECK_SHARE.items())
    jaw = _jaw_share(crop, vertices_dm, jaw_open)
    weights = np.zeros((len(vertices_dm), 5))
    weights[:, 1] = np.clip(neck, 0, 1) * (1 - jaw)
    weights[:, 2] = np.clip(neck, 0, 1) * jaw
    weights[:, 0] = 1 - weights.sum(axis=1)
    helpers = {"left_eyeball": 3, "right_eyeball": 4, "teeth_lower": 2, "tongue": 2}
    helpers |= {"teeth_upper": 1, "left_lashes": 1, "right_lashes": 1}
    for part, joint in helpers.items():
        weights[crop.parts[part]] = np.eye(5)[joint]
    return weights


def _jaw_share(crop: Crop, vertices: np.ndarray, jaw_open: np.ndarray) -> np.ndarray:
    teeth = crop.parts["teeth_lower"]
    rotation, shift = fit_rigid(vertices[teeth], vertices[teeth] + jaw_open[teeth])
    rigid = vertices @ rotation.T + shift - vertices
    length = (rigid**2).sum(axis=1)
    share = np.clip((jaw_open * rigid).sum(axis=1) / np.maximum(length, 0.03**2), 0, 1)
    share[~crop.parts["body"]] = 0
    for _ in range(3):  # the unit is stored with three decimals: smooth its steps
        total = np.bincount(crop.edges.ravel(), share[crop.edges[:, ::-1]].ravel(), len(share))
        degree = np.bincount(crop.edges.ravel(), minlength=len(share))
        share = 0.5 * share + 0.5 * total / degree
    share = (share + share[crop.mirror]) / 2
    return np.where(share < 1e-3, 0, share)


def fit_rigid(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation [3, 3] and shift [3] that best take points [N, 3] to points [N, 3]."""
    centre_before, centre_after = before.mean(axis=0), after.mean(axis=0)
    left, _, right = np.linalg.svd((before - centre_before).T @ (after - centre_after))
    turn = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
    rotation = (left @ turn @ right).T
    return rotation, centre_after - rotation @ centre_before


def expression_units(
    assets: Path, crop: Crop, vertices_dm: np.ndarray, eyes_dm: np.ndarray
) -> np.ndarray:
    """The 52 ARKit units as displacements [V, 3, 52] in decimetres.

    MakeHuman's units already carry teeth, tongue and lashes. The eyeballs' part of the eyeLook
    units is replaced: theirs slides the balls as much as it turns them, by 10-15 degrees only.

    Args:
        assets: Folder of the MakeHuman assets.
        crop: The head's vertices.
        vertices_dm: [V, 3] template in decimetres.
        eyes_dm: [2, 3] centres of the left and right eyeball.
    """
    units = np.stack([read_faceunit(assets, name)[crop.kept] for name in ARKIT_NAMES], axis=2)
    for side, (name, centre) in enumerate(zip(("Left", "Right"), eyes_dm, strict=True)):
        ball = crop.parts[f"{name.lower()}_eyeball"]
        for direction, degrees in LOOK_DEGREES.items():
            angle = np.radians(degrees)
            outwards = 1 if side == 0 else -1  # the left eye's "out" is +X
            turns = {
                "Up": (-angle, 0), "Down": (angle, 0),
                "In": (0, -outwards * angle), "Out": (0, outwards * angle),
            }  # fmt: skip
            pitch, yaw = turns[direction]
            arms = vertices_dm[ball] - centre
            turned = arms @ (_about_x(pitch) @ _about_y(yaw)).T
            unit = ARKIT_NAMES.index(f"eyeLook{direction}{name}")
            units[ball, :, unit] = turned - arms
    return units


def _about_x(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _about_y(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
