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
    """Whether Blender draws no points of a cloud."""
    return cloud.display_type == _BOX and NAME in cloud.modifiers


def hide_points(uids: Iterable[int]) -> None:
    """Leaves a box of the clouds with these session uids, whose splats are drawn."""
    wanted = set(uids)
    for cloud in _clouds():
        if cloud.session_uid in wanted and not is_hidden(cloud):
            cloud.display_type = _BOX
            modifier = cloud.modifiers.get(NAME) or cloud.modifiers.new(NAME, "NODES")
            modifier.node_group = _no_radius()
            modifier.show_render = False


def show_points() -> list[int]:
    """Gives all clouds back to Blender; the session uids of those that were hidden."""
    hidden = [cloud for cloud in _clouds() if is_hidden(cloud)]
    for cloud in hidden:
        cloud.display_type = _POINTS
        cloud.modifiers.remove(cloud.modifiers[NAME])
    group = bpy.data.node_groups.get(NAME)
    if group is not None and group.users == 0:
        bpy.data.node_groups.remove(group)
    return [cloud.session_uid for cloud in hidden]


def _clouds() -> list[bpy.types.Object]:
    """Those of all avatars, as far as they may be changed."""
    avatars = [found for found in bpy.data.objects if properties.is_rig(found)]
    clouds = [properties.of_rig(armature).cloud for armature in avatars]
    return [cloud for cloud in clouds if cloud is not None and cloud.library is None]


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
