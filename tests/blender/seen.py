"""What tests look at: where a cloud's points are, and where the backend says they should be."""

import bpy
import numpy as np

from blender_addon.scene import clouds, rig
from blender_addon.work import session
from shared import messages
from shared.flame import Track


def evaluated_points(cloud: bpy.types.Object) -> bpy.types.PointCloud:
    """What modifiers make of a cloud; Blender 4.2 tells it of a mesh's instances alone."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    data = cloud.evaluated_get(depsgraph).data
    if isinstance(data, bpy.types.PointCloud):
        return data
    return next(
        found.object.data
        for found in depsgraph.object_instances
        if found.object.type == "POINTCLOUD" and found.object.original == cloud
    )


def positions(armature: bpy.types.Object) -> np.ndarray:
    """[N, 3] object space, where the rig's splats are now."""
    data = evaluated_points(armature.splitavatar.cloud)
    values = np.empty(len(data.points) * 3, np.float32)
    data.attributes["position"].data.foreach_get("vector", values)
    return values.reshape(-1, 3)


def direct(armature: bpy.types.Object, frame: Track) -> np.ndarray:
    """[N, 3] object space: what the backend answers to these very parameters."""
    here = session.get()
    avatar = here.loaded(armature)
    reply = here.client.call(messages.DriveAvatar(avatar=avatar.avatar, frame=frame), 20)
    return rig.to_blender(clouds.union(avatar, reply).means)


def keyed(armature: bpy.types.Object) -> None:
    """A motion in which no two frames are alike."""
    for frame in range(1, 13):
        armature["jawOpen"] = ((frame * 5) % 12) / 12
        armature.keyframe_insert('["jawOpen"]', frame=frame)
        bone = armature.pose.bones["root"]
        bone.location = (0.001 * frame, 0, 0.002 * ((frame * 7) % 12))
        bone.keyframe_insert("location", frame=frame)
