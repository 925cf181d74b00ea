"""Point clouds carry the attributes of Blender's native Gaussian splats."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from blender_addon.scene import points, splat_material, splats
from shared.camera import HEAD_TO_BLENDER


def _splats(count: int = 50) -> splats.Splats:
    rng = np.random.default_rng(2)
    opacities = rng.uniform(0.1, 1, count).astype(np.float16)
    opacities[::5] = 0
    return splats.Splats(
        means=rng.normal(size=(count, 3)).astype(np.float32),
        quats=rng.normal(size=(count, 4)).astype(np.float16),
        scales=rng.uniform(1e-4, 1e-2, (count, 3)).astype(np.float16),
        opacities=opacities,
        rgb=rng.integers(0, 256, (count, 3), dtype=np.uint8),
        layers=rng.integers(0, 6, count).astype(np.uint8),
    )


@pytest.fixture
def cloud() -> bpy.types.Object:
    parent = bpy.data.objects.new("Parent", None)
    collection = bpy.context.scene.collection
    collection.objects.link(parent)
    return splats.create(collection, "Cloud", 50, parent)


def _read(cloud: bpy.types.Object, name: str, field: str, width: int) -> np.ndarray:
    values = np.empty(points.count(cloud) * width, np.float32)
    cloud.data.attributes[name].data.foreach_get(field, values)
    return values.reshape(-1, width)


def test_attributes_have_the_native_names_and_types(cloud: bpy.types.Object) -> None:
    found = {a.name: (a.data_type, a.domain) for a in cloud.data.attributes}
    assert found["position"] == ("FLOAT_VECTOR", "POINT")
    assert found["rotation"] == ("QUATERNION", "POINT")
    assert found["scale"] == ("FLOAT_VECTOR", "POINT")
    native = "FLOAT4" if bpy.app.version >= (5, 2, 0) else "FLOAT_COLOR"
    assert found["radiance:base"] == (native, "POINT")


def test_each_gaussian_is_an_ellipsoid_turned_into_blenders_axes(cloud: bpy.types.Object) -> None:
    given = _splats()
    splats.write(cloud, given)
    rotations = _read(cloud, "rotation", "value", 4)
    positions = _read(cloud, "position", "vector", 3)
    axes = Matrix(HEAD_TO_BLENDER.tolist())
    for index in range(len(given)):
        quat = Quaternion(given.quats[index].astype(float)).normalized()
        wanted = axes.to_3x3() @ quat.to_matrix()
        found = Quaternion(rotations[index]).to_matrix()
        np.testing.assert_allclose(np.array(found), np.array(wanted), atol=2e-6)
        np.testing.assert_allclose(positions[index], axes @ Vector(given.means[index]), atol=1e-6)


def test_colours_are_harmonics(cloud: bpy.types.Object) -> None:
    given = _splats()
    splats.write(cloud, given)
    field = "vector" if bpy.app.version >= (5, 2, 0) else "color"
    base = _read(cloud, "radiance:base", field, 4)
    kept = np.asarray(given.opacities) > 0
    np.testing.assert_allclose(base[:, :3] * 0.28209479177387814 + 0.5, given.rgb / 255, atol=1e-5)
    np.testing.assert_allclose(base[kept, 3], given.opacities[kept], atol=1e-6)


def test_a_masked_gaussian_keeps_its_place_and_nearly_vanishes(cloud: bpy.types.Object) -> None:
    given = _splats()
    splats.write(cloud, given)
    masked = np.asarray(given.opacities) == 0
    assert masked.any()
    assert points.count(cloud) == len(given)
    smallest = given.scales[~masked].min()
    assert (_read(cloud, "scale", "vector", 3)[masked] == smallest).all()
    assert (_read(cloud, "radius", "value", 1)[masked] < 1e-6).all()
    field = "vector" if bpy.app.version >= (5, 2, 0) else "color"
    np.testing.assert_allclose(_read(cloud, "radiance:base", field, 4)[masked, 3], 1e-3)


def _write_and_see_the_box(cloud: bpy.types.Object, given: splats.Splats) -> None:
    """Writes points; the box must hold every one."""
    splats.write(cloud, given)
    bpy.context.view_layer.update()
    corners = np.array(cloud.bound_box) @ HEAD_TO_BLENDER[:3, :3]
    assert (corners.max(0) >= given.means.max(0) - 1e-5).all()
    assert (corners.min(0) <= given.means.min(0) + 1e-5).all()


def test_the_bounds_hold_every_point_so_that_no_view_loses_the_head(
    cloud: bpy.types.Object,
) -> None:
    given = _splats()
    for shift in (-0.2, 0.2):
        given.means[:] = given.means / np.abs(given.means).max() * 0.15 + shift
        _write_and_see_the_box(cloud, given)


def _moved_out(cloud: bpy.types.Object) -> None:
    """Writes points far from where they were; the box must be theirs."""
    for shift in (0.3, -0.3):
        given = _splats()
        given.means[:] += shift
        _write_and_see_the_box(cloud, given)


def test_the_bounds_follow_what_is_written_after_an_undo(cloud: bpy.types.Object) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    splats.write(cloud, _splats())
    for message in ("before", "after"):
        bpy.ops.ed.undo_push(message=message)
    bpy.ops.ed.undo()
    _moved_out(bpy.data.objects["Cloud"])
    bpy.ops.ed.redo()
    _moved_out(bpy.data.objects["Cloud"])


def test_the_bounds_follow_what_is_written_in_a_file_that_was_read(
    cloud: bpy.types.Object, tmp_path: Path
) -> None:
    splats.write(cloud, _splats())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "read.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "read.blend"))
    _moved_out(bpy.data.objects["Cloud"])


def test_a_cloud_of_an_earlier_version_gets_bounds_that_follow(cloud: bpy.types.Object) -> None:
    if cloud.type != "MESH":
        cloud.modifiers.clear()
    bpy.context.view_layer.update()
    assert len(cloud.bound_box) == 8  # Blender 4.5 has measured the box now
    splats.resize(cloud, 50)
    _moved_out(cloud)


def test_another_number_of_gaussians_is_an_error_until_the_cloud_is_resized(
    cloud: bpy.types.Object,
) -> None:
    with pytest.raises(ValueError, match="60 Gaussians for a cloud of 50 points"):
        splats.write(cloud, _splats(60))
    splats.resize(cloud, 60)
    splats.write(cloud, _splats(60))
    assert cloud.data.materials[0].name == splat_material.NAME


def test_making_a_cloud_keeps_the_users_selection() -> None:
    collection = bpy.context.scene.collection
    chosen = bpy.data.objects.new("Chosen", None)
    collection.objects.link(chosen)
    bpy.context.view_layer.update()
    chosen.select_set(True)
    bpy.context.view_layer.objects.active = chosen
    made = splats.create(collection, "Cloud", 10, chosen)
    assert bpy.context.view_layer.objects.active == chosen
    assert [o.name for o in bpy.context.selected_objects] == ["Chosen"]
    assert [mesh for mesh in bpy.data.meshes if mesh != made.data] == []


def test_all_clouds_share_one_material(cloud: bpy.types.Object) -> None:
    other = splats.create(bpy.context.scene.collection, "Other", 5, cloud)
    assert other.data.materials[0] == cloud.data.materials[0]
