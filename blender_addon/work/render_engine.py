"""The render engine SplitAvatar: F12, animations and `-b` show what Preview shows.

The backend renders every avatar of the scene; they are laid over each other by depth. Meshes are
not rendered: Cycles and EEVEE render them, with the splats as balls among them.
"""

import time
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import AvatarError, messages
from ..scene import properties, rest
from . import session
from .live_preview import Shot

ENGINE = "SPLITAVATAR"

TICK_S = 0.02
"""How often a render under way looks whether it was cancelled."""


class SplitAvatarEngine(bpy.types.RenderEngine):
    """Blender calls it in a thread of its own; without a window in the main one."""

    bl_idname = ENGINE
    bl_label = "SplitAvatar"
    bl_use_preview = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def update_render_passes(self, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
        self.register_pass(scene, layer, "Combined", 4, "RGBA", "COLOR")
        if layer.use_pass_z:
            self.register_pass(scene, layer, "Depth", 1, "Z", "VALUE")

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        scene = depsgraph.scene.original
        try:
            pictures = [self._picture(armature, depsgraph) for armature in _rendered(scene)]
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            self.error_set(str(error))
            return
        if any(picture is None for picture in pictures):
            return  # cancelled
        combined, depth = laid_over([(p.rgba, p.depth) for p in pictures if p is not None])
        if not scene.render.film_transparent:
            combined = _before(combined, scene.world)
        height, width = depth.shape
        result = self.begin_result(0, 0, width, height)
        layer = result.layers[0]
        # Blender's rows go upwards.
        layer.passes["Combined"].rect.foreach_set(combined[::-1].ravel())
        if depsgraph.view_layer.use_pass_z:
            layer.passes["Depth"].rect.foreach_set(depth[::-1].ravel())
        self.end_result(result)

    def _picture(
        self, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph
    ) -> messages.FrameReply | None:
        """The backend's picture; None when the user has cancelled."""
        rest.require_evaluated(armature, depsgraph)
        rest.require(armature)
        shot = Shot.of(armature, depsgraph)
        client, avatar = _ready(armature)
        message = messages.RenderFrame(avatar=avatar, frame=shot.frame, camera=shot.camera)
        while True:
            future = client.request(message)
            while not future.done():
                if self.test_break():
                    return None
                time.sleep(TICK_S)
            try:
                return future.result()
            except AvatarError as error:
                # A live preview of the same avatar came later, and the newest wins: once more.
                if error.code != "cancelled" or session.get().client is not client:
                    raise


def laid_over(pictures: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures as one, each pixel's nearest in front.

    Args:
        pictures: [H, W, 4] uint8, straight alpha, sRGB; and [H, W] camera depth in metres,
            0: nothing.

    Returns:
        [H, W, 4] float32, premultiplied, scene-linear; [H, W] float32 the nearest depth, Blender's
        1e10 where there is nothing.
    """
    depths = np.stack([np.where(depth > 0, depth, 1e10) for _, depth in pictures])
    layers = np.stack([_premultiplied(rgba) for rgba, _ in pictures])
    order = np.argsort(depths, axis=0, kind="stable")
    combined = np.zeros_like(layers[0])
    for place in order:
        nearest = np.take_along_axis(layers, place[None, ..., None], axis=0)[0]
        combined += (1 - combined[..., 3:]) * nearest
    return combined, depths.min(axis=0).astype(np.float32)


def _premultiplied(rgba: np.ndarray) -> np.ndarray:
    values = rgba.astype(np.float32) / 255
    colour, alpha = values[..., :3], values[..., 3:]
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return np.concatenate([linear * alpha, alpha], axis=-1, dtype=np.float32)


def _before(combined: np.ndarray, world: bpy.types.World | None) -> np.ndarray:
    """The picture before the world's colour, opaque."""
    colour = np.array(world.color if world is not None else (0, 0, 0), np.float32)
    behind = np.concatenate([colour, np.ones(1, np.float32)])
    return combined + (1 - combined[..., 3:]) * behind


def _rendered(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The avatars whose splats are rendered.

    Raises:
        AvatarError: `bad_request` where there are none, or where a region is asked for.
    """
    if scene.render.use_border:
        raise AvatarError(
            "bad_request",
            "The engine SplitAvatar renders whole frames, and a render region is set.",
            "Switch Render Region off, or render with Cycles or EEVEE.",
        )
    found = [armature for armature in properties.rigs(scene) if _is_rendered(armature)]
    if not found:
        raise AvatarError(
            "bad_request",
            "The scene has no avatar that is rendered.",
            "Make one with Create Avatar, or switch its splats on for renders.",
        )
    return found


def _is_rendered(armature: bpy.types.Object) -> bool:
    cloud = properties.of_rig(armature).cloud
    return cloud is not None and not cloud.hide_render


def _ready(armature: bpy.types.Object) -> tuple[Any, str]:
    """The backend's client and the avatar's id there.

    Raises:
        AvatarError: `backend_died` where there is a window and the backend does not run: only the
            main thread starts it.
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
        path = str(properties.avatar_path(armature))
        found = client.call(messages.LoadAvatar(path=path, job=steps.new_job()))
    return client, found.avatar


CLASSES = (SplitAvatarEngine,)
