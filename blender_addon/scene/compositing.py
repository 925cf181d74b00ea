"""Where a scene's compositor gets the avatars: two nodes after its Render Layers.

One node asks for the picture: it is the Render Layers node of a scene of the engine SplitAvatar,
which holds nothing but a camera and hands over what `work.render_passes` has made of the scene
that is rendered. The other puts that among the meshes by depth (`refine_group`). Without the
add-on the picture is empty, and the render is as if the nodes were not there.
"""

from typing import Any

import bpy

from .._shared import AvatarError
from . import properties, refine_group

ENGINE = "SPLITAVATAR"
PICTURES = "SplitAvatar Pictures"
"""Name of the scene that hands over."""

UNDO = "splitavatar_undo"
"""Of the group's node: what `add` switched on besides, for `remove`."""


def tree(scene: bpy.types.Scene) -> Any:
    """The scene's compositor nodes, None where it has none or they are off."""
    if hasattr(scene, "compositing_node_group"):  # from 5.0
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def refined_layers(scene: bpy.types.Scene) -> set[str]:
    """The view layers whose render the compositor puts the avatars into."""
    nodes = tree(scene)
    if nodes is None or not scene.render.use_compositing:
        return set()
    return {
        source.layer
        for node in _group_nodes(nodes)
        if not node.mute and node.outputs[0].is_linked
        for source in [_linked_to(node.inputs["Image"])]
        if _renders(source, scene)
    }


def is_added(scene: bpy.types.Scene) -> bool:
    """Whether there is something to remove."""
    nodes = tree(scene)
    return nodes is not None and bool(_group_nodes(nodes))


def add(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    """Puts the two nodes behind a view layer's Render Layers; makes the tree where there is none.

    Raises:
        AvatarError: `bad_request` where the compositor does not use that layer's image.
    """
    undo = _switch_on(scene, layer)
    nodes = tree(scene)
    source = _source(nodes, scene, layer)
    if not layer.use_pass_z:
        layer.use_pass_z = True
        undo.append("Z")
    pictures = nodes.nodes.new("CompositorNodeRLayers")
    pictures.scene = pictures_scene()
    pictures.label = PICTURES
    node = nodes.nodes.new("CompositorNodeGroup")
    node.node_tree = refine_group.node_group(refine_group.view_of(scene))
    node[UNDO] = " ".join(undo)
    x, y = source.location
    pictures.location, node.location = (x, y - 450), (x + 300, y - 100)
    targets = [link.to_socket for link in source.outputs["Image"].links]
    for name, output in zip(
        (name for name, _ in refine_group.INPUTS),
        (
            source.outputs["Image"],
            source.outputs["Depth"],
            pictures.outputs["Image"],
            pictures.outputs["Depth"],
        ),
        strict=True,
    ):
        nodes.links.new(output, node.inputs[name])
    for target in targets:
        nodes.links.new(node.outputs[0], target)


def remove(scene: bpy.types.Scene) -> None:
    """Takes the nodes out again, and what nothing else needs."""
    nodes = tree(scene)
    for node in _group_nodes(nodes):
        image = node.inputs["Image"].links[0].from_socket if node.inputs["Image"].links else None
        targets = [link.to_socket for link in node.outputs[0].links]
        asked = _linked_to(node.inputs["Avatars"])
        source = _linked_to(node.inputs["Image"])
        undo = node.get(UNDO, "").split()
        for gone in (node, asked):
            if gone is not None:
                nodes.nodes.remove(gone)
        for target in targets if image is not None else ():
            nodes.links.new(image, target)
        if "Z" in undo and _renders(source, scene):
            scene.view_layers[source.layer].use_pass_z = False
        _switch_off(scene, undo)
    _remove_unused()


def follow_view(scene: bpy.types.Scene) -> None:
    """Gives the nodes the group for the scene's view transform, which may have changed."""
    nodes, view = tree(scene), refine_group.view_of(scene)
    if nodes is None or scene.library is not None:
        return
    for node in _group_nodes(nodes):
        if node.node_tree.get(refine_group.VIEW) != view:
            node.node_tree = refine_group.node_group(view)


def pictures_scene() -> bpy.types.Scene:
    """The scene that hands over, made where the file has none."""
    for scene in bpy.data.scenes:
        if properties.of_scene(scene).hands_over and scene.library is None:
            return scene
    made = bpy.data.scenes.new(PICTURES)
    properties.of_scene(made).hands_over = True
    made.render.engine = ENGINE
    made.render.film_transparent = True  # where the add-on is not, another engine renders it
    made.view_layers[0].use_pass_z = True
    # Blender renders no scene without a camera.
    made.camera = bpy.data.objects.new(PICTURES, bpy.data.cameras.new(PICTURES))
    made.collection.objects.link(made.camera)
    return made


def _switch_on(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> list[str]:
    """Makes sure that there are nodes; says what was done for it."""
    if tree(scene) is not None:
        return []
    if hasattr(scene, "compositing_node_group"):
        made = bpy.data.node_groups.new(f"{scene.name} Compositor", "CompositorNodeTree")
        made.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = made
        _fill(made, scene, layer, "NodeGroupOutput")
        return ["TREE"]
    had_nodes = scene.node_tree is not None
    scene.use_nodes = True
    if not had_nodes:
        scene.node_tree.nodes.clear()
        _fill(scene.node_tree, scene, layer, "CompositorNodeComposite")
    return ["SWITCH"]


def _fill(nodes: Any, scene: bpy.types.Scene, layer: bpy.types.ViewLayer, end: str) -> None:
    """The nodes that change nothing."""
    source = nodes.nodes.new("CompositorNodeRLayers")
    source.scene, source.layer = scene, layer.name
    target = nodes.nodes.new(end)
    target.location = (650, 0)
    nodes.links.new(source.outputs["Image"], target.inputs[0])


def _switch_off(scene: bpy.types.Scene, undo: list[str]) -> None:
    """Undoes `_switch_on`, but keeps nodes that were added since."""
    if "SWITCH" in undo:
        scene.use_nodes = False
    if "TREE" in undo and len(scene.compositing_node_group.nodes) == 2:
        bpy.data.node_groups.remove(scene.compositing_node_group)


def _remove_unused() -> None:
    """Removes the scene that hands over, its camera and the group where no node uses them."""
    trees = [found for scene in bpy.data.scenes if (found := tree(scene)) is not None]
    if any(_group_nodes(nodes) for nodes in trees):
        return
    for scene in [s for s in bpy.data.scenes if properties.of_scene(s).hands_over]:
        camera = scene.camera
        bpy.data.scenes.remove(scene)
        if camera is not None:
            bpy.data.cameras.remove(camera.data)
    for group in [g for g in bpy.data.node_groups if refine_group.is_ours(g) and not g.users]:
        bpy.data.node_groups.remove(group)


def _source(nodes: Any, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> Any:
    for node in nodes.nodes:
        is_ours = _renders(node, scene) and node.layer == layer.name
        if is_ours and node.outputs["Image"].is_linked:
            return node
    raise AvatarError(
        "bad_request",
        f"The compositor does not use the image of the view layer {layer.name!r}.",
        "Add a Render Layers node for it and link its image, or choose another view layer.",
    )


def _renders(node: Any, scene: bpy.types.Scene) -> bool:
    return node is not None and node.type == "R_LAYERS" and node.scene == scene


def _group_nodes(nodes: Any) -> list[Any]:
    return [n for n in nodes.nodes if n.type == "GROUP" and refine_group.is_ours(n.node_tree)]


def _linked_to(socket: Any) -> Any:
    """The node that an input is linked to."""
    return socket.links[0].from_node if socket.links else None
