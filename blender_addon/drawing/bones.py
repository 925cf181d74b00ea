"""Bones in Pose Mode: the rig is shown in front, but splats cover what Blender has drawn."""

from typing import Any

import bpy

WIDTH_PX = 3.0
_RGBA = tuple[float, float, float, float]


def draw(context: bpy.types.Context, armatures: list[bpy.types.Object]) -> None:
    """Draws the bones of rigs once more, as sticks, where the viewport shows bones."""
    overlay = context.space_data.overlay
    if not (overlay.show_overlays and overlay.show_bones):
        return
    lines: list[Any] = []
    colours: list[_RGBA] = []
    for armature in armatures:
        if armature.show_in_front and armature.mode == "POSE" and _visible(context, armature):
            for bone in armature.pose.bones:
                if not bone.bone.hide:
                    world = armature.matrix_world
                    lines += [world @ bone.head, world @ bone.tail]
                    colours += [_colour(context, bone)] * 2
    if lines:
        _draw_lines(context, lines, colours)


def _visible(context: bpy.types.Context, armature: bpy.types.Object) -> bool:
    return armature.visible_get(view_layer=context.view_layer, viewport=context.space_data)


def _colour(context: bpy.types.Context, bone: bpy.types.PoseBone) -> _RGBA:
    palette = bone.color.palette
    if not palette.startswith("THEME"):
        return (*context.preferences.themes[0].view_3d.bone_solid, 1.0)
    kinds = context.preferences.themes[0].bone_color_sets[int(palette[5:]) - 1]
    if context.mode == "POSE" and _selected(bone):
        return (*(kinds.active if bone == context.active_pose_bone else kinds.select), 1.0)
    return (*kinds.normal, 1.0)


def _selected(bone: bpy.types.PoseBone) -> bool:
    return bone.select if hasattr(bone, "select") else bone.bone.select  # 5.0 moved it


def _draw_lines(context: bpy.types.Context, lines: list[Any], colours: list[_RGBA]) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": lines, "color": colours})
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("viewportSize", (context.region.width, context.region.height))
    shader.uniform_float("lineWidth", WIDTH_PX * context.preferences.system.ui_scale)
    batch.draw(shader)
    gpu.state.blend_set("NONE")
