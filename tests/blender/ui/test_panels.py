"""What rows of the N-panel say."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, call

import bpy
import numpy as np
import pytest

from blender_addon.scene import clouds, left_out, properties
from blender_addon.scene.node_tree import set_input
from blender_addon.scene.playback import group
from blender_addon.ui import panels
from blender_addon.work import session
from tests.blender.fake_binding import binding_arrays


def test_the_switch_of_the_refined_view_says_what_keeps_a_viewport_from_it(
    avatar_rig: bpy.types.Object, rig_data: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    reply: Any = SimpleNamespace(avatar="ada", binding=binding_arrays(rig_data))
    clouds.bind(avatar_rig, reply)
    region = SimpleNamespace(is_perspective=False)
    context: Any = SimpleNamespace(
        scene=bpy.context.scene, space_data=SimpleNamespace(region_3d=region)
    )
    found = []

    def look() -> None:
        found.append(panels.refined_view(context, avatar_rig))

    look()
    properties.of_scene(bpy.context.scene).refine_view = True
    look()
    monkeypatch.setattr(session.Session, "client", object())
    look()
    region.is_perspective = True
    look()
    set_input(clouds.playback(avatar_rig), group.BY_LAYER, True)
    look()
    assert found == [
        "Refined View",
        "Refined View (press Start)",
        "Refined View (perspective only)",
        "Refined View",
        "Refined View (not of layers)",
    ]


def test_below_batch_render_stands_that_frames_are_sharp_where_blender_would_blur_them() -> None:
    def said() -> list[str]:
        panel: Any = MagicMock()
        panels.SPLITAVATAR_PT_output.draw(panel, bpy.context)
        calls = panel.layout.mock_calls
        button = calls.index(call.operator("splitavatar.batch_render", icon="RENDER_ANIMATION"))
        below = [(name, given) for name, _, given in calls[button:]]
        return [given["text"] for name, given in below if name.endswith("label")]

    assert said() == []
    bpy.context.scene.render.use_motion_blur = True
    assert said() == [left_out.SHARP]
