"""Runs in a fresh Blender with an empty profile: the installed zip and the real backend.

    python -m tests.package.with_backend ZIP BACKEND_PYTHON OUT

Makes the sample avatar in few steps, exports one PLY, prints one JSON line.
"""

import importlib
import sys
from pathlib import Path

import bpy
import numpy  # noqa: F401 - before site-packages is hidden below

from house.profile import install_extension
from tests.package.child import hide_site_packages, tell

INSTALL = "install"
"""Instead of a BACKEND_PYTHON: press Install Backend."""


def make(zip_path: Path, backend_python: str, out: Path) -> dict[str, object]:
    """From the zip to a PLY."""
    hide_site_packages()
    module = install_extension(zip_path)
    import zmq

    if backend_python == INSTALL:
        bpy.context.preferences.system.use_online_access = True
        bpy.ops.splitavatar.install_backend()
    else:
        bpy.context.preferences.addons[module].preferences.backend_python = backend_python
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    bpy.ops.splitavatar.sample_avatar(avatar_path=str(out / "sample.savatar"), iterations=2)
    rig = bpy.context.active_object
    rig["jawOpen"] = 0.5
    bpy.ops.splitavatar.export_ply(frames="FRAME", directory=str(out), file_name="sample")
    session = importlib.import_module(f"{module}.session").get()
    told = {
        "blender": bpy.app.version_string,
        "zmq": zmq.__file__,
        "rig": rig.type,
        "bones": [bone.name for bone in rig.data.bones],
        "children": sorted(child.type for child in rig.children),
        "ply": [str(path) for path in session.result.files],
        "counts": session.loaded(rig).counts,
    }
    bpy.ops.splitavatar.stop_backend()
    return told


if __name__ == "__main__":
    tell(lambda: make(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
