"""What the backend answers for a frame, shown in the rig's point cloud."""

from typing import Any

import bpy
import numpy as np

from . import copies, properties, splats


def writable(armature: bpy.types.Object) -> bool:
    """Whether the rig has a cloud of its own that may be written (linked data may not)."""
    cloud = properties.of_rig(armature).cloud
    return cloud is not None and cloud.data is not None and cloud.data.library is None


def union(avatar: Any, reply: Any) -> splats.Splats:
    """All Gaussians of a frame: identity, then G0..GL.

    Args:
        avatar: The `AvatarReply` with the identity Gaussians.
        reply: The `DriveReply` of the frame.
    """
    identity, expression = avatar.identity, reply.expression
    means = identity.means if reply.identity_means is None else reply.identity_means
    quats = identity.quats if reply.identity_quats is None else reply.identity_quats
    parts = {
        name: np.concatenate([getattr(identity, name), getattr(expression, name)])
        for name in ("scales", "rgb", "layers")
    }
    return splats.Splats(
        means=np.concatenate([means, expression.means]),
        quats=np.concatenate([quats, expression.quats]),
        opacities=np.concatenate(
            [identity.opacities * identity.mask, expression.opacities * expression.mask]
        ),
        **parts,
    )


def show(armature: bpy.types.Object, avatar: Any, reply: Any) -> None:
    """Writes a frame's Gaussians into the rig's cloud."""
    copies.own_parts(armature)
    cloud = properties.of_rig(armature).cloud
    if cloud.data.users > 1:
        cloud.data = cloud.data.copy()  # a duplicated rig gets points of its own
    frame = union(avatar, reply)
    splats.resize(cloud, len(frame))
    splats.write(cloud, frame)
