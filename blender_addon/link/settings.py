"""Where the backend lives and on what it computes, as the add-on's preferences say now."""

import os
import sys
from pathlib import Path

import bpy

from .._shared import launcher

ADDON = (__package__ or "").rpartition(".")[0]
"""The add-on's name in Blender: `bl_ext.REPOSITORY.splitavatar`."""

INSTALL_MARKER = "splitavatar-environment.json"
"""What backend/install.py writes last; without it the installation is half-made."""


def _setting(name: str) -> str:
    """A preference; empty where the add-on was registered without being enabled."""
    entry = bpy.context.preferences.addons.get(ADDON)
    return getattr(entry.preferences, name) if entry is not None else ""


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


def default_install_folder() -> Path:
    """Where Install Backend puts the environment unless a folder was chosen."""
    return user_folder() / "backend"


def install_folder() -> Path:
    """Where the backend's environment is or will be."""
    chosen = _setting("install_folder")
    return Path(bpy.path.abspath(chosen)) if chosen else default_install_folder()


def default_library_folder() -> Path:
    """Where avatars go that lie beside no .blend, unless a folder was chosen."""
    return user_folder() / "avatars"


def avatar_folder() -> Path:
    """Where a new avatar is saved: beside the .blend, or in the library."""
    if _setting("new_avatars") != "LIBRARY" and bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "avatars"
    chosen = _setting("library_folder")
    return Path(bpy.path.abspath(chosen)) if chosen else default_library_folder()


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
    marked = (install_folder() / INSTALL_MARKER).is_file()
    return marked and python_path().is_file() and not lost_python()


def lost_python() -> str:
    """The folder of the Python that the backend was built on, where that is gone; else empty.

    It is Blender's own, and goes where Blender is moved or a newer one takes its place.
    """
    if _setting("backend_python"):
        return ""
    try:
        text = (install_folder() / "pyvenv.cfg").read_text("utf-8")
    except OSError:
        return ""
    homes = [line.partition("=")[2].strip() for line in text.splitlines() if line[:4] == "home"]
    return homes[0] if homes and not Path(homes[0]).is_dir() else ""


def launch_settings() -> launcher.LaunchSettings:
    """How the backend is started now."""
    return launcher.LaunchSettings(
        python=python_path(),
        root=bundle(),
        user_folder=user_folder(),
        device=_setting("device") or "auto",
    )
