"""The avatar's layers and masks, looked at in the viewport; no backend is needed."""

import bpy

from ..operators.reports import CATEGORY
from ..scene import clouds, properties
from ..scene.node_tree import input_property
from ..scene.playback import group

SHOWN_NAMES = {"Front": "Identity, front", "Back": "Identity, back"}


class SPLITAVATAR_PT_layers(bpy.types.Panel):
    bl_label = "Layers"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_parent_id = "SPLITAVATAR_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        armature = properties.active_rig(context)
        return armature is not None and clouds.is_bound(armature)

    def draw(self, context: bpy.types.Context) -> None:
        armature = properties.active_rig(context)
        assert armature is not None  # poll() has seen it
        modifier = clouds.playback(armature)
        column = self.layout.column(align=True)
        for name, count in zip(group.LAYERS, clouds.layer_counts(armature), strict=True):
            row = column.row()
            owner, path = input_property(modifier, name)
            row.prop(owner, path, text=SHOWN_NAMES.get(name, name))
            row.label(text=f"{count:,}")
        column = self.layout.column(align=True)
        for name in (group.BY_LAYER, group.BY_MASK, group.THRESHOLD):
            owner, path = input_property(modifier, name)
            column.prop(owner, path, text=name)


CLASSES = (SPLITAVATAR_PT_layers,)
