"""What stands before the face in an avatar's photo."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.avatar.file import Avatar
from backend.head import Head
from backend.lifting.glasses import glasses
from backend.lifting.polygons import dilate

_EDGE_PX = 5  # of frames: what splats blur there


def before_face(avatar: Avatar, head: Head) -> Tensor:
    """[S, S] bool: frames of glasses and what is beside them, in the photo's pixels.

    Args:
        avatar: One that has a photo.
        head: On the avatar's device.
    """
    assert avatar.photo is not None
    pose = head.head_pose_of(avatar.source)
    places = head.embed_landmarks(head.vertices_of(head.translated(avatar.source))[0])
    places = places @ pose[:3, :3].T + pose[:3, 3]
    landmarks = avatar.photo_camera.project(places.double().cpu().numpy())
    rgb = avatar.photo[..., :3].cpu().numpy() / 255
    return torch.from_numpy(dilate(glasses(rgb, landmarks), _EDGE_PX)).to(avatar.photo.device)
