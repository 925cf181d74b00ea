"""Glasses are found in an avatar's own photo, wherever its head is turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from backend.avatar.before_face import before_face
from tests.unit.lifting.spectacles import put_on


def test_frames_are_found_in_the_avatars_photo(pipeline, avatar, portrait) -> None:
    assert avatar.photo is not None
    assert not before_face(avatar, pipeline.head).any()
    side, crop = avatar.photo.shape[0], portrait.rgb.shape[0]
    margin = (side - crop) // 2
    photo = avatar.photo.numpy().copy()
    rgb = photo[..., :3].astype(np.float32) / 255
    worn, where = put_on(rgb, portrait.landmarks + margin, 0.05, 5)
    photo[..., :3] = (worn * 255).astype(np.uint8)
    found = before_face(replace(avatar, photo=torch.from_numpy(photo)), pipeline.head).numpy()
    assert (found & where).sum() > 0.7 * where.sum()
    assert found.mean() < 0.02
