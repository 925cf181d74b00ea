"""A head is nowhere wider than the person: identity, once more, against the matte."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from backend.head import Head

from .fit import Fit, landmark_error_px
from .landmarks import FACE_OVAL

_REGIONS = ("cheeks", "jaw", "chin", "face_sides", "face", "scalp", "ears")
_RIM_FACING = 0.4
_MARGIN_PX = 1.0
_LEAST_PX, _MOST_PX = 1.0, 30.0  # farther out something hides the head
_OUT_NOISE_PX, _IN_NOISE_PX = 2.0, 4.0
_LANDMARK_NOISE_PX = 1.0
_SPREAD = 0.5
_STEPS = 3


def inside_matte(fit: Fit, head: Head, matte: np.ndarray, landmarks: np.ndarray) -> Fit:
    """The fit with an identity whose outline reaches no farther than the matte.

    Landmarks say little of skull, ears and jaw's corners. The camera and the expression stay,
    and the landmarks about where they are.

    Args:
        fit: Of the landmarks alone.
        head: The same head, on the CPU.
        matte: [512, 512] 0..1 of the same crop.
        landmarks: [478, 2] pixels that it was fitted to.
    """
    rim = np.any([head.regions[name].numpy() for name in _REGIONS], axis=0)
    outside = np.asarray(
        distance_transform_edt(matte < 0.5, return_distances=False, return_indices=True)
    )
    directions = head.shapedirs.double().numpy()  # [V, 3, S]
    held = head.embed_landmarks(head.shapedirs.double()).numpy()  # [478, 3, S]
    held = np.delete(held, FACE_OVAL, axis=0)
    count = directions.shape[-1]
    for _ in range(_STEPS):
        betas = np.asarray(fit.track.betas, np.float64)
        vertices = head.vertices_of(fit.track)[0].double()
        away, normal, at = _overshoot(fit, head, vertices, outside, rim)
        if not away.any():
            break
        scale = fit.camera.K[0, 0] / fit.camera.viewmat[2, 3]  # pixels per metre at the head
        flat = fit.camera.viewmat[:2, :3] * scale
        out = np.einsum("nj,jk,nks->ns", normal, flat, directions[at])
        still = np.einsum("jk,nks->njs", flat, held).reshape(-1, count)
        noise = np.where(away > 0, _OUT_NOISE_PX, _IN_NOISE_PX)[:, None]
        rows = np.concatenate([out / noise, still / _LANDMARK_NOISE_PX, np.eye(count) / _SPREAD])
        wanted = np.concatenate([-away / noise[:, 0], np.zeros(len(still)), np.zeros(count)])
        betas[:count] += np.linalg.lstsq(rows, wanted, rcond=None)[0]
        track = replace(fit.track, betas=betas)
        points = head.embed_landmarks(head.vertices_of(track)[0].double()).numpy()
        fit = replace(fit, track=track, error_px=landmark_error_px(fit.camera, points, landmarks))
    return fit


def _overshoot(
    fit: Fit, head: Head, vertices: torch.Tensor, nearest: np.ndarray, rim: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far [N] pixels, in which direction [N, 2], which vertices [N] at the rim lie beside the
    matte; 0 px inside it.
    """
    size = nearest.shape[1]
    normals = head.normals(vertices[None])[0].numpy() @ fit.camera.viewmat[:3, :3].T
    pixels = fit.camera.project(vertices.numpy())
    x, y = np.floor(pixels).astype(int).T
    seen = (x >= 0) & (y >= 0) & (x < size) & (y < size)
    at = np.flatnonzero(rim & seen & (np.abs(normals[:, 2]) < _RIM_FACING))
    rows, columns = nearest[:, y[at], x[at]]
    back = np.stack([columns + 0.5, rows + 0.5], -1) - pixels[at]
    outwards = normals[at, :2] / np.maximum(np.linalg.norm(normals[at, :2], axis=1), 1e-9)[:, None]
    away = -(back * outwards).sum(1)
    far = np.linalg.norm(back, axis=1)
    near = far < _MOST_PX
    away = np.where(away > _LEAST_PX, away + _MARGIN_PX, 0.0)
    return away[near], outwards[near], at[near]
