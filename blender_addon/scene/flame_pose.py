"""Between FLAME's parameters and the rig's bones: pure functions on matrices.

A bone's *deform* is the 4x4 that carries points of the resting head to the posed one, in head
space (metres, +Y up, +Z out of the face). Joints come in FLAME's order: root, neck, jaw, left
eye, right eye. The head follows root and neck as one rigid body:

    deform[neck] = T(transl) Rot(global_orient about J0) Rot(neck_pose about J1)

and jaw and eyes turn about their own joints within it.
"""

from collections.abc import Mapping

import numpy as np

from .._shared import rotations

rotation_matrix, axis_angle = rotations.rotation_matrix, rotations.axis_angle

BONES = ("root", "neck", "jaw", "eye.L", "eye.R")
"""The armature's bones, in the order of FLAME's joints."""

PARENTS = {"root": None, "neck": "root", "jaw": "neck", "eye.L": "neck", "eye.R": "neck"}

ROTATIONS = {
    "root": "global_orient",
    "neck": "neck_pose",
    "jaw": "jaw_pose",
    "eye.L": "leye_pose",
    "eye.R": "reye_pose",
}
"""Which parameter turns which bone."""


def axis_angle_quaternions(vectors: np.ndarray) -> np.ndarray:
    """[T, 3] axis-angle -> [T, 4] wxyz whose signs do not jump from frame to frame."""
    vectors = np.asarray(vectors, np.float64)
    half = np.linalg.norm(vectors, axis=1, keepdims=True) / 2
    quats = np.concatenate([np.cos(half), vectors * np.sinc(half / np.pi) / 2], axis=1)
    turns = np.sign(np.sum(quats[1:] * quats[:-1], axis=1))
    quats[1:] *= np.cumprod(np.where(turns == 0, 1, turns))[:, None]
    return quats


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """[3, 3] -> the closest rotation: what is left of a bone that a constraint scales."""
    left, _, right = np.linalg.svd(np.asarray(matrix, np.float64))
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right


def about(rotation: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """[4, 4] that turns by `rotation` [3, 3] about the point `joint` [3]."""
    result = np.eye(4)
    result[:3, :3] = rotation
    result[:3, 3] = joint - rotation @ joint
    return result


def deforms(parameters: Mapping[str, np.ndarray], joints: np.ndarray) -> dict[str, np.ndarray]:
    """Each bone's deform [4, 4] from FLAME parameters.

    Args:
        parameters: Axis-angles [3] by smplx name, and `transl` [3] in metres.
        joints: [5, 3] joints of the shaped head, head space, metres.
    """
    result: dict[str, np.ndarray] = {}
    for index, bone in enumerate(BONES):
        local = about(rotation_matrix(parameters[ROTATIONS[bone]]), joints[index])
        if bone == "root":
            local[:3, 3] += parameters["transl"]
        parent = PARENTS[bone]
        result[bone] = local if parent is None else result[parent] @ local
    return result


def parameters(deform: Mapping[str, np.ndarray], joints: np.ndarray) -> dict[str, np.ndarray]:
    """FLAME parameters from each bone's deform; `deforms` reverses it.

    A neck bone that is moved, not only turned, moves the head: `transl` takes that up, so that
    the head's rigid transform is exact. Moved jaws and eyes have no FLAME parameter.

    Args:
        deform: [4, 4] by bone name, head space.
        joints: [5, 3] joints of the shaped head, head space, metres.
    """
    rotation = {bone: nearest_rotation(deform[bone][:3, :3]) for bone in BONES}
    result = {}
    for bone in BONES:
        parent = PARENTS[bone]
        local = rotation[bone] if parent is None else rotation[parent].T @ rotation[bone]
        result[ROTATIONS[bone]] = axis_angle(local)
    neck = deform["neck"][:3, :3] @ joints[1] + deform["neck"][:3, 3]
    result["transl"] = neck - (rotation["root"] @ (joints[1] - joints[0]) + joints[0])
    return result
