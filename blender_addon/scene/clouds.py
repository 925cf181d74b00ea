"""The rig's point cloud: moved by its head mesh where it can be, else as the backend answers."""

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from . import copies, node_tree, properties, splats
from .playback import binding, group


def writable(armature: bpy.types.Object) -> bool:
    """Whether the rig has a cloud of its own that may be written (linked data may not)."""
    cloud = properties.of_rig(armature).cloud
    return cloud is not None and cloud.data is not None and cloud.data.library is None


def is_bound(armature: bpy.types.Object) -> bool:
    """Whether the head mesh moves the rig's cloud, with no backend; not where it was deleted."""
    settings = properties.of_rig(armature)
    if settings.cloud is None or settings.head is None:
        return False
    return binding.is_bound(settings.cloud)


def playback(armature: bpy.types.Object) -> bpy.types.NodesModifier:
    """The modifier by which the head moves the cloud, see `is_bound`."""
    return properties.of_rig(armature).cloud.modifiers[binding.MODIFIER]


def is_inspected(armature: bpy.types.Object) -> bool:
    """Whether its layers and masks are looked at: its splats are not those of a picture then."""
    if not is_bound(armature):
        return False
    modifier = playback(armature)
    return any(
        abs(node_tree.get_input(modifier, name) - value) > 1e-6
        for name, value in group.AS_RENDERED.items()
    )


def layer_counts(armature: bpy.types.Object) -> tuple[int, ...]:
    """Gaussians of each of `playback.group.LAYERS`, masked ones included."""
    return tuple(properties.of_rig(armature).layer_counts)


def bind(armature: bpy.types.Object, avatar: Any) -> bool:
    """Lets the head mesh move the cloud where the avatar's network allows it; whether it does.

    Args:
        armature: With a cloud and a head of its own, see `writable`.
        avatar: The `AvatarReply`.
    """
    own_copies([armature])
    settings = properties.of_rig(armature)
    if avatar.binding is None or settings.head is None or settings.head.data.library is not None:
        binding.unbind(settings.cloud)
        return False
    if settings.bound_to != avatar.avatar or not is_bound(armature):
        if settings.head.data.users > 1:
            settings.head.data = settings.head.data.copy()
        binding.bind(settings.cloud, settings.head, avatar.binding)
        settings.bound_to = avatar.avatar
        counts = np.bincount(avatar.binding["layers"], minlength=len(group.LAYERS))
        settings.layer_counts = counts.tolist()
    return True


def own_copies(armatures: Iterable[bpy.types.Object]) -> bool:
    """Gives duplicated rigs parts of their own, which move by themselves; whether there were any.

    Args:
        armatures: Any rigs.
    """
    copied = [armature for armature in armatures if copies.anothers_parts(armature)]
    for armature in copied:
        copies.own_parts(armature)
        settings = properties.of_rig(armature)
        if is_bound(armature):
            binding.follow(settings.cloud, settings.head)
    return bool(copied)


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
    own_copies([armature])
    cloud = properties.of_rig(armature).cloud
    binding.unbind(cloud)
    if cloud.data.users > 1:
        cloud.data = cloud.data.copy()  # a duplicated rig gets points of its own
    frame = union(avatar, reply)
    splats.resize(cloud, len(frame))
    splats.write(cloud, frame)
