"""The evaluated clouds, read when they have changed and not otherwise."""

from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon.drawing import changes, gathered
from blender_addon.scene import splats
from tests.blender.drawing import made_up


@pytest.fixture
def listening() -> Any:
    """The handler of the window, which every test needs here as well."""

    def note(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        changes.note(depsgraph)

    lists = bpy.app.handlers.depsgraph_update_post, bpy.app.handlers.frame_change_post
    for each in lists:
        each.append(note)
    yield
    for each in lists:
        each.remove(note)


def _lift(cloud: bpy.types.Object, frames: bool = False) -> bpy.types.GeometryNodeTree:
    """A modifier that lifts all points by 1 m, or by the frame's number."""
    group = bpy.data.node_groups.new("Lift", "GeometryNodeTree")
    for side in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=side, socket_type="NodeSocketGeometry")
    start, end = group.nodes.new("NodeGroupInput"), group.nodes.new("NodeGroupOutput")
    move = group.nodes.new("GeometryNodeSetPosition")
    move.inputs["Offset"].default_value = (0, 0, 1)
    if frames:
        time = group.nodes.new("GeometryNodeInputSceneTime")
        group.links.new(time.outputs["Frame"], move.inputs["Offset"])
    group.links.new(start.outputs[0], move.inputs[0])
    group.links.new(move.outputs[0], end.inputs[0])
    cloud.modifiers.new("Lift", "NODES").node_group = group
    return group


def test_the_numbers_are_the_clouds() -> None:
    content = made_up.some(20, 1)
    numbers = made_up.gather([made_up.cloud(content)])
    values = splats.attribute_values(content)
    np.testing.assert_array_equal(numbers.places[:20, :3], values["position"])
    np.testing.assert_array_equal(numbers.turns[:20], values["rotation"])
    np.testing.assert_array_equal(numbers.sizes[:20, :3], values["scale"])
    np.testing.assert_array_equal(numbers.bases[:20], values["radiance:base"])
    np.testing.assert_array_equal(numbers.parts[0].index, np.flatnonzero(content.opacities))


def test_modifiers_count() -> None:
    content = made_up.some(20, 2)
    cloud = made_up.cloud(content)
    _lift(cloud)
    numbers = made_up.gather([cloud])
    wanted = splats.attribute_values(content)["position"] + [0, 0, 1]
    np.testing.assert_allclose(numbers.places[:20, :3], wanted, atol=1e-6)


def test_a_modifier_that_leaves_no_gaussians_leaves_them_as_they_are() -> None:
    content = made_up.some(20, 2)
    cloud = made_up.cloud(content)
    group = _lift(cloud)
    remove = group.nodes.new("GeometryNodeRemoveAttribute")
    remove.inputs["Name"].default_value = "scale"
    end = next(node for node in group.nodes if node.bl_idname == "NodeGroupOutput")
    group.links.new(end.inputs[0].links[0].from_socket, remove.inputs[0])
    group.links.new(remove.outputs[0], end.inputs[0])
    numbers = made_up.gather([cloud])
    wanted = splats.attribute_values(content)["position"]
    np.testing.assert_allclose(numbers.places[:20, :3], wanted, atol=1e-6)


def test_two_clouds_lie_one_behind_the_other_and_know_their_number() -> None:
    contents = [made_up.some(20, 3), made_up.some(30, 4)]
    numbers = made_up.gather([made_up.cloud(content, "C") for content in contents])
    assert numbers.places[:50, 3].tolist() == [0] * 20 + [1] * 30
    assert [part.stretch for part in numbers.parts] == [slice(0, 20), slice(20, 50)]
    seen = contents[1].means[contents[1].opacities > 0]
    high = numbers.parts[1].high
    assert high[2] > seen[:, 1].max()  # head space's y is up
    assert high[2] < seen[:, 1].max() + 0.07


def test_only_what_has_changed_is_read_again() -> None:
    clouds = [made_up.cloud(made_up.some(20, n), str(n)) for n in (5, 6)]
    read: list[int] = []
    depsgraph = bpy.context.evaluated_depsgraph_get()

    def reading(number: int) -> Any:
        read.append(number)
        return gathered.evaluated_data(clouds[number], depsgraph)

    numbers = gathered.Gathered()
    numbers.update(reading, ["a", "b"])
    version, first = numbers.version, numbers.parts[0]
    read.clear()
    numbers.update(reading, ["a", "b"])
    assert (read, numbers.version) == ([], version)
    splats.write(clouds[1], made_up.some(20, 7))
    bpy.context.view_layer.update()
    numbers.update(reading, ["a", "c"])
    assert numbers.version == version + 1
    assert numbers.parts[0] is first
    np.testing.assert_allclose(
        numbers.places[20:40, :3], splats.attribute_values(made_up.some(20, 7))["position"]
    )


def test_another_number_of_points_or_avatars_is_another_set() -> None:
    clouds = [made_up.cloud(made_up.some(20, n), str(n)) for n in (8, 9)]
    depsgraph = bpy.context.evaluated_depsgraph_get()
    numbers = gathered.Gathered()
    numbers.update(lambda n: gathered.evaluated_data(clouds[n], depsgraph), [1, 2])
    numbers.update(lambda n: gathered.evaluated_data(clouds[1], depsgraph), [2])
    assert len(numbers.parts) == 1
    np.testing.assert_allclose(
        numbers.places[:20, :3], splats.attribute_values(made_up.some(20, 9))["position"]
    )
    numbers.update(lambda n: None, [])
    assert numbers.parts == []


def test_a_cloud_has_a_new_version_when_its_geometry_changes(listening: None) -> None:
    cloud, other = (made_up.cloud(made_up.some(20, n), str(n)) for n in (10, 11))
    bpy.context.view_layer.update()
    before, others = changes.version(cloud), changes.version(other)
    cloud.parent.location.x = 1
    bpy.context.view_layer.update()
    assert changes.version(cloud) == before  # a move is no change of its numbers
    splats.write(cloud, made_up.some(20, 12))
    bpy.context.view_layer.update()
    assert changes.version(cloud) != before
    assert changes.version(other) == others


def test_another_frame_is_a_new_version_of_what_it_moves(listening: None) -> None:
    cloud, still = (made_up.cloud(made_up.some(20, n), str(n)) for n in (13, 14))
    _lift(cloud, frames=True)
    bpy.context.scene.frame_set(3)
    before, others = changes.version(cloud), changes.version(still)
    bpy.context.scene.frame_set(5)
    assert changes.version(cloud) != before
    assert changes.version(still) == others
    changes.note_everything()
    assert changes.version(still) != others


def test_a_mesh_without_vertices_is_no_gaussians_whatever_its_attributes_are_called() -> None:
    mesh = bpy.data.meshes.new("Told by Blender 4.2")
    for name, kind in {"position": "FLOAT_VECTOR", **splats.ATTRIBUTES}.items():
        mesh.attributes.new(name, kind, "POINT")
    assert set(gathered.NEEDED) <= set(mesh.attributes.keys())
    assert not gathered.are_gaussians(mesh)
    mesh.vertices.add(1)
    assert gathered.are_gaussians(mesh)
