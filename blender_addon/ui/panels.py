"""The N-panel."""

import bpy

from ..drawing import handlers as drawing_handlers
from ..operators.reports import CATEGORY
from ..scene import clouds, controls, flame_pose, left_out, packed, points, preview, properties
from ..work import avatar_files, session
from . import backend_box
from .text import wrapped


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


class _AvatarPanel(_Panel):
    bl_parent_id = "SPLITAVATAR_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return properties.active_rig(context) is not None


def _shown_rig(context: bpy.types.Context) -> bpy.types.Object:
    """The avatar that the panels show; their poll() has seen that there is one."""
    found = properties.active_rig(context)
    assert found is not None
    return found


def refined_view(context: bpy.types.Context, armature: bpy.types.Object) -> str:
    """The switch's words: the same row says what keeps this viewport from it."""
    why = ""
    if properties.of_scene(context.scene).refine_view:
        if session.get().client is None:
            why = " (press Start)"
        elif not context.space_data.region_3d.is_perspective:
            why = " (perspective only)"
        elif clouds.is_inspected(armature):
            why = " (not of layers)"
    return "Refined View" + why


class SPLITAVATAR_PT_main(_Panel, bpy.types.Panel):
    bl_label = "SplitAvatar"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        backend_box.draw(layout)
        column = layout.column(align=True)
        column.operator("splitavatar.create_avatar", icon="USER")
        column.operator("splitavatar.sample_avatar", icon="OUTLINER_OB_ARMATURE")
        column.operator("splitavatar.open_avatar", icon="FILE_FOLDER")


class SPLITAVATAR_PT_avatar(_AvatarPanel, bpy.types.Panel):
    bl_label = "Avatar"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        armature = _shown_rig(context)
        settings = properties.of_rig(armature)
        scene = properties.of_scene(context.scene)
        missing = avatar_files.is_missing(armature)
        layout.label(text=armature.name, icon="ARMATURE_DATA")
        path = layout.row(align=True)
        path.alert = missing
        path.prop(settings, "avatar_path")
        if packed.is_packed(armature):
            path.operator("splitavatar.unpack_avatar", text="", icon="PACKAGE")
        else:
            parcel = path.row(align=True)
            parcel.enabled = not missing
            parcel.operator("splitavatar.pack_avatar", text="", icon="UGLYPACKAGE")
        self._draw_file(layout.row(align=True), settings, missing)
        layout.row().prop(settings, "display", expand=True)
        if settings.display != "MESH" and drawing_handlers.failure():
            wrapped(layout, drawing_handlers.failure(), "ERROR")
        if not clouds.is_bound(armature):  # else they move with the head mesh
            layout.prop(scene, "live")
            layout.operator("splitavatar.update_splats", icon="FILE_REFRESH")
        row = layout.row(align=True)
        old = preview.image() is not None and not preview.is_fresh()
        text = "Preview Again" if old else "Preview Frame"
        row.operator("splitavatar.preview_frame", text=text, icon="RENDER_STILL")
        row.prop(scene, "live_preview", text="", icon="FILE_REFRESH")
        if preview.image() is not None:
            row.prop(scene, "show_preview", text="", icon="HIDE_OFF")
            row.operator("splitavatar.clear_preview", text="", icon="X")
        row = layout.row()
        row.use_property_split = False  # its words need the whole width
        row.prop(scene, "refine_view", text=refined_view(context, armature))
        layout.operator("splitavatar.add_camera", icon="CAMERA_DATA")

    def _draw_file(
        self, row: bpy.types.UILayout, settings: properties.AvatarSettings, missing: bool
    ) -> None:
        """One row on the file: what is in it, or that it is gone."""
        if missing:
            row.alert = True
            row.operator(
                "splitavatar.relink_avatar", text="Avatar file missing: Browse", icon="ERROR"
            )
        elif settings.cloud is not None:
            row.label(text=f"{points.count(settings.cloud):,} Gaussians", icon="POINTCLOUD_DATA")
        else:
            row.label(text="No splats")


class SPLITAVATAR_PT_controls(_AvatarPanel, bpy.types.Panel):
    bl_label = "Controls"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator("splitavatar.set_pose", text="Neutral").pose = "NEUTRAL"
        row.operator("splitavatar.set_pose", text="Portrait").pose = "PORTRAIT"
        layout.operator_menu_enum(
            "splitavatar.set_expression", "expression", text="Expression", icon="COMMUNITY"
        )
        layout.operator("splitavatar.add_gaze_target", icon="HIDE_OFF")
        layout.operator("splitavatar.import_track", icon="ANIM")
        bones = ", ".join(flame_pose.BONES)
        wrapped(layout, f"Turn the head, jaw and eyes in Pose Mode: {bones}", "BONE_DATA")


def _draw_group(self: bpy.types.Panel, context: bpy.types.Context) -> None:
    column = self.layout.column(align=True)
    armature = _shown_rig(context)
    for name in controls.group(self.bl_label):
        if name in armature:
            column.prop(armature, controls.data_path(name), text=name, slider=True)


def _group_panel(title: str) -> type[bpy.types.Panel]:
    name = "SPLITAVATAR_PT_" + title.split()[0].lower()
    return type(
        name,
        (_AvatarPanel, bpy.types.Panel),
        {
            "bl_idname": name,
            "bl_label": title,
            "bl_parent_id": "SPLITAVATAR_PT_controls",
            "bl_options": {"DEFAULT_CLOSED"},
            "draw": _draw_group,
        },
    )


class SPLITAVATAR_PT_output(_AvatarPanel, bpy.types.Panel):
    bl_label = "Output"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = properties.of_scene(context.scene)
        layout.prop(settings, "output_folder")
        layout.prop(settings, "use_scene_range")
        if not settings.use_scene_range:
            column = layout.column(align=True)
            column.prop(settings, "frame_start")
            column.prop(settings, "frame_end")
        layout.prop(settings, "axes")
        layout.prop(settings, "compact")
        layout.prop(settings, "zeros")
        row = layout.row(align=True)
        self._export(row, settings, "This Frame", "FRAME")
        self._export(row, settings, "Range", "RANGE")
        layout.label(text="PLY shows the coarse image", icon="INFO")
        layout.prop(settings, "write_mp4")
        layout.prop(settings, "resume")
        render = layout.operator("splitavatar.batch_render", icon="RENDER_ANIMATION")
        render.frames = "RANGE"
        if left_out.is_sharp(context.scene):
            wrapped(layout, left_out.SHARP, "INFO")

    def _export(
        self, row: bpy.types.UILayout, settings: properties.SceneSettings, text: str, frames: str
    ) -> None:
        row.operator_context = "EXEC_DEFAULT"
        button = row.operator("splitavatar.export_ply", text=f"PLY: {text}", icon="EXPORT")
        button.frames = frames
        button.axes = settings.axes
        button.compact = settings.compact
        button.zeros = settings.zeros


CLASSES = (
    SPLITAVATAR_PT_main,
    SPLITAVATAR_PT_avatar,
    SPLITAVATAR_PT_controls,
    *(_group_panel(title) for title, _ in controls.GROUPS),
    SPLITAVATAR_PT_output,
)
