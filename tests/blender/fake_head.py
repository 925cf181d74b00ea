"""A head of a few hundred vertices, made up: enough to be skinned, driven and compared."""

import numpy as np

RINGS, SECTORS = 15, 20


def rig_arrays() -> dict[str, np.ndarray]:
    """What `avatar.rig` promises, for an ellipsoid with a soft jaw and two eyes; metres."""
    rng = np.random.default_rng(7)
    polar = np.linspace(0.2, np.pi - 0.2, RINGS)
    azimuth = np.linspace(0, 2 * np.pi, SECTORS, endpoint=False)
    polar, azimuth = (a.ravel() for a in np.meshgrid(polar, azimuth, indexing="ij"))
    directions = np.stack(
        [np.sin(polar) * np.sin(azimuth), np.cos(polar), np.sin(polar) * np.cos(azimuth)], axis=1
    )
    vertices = directions * [0.08, 0.12, 0.1] + rng.normal(0, 1e-3, directions.shape)
    corner = np.arange((RINGS - 1) * SECTORS).reshape(RINGS - 1, SECTORS)
    right = np.roll(corner, -1, axis=1)
    upper = np.stack([corner, corner + SECTORS, right], axis=-1).reshape(-1, 3)
    lower = np.stack([right, corner + SECTORS, right + SECTORS], axis=-1).reshape(-1, 3)
    joints = np.array(
        [[0, -0.16, -0.03], [0, -0.1, -0.02], [0, -0.01, 0.01], [0.03, 0.03, 0.07],
         [-0.03, 0.03, 0.07]]
    )  # fmt: skip
    weights = np.zeros((len(vertices), 5))
    weights[:, 2] = np.clip(-vertices[:, 1] * 12, 0, 1) * (vertices[:, 2] > 0)
    for eye in (3, 4):
        near = np.linalg.norm(vertices - joints[eye], axis=1) < 0.04
        weights[near, eye] = 1 - weights[near, 2]
    weights[:, 0] = (1 - weights[:, 2:].sum(1)) * 0.25
    weights[:, 1] = (1 - weights[:, 2:].sum(1)) * 0.75
    deltas = rng.normal(0, 2e-3, (52, len(vertices), 3)).astype(np.float32)
    deltas[:, :SECTORS] = 0  # the crown, which nothing but the head's own pose moves
    return {
        "vertices": vertices.astype(np.float32),
        "faces": np.concatenate([upper, lower]).astype(np.int32),
        "expression_deltas": deltas,
        "joints": joints.astype(np.float32),
        "skin_weights": weights.astype(np.float32),
    }
