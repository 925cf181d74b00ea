"""Where a scene's compositor gets the avatars: two nodes after its Render Layers.

One node asks for the picture: it is the Render Layers node of a scene of the engine SplitAvatar,
which holds nothing but a camera and hands over what `work.render_passes` has made of the scene
that is rendered. The other puts that among the meshes by depth (`refine_group`). Without the
add-on the picture is empty, and the render is as if the nodes were not there.
"""

from typing import Any

import bpy

from .._shared import AvatarError
from . import layer_pass, properties, refine_group

ENGINE = "SPLITAVATAR"
ENGINES = ("CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
"""Engines that hide from the camera what is to be hidden from it. Workbench does not."""

PICTURES = "SplitAvatar Pictures"
"""Name of the scene that hands over."""

UNDO = "splitavatar_undo"
"""Of the group's node: what `add` switched on besides, for `remove`."""


def tree(scene: bpy.types.Scene) -> Any:
    """The scene's compositor nodes, None where it has none."""
    if hasattr(scene, "compositing_node_group"):  # from 5.0
        return scene.compositing_node_group
    return scene.node_tree


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether renders go through the nodes."""
    switched_on = hasattr(scene, "compositing_node_group") or scene.use_nodes
    return tree(scene) is not None and switched_on and scene.render.use_compositing


def refined_layers(scene: bpy.types.Scene) -> set[str]:
    """The view layers whose render the compositor puts the avatars into."""
    if not is_on(scene) or scene.render.engine not in ENGINES:
        return set()
    nodes = [
        node
        for node in _group_nodes(tree(scene))
        if not node.mute and node.outputs[0].is_linked and _hands_over(node)
    ]
    sources = [_linked_to(node.inputs["Image"]) for node in nodes]
    return {source.layer for source in sources if _renders(source, scene)}


def is_added(scene: bpy.types.Scene) -> bool:
    """Whether there is something to remove."""
    return bool(_group_nodes(tree(scene)))


def add(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    """Puts the two nodes behind a view layer's Render Layers; makes the tree where there is none.

    Raises:
        AvatarError: `bad_request` where the compositor does not use that layer's image.
    """
    undo = _switch_on(scene, layer)
    nodes = tree(scene)
    try:
        source = _source(nodes, scene, layer)
    except AvatarError:
        _switch_off(scene, undo)
        raise
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
    outputs = [given.outputs[name] for given in (source, pictures) for name in ("Image", "Depth")]
    for output, target in zip(outputs, node.inputs, strict=True):
        nodes.links.new(output, target)
    for target in targets:
        nodes.links.new(node.outputs[0], target)


def remove(scene: bpy.types.Scene) -> None:
    """Takes the nodes out again, and what nothing else needs."""
    nodes = tree(scene)
    for node in _group_nodes(nodes):
        undo, source = node.get(UNDO, "").split(), _linked_to(node.inputs["Image"])
        image = node.inputs["Image"].links[0].from_socket if source is not None else None
        targets = [link.to_socket for link in node.outputs[0].links]
        pictures = _linked_to(node.inputs["Avatars"])
        if any(_renders(pictures, found) for found in _pictures_scenes()):
            nodes.nodes.remove(pictures)
        nodes.nodes.remove(node)
        for target in targets if image is not None else ():
            nodes.links.new(image, target)
        if "Z" in undo and source is not None and _renders(source, scene):
            scene.view_layers[source.layer].use_pass_z = False
        _switch_off(scene, undo)
    _remove_unused()


def follow_view(scene: bpy.types.Scene) -> None:
    """Gives the nodes the group for the scene's view transform, which may have changed."""
    view = refine_group.view_of(scene)
    for node in _group_nodes(tree(scene)) if scene.library is None else ():
        if node.node_tree.get(refine_group.VIEW) != view:
            node.node_tree = refine_group.node_group(view)


def pictures_scene() -> bpy.types.Scene:
    """The scene that hands over, made where the file has none."""
    for found in _pictures_scenes():
        return found
    made = bpy.data.scenes.new(PICTURES)
    properties.of_scene(made).hands_over = True
    made.render.engine = ENGINE
    made.render.film_transparent = True  # where the add-on is not, another engine renders it
    made.view_layers[0].use_pass_z = True
    # Blender renders no scene without a camera.
    made.camera = bpy.data.objects.new(PICTURES, bpy.data.cameras.new(PICTURES))
    made.collection.objects.link(made.camera)
    return made


def wants_layers() -> bool:
    """Whether a scene that hands over is asked for the pass Layer."""
    return any(
        layer_pass.is_asked(layer)
        for scene in bpy.data.scenes
        if properties.of_scene(scene).hands_over
        for layer in scene.view_layers
    )


def repair() -> None:
    """Makes a scene hand over again that a Blender without the add-on gave another engine."""
    for scene in _pictures_scenes():
        if scene.render.engine != ENGINE:
            scene.render.engine = ENGINE


def _hands_over(node: Any) -> bool:
    """Whether the avatars' inputs of a group's node are what they should be."""
    for name in ("Avatars", "Avatars Depth"):
        source = _linked_to(node.inputs[name])
        scene = source.scene if source is not None and source.type == "R_LAYERS" else None
        if scene is None or not properties.of_scene(scene).hands_over:
            return False
        if scene.render.engine != ENGINE or scene.camera is None:
            return False
    return True


def _pictures_scenes() -> list[bpy.types.Scene]:
    """Those that hand over; no more than one of them is this file's own."""
    return [
        scene
        for scene in bpy.data.scenes
        if properties.of_scene(scene).hands_over and scene.library is None
    ]


def _switch_on(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> list[str]:
    """Makes sure that there are nodes; says what was done for it."""
    nodes = tree(scene)
    if hasattr(scene, "compositing_node_group"):
        if nodes is not None:
            return []
        made = bpy.data.node_groups.new(f"{scene.name} Compositor", "CompositorNodeTree")
        made.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = made
        _fill(made, scene, layer, "NodeGroupOutput")
        return ["TREE"]
    if scene.use_nodes:
        return []
    scene.use_nodes = True
    if nodes is None:
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
    if any(is_added(scene) for scene in bpy.data.scenes):
        return
    for scene in _pictures_scenes():
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
    found = nodes.nodes if nodes is not None else ()
    return [n for n in found if n.type == "GROUP" and refine_group.is_ours(n.node_tree)]


def _linked_to(socket: Any) -> Any:
    """The node that an input is linked to."""
    return socket.links[0].from_node if socket.links else None
