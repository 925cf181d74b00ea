"""Made-up FLAME files: synthetic numbers, a small head, the open head in disguise.

No FLAME file is here, and none is needed.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import scipy.sparse
import torch
from scipy.spatial import ConvexHull

from backend.head import Head
from tests.unit.shared.restricted.pickles import flame_pickle

Arrays = dict[str, np.ndarray]


def points_of_a_head(count: int) -> np.ndarray:
    """[count, 3] float32 Fibonacci points on an ellipsoid of a head's size, metres times 5."""
    i = np.arange(count) + 0.5
    polar, around = np.arccos(1 - 2 * i / count), np.pi * (1 + 5**0.5) * i
    sphere = [np.cos(around) * np.sin(polar), np.cos(polar), np.sin(around) * np.sin(polar)]
    return (np.stack(sphere, 1) * np.array([0.42, 0.60, 0.50])).astype(np.float32)


def synthetic_flame() -> tuple[Arrays, Arrays, Arrays]:
    """Model, landmark embeddings and codes to which tests/data/golden_flame.npz belongs.

    The order of the draws matters: the golden numbers came from the same ones.
    """
    V, F = 5023, 9976
    rs = np.random.RandomState(7)
    weights = np.abs(rs.randn(V, 5))
    weights /= weights.sum(1, keepdims=True)
    regressor = np.abs(rs.randn(5, V))
    regressor /= regressor.sum(1, keepdims=True)
    model = {
        "f": rs.randint(0, V, size=(F, 3)).astype(np.int64),
        "v_template": (points_of_a_head(V) / 5.0).astype(np.float32),
        "shapedirs": (rs.randn(V, 3, 400) * 2e-4).astype(np.float32),
        "posedirs": (rs.randn(V, 3, 36) * 2e-3).astype(np.float32),
        "J_regressor": regressor.astype(np.float32),
        "weights": weights.astype(np.float32),
        "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int64),
    }
    bary = np.abs(rs.randn(70, 3))
    bary /= bary.sum(1, keepdims=True)
    landmarks = {
        "static_lmk_faces_idx": rs.randint(0, F, 51).astype(np.int64),
        "static_lmk_bary_coords": np.full((51, 3), 1 / 3, np.float32),
        "dynamic_lmk_faces_idx": rs.randint(0, F, (79, 17)).astype(np.int64),
        "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3, np.float32),
        "full_lmk_faces_idx_with_eye": rs.randint(0, F, (1, 70)).astype(np.int64),
        "full_lmk_bary_coords_with_eye": bary[None].astype(np.float32),
    }
    codes = {
        "shapecode": rs.randn(300).astype(np.float32),
        "expcode": rs.randn(100).astype(np.float32),
        "posecode": np.concatenate([np.zeros(3), [0.25, -0.03, 0.02]]).astype(np.float32),
        "eyecode": (rs.randn(6) * 0.1).astype(np.float32),
    }
    return model, landmarks, codes


def small_flame(vertices: int = 80) -> Arrays:
    """A FLAME model of few vertices, closed and convex, with random directions."""
    rng = np.random.default_rng(3)
    template = points_of_a_head(vertices).astype(np.float64) / 5
    faces = ConvexHull(template).simplices
    a, b, c = (template[faces[:, i]] for i in range(3))
    inward = (np.cross(b - a, c - a) * a).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    weights = np.zeros((vertices, 5))
    weights[:, 1] = 1
    joints = [[0, -0.1, -0.05], [0, -0.06, 0], [0, 0, 0], [0.03, 0.03, 0.08], [-0.03, 0.03, 0.08]]
    for joint in (2, 3, 4):
        nearest = np.argsort(np.linalg.norm(template - joints[joint], axis=1))[:3]
        weights[nearest] = np.eye(5)[joint]
    regressor = np.zeros((5, vertices))
    for joint, place in enumerate(joints):
        regressor[joint, np.argsort(np.linalg.norm(template - place, axis=1))[:3]] = 1 / 3
    return {
        "f": faces.astype(np.uint32),
        "v_template": template,
        "shapedirs": rng.normal(size=(vertices, 3, 400)) * 1e-3,
        "posedirs": rng.normal(size=(vertices, 3, 36)) * 1e-3,
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
    }


def open_head_as_flame(head: Head) -> Arrays:
    """The open head as a FLAME model: 300 identity and 100 expression directions.

    As in FLAME, expressions leave the eyeballs alone: only their joints turn them; and there are no
    teeth, which are the open head's last vertices.
    """
    teeth = (head.regions["teeth_upper"] | head.regions["teeth_lower"]).numpy()
    count = int((~teeth).sum())
    assert not teeth[:count].any()
    faces = head.faces.numpy().astype(np.uint32)
    template = head.v_template.double().numpy()[:count]
    directions = np.zeros((*template.shape, 400))
    directions[..., : head.shapedirs.shape[2]] = head.shapedirs[:count]
    directions[..., 300:] = head.exprdirs[:count]
    directions[head.regions["eyeballs"].numpy()[:count], :, 300:] = 0
    return {
        "f": faces[(faces < count).all(1)],
        "v_template": template,
        "shapedirs": directions,
        "posedirs": np.zeros((*template.shape, 36)),
        "J_regressor": head.J_regressor.double().numpy()[:, :count],
        "weights": head.lbs_weights.double().numpy()[:count],
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
    }


def as_pickle(model: Arrays) -> bytes:
    """As FLAME 2020 comes: Python 2's protocol, chumpy arrays, a sparse regressor."""
    stored: dict[str, Any] = {**model, "bs_style": "lbs", "bs_type": "lrotmin"}
    stored["J_regressor"] = scipy.sparse.csc_matrix(model["J_regressor"])
    return flame_pickle(stored, chumpy=("v_template", "shapedirs", "weights"))


def as_npz(model: Arrays) -> bytes:
    """As a plain .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **model)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def as_torch(model: Arrays, landmarks: Arrays | None = None) -> bytes:
    """As GAGAvatar's FLAME_with_eye.pt."""
    stored = {"flame_model": tensors(model)}
    if landmarks is not None:
        stored["lmk_embeddings"] = tensors(landmarks)
    buffer = io.BytesIO()
    torch.save(stored, buffer)
    return buffer.getvalue()


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    """NumPy arrays as tensors of types that torch has."""
    signed = {k: a.astype(np.int64) if a.dtype == np.uint32 else a for k, a in arrays.items()}
    return {name: torch.from_numpy(array) for name, array in signed.items()}
