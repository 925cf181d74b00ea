"""A render without a window starts the backend by itself."""

from collections.abc import Callable
from pathlib import Path

import bpy

from blender_addon.work import session
from tests.blender.work.test_render_engine import direct, rendered, seen_by_the_engine


def test_a_stopped_backend_is_started(
    own_backend: Callable[..., None], portrait: Path, tmp_path: Path
) -> None:
    own_backend()
    bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(tmp_path / "grace.savatar")
    )
    rig = bpy.context.active_object
    bpy.ops.splitavatar.stop_backend()
    assert session.get().client is None
    seen_by_the_engine(tmp_path)
    bpy.ops.render.render(write_still=True)
    seen, wanted = rendered(tmp_path / "seen.png"), direct(rig)
    assert abs(seen[..., 3] - wanted[..., 3]).max() <= 1
    assert seen[..., 3].any()
