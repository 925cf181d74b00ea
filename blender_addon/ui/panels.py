"""The N-panel, menus and drag and drop."""

import textwrap

import bpy

from .._shared import messages
from ..operators.avatar import (
    IMAGE_FILTER,
    SPLITAVATAR_OT_create_avatar,
    SPLITAVATAR_OT_open_avatar,
)
from ..operators.export import SPLITAVATAR_OT_export_ply
from ..operators.track import SPLITAVATAR_OT_import_track
from ..scene import controls, flame_pose, points, preview, properties
from ..scene.tracks import FORMATS
from ..work import session
from . import preferences

CATEGORY = "SplitAvatar"
CHARACTER_PX = 6.2
"""Mean width of a letter of the interface's font at scale 1."""

PRIVACY = "Nothing leaves this computer"

STATE_ICONS = {
    "not_installed": "IMPORT",
    "stopped": "PAUSE",
    "starting": "SORTTIME",
    "ready": "CHECKMARK",
    "busy": "SORTTIME",
    "failed": "ERROR",
}


def state_text(state: messages.BackendState) -> str:
    """One line about the backend: `Ready on cpu, 812 MB, preset open`."""
    name = state.state.replace("_", " ").capitalize()
    if state.state == "failed":
        return f"Failed: {state.why}"
    parts = [f"{name} on {state.device}" if state.state == "ready" else name]
    if state.state == "ready":
        if state.memory_mb:
            parts.append(f"{state.memory_mb:.0f} MB")
        if state.preset:
            parts.append(f"preset {state.preset}")
    if state.phase:
        parts.append(state.phase)
    if state.eta_s is not None:
        parts.append(f"{state.eta_s:.0f} s left")
    return ", ".join(parts)


def wrapped(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A label that breaks into lines, because Blender's do not."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    characters = int((region.width if region else 300) / scale / CHARACTER_PX) - 8
    for line in textwrap.wrap(text, max(16, characters)):
        layout.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else "NONE"


def draw_backend(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """State of the backend with the buttons that fit it, progress and the last error."""
    here = session.get()
    state = here.state
    box = layout.box()
    wrapped(box, state_text(state), STATE_ICONS[state.state])
    if state.remedy:
        wrapped(box, state.remedy)
    row = box.row(align=True)
    if state.state == "not_installed":
        row.operator("splitavatar.install_backend", icon="IMPORT")
        if not bpy.app.online_access:
            wrapped(box, "Allow online access in Preferences > System > Network to install", "INFO")
    elif state.state in ("stopped", "failed"):
        row.operator("splitavatar.start_backend", icon="PLAY")
    else:
        row.operator("splitavatar.stop_backend", icon="SNAP_FACE")
    if state.state == "failed":
        row.operator("splitavatar.show_log", text="Log", icon="TEXT")
    if here.activity is not None:
        column = layout.column(align=True)
        progress = here.activity.progress
        column.progress(factor=progress.factor, text=here.activity.title)
        wrapped(column, progress.text)
        column.operator("splitavatar.cancel_work", icon="X")
    elif here.error is not None:
        alert = layout.box()
        alert.alert = True
        wrapped(alert, here.error.message, "ERROR")
        wrapped(alert, here.error.remedy, "INFO")
        alert.operator("splitavatar.dismiss_error")


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


class SPLITAVATAR_PT_main(_Panel, bpy.types.Panel):
    bl_label = "SplitAvatar"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        draw_backend(layout, context)
        column = layout.column(align=True)
        column.operator("splitavatar.create_avatar", icon="USER")
        column.operator("splitavatar.sample_avatar", icon="OUTLINER_OB_ARMATURE")
        column.operator("splitavatar.open_avatar", icon="FILE_FOLDER")
        layout.label(text=PRIVACY, icon="LOCKED")


class SPLITAVATAR_PT_avatar(_AvatarPanel, bpy.types.Panel):
    bl_label = "Avatar"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        armature = _shown_rig(context)
        settings = properties.of_rig(armature)
        scene = properties.of_scene(context.scene)
        layout.label(text=armature.name, icon="ARMATURE_DATA")
        layout.prop(settings, "avatar_path")
        layout.row().prop(settings, "display", expand=True)
        layout.prop(scene, "live")
        if settings.cloud is not None:
            layout.label(text=f"{points.count(settings.cloud):,} Gaussians")
        if settings.display != "MESH" and context.space_data.shading.type in ("SOLID", "WIREFRAME"):
            wrapped(layout, "Material Preview shows their colours", "INFO")
        layout.operator("splitavatar.update_splats", icon="FILE_REFRESH")
        row = layout.row(align=True)
        row.operator("splitavatar.preview_frame", icon="RENDER_STILL")
        if preview.image() is not None:
            row.prop(scene, "show_preview", text="", icon="HIDE_OFF")
            row.operator("splitavatar.clear_preview", text="", icon="X")
        layout.operator("splitavatar.add_camera", icon="CAMERA_DATA")


class SPLITAVATAR_PT_controls(_AvatarPanel, bpy.types.Panel):
    bl_label = "Controls"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator("splitavatar.set_pose", text="Neutral").pose = "NEUTRAL"
        row.operator("splitavatar.set_pose", text="Portrait").pose = "PORTRAIT"
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
        row = layout.row(align=True)
        self._export(row, settings, "This Frame", "FRAME")
        self._export(row, settings, "Range", "RANGE")
        layout.label(text="PLY shows the coarse image", icon="INFO")
        layout.prop(settings, "write_mp4")
        layout.prop(settings, "resume")
        render = layout.operator("splitavatar.batch_render", icon="RENDER_ANIMATION")
        render.frames = "RANGE"

    def _export(
        self, row: bpy.types.UILayout, settings: properties.SceneSettings, text: str, frames: str
    ) -> None:
        row.operator_context = "EXEC_DEFAULT"
        button = row.operator("splitavatar.export_ply", text=f"PLY: {text}", icon="EXPORT")
        button.frames = frames
        button.axes = settings.axes
        button.compact = settings.compact


class SPLITAVATAR_FH_portrait(bpy.types.FileHandler):
    bl_label = "Portrait to Avatar"
    bl_import_operator = "splitavatar.create_avatar"
    bl_file_extensions = IMAGE_FILTER.replace("*", "")

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        chosen = preferences.get()
        wanted = chosen is None or chosen.drop_portraits
        return wanted and context.area is not None and context.area.type == "VIEW_3D"


class SPLITAVATAR_FH_avatar(bpy.types.FileHandler):
    bl_label = "SplitAvatar"
    bl_import_operator = "splitavatar.open_avatar"
    bl_file_extensions = ".savatar"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class SPLITAVATAR_FH_track(bpy.types.FileHandler):
    bl_label = "Facial Track"
    bl_import_operator = "splitavatar.import_track"
    bl_file_extensions = ";".join(FORMATS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        in_view = context.area is not None and context.area.type == "VIEW_3D"
        return in_view and properties.active_rig(context) is not None


def _import_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout = self.layout
    layout.operator(SPLITAVATAR_OT_create_avatar.bl_idname, text="Portrait to Avatar (image)")
    layout.operator(SPLITAVATAR_OT_open_avatar.bl_idname, text="SplitAvatar (.savatar)")
    layout.operator(
        SPLITAVATAR_OT_import_track.bl_idname, text="Facial Track (ARKit .json, .flame.npz)"
    )


def _export_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(SPLITAVATAR_OT_export_ply.bl_idname, text="Avatar Gaussians (.ply)")


CLASSES = (
    SPLITAVATAR_PT_main,
    SPLITAVATAR_PT_avatar,
    SPLITAVATAR_PT_controls,
    *(_group_panel(title) for title, _ in controls.GROUPS),
    SPLITAVATAR_PT_output,
    SPLITAVATAR_FH_portrait,
    SPLITAVATAR_FH_avatar,
    SPLITAVATAR_FH_track,
)


def register() -> None:
    """Adds the menu entries."""
    bpy.types.TOPBAR_MT_file_import.append(_import_menu)
    bpy.types.TOPBAR_MT_file_export.append(_export_menu)


def unregister() -> None:
    """Takes them out again."""
    bpy.types.TOPBAR_MT_file_export.remove(_export_menu)
    bpy.types.TOPBAR_MT_file_import.remove(_import_menu)
