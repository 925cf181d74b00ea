"""Operators that keep avatar files in the .blend, and take them out of it."""

import bpy

from ..scene import linking, packed, properties
from ..work import avatar_files
from .polls import WithAvatar, require_avatar
from .reports import reported


class SPLITAVATAR_OT_pack_avatar(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.pack_avatar"
    bl_label = "Pack Avatar"
    bl_description = (
        "Keep the avatar's file in the .blend, which grows by its size, so that the .blend "
        "can be sent alone"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def description(cls, context: bpy.types.Context, given: bpy.types.OperatorProperties) -> str:
        """With the size, where that can be told."""
        armature = properties.active_rig(context)
        path = properties.avatar_path(armature) if armature is not None else None
        if path is None or not path.is_file():
            return cls.bl_description
        return cls.bl_description.replace("its size", _size(path.stat().st_size))

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        linking.require_own(armature)
        path, size = avatar_files.pack(armature)
        self.report({"INFO"}, f"{path.name} is packed: the .blend grows by {_size(size)}")
        return {"FINISHED"}


class SPLITAVATAR_OT_unpack_avatar(bpy.types.Operator):
    bl_idname = "splitavatar.unpack_avatar"
    bl_label = "Unpack Avatar"
    bl_description = (
        "Take the avatar's file out of the .blend. Where its own file is gone, it is written "
        "to where new avatars go"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        armature = properties.active_rig(context)
        found = armature is not None and packed.is_packed(armature)
        if not found:
            cls.poll_message_set("No avatar is selected whose file is packed")
        return found

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = require_avatar(context)
        linking.require_own(armature)
        path = avatar_files.unpack(armature)
        self.report({"INFO"}, f"The avatar's file is {path}, and no longer in the .blend")
        return {"FINISHED"}


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


CLASSES = (SPLITAVATAR_OT_pack_avatar, SPLITAVATAR_OT_unpack_avatar)
