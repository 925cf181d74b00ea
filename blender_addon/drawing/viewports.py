"""A redraw of a viewport: which avatars it shows, and their splats over what Blender has drawn."""

import time
from typing import Any

import bpy
import numpy as np

from ..scene import cameras, native_splats, preview, properties, sights
from . import bones, changes
from .gathered import Gathered, are_gaussians, evaluated_data
from .motion import Motion
from .seen import EVERYTHING, Rectangle, View
from .splat_picture import SplatPicture
from .surface import Surface, depths


class Viewports:
    """What is kept from one redraw to the next; made at the first."""

    def __init__(self) -> None:
        self._surface = Surface()
        self._gathered: dict[tuple[int, str], Gathered] = {}
        self._pictures: dict[tuple[int, int], tuple[SplatPicture, Motion]] = {}

    def draw(self, context: bpy.types.Context) -> tuple[list[bpy.types.Object], bool]:
        """Draws the splats of the avatars that the viewport of `context` shows.

        Returns:
            The clouds that it shows, drawn or outside of the picture, and whether it was coarse.
        """
        armatures = shown(context)
        clouds = [properties.of_rig(armature).cloud for armature in armatures]
        if not clouds:
            return [], False
        started = time.perf_counter()
        gathered = self._gather(context, clouds)
        view = _view(context, armatures)
        rectangle = view.rectangle([(part.low, part.high) for part in gathered.parts])
        if rectangle is None:
            return clouds, False
        picture, motion = self._pictures.setdefault(
            (id(gathered), context.region.as_pointer()), (SplatPicture(gathered), Motion())
        )
        world_to_clip = np.array(context.region_data.perspective_matrix)
        coarse = motion.coarse(world_to_clip, context.screen.is_animation_playing)
        covered = depths(_framebuffer(), rectangle)
        refined = _refined(context, armatures, view, rectangle)
        if refined is not None:
            coarse = False
            self._surface.lay_refined(view, rectangle, covered, refined)
        else:
            drawn = picture.draw(self._surface, view, covered, rectangle, coarse)
            self._surface.lay_over(view, rectangle, drawn)
            motion.took(time.perf_counter() - started, coarse)
        bones.draw(context, armatures)
        return clouds, coarse

    def forget(self) -> None:
        """Lets go of another file's avatars."""
        self._gathered.clear()
        self._pictures.clear()

    def _gather(self, context: bpy.types.Context, clouds: list[bpy.types.Object]) -> Gathered:
        key = (context.scene.session_uid, context.view_layer.name)
        gathered = self._gathered.setdefault(key, Gathered())
        # What this graph holds is evaluated: a viewport is drawn after that.
        depsgraph = context.view_layer.depsgraph
        gathered.update(
            lambda number: evaluated_data(clouds[number], depsgraph),
            [changes.version(cloud) for cloud in clouds],
        )
        return gathered


def shown(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The avatars whose splats we draw in a viewport: visible there, and not drawn by Blender."""
    return [rig for rig in _visible(context) if _is_ours(properties.of_rig(rig).cloud, context)]


def left_to_blender(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The clouds that a viewport shows and whose splats we cannot or need not draw.

    Such as bound ones in Blender 4.2: it does not show Python the points that modifiers make.
    """
    clouds = [properties.of_rig(armature).cloud for armature in _visible(context)]
    return [cloud for cloud in clouds if not _is_ours(cloud, context)]


def _visible(context: bpy.types.Context) -> list[bpy.types.Object]:
    if context.space_data.shading.type == "WIREFRAME":
        return []
    where = {"view_layer": context.view_layer, "viewport": context.space_data}
    found = [(rig, properties.of_rig(rig).cloud) for rig in properties.rigs(context.scene)]
    return [rig for rig, cloud in found if cloud is not None and cloud.visible_get(**where)]


def _is_ours(cloud: bpy.types.Object, context: bpy.types.Context) -> bool:
    if native_splats.are_drawn(cloud.data):
        return False
    return are_gaussians(evaluated_data(cloud, context.view_layer.depsgraph))


def _refined(
    context: bpy.types.Context,
    armatures: list[bpy.types.Object],
    view: View,
    rectangle: Rectangle,
) -> sights.Refined | None:
    """The backend's picture of exactly this, where there is one; that it is wanted is noted."""
    region = context.region.as_pointer()
    if not sights.refines(context.scene, armatures, view.window):
        return sights.note(region, None)
    seen = context.region_data
    sight = sights.Sight(
        scene=context.scene.session_uid,
        layer=context.view_layer.name,
        armatures=tuple(armature.session_uid for armature in armatures),
        view=tuple(map(tuple, seen.view_matrix)),
        window=tuple(map(tuple, seen.window_matrix)),
        size=view.size,
        rectangle=(rectangle.x, rectangle.y, rectangle.width, rectangle.height),
    )
    return sights.note(region, sight)


def _framebuffer() -> Any:
    import gpu

    return gpu.state.active_framebuffer_get()


def _view(context: bpy.types.Context, armatures: list[bpy.types.Object]) -> View:
    clouds = [properties.of_rig(armature).cloud for armature in armatures]
    region, seen = context.region, context.region_data
    depsgraph = context.view_layer.depsgraph
    to_view = np.array(seen.view_matrix)
    objects = np.stack(
        [to_view @ np.array(cloud.evaluated_get(depsgraph).matrix_world) for cloud in clouds]
    )
    frame, dimmed = _passepartout(context)
    return View(
        size=(region.width, region.height),
        window=np.array(seen.window_matrix),
        objects=objects,
        frame=frame,
        dimmed=dimmed,
        portraits=tuple(cameras.portrait_pixels(armature) for armature in armatures),
    )


def _passepartout(context: bpy.types.Context) -> tuple[tuple[float, float, float, float], float]:
    """What the camera takes in, and the factor on what lies outside."""
    frame = preview.camera_frame(context)
    if frame is None:
        return EVERYTHING, 1.0
    camera = context.space_data.camera.data
    return frame, 1.0 - camera.passepartout_alpha if camera.show_passepartout else 1.0
