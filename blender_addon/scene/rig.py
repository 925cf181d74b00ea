"""The rig: an armature with named controls and the head mesh that previews it.

Five bones (root, neck, jaw, eye.L, eye.R) stand at FLAME's joints; 52 custom properties of the
armature object are the ARKit weights and drive the mesh's shape keys. What the backend gets is
read from the *evaluated* armature, so drivers, constraints and the NLA count.
"""

import bpy
import numpy as np
from mathutils import Quaternion, Vector

from .._shared import ARKIT_NAMES, AvatarError, Track, camera, flame
from . import controls, flame_pose

BONE_LENGTH_M = {"root": 0.05, "neck": 0.08, "jaw": 0.06, "eye.L": 0.04, "eye.R": 0.04}

BONE_COLORS = {"root": "THEME09", "neck": "THEME03", "jaw": "THEME01"}

TO_BLENDER = camera.HEAD_TO_BLENDER[:3, :3]
"""[3, 3] head space (Y up) to object space (Z up)."""


def to_blender(points: np.ndarray) -> np.ndarray:
    """[N, 3] head space -> [N, 3] object space, float32, contiguous."""
    return np.ascontiguousarray(np.asarray(points, np.float32) @ TO_BLENDER.T.astype(np.float32))


def create(
    collection: bpy.types.Collection, name: str, arrays: dict[str, np.ndarray]
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Adds the armature and the head mesh of one avatar.

    Args:
        collection: Where the objects go.
        name: Name of the armature object.
        arrays: `vertices` [V, 3] with the identity baked in, `faces` [F, 3],
            `expression_deltas` [52, V, 3], `joints` [5, 3], `skin_weights` [V, 5];
            head space, metres.

    Returns:
        The armature object and the mesh object, its child.
    """
    rig = _create_armature(collection, name, to_blender(arrays["joints"]))
    controls.add_controls(rig)
    head = _create_head(collection, f"{name} Head", arrays)
    head.parent = rig
    _skin(head, rig, np.asarray(arrays["skin_weights"], np.float32))
    _drive_shape_keys(head.data.shape_keys, rig)
    return rig, head


def _create_armature(
    collection: bpy.types.Collection, name: str, joints: np.ndarray
) -> bpy.types.Object:
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    rig = bpy.data.objects.new(name, armature)
    rig.show_in_front = True
    collection.objects.link(rig)
    with bpy.context.temp_override(active_object=rig, object=rig, selected_objects=[rig]):
        # Mode changes read the view layer's active object, not only the override.
        bpy.context.view_layer.update()
        bpy.context.view_layer.objects.active = rig
        bpy.ops.object.mode_set(mode="EDIT")
        for index, bone_name in enumerate(flame_pose.BONES):
            bone = armature.edit_bones.new(bone_name)
            bone.head = joints[index]
            # Upright bones have FLAME's own axes: local X, Y, Z are the head's x, y, z. So the
            # numbers in the sidebar are the numbers in a track, and jaw X opens.
            bone.tail = joints[index] + np.array([0, 0, BONE_LENGTH_M[bone_name]], np.float32)
            bone.roll = 0.0
            bone.use_deform = bone_name != "root"
            parent = flame_pose.PARENTS[bone_name]
            bone.parent = armature.edit_bones[parent] if parent else None
        bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_scale = (True, True, True)
        bone.lock_location = (bone.name not in ("root", "neck"),) * 3
        bone.color.palette = BONE_COLORS.get(bone.name, "THEME04")
    return rig


def _create_head(
    collection: bpy.types.Collection, name: str, arrays: dict[str, np.ndarray]
) -> bpy.types.Object:
    vertices = to_blender(arrays["vertices"])
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], np.asarray(arrays["faces"], np.int32))
    mesh.shade_smooth()
    head = bpy.data.objects.new(name, mesh)
    collection.objects.link(head)
    head.shape_key_add(name="Basis", from_mix=False)
    for key_name, delta in zip(ARKIT_NAMES, arrays["expression_deltas"], strict=True):
        key = head.shape_key_add(name=key_name, from_mix=False)
        key.slider_min, key.slider_max = controls.WEIGHT_MIN, controls.WEIGHT_MAX
        key.data.foreach_set("co", (vertices + to_blender(delta)).ravel())
    head.hide_render = True
    return head


def _skin(head: bpy.types.Object, rig: bpy.types.Object, weights: np.ndarray) -> None:
    """Jaw and eyes pull with their skin weights; all the rest follows the neck rigidly.

    FLAME's own neck weights would bend the mesh where the backend moves the head as one body.
    """
    moving = weights.copy()
    moving[:, 0] = 0.0
    moving[:, 1] = 1.0 - weights[:, 2:].sum(axis=1)
    for index, bone_name in enumerate(flame_pose.BONES[1:], start=1):
        group = head.vertex_groups.new(name=bone_name)
        column = moving[:, index]
        for value in np.unique(column[column > 0]):
            group.add(np.flatnonzero(column == value).tolist(), float(value), "REPLACE")
    modifier = head.modifiers.new("Rig", "ARMATURE")
    modifier.object = rig


def _drive_shape_keys(keys: bpy.types.Key, rig: bpy.types.Object) -> None:
    """Each shape key follows its control. A plain sum: no Python, so no auto-run question."""
    for name in ARKIT_NAMES:
        driver = keys.driver_add(f'key_blocks["{name}"].value').driver
        driver.type = "SUM"
        variable = driver.variables.new()
        variable.name = "weight"
        variable.type = "SINGLE_PROP"
        variable.targets[0].id = rig
        variable.targets[0].data_path = controls.data_path(name)


def joints(rig: bpy.types.Object) -> np.ndarray:
    """[5, 3] FLAME joints of the rig, head space, metres: where the resting bones stand."""
    bones = rig.data.bones
    heads = np.array([bones[name].head_local for name in flame_pose.BONES], np.float64)
    return heads @ TO_BLENDER  # (B^T x)^T: object space back to head space


def evaluate(context: bpy.types.Context, rig: bpy.types.Object) -> bpy.types.Depsgraph:
    """The dependency graph, evaluated with the rig as it is set now.

    Scripts that set `rig["jawOpen"]` tell nobody, so the rig is tagged first.
    """
    rig.update_tag(refresh={"OBJECT", "DATA"})
    return context.evaluated_depsgraph_get()


def read_frame(rig: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Track:
    """FLAME parameters of the rig as it is evaluated now: a track of one frame.

    Args:
        rig: The armature object (the original one).
        depsgraph: The evaluated dependency graph, at the frame wanted.

    Raises:
        AvatarError: `bad_request` when bones or controls are missing.
    """
    require_rig(rig)
    evaluated = rig.evaluated_get(depsgraph)
    expression = np.zeros((1, flame.EXPRESSION_SIZE), np.float32)
    for index, name in enumerate(ARKIT_NAMES):
        expression[0, index] = evaluated[name]
    expression = np.clip(expression, controls.WEIGHT_MIN, controls.WEIGHT_MAX)
    to_head = camera.HEAD_TO_BLENDER.T
    deform = {}
    for name in flame_pose.BONES:
        bone = evaluated.pose.bones[name]
        rest_inverse = np.linalg.inv(np.array(rig.data.bones[name].matrix_local, np.float64))
        posed = np.array(bone.matrix, np.float64)
        deform[name] = to_head @ posed @ rest_inverse @ camera.HEAD_TO_BLENDER
    parameters = flame_pose.parameters(deform, joints(rig))
    return Track.neutral(
        1, expression=expression, **{k: v[None].astype(np.float32) for k, v in parameters.items()}
    )


def require_rig(rig: bpy.types.Object) -> None:
    """Raises `bad_request` unless the object has the rig's bones and controls."""
    if rig is None or rig.type != "ARMATURE":
        raise AvatarError(
            "bad_request",
            "No avatar rig is selected.",
            "Select the armature of an avatar, or make one with Create Avatar.",
        )
    missing = [n for n in flame_pose.BONES if n not in rig.data.bones]
    missing += [n for n in ARKIT_NAMES if n not in rig]
    if missing:
        raise AvatarError(
            "bad_request",
            f"The rig {rig.name!r} lacks {', '.join(missing[:5])}"
            + (f" and {len(missing) - 5} more." if len(missing) > 5 else "."),
            "Restore the names of its bones and controls, or create the avatar again.",
        )


def neutral_frame() -> Track:
    """Everything at rest, T = 1."""
    return Track.neutral(1)


def pose_axes(rig: bpy.types.Object, bone_name: str) -> np.ndarray:
    """[3, 3] head space -> the bone's own axes: carries axis-angles and root translations."""
    rest = np.array(rig.data.bones[bone_name].matrix_local, np.float64)[:3, :3]
    return rest.T @ TO_BLENDER


def apply_frame(rig: bpy.types.Object, frame: Track) -> None:
    """Sets controls and bones to one frame's parameters (no keyframes).

    Args:
        rig: The armature object.
        frame: Track with T = 1.
    """
    require_rig(rig)
    for index, name in enumerate(ARKIT_NAMES):
        rig[name] = float(frame.expression[0, index])
    for bone_name, parameter in flame_pose.ROTATIONS.items():
        bone = rig.pose.bones[bone_name]
        vector = pose_axes(rig, bone_name) @ getattr(frame, parameter)[0]
        _set_rotation(bone, Quaternion(flame_pose.axis_angle_quaternions(vector[None])[0]))
        bone.location = (0, 0, 0)
    rig.pose.bones["root"].location = Vector(pose_axes(rig, "root") @ frame.transl[0])
    rig.update_tag(refresh={"OBJECT", "DATA"})


def _set_rotation(bone: bpy.types.PoseBone, rotation: Quaternion) -> None:
    """Sets the rotation in whatever mode the animator chose for the bone."""
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = rotation
    elif bone.rotation_mode == "AXIS_ANGLE":
        axis, angle = rotation.to_axis_angle()
        bone.rotation_axis_angle = (angle, *axis)
    else:
        bone.rotation_euler = rotation.to_euler(bone.rotation_mode, bone.rotation_euler)
