"""Heads with known parameters, projected by NumPy alone."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from backend.tracking.expression_prior import AT_REST
from shared.flame import ARKIT_NAMES

FOCAL_PX = 12 * 256
FACING = np.diag([1.0, -1.0, -1.0])


def scored(codes):
    """What a detector scores where a face does {name: 0..1}: more, where it scores faces at
    rest."""
    rests = {f"{name}{side}": rest for name, rest in AT_REST.items() for side in ("Left", "Right")}
    at_rest = {name: rest + (1 - rest) * codes.get(name, 0.0) for name, rest in rests.items()}
    return {**codes, **at_rest}


class Subject:
    """A head with known parameters, seen by a portrait camera."""

    def __init__(self, head, betas, weights, rotation_deg=(0, 0, 0), shift=(0.0, 0.02, 1.9)):
        self.betas = np.zeros(head.shapedirs.shape[2])
        self.betas[: len(betas)] = betas
        self.weights, self.scores = weights, scored(weights)
        codes = np.array([weights.get(name, 0.0) for name in ARKIT_NAMES])
        vertices = (
            head.v_template.double().numpy()
            + head.shapedirs.double().numpy() @ self.betas
            + head.exprdirs[..., :52].double().numpy() @ codes
        )
        corners = vertices[head.faces.numpy()[head.landmark_faces.numpy()]]
        points = (corners * head.landmark_bary.double().numpy()[..., None]).sum(1)
        turned = Rotation.from_euler("yxz", rotation_deg, degrees=True).as_matrix()
        self.rotation = FACING @ turned
        self.shift = np.array(shift)
        local = points @ self.rotation.T + self.shift
        self.landmarks = FOCAL_PX * local[:, :2] / local[:, 2:] + 256
