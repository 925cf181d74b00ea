"""Files dropped on the 3D viewport."""

import bpy

from .._shared import tracks
from ..operators.photo_choice import IMAGE_FILTER
from ..scene import properties
from . import preferences


def _in_view(context: bpy.types.Context) -> bool:
    return context.area is not None and context.area.type == "VIEW_3D"


class SPLITAVATAR_FH_portrait(bpy.types.FileHandler):
    bl_label = "Portrait to Avatar"
    bl_import_operator = "splitavatar.create_avatar"
    bl_file_extensions = IMAGE_FILTER.replace("*", "")

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return preferences.wants_portraits() and _in_view(context)


class SPLITAVATAR_FH_avatar(bpy.types.FileHandler):
    bl_label = "SplitAvatar"
    bl_import_operator = "splitavatar.open_avatar"
    bl_file_extensions = ".savatar"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return _in_view(context)


class SPLITAVATAR_FH_track(bpy.types.FileHandler):
    bl_label = "Facial Track"
    bl_import_operator = "splitavatar.import_track"
    bl_file_extensions = ";".join(tracks.EXTENSIONS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return _in_view(context) and properties.active_rig(context) is not None


CLASSES = (SPLITAVATAR_FH_portrait, SPLITAVATAR_FH_avatar, SPLITAVATAR_FH_track)
