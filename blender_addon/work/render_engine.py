"""The render engine SplitAvatar: F12, animations and `-b` show what Preview shows.

The backend renders every avatar of the scene; they are laid over each other by depth. Meshes are
not rendered: Cycles and EEVEE render them, and `render_passes` puts the avatars among them.
"""

import math
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import AvatarError
from ..scene import layer_pass, properties
from ..scene.compositing import ENGINE
from . import depth_order, frame_pictures, motion_blur, render_passes, session
from .depth_order import Picture
from .shot import Shot


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
        if layer_pass.is_asked(layer):
            self.register_pass(scene, layer, layer_pass.NAME, 1, "X", "VALUE")

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        scene, layer = depsgraph.scene.original, depsgraph.view_layer
        try:
            session.get().require_enabled()
            if properties.of_scene(scene).hands_over:
                self._hand_over(scene, layer)
                return
            moments = motion_blur.moments(depsgraph)
            shots = self._shots(scene, depsgraph, moments)
            weights = [moment.weight for moment in moments]
            with_layers = layer_pass.is_asked(layer)
            picture = motion_blur.rendered(shots, weights, self.test_break, with_layers)
        except AvatarError as error:
            self._fail(error)
            return
        if picture is None:
            return  # cancelled
        picture = frame_pictures.cut(picture, scene)
        if not scene.render.film_transparent:
            picture = picture._replace(colour=_before(picture.colour, scene.world))
        self._write(picture, layer)

    def _shots(
        self,
        scene: bpy.types.Scene,
        depsgraph: bpy.types.Depsgraph,
        moments: list[motion_blur.Moment],
    ) -> list[list[Shot]]:
        """What is seen at each moment; the dependency graph is the frame's own again after it."""
        # Markers within the shutter's time change the scene's camera, but not the frame's.
        armatures, placed, frame = _rendered(scene), scene.camera, motion_blur.now(scene)
        if [moment.time for moment in moments] == [frame]:
            return [frame_pictures.shots(armatures, placed, depsgraph)]
        try:
            seen = []
            for moment in moments:
                self._evaluate(moment.time)
                seen.append(frame_pictures.shots(armatures, placed, depsgraph))
            return seen
        finally:
            self._evaluate(frame)

    def _evaluate(self, time: float) -> None:
        whole = math.floor(time)
        with session.get().avatars.pause():  # the rig is read, its splats are not shown
            self.frame_set(whole, time - whole)

    def _fail(self, error: AvatarError) -> None:
        self.report({"ERROR"}, str(error))
        self.error_set(str(error))

    def _hand_over(self, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
        """Gives the compositor of another scene what was made of its avatars."""
        passes = render_passes.get()
        if passes.scene in (None, scene):
            self._fail(
                AvatarError(
                    "bad_request",
                    f"The scene {scene.name!r} only hands avatars over to another's compositor.",
                    "Render the scene that the avatars are in.",
                )
            )
            return
        passes.blur(self.test_break)
        if passes.failure:
            self.report({"WARNING"}, passes.failure)
        if passes.picture is not None:
            self._write(passes.picture, layer)
        else:
            size = self.resolution_y, self.resolution_x
            nothing = np.full(size, depth_order.NOTHING, np.float32)
            self._write(Picture(np.zeros((*size, 4), np.float32), nothing), layer)

    def _write(self, picture: Picture, layer: bpy.types.ViewLayer) -> None:
        """Passes that are asked for and that a picture does not have are 0."""
        height, width = picture.depth.shape
        result = self.begin_result(0, 0, width, height, layer=layer.name)
        passes = result.layers[0].passes
        given = {
            "Combined": picture.colour,
            "Depth": picture.depth,
            layer_pass.NAME: picture.layer,
        }
        for name, values in given.items():
            if name in passes and values is not None:
                # Blender's rows go upwards.
                passes[name].rect.foreach_set(values[::-1].ravel())
        self.end_result(result)


def _before(combined: np.ndarray, world: bpy.types.World | None) -> np.ndarray:
    """The picture before the world's colour, opaque."""
    colour = np.array(world.color if world is not None else (0, 0, 0), np.float32)
    behind = np.concatenate([colour, np.ones(1, np.float32)])
    return combined + (1 - combined[..., 3:]) * behind


def _rendered(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The avatars whose splats are rendered.

    Raises:
        AvatarError: `bad_request` where there are none.
    """
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


def register() -> None:
    """Offers the engine."""
    if bpy.app.timers.is_registered(_let_go):
        bpy.app.timers.unregister(_let_go)
    if not SplitAvatarEngine.is_registered:
        bpy.utils.register_class(SplitAvatarEngine)


def unregister() -> None:
    """Offers it no more, as soon as no render is under way.

    Where an engine goes, Blender frees what any engine is rendering with, and crashes.
    """
    if render_passes.get().scene is None:
        _let_go()
    elif not steps.without_window():
        bpy.app.timers.register(_let_go, first_interval=steps.LOOK_S, persistent=True)


def _let_go() -> float | None:
    if steps.is_rendering():
        return steps.LOOK_S
    bpy.utils.unregister_class(SplitAvatarEngine)
    return None
