"""What the backend makes of the avatars of a frame: one picture, how far away each pixel is, and
which layer it shows where that is asked for."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import AvatarError, messages
from ..scene import rest
from . import avatar_files, session
from .depth_order import Picture, laid_over, nearest
from .shot import Shot

TICK_S = 0.02
"""How often a picture under way looks whether it was cancelled."""


def shots(
    armatures: Sequence[bpy.types.Object],
    placed: bpy.types.Object | None,
    depsgraph: bpy.types.Depsgraph,
) -> list[Shot]:
    """What is seen of avatars at the moment that is evaluated.

    Args:
        armatures: One at least.
        placed: The camera they are seen through; None: each one's portrait camera.
        depsgraph: Of the scene that is rendered.

    Raises:
        AvatarError: What keeps one of them from being rendered.
    """
    for armature in armatures:
        rest.require_evaluated(armature, depsgraph)
        rest.require(armature)
    return [Shot.through(placed, armature, depsgraph) for armature in armatures]


def rendered(
    seen: Sequence[Shot], is_cancelled: Callable[[], bool], with_layers: bool
) -> Picture | None:
    """Avatars laid over each other by depth.

    Blocks; any thread of a render may call it.

    Args:
        seen: One of each avatar, at one moment.
        is_cancelled: Asked while the backend works.
        with_layers: Whether the picture says which layer each pixel shows.

    Returns:
        None when it was cancelled.

    Raises:
        AvatarError: What keeps one of them from being rendered.
    """
    pictures, layers = [], []
    for shot in seen:
        picture = _of(shot, is_cancelled, with_layers)
        if picture is None:
            return None
        pictures.append((picture.rgba, picture.depth * np.float32(shot.scale)))
        layers.append(picture.layers)
    colour, depth = laid_over(pictures)
    if not with_layers:
        return Picture(colour, depth)
    depths = np.stack([depth for _, depth in pictures])
    return Picture(colour, depth, nearest(np.stack(layers), depths))


def _of(
    shot: Shot, is_cancelled: Callable[[], bool], with_layers: bool
) -> messages.FrameReply | None:
    client, avatar = _ready(shot.armature)
    message = messages.RenderFrame(
        avatar=avatar, frame=shot.frame, camera=shot.camera, layers=with_layers
    )
    while True:
        future = client.request(message)
        while not future.done():
            if is_cancelled():
                return None
            time.sleep(TICK_S)
        try:
            return future.result()
        except AvatarError as error:
            # A live preview of the same avatar came later, and the newest wins: once more.
            if error.code != "cancelled" or session.get().client is not client:
                raise


def _ready(armature: bpy.types.Object) -> tuple[Any, str]:
    """The backend's client and the avatar's id there.

    Raises:
        AvatarError: `backend_died` where there is a window and the backend does not run: only the
            main thread starts it. What keeps its file from being had, or loaded.
    """
    here = session.get()
    if steps.without_window():
        found = session.finish(here.ensure_avatar(armature))
        return here.client, found.avatar
    client = here.client
    if client is None:
        raise AvatarError(
            "backend_died", "The backend does not run.", "Press Start and render again."
        )
    found = here.loaded(armature)
    if found is None:
        path = str(avatar_files.file_of(armature))
        found = client.call(messages.LoadAvatar(path=path, job=steps.new_job()))
    return client, found.avatar


def cut(picture: Picture, scene: bpy.types.Scene) -> Picture:
    """The part of a whole picture that the scene's render region takes in, as Blender cuts it."""
    render = scene.render
    if not render.use_border:
        return picture
    height, width = picture.depth.shape
    left, right = (int(x * width) for x in (render.border_min_x, render.border_max_x))
    low, high = (int(y * height) for y in (render.border_min_y, render.border_max_y))
    rows = slice(height - high, height - low)  # ours go downwards
    layer = None if picture.layer is None else picture.layer[rows, left:right]
    return Picture(picture.colour[rows, left:right], picture.depth[rows, left:right], layer)
