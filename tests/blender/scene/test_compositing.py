"""Into a compositor and out of it again: what users have there stays as it was."""

import json
from pathlib import Path
from typing import Any

import bpy
import pytest

from blender_addon.scene import compositing, properties

IS_NEW = bpy.app.version >= (5, 0, 0)


def own_tree(scene: bpy.types.Scene) -> Any:
    """A compositor as users have: the image is blurred, the depth is looked at."""
    if IS_NEW:
        nodes = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
        nodes.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = nodes
    else:
        scene.use_nodes = True
        nodes = scene.node_tree
        nodes.nodes.clear()
    source = nodes.nodes.new("CompositorNodeRLayers")
    source.scene = scene
    blur = nodes.nodes.new("CompositorNodeBlur")
    end = nodes.nodes.new("NodeGroupOutput" if IS_NEW else "CompositorNodeComposite")
    viewer = nodes.nodes.new("CompositorNodeViewer")
    nodes.links.new(source.outputs["Image"], blur.inputs[0])
    nodes.links.new(blur.outputs[0], end.inputs[0])
    nodes.links.new(source.outputs["Image"], viewer.inputs[0])
    return nodes


def told(nodes: Any) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    """Nodes and links by name."""
    links = {
        (link.from_node.name, link.from_socket.name, link.to_node.name, link.to_socket.name)
        for link in nodes.links
    }
    return sorted(node.name for node in nodes.nodes), links


def data() -> dict[str, list[str]]:
    """What the file has that this could leave behind."""
    kinds = ("scenes", "cameras", "objects", "node_groups")
    return {kind: sorted(found.name for found in getattr(bpy.data, kind)) for kind in kinds}


def test_a_user_s_nodes_get_the_refined_image_and_later_their_own_again(
    avatar_rig: bpy.types.Object,
) -> None:
    scene, layer = bpy.context.scene, bpy.context.view_layer
    nodes = own_tree(scene)
    before, data_before = told(nodes), data()
    assert bpy.ops.splitavatar.refine_renders() == {"FINISHED"}
    assert compositing.refined_layers(scene) == {layer.name}
    assert layer.use_pass_z
    group = next(node for node in nodes.nodes if node.type == "GROUP")
    from_it = {link.to_node.bl_idname for link in group.outputs[0].links}
    assert from_it == {"CompositorNodeBlur", "CompositorNodeViewer"}
    assert [socket.links[0].from_socket.name for socket in group.inputs] == [
        *("Image", "Depth"),
        *("Image", "Depth"),
    ]
    assert bpy.ops.splitavatar.refine_no_more() == {"FINISHED"}
    assert told(nodes) == before
    assert data() == data_before
    assert not layer.use_pass_z


def test_a_scene_without_nodes_has_none_again(avatar_rig: bpy.types.Object) -> None:
    scene = bpy.context.scene
    before = data()
    for _ in range(2):
        assert not compositing.is_on(scene)
        bpy.ops.splitavatar.refine_renders()
        assert compositing.refined_layers(scene) == {bpy.context.view_layer.name}
        bpy.ops.splitavatar.refine_no_more()
    assert not compositing.is_on(scene)
    assert data() == before


def test_what_users_added_to_our_tree_stays(avatar_rig: bpy.types.Object) -> None:
    scene = bpy.context.scene
    bpy.ops.splitavatar.refine_renders()
    nodes = compositing.tree(scene)
    nodes.nodes.new("CompositorNodeBlur").name = "Mine"
    bpy.ops.splitavatar.refine_no_more()
    kept = scene.compositing_node_group if IS_NEW else scene.node_tree
    assert "Mine" in kept.nodes


def test_a_depth_pass_that_was_on_stays_on(avatar_rig: bpy.types.Object) -> None:
    bpy.context.view_layer.use_pass_z = True
    bpy.ops.splitavatar.refine_renders()
    bpy.ops.splitavatar.refine_no_more()
    assert bpy.context.view_layer.use_pass_z


def test_nodes_that_use_no_image_of_the_layer_are_refused_and_untouched(
    avatar_rig: bpy.types.Object,
) -> None:
    nodes = own_tree(bpy.context.scene)
    for link in [link for link in nodes.links if link.from_node.type == "R_LAYERS"]:
        nodes.links.remove(link)
    before, data_before = told(nodes), data()
    with pytest.raises(RuntimeError, match="does not use the image of the view layer 'ViewLayer'"):
        bpy.ops.splitavatar.refine_renders()
    assert told(nodes) == before
    assert data() == data_before


@pytest.mark.skipif(IS_NEW, reason="from 5.0 a scene's nodes are used or it has none")
def test_nodes_that_were_off_are_off_again(avatar_rig: bpy.types.Object) -> None:
    scene = bpy.context.scene
    nodes = own_tree(scene)
    scene.use_nodes = False
    bpy.ops.splitavatar.refine_renders()
    assert compositing.refined_layers(scene)
    scene.use_nodes = False
    assert not compositing.refined_layers(scene)
    assert not bpy.ops.splitavatar.refine_renders.poll()
    bpy.ops.splitavatar.refine_no_more()
    assert not scene.use_nodes
    for link in [link for link in nodes.links if link.from_node.type == "R_LAYERS"]:
        nodes.links.remove(link)
    with pytest.raises(RuntimeError, match="does not use the image"):
        bpy.ops.splitavatar.refine_renders()
    assert not scene.use_nodes


def test_scenes_share_what_hands_over_until_the_last(avatar_rig: bpy.types.Object) -> None:
    first, second = bpy.context.scene, bpy.data.scenes.new("Second")
    for scene in (first, second):
        compositing.add(scene, scene.view_layers[0])
    assert len([s for s in bpy.data.scenes if properties.of_scene(s).hands_over]) == 1
    compositing.remove(first)
    assert compositing.refined_layers(second) == {second.view_layers[0].name}
    assert len([s for s in bpy.data.scenes if properties.of_scene(s).hands_over]) == 1
    compositing.remove(second)
    assert not [s for s in bpy.data.scenes if properties.of_scene(s).hands_over]


def test_it_can_be_undone(avatar_rig: bpy.types.Object) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    own_tree(bpy.context.scene)
    bpy.ops.ed.undo_push(message="before")
    before = json.dumps([data(), *map(sorted, told(compositing.tree(bpy.context.scene)))])
    bpy.ops.splitavatar.refine_renders()
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    after = json.dumps([data(), *map(sorted, told(compositing.tree(bpy.context.scene)))])
    assert after == before


def test_a_file_that_was_saved_without_the_add_on_is_refined_again(
    avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.ops.splitavatar.refine_renders()
    compositing.pictures_scene().render.engine = "CYCLES"  # as Blender does with engines it lacks
    assert not compositing.refined_layers(bpy.context.scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert compositing.pictures_scene().render.engine == compositing.ENGINE
    assert compositing.refined_layers(bpy.context.scene) == {"ViewLayer"}


def test_it_can_be_used_where_there_is_an_avatar_once(avatar_rig: bpy.types.Object) -> None:
    assert bpy.ops.splitavatar.refine_renders.poll()
    assert not bpy.ops.splitavatar.refine_no_more.poll()
    bpy.ops.splitavatar.refine_renders()
    assert not bpy.ops.splitavatar.refine_renders.poll()
    assert bpy.ops.splitavatar.refine_no_more.poll()
    bpy.ops.splitavatar.refine_no_more()
    bpy.context.scene.render.engine = "BLENDER_WORKBENCH"
    assert not bpy.ops.splitavatar.refine_renders.poll()
    bpy.context.window.scene = bpy.data.scenes.new("Empty")
    assert not bpy.ops.splitavatar.refine_renders.poll()
