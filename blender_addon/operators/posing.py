"""Operators that pose the rig: poses, expressions and what it looks at."""

import bpy
from bpy.props import EnumProperty

from ..scene import avatars, controls, gaze, linking, rest, rig
from .polls import WithAvatar, require_avatar
from .reports import reported


class SPLITAVATAR_OT_set_pose(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.set_pose"
    bl_label = "Set Pose"
    bl_description = "Set all controls and bones of the avatar"
    bl_options = {"REGISTER", "UNDO"}

    pose: EnumProperty(
        name="Pose",
        description="Which pose",
        items=(
            ("NEUTRAL", "Neutral", "Everything at rest"),
            ("PORTRAIT", "Portrait", "As in the portrait"),
        ),
    )

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        linking.require_own(armature)
        neutral = self.pose == "NEUTRAL"
        rig.apply_frame(
            armature, rig.neutral_frame() if neutral else avatars.portrait_frame(armature)
        )
        return {"FINISHED"}


class SPLITAVATAR_OT_set_expression(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.set_expression"
    bl_label = "Set Expression"
    bl_description = "Set all controls to an expression to begin from; bones stay"
    bl_options = {"REGISTER", "UNDO"}

    expression: EnumProperty(
        name="Expression",
        description="Which expression",
        items=[
            (title.upper().replace(" ", "_"), title, f"Set the controls to: {title.lower()}")
            for title in controls.EXPRESSIONS
        ],
    )

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        rig.require_rig(armature)
        linking.require_own(armature)
        title = self.expression.replace("_", " ").title()
        changed = controls.set_expression(armature, title)
        if context.scene.tool_settings.use_keyframe_insert_auto:
            for name in changed:
                armature.keyframe_insert(controls.data_path(name))
        return {"FINISHED"}


class SPLITAVATAR_OT_add_gaze_target(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.add_gaze_target"
    bl_label = "Gaze Target"
    bl_description = (
        "Select the empty that both eyes follow; it is added the first time. "
        "Delete it to have the eyes free again"
    )
    bl_options = {"REGISTER", "UNDO"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        rig.require_rig(armature)
        linking.require_own(armature)
        rest.require_evaluated(armature, rig.evaluate(context, armature))
        found = gaze.target(armature)
        if found is not None:
            gaze.require_selectable(found, context.view_layer)
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        if found is None:
            found = gaze.add_target(armature, linking.home(armature, context.view_layer))
        for other in context.selected_objects:
            other.select_set(False)
        found.select_set(True)
        context.view_layer.objects.active = found
        return {"FINISHED"}


CLASSES = (
    SPLITAVATAR_OT_set_pose,
    SPLITAVATAR_OT_set_expression,
    SPLITAVATAR_OT_add_gaze_target,
)
