"""Glasses and lips are found in an avatar's own photo, wherever its head is turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from backend.avatar.photo_parts import before_face, lip_edges, photo_landmarks
from tests.unit.lifting.spectacles import put_on


def test_frames_are_found_in_the_avatars_photo(pipeline, avatar, portrait) -> None:
    assert avatar.photo is not None
    landmarks = photo_landmarks(avatar, pipeline.head)
    assert not before_face(avatar, landmarks).any()
    side, crop = avatar.photo.shape[0], portrait.rgb.shape[0]
    margin = (side - crop) // 2
    photo = avatar.photo.numpy().copy()
    rgb = photo[..., :3].astype(np.float32) / 255
    worn, where = put_on(rgb, portrait.landmarks + margin, 0.05, 5)
    photo[..., :3] = (worn * 255).astype(np.uint8)
    found = before_face(replace(avatar, photo=torch.from_numpy(photo)), landmarks).numpy()
    assert (found & where).sum() > 0.7 * where.sum()
    assert found.mean() < 0.02


def test_a_photos_landmarks_are_where_they_were_detected(pipeline, avatar, portrait) -> None:
    margin = (avatar.photo.shape[0] - portrait.rgb.shape[0]) / 2
    away = photo_landmarks(avatar, pipeline.head)[:468] - margin - portrait.landmarks[:468]
    assert np.linalg.norm(away, axis=1).mean() < 4


def test_open_lips_have_edges_and_closed_ones_none(pipeline, avatar, portrait) -> None:
    """The portrait smiles."""
    landmarks = photo_landmarks(avatar, pipeline.head)
    edges = lip_edges(avatar, landmarks).numpy()
    upper, lower = landmarks[13], landmarks[14]
    assert lower[1] - upper[1] > 5
    for x, y in (upper, lower):
        assert edges[int(y), int(x)]
    x, y = (upper + lower) / 2
    assert not edges[int(y), int(x)]
    closed = landmarks.copy()
    closed[14] = closed[13]
    assert not lip_edges(avatar, closed).any()
