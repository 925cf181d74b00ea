"""When operators can be used."""

from collections.abc import Callable
from pathlib import Path

import bpy

from blender_addon.work import session


def test_without_an_avatar_operators_are_greyed_out(own_backend: Callable[..., None]) -> None:
    for name in ("preview_frame", "export_ply", "batch_render", "update_splats", "add_camera"):
        assert not getattr(bpy.ops.splitavatar, name).poll()


def test_only_one_piece_of_work_at_a_time(own_backend: Callable[..., None], portrait: Path) -> None:
    own_backend()
    session.get().activity = session.Activity("Batch Render", session.Progress("rendering"))
    try:
        assert not bpy.ops.splitavatar.create_avatar.poll()
    finally:
        session.get().activity = None
