"""A rig's cloud is bound to its head once, to another avatar anew, and let go where it must be."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_addon.scene import clouds, points, properties, rig
from blender_addon.work import session
from tests.blender.fake_binding import binding_arrays
from tests.blender.seen import direct, positions

Arrays = dict[str, np.ndarray]


@pytest.fixture
def reply(rig_data: Arrays) -> SimpleNamespace:
    """What of an avatar's reply matters here."""
    return SimpleNamespace(avatar="ada", binding=binding_arrays(rig_data))


def test_it_is_bound_once(avatar_rig: bpy.types.Object, reply: SimpleNamespace) -> None:
    cloud = properties.of_rig(avatar_rig).cloud
    assert not clouds.is_bound(avatar_rig)
    assert clouds.bind(avatar_rig, reply)
    assert clouds.is_bound(avatar_rig)
    assert points.count(cloud) == len(reply.binding["vertices"])
    data = cloud.data
    assert clouds.bind(avatar_rig, reply)
    assert cloud.data == data
    assert sum(clouds.layer_counts(avatar_rig)) == len(reply.binding["vertices"])
    assert clouds.layer_counts(avatar_rig)[3] == (reply.binding["layers"] == 3).sum()


def test_another_avatar_s_file_binds_it_anew(
    avatar_rig: bpy.types.Object, reply: SimpleNamespace, rig_data: Arrays
) -> None:
    clouds.bind(avatar_rig, reply)
    data = properties.of_rig(avatar_rig).cloud.data
    other = SimpleNamespace(avatar="grace", binding=binding_arrays(rig_data, seed=3))
    assert clouds.bind(avatar_rig, other)
    assert properties.of_rig(avatar_rig).cloud.data != data
    assert properties.of_rig(avatar_rig).bound_to == "grace"


def test_one_that_only_its_network_moves_lets_it_go(
    avatar_rig: bpy.types.Object, reply: SimpleNamespace
) -> None:
    clouds.bind(avatar_rig, reply)
    assert not clouds.bind(avatar_rig, SimpleNamespace(avatar="trained", binding=None))
    assert not clouds.is_bound(avatar_rig)


def test_two_rigs_that_share_a_mesh_get_one_each(
    avatar_rig: bpy.types.Object, reply: SimpleNamespace
) -> None:
    head = properties.of_rig(avatar_rig).head
    twin = head.copy()
    assert twin.data == head.data
    clouds.bind(avatar_rig, reply)
    assert twin.data != head.data


def test_a_copy_of_the_armature_alone_moves_by_itself(
    avatar_rig: bpy.types.Object, reply: SimpleNamespace
) -> None:
    clouds.bind(avatar_rig, reply)
    for other in bpy.context.selected_objects:
        other.select_set(False)
    avatar_rig.select_set(True)
    bpy.ops.object.duplicate()
    copy = bpy.context.active_object
    assert copy.splitavatar.cloud == avatar_rig.splitavatar.cloud
    assert clouds.own_copies(properties.rigs(bpy.context.scene))
    assert not clouds.own_copies(properties.rigs(bpy.context.scene))
    before = positions(avatar_rig)
    np.testing.assert_allclose(positions(copy), before, atol=1e-6)
    copy["jawOpen"] = 1.0
    copy.update_tag()
    assert np.abs(positions(copy) - before).max() > 1e-3
    np.testing.assert_array_equal(positions(avatar_rig), before)


def test_without_its_head_the_backend_moves_it_again(
    live_rig: bpy.types.Object, reply: SimpleNamespace
) -> None:
    assert clouds.bind(live_rig, reply)
    bpy.data.objects.remove(properties.of_rig(live_rig).head)
    assert not clouds.is_bound(live_rig)
    bpy.ops.splitavatar.update_splats()
    frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
    np.testing.assert_array_equal(positions(live_rig), direct(live_rig, frame))


def test_the_backend_is_not_asked_for_what_the_head_moves(
    live_rig: bpy.types.Object, reply: SimpleNamespace
) -> None:
    assert clouds.bind(live_rig, reply)
    live_rig["jawOpen"] = 0.9
    here = session.get()
    assert not here.avatars.drive(live_rig, bpy.context.evaluated_depsgraph_get())
    bpy.context.scene.frame_set(5)
    assert not here.avatars.waiting
    assert points.count(properties.of_rig(live_rig).cloud) == len(reply.binding["vertices"])
