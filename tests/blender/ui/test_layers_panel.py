"""The panel of layers shows for avatars whose head moves their splats, and only for those."""

from types import SimpleNamespace

import bpy
import numpy as np

from blender_addon.scene import clouds
from blender_addon.scene.node_tree import input_property
from blender_addon.scene.playback import group
from blender_addon.ui.layers_panel import SPLITAVATAR_PT_layers
from tests.blender.fake_binding import binding_arrays


def test_it_shows_for_bound_avatars_only(
    avatar_rig: bpy.types.Object, rig_data: dict[str, np.ndarray]
) -> None:
    assert not SPLITAVATAR_PT_layers.poll(bpy.context)
    clouds.bind(avatar_rig, SimpleNamespace(avatar="ada", binding=binding_arrays(rig_data)))
    assert SPLITAVATAR_PT_layers.poll(bpy.context)


def test_every_switch_is_a_property_that_can_be_keyed(
    avatar_rig: bpy.types.Object, rig_data: dict[str, np.ndarray]
) -> None:
    clouds.bind(avatar_rig, SimpleNamespace(avatar="ada", binding=binding_arrays(rig_data)))
    modifier = clouds.playback(avatar_rig)
    for name in (*group.LAYERS, group.BY_LAYER, group.BY_MASK, group.THRESHOLD):
        owner, path = input_property(modifier, name)
        assert owner.keyframe_insert(path, frame=3), name
