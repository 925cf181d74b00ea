"""A photograph and pictures of its avatar as tracked frames, for the network's own training.

The network learns with head and shoulders turning as one, all motion told as the camera's. So the
avatar is not turned here, as `trip` does it, but seen from aside: what lies behind a frame's pixels
is where the frame's parameters say.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from backend.avatar.create import CreateOptions
from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.data.frame import Frame
from backend.head import Head
from backend.tracking.crop import head_box
from backend.tracking.detect import Face
from backend.tracking.portrait import Portrait
from shared.camera import Camera
from shared.flame import Track
from shared.progress import silent

from .trip import another_pose


def views_of(
    pipeline: Pipeline, data: bytes, rng: np.random.Generator, count: int, size_px: int
) -> list[Frame]:
    """The photograph, and its avatar in other poses and mostly with other expressions.

    Args:
        pipeline: The network and the tracker.
        data: The photograph's file.
        rng: Chance.
        count: Pictures of the avatar.
        size_px: Side of the frames.

    Returns:
        1 + `count` frames of no name, the photograph first.

    Raises:
        AvatarError: As `Tracker.portrait`.
    """
    options = CreateOptions(iterations=0)
    portrait = pipeline.portrait(data, options, silent)
    avatar = pipeline.create_from(portrait, options, silent)
    head = pipeline.tracker.head
    frames = [_photograph(portrait, head, size_px)]
    for _ in range(count):
        track, camera = seen_from_aside(avatar, another_pose(rng, avatar), head)
        shown = replace(avatar.source, **_expression(track))
        posed = np.linalg.inv(head.head_pose_of(avatar.source).double().cpu().numpy())
        there = replace(camera, viewmat=camera.viewmat @ posed)
        picture = pipeline.picture(avatar, shown, there)
        frames.append(_frame(picture.rgb, picture.alpha, track, camera, head, size_px))
    return frames


def seen_from_aside(avatar: Avatar, track: Track, head: Head) -> tuple[Track, Camera]:
    """A pose told as a frame does: the head still, and the camera where it sees the same of it.

    Args:
        avatar: Whose pose it is, by its own camera.
        track: The pose, with head motion.
        head: The tracker's.
    """
    own = replace(track, betas=avatar.source.betas)
    pose = head.head_pose_of(own).double().cpu().numpy()
    still = np.zeros((1, 3), np.float32)
    known = replace(head.translated(own), global_orient=still, transl=still, neck_pose=still)
    return known, replace(avatar.camera, viewmat=avatar.camera.viewmat @ pose)


def _expression(track: Track) -> dict[str, np.ndarray]:
    names = ("expression", "jaw_pose", "leye_pose", "reye_pose")
    return {name: getattr(track, name) for name in names}


def _photograph(portrait: Portrait, head: Head, size_px: int) -> Frame:
    fit = portrait.fit
    return _frame(portrait.matted, portrait.matte, fit.track, fit.camera, head, size_px)


def _frame(
    rgb: np.ndarray, alpha: np.ndarray, track: Track, camera: Camera, head: Head, size_px: int
) -> Frame:
    """A frame of a picture [S, S, 3] 0..1, premultiplied by its alpha [S, S]."""
    points = head.embed_landmarks(head.vertices_of(track)[0]).double().cpu().numpy()
    face = Face(np.pad(camera.project(points), ((0, 0), (0, 1))), {}, np.eye(4))
    return Frame(
        clip="",
        index=0,
        image=_bytes(rgb, size_px),
        camera=camera.resized(size_px, size_px),
        track=track,
        box=(head_box(face) / camera.width).astype(np.float32),
        alpha=_bytes(alpha, size_px),
    )


def _bytes(picture: np.ndarray, size_px: int) -> np.ndarray:
    small = cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return (small.clip(0, 1) * 255 + 0.5).astype(np.uint8)
