"""A head is nowhere wider than the person: identity, once more, against the mattes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from backend.head import Head
from shared.camera import Camera

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


@dataclass(frozen=True)
class Outlined:
    """A fitted picture and where its person ends.

    Args:
        fit: Of the landmarks alone.
        matte: [512, 512] 0..1 of the same crop.
        landmarks: [478, 2] pixels that it was fitted to.
    """

    fit: Fit
    matte: np.ndarray
    landmarks: np.ndarray


def inside_mattes(pictures: Sequence[Outlined], head: Head) -> list[Fit]:
    """The fits with an identity whose outline reaches no farther than any picture's matte.

    Landmarks say little of skull, ears and jaw's corners. The cameras and the expressions stay,
    and the landmarks about where they are.

    Args:
        pictures: Of one person, with one identity.
        head: The same head, on the CPU.
    """
    fits = [picture.fit for picture in pictures]
    rim = np.any([head.regions[name].numpy() for name in _REGIONS], axis=0)
    outsides = [
        np.asarray(
            distance_transform_edt(p.matte < 0.5, return_distances=False, return_indices=True)
        )
        for p in pictures
    ]
    directions, held = head.shapedirs.double().numpy(), inner_landmarks(head)
    count = directions.shape[-1]
    for _ in range(_STEPS):
        found = [
            _overshoot(fit, head, head.vertices_of(fit.track)[0].double(), outside, rim)
            for fit, outside in zip(fits, outsides, strict=True)
        ]
        if not any(away.any() for away, _, _ in found):
            break
        rows, wanted = [], []
        for fit, (away, normal, at) in zip(fits, found, strict=True):
            out = np.einsum("nj,njs->ns", normal, in_picture(fit.camera, directions[at]))
            still = in_picture(fit.camera, held).reshape(-1, count)
            noise = np.where(away > 0, _OUT_NOISE_PX, _IN_NOISE_PX)[:, None]
            rows += [out / noise, still / _LANDMARK_NOISE_PX]
            wanted += [-away / noise[:, 0], np.zeros(len(still))]
        rows.append(np.eye(count) / _SPREAD)
        wanted.append(np.zeros(count))
        change = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
        fits = [
            _changed(fit, head, change, picture.landmarks)
            for fit, picture in zip(fits, pictures, strict=True)
        ]
    return fits


def inner_landmarks(head: Head) -> np.ndarray:
    """[N, 3, S] how the identity moves the landmarks inside the face, metres."""
    return np.delete(head.embed_landmarks(head.shapedirs.double()).numpy(), FACE_OVAL, axis=0)


def in_picture(camera: Camera, directions: np.ndarray) -> np.ndarray:
    """[N, 2, S] pixels that directions [N, 3, S], metres, are at the head's distance."""
    flat = camera.viewmat[:2, :3] * camera.K[0, 0] / camera.viewmat[2, 3]
    return np.einsum("jk,nks->njs", flat, directions)


def _changed(fit: Fit, head: Head, change: np.ndarray, landmarks: np.ndarray) -> Fit:
    """The fit with other betas, by [S]."""
    betas = np.asarray(fit.track.betas, np.float64)
    betas[: len(change)] += change
    track = replace(fit.track, betas=betas)
    points = head.embed_landmarks(head.vertices_of(track)[0].double()).numpy()
    return replace(fit, track=track, error_px=landmark_error_px(fit.camera, points, landmarks))


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
