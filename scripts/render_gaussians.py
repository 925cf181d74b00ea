"""Renders Gaussians as ellipsoids, inside Blender: the pictures of Fig. 6.

    .venv/blender-4.5/bin/python scripts/render_gaussians.py JOB.json

`backend figures 6` writes the job: {"size_px", "samples", "centre", "height_m", "shots":
[{"cloud": NPZ, "out": PNG, "yaw_deg"}]}. A cloud has means [N, 3] and scales [N, 3] in metres,
quats [N, 4] wxyz, all in head space (Y up), and colors [N, 3] display sRGB 0..1.
"""

from __future__ import annotations

import json
import math
import os
import sys
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bpy
import numpy as np

from shared.camera import HEAD_TO_BLENDER

CAMERA_DISTANCE_M = 2.0
HEAD_TO_BLENDER_QUAT = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
"""The same turn, a quarter about X, wxyz."""


def main(job_path: Path) -> None:
    """Renders every shot of a job."""
    job = json.loads(job_path.read_text(encoding="utf-8"))
    clouds: dict[str, bpy.types.Object] = {}
    scene = empty_scene(job["size_px"], job["samples"])
    camera = add_camera(scene, job["height_m"])
    for shot in job["shots"]:
        if shot["cloud"] not in clouds:
            clouds[shot["cloud"]] = add_cloud(scene, Path(shot["cloud"]))
        for path, cloud in clouds.items():
            cloud.hide_render = path != shot["cloud"]
        aim(camera, job["centre"], math.radians(shot["yaw_deg"]))
        scene.render.filepath = shot["out"]
        bpy.ops.render.render(write_still=True)
        print(shot["out"], flush=True)


def empty_scene(size_px: int, samples: int) -> bpy.types.Scene:
    """A white scene with soft light, drawn by Cycles on the CPU."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 1
    scene.render.resolution_x = scene.render.resolution_y = size_px
    scene.render.dither_intensity = 0.0
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.view_settings.view_transform = "Standard"
    world = bpy.data.worlds.new("White")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    scene.world = world
    return scene


def add_camera(scene: bpy.types.Scene, height_m: float) -> bpy.types.Object:
    """An orthographic camera."""
    data = bpy.data.cameras.new("Camera")
    data.type, data.ortho_scale = "ORTHO", height_m
    camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def aim(camera: bpy.types.Object, centre: list[float], yaw_rad: float) -> None:
    """Looks at a point in head space from the front, turned about the vertical axis."""
    x, y, z = HEAD_TO_BLENDER[:3, :3] @ np.array(centre)
    camera.rotation_euler = (math.pi / 2, 0, yaw_rad)
    camera.location = (
        x + CAMERA_DISTANCE_M * math.sin(yaw_rad), y - CAMERA_DISTANCE_M * math.cos(yaw_rad), z
    )  # fmt: skip


def add_cloud(scene: bpy.types.Scene, path: Path) -> bpy.types.Object:
    """Loose vertices that geometry nodes turn into ellipsoids."""
    with np.load(path, allow_pickle=False) as arrays:
        means = arrays["means"] @ HEAD_TO_BLENDER[:3, :3].T
        quats = turned(arrays["quats"])
        scales, colors = arrays["scales"], arrays["colors"]
    mesh = bpy.data.meshes.new(path.stem)
    mesh.vertices.add(len(means))
    mesh.vertices.foreach_set("co", means.astype(np.float32).ravel())
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    rgba = np.concatenate([linear, np.ones((len(linear), 1))], axis=1)
    for name, kind, field, values in (
        ("turn", "QUATERNION", "value", quats),
        ("size", "FLOAT_VECTOR", "vector", scales),
        ("tint", "FLOAT_COLOR", "color", rgba),
    ):
        attribute = mesh.attributes.new(name, kind, "POINT")
        attribute.data.foreach_set(field, np.asarray(values, np.float32).ravel())
    cloud = bpy.data.objects.new(path.stem, mesh)
    scene.collection.objects.link(cloud)
    modifier = cloud.modifiers.new("Ellipsoids", "NODES")
    modifier.node_group = ellipsoids()
    return cloud


def turned(quats: np.ndarray) -> np.ndarray:
    """Head-space rotations [N, 4] wxyz in Blender's axes."""
    w, x, y, z = quats.T
    a, b, _, _ = HEAD_TO_BLENDER_QUAT
    return np.stack([a * w - b * x, a * x + b * w, a * y - b * z, a * z + b * y], axis=1)


def ellipsoids() -> Any:
    """A node group: one icosphere per vertex, turned and scaled by its attributes."""
    tree = bpy.data.node_groups.new("Ellipsoids", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes, links = tree.nodes, tree.links
    given, result = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    sphere = nodes.new("GeometryNodeMeshIcoSphere")
    sphere.inputs["Radius"].default_value = 1.0
    sphere.inputs["Subdivisions"].default_value = 2
    painted = nodes.new("GeometryNodeSetMaterial")
    painted.inputs["Material"].default_value = tinted()
    smooth = nodes.new("GeometryNodeSetShadeSmooth")
    instances = nodes.new("GeometryNodeInstanceOnPoints")
    turn, size = (nodes.new("GeometryNodeInputNamedAttribute") for _ in range(2))
    turn.data_type, size.data_type = "QUATERNION", "FLOAT_VECTOR"
    turn.inputs["Name"].default_value, size.inputs["Name"].default_value = "turn", "size"
    links.new(sphere.outputs["Mesh"], smooth.inputs["Geometry"])
    links.new(smooth.outputs["Geometry"], painted.inputs["Geometry"])
    links.new(painted.outputs["Geometry"], instances.inputs["Instance"])
    links.new(given.outputs["Geometry"], instances.inputs["Points"])
    links.new(turn.outputs["Attribute"], instances.inputs["Rotation"])
    links.new(size.outputs["Attribute"], instances.inputs["Scale"])
    links.new(instances.outputs["Instances"], result.inputs["Geometry"])
    return tree


def tinted() -> bpy.types.Material:
    """The instance's own colour, a little darker where the ellipsoid turns away."""
    material = bpy.data.materials.new("Tint")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    tint = nodes.new("ShaderNodeAttribute")
    tint.attribute_type, tint.attribute_name = "INSTANCER", "tint"
    facing = nodes.new("ShaderNodeLayerWeight")
    facing.inputs["Blend"].default_value = 0.3
    ramp = nodes.new("ShaderNodeMapRange")
    ramp.inputs["To Min"].default_value, ramp.inputs["To Max"].default_value = 1.0, 0.45
    light, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    links.new(facing.outputs["Facing"], ramp.inputs["Value"])
    links.new(tint.outputs["Color"], light.inputs["Color"])
    links.new(ramp.outputs["Result"], light.inputs["Strength"])
    links.new(light.outputs["Emission"], out.inputs["Surface"])
    return material


if __name__ == "__main__":
    code = 1
    try:
        main(Path(sys.argv[1]))
        code = 0
    except Exception:  # noqa: BLE001 - told in full, then the process ends
        traceback.print_exc()
    finally:  # Blender 4.5 as a module hangs in the interpreter's own exit
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
