"""Preferences: where the backend lives and on what it computes."""

import os
import sys
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .._shared import launcher

ADDON = (__package__ or "").rpartition(".")[0]
"""The add-on's name in Blender: `bl_ext.REPOSITORY.splitavatar`."""

DEVICES = (
    ("auto", "Automatic", "An NVIDIA GPU when there is one, else the CPU"),
    ("cpu", "CPU", "Works everywhere"),
    ("cuda", "NVIDIA GPU (CUDA)", "Needs a backend installed for CUDA"),
)

INSTALL_MARKER = "splitavatar-environment.json"
"""What backend/install.py writes last; without it the installation is half-made."""


class SplitAvatarPreferences(bpy.types.AddonPreferences):
    bl_idname = ADDON

    install_folder: StringProperty(
        name="Backend Folder",
        description="Where Install Backend puts the backend's packages; empty: the extension's "
        "user folder",
        subtype="DIR_PATH",
    )
    install_python: StringProperty(
        name="Python for Installing",
        description="A Python 3.11 to 3.13 to build the backend on; empty: Blender's own",
        subtype="FILE_PATH",
    )
    backend_python: StringProperty(
        name="Backend Python",
        description="The interpreter of a backend that you installed yourself; empty: the one in "
        "the backend folder",
        subtype="FILE_PATH",
    )
    device: EnumProperty(name="Device", description="What computes", items=DEVICES)
    drop_portraits: BoolProperty(
        name="Drop Portraits",
        description="Dropping an image file on the 3D viewport offers to make an avatar of it",
        default=True,
    )

    def draw(self, context: bpy.types.Context) -> None:
        from . import panels

        layout = self.layout
        layout.use_property_split = True
        panels.draw_backend(layout, context)
        layout.prop(self, "device")
        layout.prop(self, "install_folder", placeholder=str(_default_install_folder()))
        layout.prop(self, "install_python", placeholder=sys.executable)
        layout.prop(self, "backend_python", placeholder=str(python_path()))
        layout.prop(self, "drop_portraits")


CLASSES = (SplitAvatarPreferences,)


def get() -> SplitAvatarPreferences | None:
    """The add-on's preferences; None where it was registered without being enabled."""
    entry = bpy.context.preferences.addons.get(ADDON)
    return entry.preferences if entry is not None else None


def _setting(name: str) -> str:
    found = get()
    return getattr(found, name) if found is not None else ""


def user_folder() -> Path:
    """The folder that belongs to the add-on: avatars, logs, the installed backend."""
    try:
        return Path(bpy.utils.extension_path_user(ADDON, create=True))
    except ValueError:  # run from the repository, where it is no installed extension
        return Path(bpy.utils.user_resource("DATAFILES", path="splitavatar", create=True))


def bundle() -> Path:
    """The folder that holds `backend` and `shared`: the extension's own, or the repository."""
    here = Path(__file__).resolve().parents[1]
    return here if (here / "backend").is_dir() else here.parent


def _default_install_folder() -> Path:
    return user_folder() / "backend"


def install_folder() -> Path:
    """Where the backend's environment is or will be."""
    chosen = _setting("install_folder")
    return Path(bpy.path.abspath(chosen)) if chosen else _default_install_folder()


def install_python() -> str:
    """The interpreter that Install Backend builds on."""
    chosen = _setting("install_python")
    return bpy.path.abspath(chosen) if chosen else sys.executable


def python_path() -> Path:
    """The interpreter that runs the backend; it need not exist."""
    chosen = _setting("backend_python")
    if chosen:
        return Path(bpy.path.abspath(chosen))
    inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return install_folder().joinpath(*inside)


def installed() -> bool:
    """Whether there is a backend to start; the installer writes its marker last."""
    if _setting("backend_python"):
        return python_path().is_file()
    return python_path().is_file() and (install_folder() / INSTALL_MARKER).is_file()


def launch_settings() -> launcher.LaunchSettings:
    """How the backend is started now."""
    return launcher.LaunchSettings(
        python=python_path(),
        root=bundle(),
        user_folder=user_folder(),
        device=_setting("device") or "auto",
    )
