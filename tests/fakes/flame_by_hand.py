"""FLAME in plain NumPy, and what each tracker's own code makes of its parameters.

Nothing of ours is used but a FLAME file's arrays: rotations are SciPy's, in float64. Each function
follows the tracker's published code, as its conventions say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from tests.fakes.tracker_files import Arrays, T, camera_rows

FACING = np.diag([-1.0, 1.0, -1.0])


def turn(vectors: np.ndarray) -> np.ndarray:
    """[T, 3, 3]."""
    return Rotation.from_rotvec(vectors).as_matrix()


def skinned(model: Arrays, shape: np.ndarray, exp: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Linear blend skinning of one frame: [V, 3] from codes and five rotation matrices."""
    codes = np.zeros(400)
    codes[: len(shape)] = shape
    codes[300 : 300 + len(exp)] = exp
    shaped = model["v_template"] + model["shapedirs"] @ codes
    joints = model["J_regressor"] @ shaped
    shaped = shaped + model["posedirs"] @ (pose[1:] - np.eye(3)).ravel()
    world: list[np.ndarray] = []
    for joint, parent in enumerate((-1, 0, 1, 1, 1)):
        own = np.eye(4)
        own[:3, :3] = pose[joint]
        own[:3, 3] = joints[joint] - pose[joint] @ joints[joint]
        world.append(own if parent < 0 else world[parent] @ own)
    blended = np.einsum("vj,jrc->vrc", model["weights"], np.stack(world))
    return np.einsum("vrc,vc->vr", blended[:, :3, :3], shaped) + blended[:, :3, 3]


def _frames(model: Arrays, m: Arrays, **poses: np.ndarray) -> np.ndarray:
    """[T, V, 3] with the poses given; `expressions` and `identity` may be shortened."""
    exp = poses.pop("expressions", m["exp"])
    shape = poses.pop("identity", m["shape"])
    still = np.zeros((T, 3))
    names = ("orient", "neck", "jaw", "left", "right")
    matrices = np.stack([turn(poses.get(name, still)) for name in names], 1)
    return np.stack([skinned(model, shape, exp[t], matrices[t]) for t in range(T)])


def _face(model: Arrays, m: Arrays, **more: np.ndarray) -> np.ndarray:
    return _frames(model, m, jaw=m["jaw"], left=m["left"], right=m["right"], **more)


def vhap(model: Arrays, m: Arrays) -> np.ndarray:
    """About the root joint with neck and all, then moved."""
    return _face(model, m, orient=m["orient"], neck=m["neck"]) + m["shift"][:, None]


def row_camera(model: Arrays, m: Arrays, units: float) -> np.ndarray:
    """x_cam = x R + T of row vectors in world units; as a still camera sees it, in metres.

    The still camera is FACING, where the first frame's camera was.
    """
    camera = camera_rows(m).astype(np.float64)
    seen = _face(model, m) * units @ camera[:, :, :3] + camera[:, None, :, 3]
    return (seen - camera[0, :, 3]) @ FACING / units


def deca(model: Arrays, m: Arrays) -> np.ndarray:
    short = {"expressions": m["exp"][:, :50], "identity": m["shape"][:100]}
    return _frames(model, m, orient=m["orient"], jaw=m["jaw"], **short)


def smirk(model: Arrays, m: Arrays) -> np.ndarray:
    """Without the eyelids, which are no shapes of FLAME's."""
    return _frames(model, m, orient=m["orient"], jaw=m["jaw"], expressions=m["exp"][:, :50])


def cap4d(model: Arrays, m: Arrays) -> np.ndarray:
    """neck_rot about the root joint; then rot about the origin, and tra."""
    posed = _frames(
        model, m, orient=m["neck"], left=m["left"], right=m["left"],
        expressions=m["exp"][:, :65], identity=m["shape"][:150],
    )  # fmt: skip
    return np.einsum("tij,tvj->tvi", turn(m["orient"]), posed) + m["shift"][:, None]


def pixel3dmm(model: Arrays, m: Arrays) -> np.ndarray:
    posed = _face(model, m, neck=m["neck"])
    return np.einsum("tij,tvj->tvi", turn(m["orient"]), posed) + m["shift"][:, None]


def flame_head_tracker(model: Arrays, m: Arrays) -> np.ndarray:
    """World to view: Rz(roll) Ry(yaw) Rx(pitch), then x, y, z; since the first frame."""
    yaw, pitch, roll = m["orient"].T
    about = Rotation.from_euler("xyz", np.stack([pitch, yaw, roll], 1)).as_matrix()
    posed = _face(model, m, neck=m["neck"])
    return np.einsum("tij,tvj->tvi", about, posed) + (m["shift"] - m["shift"][0])[:, None]


def artalk(model: Arrays, m: Arrays) -> np.ndarray:
    """Shown as a GAGAvatar, whose camera the base turns; it tells no identity and no shift."""
    posed = _frames(model, m, jaw=m["jaw"] * [1, 0, 0], identity=np.zeros(300))
    camera = np.linalg.inv(turn(m["orient"] * [-1, 1, -1]) @ np.diag([-1.0, 1, -1]))
    return posed @ camera @ FACING


def unitalker(model: Arrays, m: Arrays) -> np.ndarray:
    return _frames(model, m, jaw=m["jaw"])


BY_HAND: dict[str, Callable[[Arrays, Arrays], np.ndarray]] = {
    "LAM": vhap,
    ".flame.npz": vhap,
    "VHAP": vhap,
    "GAGAvatar_track": lambda model, m: row_camera(model, m, 5.0),
    "SMIRK": smirk,
    "CAP4D": cap4d,
    "Pixel3DMM": pixel3dmm,
    "metrical-tracker": lambda model, m: row_camera(model, m, 1.0),
    "flame-head-tracker": flame_head_tracker,
    "DECA, EMOCA": deca,
    "ARTalk": artalk,
    "UniTalker": unitalker,
}
"""[T, V, 3] metres by the titles of `shared.tracks.FORMATS`."""
