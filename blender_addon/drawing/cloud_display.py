"""What Blender itself shows of the clouds: a box while splats are drawn, else points.

A modifier for viewports alone (renders do not see it) gives all points the radius 0, whatever the
engine: EEVEE draws a cloud of any display type. Display type Bounds leaves a box to click on, and
spares Blender the points in Solid. A hidden object would not be evaluated.
"""

from collections.abc import Iterable

import bpy

from ..scene import properties

NAME = "SplitAvatar Drawn as Splats"
_BOX, _POINTS = "BOUNDS", "TEXTURED"


def is_hidden(cloud: bpy.types.Object) -> bool:
    """Whether Blender draws no points of a cloud: no modifier makes others after ours."""
    last = cloud.modifiers[-1].name if cloud.modifiers else ""
    return cloud.display_type == _BOX and (last == NAME or cloud.library is not None)


def hide_points(uids: Iterable[int]) -> None:
    """Leaves a box of the clouds with these session uids, whose splats are drawn.

    A linked object takes no node group of this file: EEVEE goes on to draw its points.
    """
    wanted = set(uids)
    for cloud in _clouds():
        if cloud.session_uid not in wanted or is_hidden(cloud):
            continue
        cloud.display_type = _BOX
        if cloud.library is None:
            modifier = cloud.modifiers.get(NAME) or cloud.modifiers.new(NAME, "NODES")
            modifier.node_group = _no_radius()
            modifier.show_render = False
            cloud.modifiers.move(cloud.modifiers.find(NAME), len(cloud.modifiers) - 1)


def show_points() -> list[int]:
    """Gives all clouds back to Blender; the session uids of those that were hidden."""
    hidden = [cloud for cloud in _clouds() if cloud.display_type == _BOX]
    for cloud in hidden:
        cloud.display_type = _POINTS
        if NAME in cloud.modifiers:
            cloud.modifiers.remove(cloud.modifiers[NAME])
    group = bpy.data.node_groups.get(NAME)
    if group is not None and group.users == 0:
        bpy.data.node_groups.remove(group)
    return [cloud.session_uid for cloud in hidden]


def _clouds() -> list[bpy.types.Object]:
    avatars = [found for found in bpy.data.objects if properties.is_rig(found)]
    clouds = [properties.of_rig(armature).cloud for armature in avatars]
    return [cloud for cloud in clouds if cloud is not None]


def _no_radius() -> bpy.types.NodeTree:
    found = bpy.data.node_groups.get(NAME)
    if found is not None:
        return found
    group = bpy.data.node_groups.new(NAME, "GeometryNodeTree")
    group.is_modifier = True
    for side in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=side, socket_type="NodeSocketGeometry")
    start, end = group.nodes.new("NodeGroupInput"), group.nodes.new("NodeGroupOutput")
    radius = group.nodes.new("GeometryNodeSetPointRadius")
    radius.inputs["Radius"].default_value = 0.0
    group.links.new(start.outputs[0], radius.inputs[0])
    group.links.new(radius.outputs[0], end.inputs[0])
    return group
