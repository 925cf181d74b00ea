"""Text in panels."""

import textwrap

import bpy

CHARACTER_PX = 6.2
"""Mean width of a letter of the interface's font at scale 1."""


def wrapped(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A label that breaks into lines, because Blender's do not."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    characters = int((region.width if region else 300) / scale / CHARACTER_PX) - 8
    for line in textwrap.wrap(text, max(16, characters)):
        layout.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else "NONE"
