"""Runs inside bpy: installs the zip as a user would, into the profile of this process.

The profile is the folder in BLENDER_USER_RESOURCES, set before Blender starts. The demo and the
package tests use it; nothing here is part of the product.
"""

import os
from pathlib import Path

MODULE = "bl_ext.user_default.splitavatar"


def profile_environment(profile: Path) -> dict[str, str]:
    """The variables for a Blender process that uses this (empty) profile."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BLENDER_", "PYTHON"))}
    return {**kept, "BLENDER_USER_RESOURCES": str(profile), "PYTHONUTF8": "1"}


def install_extension(zip_path: Path) -> str:
    """Install and enable the zip; the name of the module it becomes.

    Raises:
        RuntimeError: When Blender reports success but the add-on is not there.
    """
    import bpy

    if "BLENDER_USER_RESOURCES" not in os.environ:
        raise RuntimeError("BLENDER_USER_RESOURCES is not set: this would change your own profile.")
    bpy.ops.extensions.package_install_files(
        filepath=str(zip_path), repo="user_default", enable_on_install=True
    )
    # The operator can return FINISHED and have installed nothing.
    if MODULE not in bpy.context.preferences.addons:
        enabled = sorted(bpy.context.preferences.addons.keys())
        raise RuntimeError(f"{MODULE} is not enabled after installing {zip_path}; are: {enabled}")
    return MODULE
