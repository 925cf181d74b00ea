"""Animation curves on every Blender from 4.2 on.

Actions have slots, layers and channelbags from 4.4 on, and nothing else from 5.0 on.
"""

from collections.abc import Mapping

import bpy
import numpy as np

CONSTANT, LINEAR, BEZIER = 0, 1, 2
"""Values of `Keyframe.interpolation` in foreach_set."""


def new_action(owner: bpy.types.ID, name: str) -> bpy.types.Action:
    """An empty action that `owner` plays; the one before stays in the file.

    Tweaking a strip of the NLA ends: meanwhile Blender lets nobody change the action.
    """
    data = owner.animation_data or owner.animation_data_create()
    data.use_tweak_mode = False
    if data.action is not None:
        data.action.use_fake_user = True
    action = bpy.data.actions.new(name)
    data.action = action
    if hasattr(action, "slots"):
        data.action_slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    return action


def curves(owner: bpy.types.ID) -> bpy.types.bpy_prop_collection:
    """The collection of animation curves of the action that `owner` plays."""
    data = owner.animation_data
    action = data.action
    if not hasattr(action, "slots"):
        return action.fcurves
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(data.action_slot, ensure=True).fcurves


def write_curve(
    owner: bpy.types.ID,
    data_path: str,
    index: int,
    frames: np.ndarray,
    values: np.ndarray,
    interpolation: int = LINEAR,
) -> None:
    """Adds one curve with all its keys at once.

    Args:
        owner: The ID that plays the action (see `new_action`).
        data_path: What the curve animates, e.g. `["jawOpen"]`.
        index: Element of an array property.
        frames: [T] frame numbers, ascending.
        values: [T] values.
        interpolation: `CONSTANT`, `LINEAR` or `BEZIER`, to the next key.
    """
    curve = curves(owner).new(data_path, index=index)
    points = curve.keyframe_points
    points.add(len(frames))
    points.foreach_set("co", np.stack([frames, values], axis=1).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(frames), interpolation, np.int32))
    curve.update()


def curve_values(owner: bpy.types.ID) -> Mapping[tuple[str, int], int]:
    """Number of keys by (data path, index) of the action that `owner` plays."""
    return {(c.data_path, c.array_index): len(c.keyframe_points) for c in curves(owner)}
