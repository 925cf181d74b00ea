"""What tests look at: where a cloud's points are, and where the backend says they should be."""

import bpy
import numpy as np

from blender_addon.scene import clouds, points, rig
from blender_addon.work import session
from shared import messages
from shared.flame import Track


def positions(armature: bpy.types.Object) -> np.ndarray:
    """[N, 3] object space, where the rig's splats are now."""
    cloud = armature.splitavatar.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    values = np.empty(points.count(cloud) * 3, np.float32)
    cloud.data.attributes["position"].data.foreach_get("vector", values)
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
