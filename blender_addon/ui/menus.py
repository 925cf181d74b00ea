"""Entries of File > Import and File > Export."""

import bpy

from ..operators.avatar import SPLITAVATAR_OT_create_avatar, SPLITAVATAR_OT_open_avatar
from ..operators.export import SPLITAVATAR_OT_export_ply
from ..operators.track import SPLITAVATAR_OT_import_track


def _import_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout = self.layout
    layout.operator(SPLITAVATAR_OT_create_avatar.bl_idname, text="Portrait to Avatar (image)")
    layout.operator(SPLITAVATAR_OT_open_avatar.bl_idname, text="SplitAvatar (.savatar)")
    layout.operator(
        SPLITAVATAR_OT_import_track.bl_idname, text="Facial Track (ARKit .json, .csv, FLAME)"
    )


def _export_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(SPLITAVATAR_OT_export_ply.bl_idname, text="Avatar Gaussians (.ply)")


def register() -> None:
    """Adds the menu entries."""
    bpy.types.TOPBAR_MT_file_import.append(_import_menu)
    bpy.types.TOPBAR_MT_file_export.append(_export_menu)


def unregister() -> None:
    """Takes them out again."""
    bpy.types.TOPBAR_MT_file_export.remove(_export_menu)
    bpy.types.TOPBAR_MT_file_import.remove(_import_menu)
