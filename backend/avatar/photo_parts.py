"""Where an avatar's photo shows what its splats do not carry along as they do skin."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from backend.avatar.file import Avatar
from backend.head import Head
from backend.lifting.glasses import glasses
from backend.lifting.polygons import dilate, erode, polygons

_LIPS_PX, _TEETH_PX = 3, 2  # how wide the edges of lips are
_EDGE_PX = 5  # of frames: what splats blur there


def before_face(avatar: Avatar, landmarks: np.ndarray) -> Tensor:
    """[S, S] bool: frames of glasses and what is beside them, in the photo's pixels.

    Args:
        avatar: One that has a photo.
        landmarks: [478, 2] the photo's, see `photo_landmarks`.
    """
    assert avatar.photo is not None
    rgb = avatar.photo[..., :3].cpu().numpy() / 255
    return torch.from_numpy(dilate(glasses(rgb, landmarks), _EDGE_PX)).to(avatar.photo.device)


def lip_edges(avatar: Avatar, landmarks: np.ndarray) -> Tensor:
    """[S, S] bool: both sides of the edges of lips that are open; none where they are closed.

    Args:
        avatar: One that has a photo.
        landmarks: [478, 2] the photo's, see `photo_landmarks`.
    """
    assert avatar.photo is not None
    mouth = polygons(landmarks, (False, False), avatar.photo.shape[0]).mouth
    edges = dilate(mouth, _LIPS_PX) & ~erode(mouth, _TEETH_PX)
    return torch.from_numpy(edges).to(avatar.photo.device)


def photo_landmarks(avatar: Avatar, head: Head) -> np.ndarray:
    """[478, 2] pixels of the photo in which the fitted head has its landmarks.

    Args:
        avatar: Any.
        head: On the avatar's device.
    """
    pose = head.head_pose_of(avatar.source)
    places = head.embed_landmarks(head.vertices_of(head.translated(avatar.source))[0])
    places = places @ pose[:3, :3].T + pose[:3, 3]
    return avatar.photo_camera.project(places.double().cpu().numpy())
