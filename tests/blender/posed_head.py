"""A head posed by FLAME's definition, with Blender's own rotations, to compare the rig with."""

import numpy as np
from mathutils import Matrix

from shared.flame import Track

TURNS = ("global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose")


def rotation_of(vector: np.ndarray) -> np.ndarray:
    """[3] axis-angle -> [3, 3], by Blender's own mathutils."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    return np.array(Matrix.Rotation(angle, 3, (vector / angle).tolist()))


def flame_vertices(data: dict[str, np.ndarray], frame: Track) -> np.ndarray:
    """[V, 3] head space, straight from FLAME's definition and the design's head pose."""
    joints = data["joints"].astype(np.float64)
    shaped = data["vertices"] + np.einsum(
        "e,evc->vc", frame.expression[0, :52], data["expression_deltas"].astype(np.float64)
    )
    posed = shaped.copy()
    for joint, vector in ((2, frame.jaw_pose), (3, frame.leye_pose), (4, frame.reye_pose)):
        turned = (shaped - joints[joint]) @ rotation_of(vector[0]).T + joints[joint]
        posed += data["skin_weights"][:, joint, None] * (turned - shaped)
    posed = (posed - joints[1]) @ rotation_of(frame.neck_pose[0]).T + joints[1]
    posed = (posed - joints[0]) @ rotation_of(frame.global_orient[0]).T + joints[0]
    return posed + frame.transl[0]


def random_frame(seed: int) -> Track:
    """All units, bones and the head's place, made up."""
    rng = np.random.default_rng(seed)
    expression = np.zeros((1, 100))
    expression[0, :52] = rng.uniform(0, 1, 52)
    turns = {name: rng.normal(0, 0.4, (1, 3)) for name in TURNS}
    return Track.neutral(1, expression=expression, **turns, transl=rng.normal(0, 0.1, (1, 3)))


def unturned(frame: Track) -> Track:
    """The frame without its head's turn and place."""
    kept = ("expression", "jaw_pose", "leye_pose", "reye_pose")
    return Track.neutral(1, **{name: getattr(frame, name) for name in kept})


def head_pose(joints: np.ndarray, frame: Track) -> np.ndarray:
    """[4, 4] neck, then root, then shift."""
    pose = np.eye(4)
    for joint, vector in ((1, frame.neck_pose[0]), (0, frame.global_orient[0])):
        turn = np.eye(4)
        turn[:3, :3] = rotation_of(vector)
        turn[:3, 3] = joints[joint] - turn[:3, :3] @ joints[joint]
        pose = turn @ pose
    pose[:3, 3] += frame.transl[0]
    return pose
