"""What the Render properties say about avatars."""

from collections.abc import Callable

import bpy
import pytest

from blender_addon.scene import compositing
from blender_addon.ui.engine_panels import (
    SPLITAVATAR_PT_motion_blur,
    SPLITAVATAR_PT_passes,
    SPLITAVATAR_PT_render,
    remarks,
)


def test_the_panel_is_there_where_avatars_and_another_engine_are(
    avatar_rig: bpy.types.Object,
) -> None:
    assert SPLITAVATAR_PT_render.poll(bpy.context)
    bpy.context.scene.render.engine = compositing.ENGINE
    assert not SPLITAVATAR_PT_render.poll(bpy.context)
    bpy.context.scene.render.engine = "CYCLES"
    bpy.context.window.scene = bpy.data.scenes.new("Empty")
    assert not SPLITAVATAR_PT_render.poll(bpy.context)


@pytest.mark.parametrize("panel", [SPLITAVATAR_PT_motion_blur, SPLITAVATAR_PT_passes])
def test_motion_blur_and_passes_have_a_panel_where_the_engine_is_ours(
    avatar_rig: bpy.types.Object, panel: type[bpy.types.Panel]
) -> None:
    assert not panel.poll(bpy.context)
    bpy.context.scene.render.engine = compositing.ENGINE
    assert panel.poll(bpy.context)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda scene: setattr(scene.render, "engine", "BLENDER_WORKBENCH"), "neither Cycles"),
        (lambda scene: setattr(scene.render, "use_compositing", False), "compositing is off"),
        (lambda scene: setattr(group_node(scene), "mute", True), "does not use the nodes"),
        (lambda scene: setattr(scene.view_settings, "view_transform", "Raw"), "colours"),
    ],
)
def test_it_says_why_avatars_are_not_as_they_could_be(
    avatar_rig: bpy.types.Object, change: Callable[[bpy.types.Scene], None], words: str
) -> None:
    scene = bpy.context.scene
    assert remarks(scene) == ["Splats are rendered as balls"]
    bpy.ops.splitavatar.refine_renders()
    assert remarks(scene) == []
    change(scene)
    assert len(remarks(scene)) == 1
    assert words in remarks(scene)[0]


def group_node(scene: bpy.types.Scene) -> bpy.types.Node:
    """The node that puts the avatars among the meshes."""
    return next(node for node in compositing.tree(scene).nodes if node.type == "GROUP")
