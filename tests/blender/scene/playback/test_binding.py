"""Splats bound to the head mesh are where and of what colour `shared.binding` says."""

import colorsys
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import points, properties, rig, splats
from blender_addon.scene.node_tree import set_input
from blender_addon.scene.playback import binding, group
from shared.binding import KEPT_ABOVE
from shared.camera import HEAD_TO_BLENDER
from tests.blender.fake_binding import binding_arrays
from tests.blender.posed_head import flame_vertices, head_pose, random_frame, unturned
from tests.blender.seen import evaluated_points
from tests.fakes.bound_splats import Arrays, Bound

ROOT = Path(__file__).resolve().parents[4]
FIELDS = {"FLOAT_COLOR": "color", "FLOAT_VECTOR": "vector", "QUATERNION": "value"}


def seen(cloud: bpy.types.Object, name: str) -> np.ndarray:
    """An attribute of the evaluated points."""
    data = evaluated_points(cloud)
    attribute = data.attributes[name]
    width = {"FLOAT_COLOR": 4, "QUATERNION": 4, "FLOAT_VECTOR": 3}[attribute.data_type]
    values = np.empty(len(attribute.data) * width, np.float32)
    attribute.data.foreach_get(FIELDS[attribute.data_type], values)
    return values.reshape(-1, width)


@pytest.fixture
def arrays(rig_data: Arrays) -> Arrays:
    return binding_arrays(rig_data)


@pytest.fixture
def bound(avatar_rig: bpy.types.Object, arrays: Arrays) -> bpy.types.Object:
    """The avatar's armature; its head moves its cloud."""
    settings = properties.of_rig(avatar_rig)
    binding.bind(settings.cloud, settings.head, arrays)
    return avatar_rig


@pytest.mark.parametrize("display", ["SPLATS", "BOTH"])
@pytest.mark.parametrize("seed", range(3))
def test_places_and_colours_are_those_of_the_frame(
    bound: bpy.types.Object, arrays: Arrays, rig_data: Arrays, seed: int, display: str
) -> None:
    bound.splitavatar.display = display  # SPLATS hides the mesh, which moves them all the same
    frame = random_frame(seed)
    rig.apply_frame(bound, frame)
    expected = Bound(arrays, rig_data["faces"], rig_data["vertices"].astype(np.float64))
    vertices = flame_vertices(rig_data, unturned(frame))
    means = expected.means(vertices, head_pose(rig_data["joints"], frame))
    cloud = bound.splitavatar.cloud
    found = seen(cloud, "position") @ HEAD_TO_BLENDER[:3, :3]
    np.testing.assert_allclose(found, means, atol=2e-5)
    base = seen(cloud, "radiance:base")
    kept = (arrays["masks"] > KEPT_ABOVE) & (arrays["opacities"] > 0)
    colours = base[:, :3] * 0.28209479177387814 + 0.5
    np.testing.assert_allclose(colours[kept], expected.colours(vertices)[kept], atol=1.5 / 255)
    np.testing.assert_allclose(base[kept, 3], arrays["opacities"][kept], atol=1e-6)
    np.testing.assert_allclose(base[~kept, 3], splats.MASKED_OPACITY, atol=1e-9)
    scales = arrays["scales"] * expected.growth(vertices)[:, None]
    np.testing.assert_allclose(seen(cloud, "scale")[kept], scales[kept], rtol=1e-4)


def test_splats_turn_with_the_head(bound: bpy.types.Object, arrays: Arrays) -> None:
    cloud = bound.splitavatar.cloud
    rig.apply_frame(bound, rig.neutral_frame())
    before = seen(cloud, "rotation")
    neck = bound.pose.bones["neck"]
    neck.rotation_mode = "XYZ"
    neck.rotation_euler = (0.0, 0.5, 0.0)  # about the head's y, which is the object's z
    bound.update_tag()
    after = seen(cloud, "rotation")
    follows = arrays["shares"] == 1
    turn = np.array([np.cos(0.25), 0, 0, np.sin(0.25)])
    w, x, y, z = before[follows].T
    expected = np.stack(
        [
            turn[0] * w - turn[3] * z,
            turn[0] * x - turn[3] * y,
            turn[0] * y + turn[3] * x,
            turn[0] * z + turn[3] * w,
        ],
        axis=1,
    )
    same = np.abs((after[follows] * expected).sum(1))
    np.testing.assert_allclose(same, 1, atol=1e-5)


def test_layers_and_masks_are_switched_without_the_backend(
    bound: bpy.types.Object, arrays: Arrays
) -> None:
    cloud = bound.splitavatar.cloud
    modifier = cloud.modifiers[binding.MODIFIER]
    set_input(modifier, group.LAYERS[3], False)
    set_input(modifier, group.THRESHOLD, 0.8)
    cloud.update_tag()
    shown = seen(cloud, "radiance:base")[:, 3] > splats.MASKED_OPACITY * 1.01
    expected = (arrays["masks"] > 0.8) & (arrays["layers"] != 3) & (arrays["opacities"] > 0)
    np.testing.assert_array_equal(shown, expected)


def test_colours_tell_layers_and_masks_apart(bound: bpy.types.Object, arrays: Arrays) -> None:
    cloud = bound.splitavatar.cloud
    modifier = cloud.modifiers[binding.MODIFIER]
    for name, values in ((group.BY_LAYER, arrays["layers"]), (group.BY_MASK, arrays["masks"])):
        set_input(modifier, name, True)
        cloud.update_tag()
        colours = seen(cloud, "radiance:base")[:, :3] * 0.28209479177387814 + 0.5
        share = values / 6 if name == group.BY_LAYER else (1 - values) * 2 / 3
        expected = [colorsys.hsv_to_rgb(hue, 0.9, 0.9) for hue in share.tolist()]
        np.testing.assert_allclose(colours, expected, atol=1e-4)


def test_a_copy_of_all_parts_moves_by_itself(bound: bpy.types.Object) -> None:
    for part in (bound, *bound.children):
        part.hide_viewport = False
        part.select_set(True)
    bpy.ops.object.duplicate()
    copy = bpy.context.active_object
    assert copy is not None
    cloud = next(child for child in copy.children if binding.is_bound(child))
    before = seen(bound.splitavatar.cloud, "position")
    np.testing.assert_allclose(seen(cloud, "position"), before, atol=1e-6)
    copy["jawOpen"] = 1.0
    copy.update_tag()
    assert np.abs(seen(cloud, "position") - before).max() > 1e-3
    np.testing.assert_array_equal(seen(bound.splitavatar.cloud, "position"), before)


SCRIPT = """
import os, sys
import bpy, numpy as np
sys.path.insert(0, {root!r})
bpy.ops.wm.open_mainfile(filepath={blend!r})
if {library!r}:
    with bpy.data.libraries.load({library!r}, link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    ada = bpy.data.collections["Ada"]
    bpy.context.scene.collection.children.link(ada)
    ada.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
cloud = next(o for o in bpy.context.scene.objects if "Playback" in o.modifiers)
found = []
for frame in (1, 5, 9):
    bpy.context.scene.frame_set(frame)
    data = cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    values = np.empty(len(data.attributes["position"].data) * 3, np.float32)
    data.attributes["position"].data.foreach_get("vector", values)
    found.append(values.reshape(-1, 3))
np.save({out!r}, found)
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("linked", [False, True], ids=["opened", "linked and overridden"])
def test_a_saved_file_moves_in_a_process_without_the_add_on(
    bound: bpy.types.Object, tmp_path: Path, linked: bool
) -> None:
    for frame, value in ((1, 0.0), (9, 1.0)):
        bound["jawOpen"] = value
        bound.keyframe_insert('["jawOpen"]', frame=frame)
    shown = []
    for frame in (1, 5, 9):
        bpy.context.scene.frame_set(frame)
        shown.append(seen(bound.splitavatar.cloud, "position"))
    assert np.abs(shown[0] - shown[1]).max() > 5e-4
    assert np.abs(shown[1] - shown[2]).max() > 5e-4
    blend, out = tmp_path / "saved.blend", tmp_path / "found.npy"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    opened = blend
    if linked:
        opened = tmp_path / "other.blend"
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(opened))
    script = SCRIPT.format(
        root=str(ROOT), blend=str(opened), library=str(blend) if linked else "", out=str(out)
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    np.testing.assert_allclose(np.load(out), shown, atol=1e-6)


def test_it_is_bound_again_to_another_avatar_and_let_go(
    bound: bpy.types.Object, rig_data: Arrays
) -> None:
    settings = properties.of_rig(bound)
    other = binding_arrays(rig_data, seed=5)
    binding.bind(settings.cloud, settings.head, other)
    kept = other["masks"] > KEPT_ABOVE
    np.testing.assert_allclose(
        seen(settings.cloud, "radiance:base")[kept, 3],
        other["opacities"][kept].clip(splats.MASKED_OPACITY),
        atol=1e-6,
    )
    assert [m.name for m in settings.cloud.modifiers].count(binding.MODIFIER) == 1
    assert points.BOUNDS not in settings.cloud.modifiers
    assert len(bpy.data.pointclouds) == 1
    binding.unbind(settings.cloud)
    assert not binding.is_bound(settings.cloud)
    assert points.count(settings.cloud) == len(other["vertices"])
