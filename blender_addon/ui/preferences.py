"""The add-on's preferences; `link.settings` reads them."""

import sys

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..link import settings
from . import backend_box

DEVICES = (
    ("auto", "Automatic", "An NVIDIA GPU when there is one, else the CPU"),
    ("cpu", "CPU", "Works everywhere"),
    ("cuda", "NVIDIA GPU (CUDA)", "Needs a backend installed for CUDA"),
)

PLACES = (
    ("BLEND", "Beside the .blend", "In avatars beside the .blend; unsaved: in the library folder"),
    ("LIBRARY", "In a Library", "In one folder for all .blend files"),
)


class SplitAvatarPreferences(bpy.types.AddonPreferences):
    bl_idname = settings.ADDON

    install_folder: StringProperty(
        name="Backend Folder",
        description="Where Install Backend puts the backend's packages; empty: the extension's "
        "user folder",
        subtype="DIR_PATH",
    )
    install_python: StringProperty(
        name="Python for Installing",
        description="A Python 3.11 to 3.14 to build the backend on; empty: Blender's own",
        subtype="FILE_PATH",
    )
    backend_python: StringProperty(
        name="Backend Python",
        description="The interpreter of a backend that you installed yourself; empty: the one in "
        "the backend folder",
        subtype="FILE_PATH",
    )
    device: EnumProperty(name="Device", description="What computes", items=DEVICES)
    new_avatars: EnumProperty(
        name="New Avatars", description="Where .savatar files are saved", items=PLACES
    )
    library_folder: StringProperty(
        name="Library Folder",
        description="Where new avatars go; empty: avatars in the add-on's user folder",
        subtype="DIR_PATH",
    )
    drop_portraits: BoolProperty(
        name="Drop Portraits",
        description="Dropping an image file on the 3D viewport offers to make an avatar of it",
        default=True,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        backend_box.draw(layout)
        row = layout.row(align=True)
        row.operator("splitavatar.open_log", icon="TEXT")
        row.operator("splitavatar.save_support_bundle", icon="PACKAGE")
        layout.prop(self, "device")
        layout.prop(self, "install_folder", placeholder=str(settings.default_install_folder()))
        layout.prop(self, "install_python", placeholder=sys.executable)
        layout.prop(self, "backend_python", placeholder=str(settings.python_path()))
        layout.prop(self, "new_avatars")
        if self.new_avatars == "LIBRARY":
            layout.prop(self, "library_folder", placeholder=str(settings.default_library_folder()))
        layout.prop(self, "drop_portraits")


CLASSES = (SplitAvatarPreferences,)


def wants_portraits() -> bool:
    """Whether images dropped on the viewport are offered as portraits."""
    entry = bpy.context.preferences.addons.get(settings.ADDON)
    return entry is None or entry.preferences.drop_portraits
