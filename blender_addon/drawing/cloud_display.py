"""Blender's own points, which are away while splats are drawn in their place.

A modifier for viewports alone (renders do not see it) gives all points the radius 0, whatever the
engine. The display type would not do: EEVEE draws a cloud of any, and a box around a person is in
the way. A hidden object would not be evaluated. The rig stays what clicks and boxes select.
"""

from collections.abc import Iterable

import bpy

from ..scene import properties
from ..scene.node_tree import NodeTree

NAME = "SplitAvatar Drawn as Splats"
_BOX, _POINTS = "BOUNDS", "TEXTURED"


def is_hidden(cloud: bpy.types.Object) -> bool:
    """Whether Blender draws no points of a cloud: no modifier makes others after ours."""
    if cloud.library is not None:
        return cloud.display_type == _BOX
    return bool(cloud.modifiers) and cloud.modifiers[-1].name == NAME


def hide_points(uids: Iterable[int]) -> None:
    """Takes away the points of the clouds with these session uids, whose splats are drawn.

    A linked object takes no node group of this file. It becomes a box, which helps in Solid.
    """
    wanted = set(uids)
    for cloud in _clouds():
        if cloud.session_uid not in wanted or is_hidden(cloud):
            continue
        if cloud.library is not None:
            cloud.display_type = _BOX
            continue
        modifier = cloud.modifiers.get(NAME) or cloud.modifiers.new(NAME, "NODES")
        modifier.node_group = _no_radius()
        modifier.show_render = False
        cloud.modifiers.move(cloud.modifiers.find(NAME), len(cloud.modifiers) - 1)


def hidden() -> list[int]:
    """The session uids of the clouds whose points were taken away."""
    found = [cloud for cloud in _clouds() if is_hidden(cloud) or NAME in cloud.modifiers]
    return [cloud.session_uid for cloud in found]


def show_points(uids: Iterable[int]) -> None:
    """Gives the clouds with these session uids back to Blender.

    Also those of an add-on that is switched off, which knows no rigs any more.
    """
    wanted = set(uids)
    for cloud in bpy.data.objects:
        if cloud.session_uid not in wanted:
            continue
        if cloud.library is not None:
            cloud.display_type = _POINTS
        elif NAME in cloud.modifiers:
            cloud.modifiers.remove(cloud.modifiers[NAME])
    group = bpy.data.node_groups.get(NAME)
    if group is not None and group.users == 0:
        bpy.data.node_groups.remove(group)


def _clouds() -> list[bpy.types.Object]:
    avatars = [found for found in bpy.data.objects if properties.is_rig(found)]
    clouds = [properties.of_rig(armature).cloud for armature in avatars]
    return [cloud for cloud in clouds if cloud is not None]


def _no_radius() -> bpy.types.NodeTree:
    found = bpy.data.node_groups.get(NAME)
    if found is not None:
        return found
    tree = NodeTree(NAME)
    points = tree.input("Geometry", "Geometry")
    return tree.output(tree.value("GeometryNodeSetPointRadius", (points, None, 0.0)))
