"""Cameras as the backend wants them, from Blender's; and the portrait's fitted one in Blender."""

import json

import bpy
import numpy as np
from mathutils import Matrix

from .._shared import AvatarError, Camera, camera
from . import properties

PORTRAIT_SENSOR_MM = 36.0


def to_text(view: Camera) -> str:
    """A camera as text, for the rig's settings."""
    return json.dumps(
        {
            "viewmat": view.viewmat.tolist(),
            "K": view.K.tolist(),
            "width": int(view.width),
            "height": int(view.height),
        }
    )


def portrait_camera(rig: bpy.types.Object) -> Camera:
    """The camera that the portrait was taken with, as fitted."""
    text = properties.of_rig(rig).camera
    if not text:
        raise AvatarError(
            "bad_request",
            f"{rig.name!r} has no portrait camera.",
            "Add a camera to the scene, or open the avatar file again.",
        )
    return Camera(**json.loads(text))


def portrait_pixels(rig: bpy.types.Object) -> float:
    """Pixels of a metre of the head in its portrait; 0 where its camera is not known."""
    if not properties.of_rig(rig).camera:
        return 0.0
    fitted = portrait_camera(rig)
    return float(fitted.K[1, 1] / fitted.viewmat[2, 3])


def scene_camera(
    scene: bpy.types.Scene, rig: bpy.types.Object, depsgraph: bpy.types.Depsgraph
) -> Camera:
    """The scene's camera as it is evaluated now; without one, the portrait's fitted camera.

    Args and errors as `through`.
    """
    return through(scene.camera, scene, rig, depsgraph)


def through(
    placed: bpy.types.Object | None,
    scene: bpy.types.Scene,
    rig: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph,
) -> Camera:
    """A camera as it is evaluated now.

    Args:
        placed: Its object; None: the portrait's fitted camera.
        scene: Gives the picture's size (resolution times percentage).
        rig: The avatar that is looked at.
        depsgraph: Evaluated at the frame wanted.

    Raises:
        AvatarError: `bad_request` for a camera or a rig that cannot be rendered.
    """
    if placed is None:
        return portrait_camera(rig)
    seen = placed.evaluated_get(depsgraph)
    data = seen.data
    if data.type != "PERSP":
        raise AvatarError(
            "bad_request",
            f"The camera {placed.name!r} is {data.type.lower()}.",
            "Set its type to Perspective.",
        )
    view = seen_from(np.array(seen.matrix_world, np.float64), rig, depsgraph)
    render = scene.render
    width, height = picture_size(scene)
    vertical = data.sensor_fit == "VERTICAL"
    intrinsics = camera.blender_intrinsics(
        data.lens,
        data.sensor_height if vertical else data.sensor_width,
        (data.shift_x, data.shift_y),
        (width, height),
        data.sensor_fit,
        (render.pixel_aspect_x, render.pixel_aspect_y),
    )
    return Camera(view, intrinsics, width, height)


def seen_from(
    camera_world: np.ndarray, rig: bpy.types.Object, depsgraph: bpy.types.Depsgraph
) -> np.ndarray:
    """[4, 4] rigid, head space to a camera that stands at `camera_world` [4, 4] (Blender's axes).

    Raises:
        AvatarError: `bad_request` for a rig that cannot be rendered.
    """
    rig_world = np.array(rig.evaluated_get(depsgraph).matrix_world, np.float64)
    return _without_scale(camera.blender_view(camera_world, rig_world), rig)


def scale(rig: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> float:
    """Metres of the world in a metre of the head, which is what pictures' depths count."""
    rig_world = np.array(rig.evaluated_get(depsgraph).matrix_world, np.float64)
    return float(np.linalg.norm(rig_world[:3, :3], axis=0).mean())


def picture_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height of the scene's pictures, pixels."""
    render = scene.render
    whole = render.resolution_x, render.resolution_y
    width, height = (max(1, size * render.resolution_percentage // 100) for size in whole)
    return width, height


def _without_scale(view: np.ndarray, rig: bpy.types.Object) -> np.ndarray:
    """A rigid [4, 4] view with the same picture: an even scale is divided out."""
    scale = np.linalg.norm(view[:3, :3], axis=0)
    even = view[:3, :3] / scale.mean()
    if scale.min() <= 0 or np.abs(even @ even.T - np.eye(3)).max() > 1e-3 or det_negative(even):
        raise AvatarError(
            "bad_request",
            f"The rig {rig.name!r} is scaled unevenly or mirrored: "
            f"{tuple(round(float(s), 4) for s in scale)}.",
            "Give all three axes of the armature object the same positive scale.",
        )
    rigid = view.copy()
    rigid[:3] /= scale.mean()
    return rigid


def det_negative(matrix: np.ndarray) -> bool:
    """Whether a matrix mirrors."""
    return bool(np.linalg.det(matrix) < 0)


def portrait_camera_object(
    scene: bpy.types.Scene, rig: bpy.types.Object
) -> bpy.types.Object | None:
    """The camera that `add_portrait_camera` added to the scene; None where it was deleted."""
    found = properties.of_rig(rig).camera_object
    if found is None and rig.library is not None:  # a linked rig keeps nothing of this file
        found = bpy.data.objects.get((_name(rig), None))
    return found if found is not None and found in scene.objects.values() else None


def add_portrait_camera(
    scene: bpy.types.Scene, collection: bpy.types.Collection, rig: bpy.types.Object
) -> bpy.types.Object:
    """Adds the portrait's fitted camera as a Blender camera (216 mm on 36 mm for most)."""
    fitted = portrait_camera(rig)
    data = bpy.data.cameras.new(_name(rig))
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = PORTRAIT_SENSOR_MM
    data.lens = fitted.K[0, 0] * PORTRAIT_SENSOR_MM / fitted.width
    data.shift_x = (fitted.width / 2 - fitted.K[0, 2]) / fitted.width
    data.shift_y = (fitted.K[1, 2] - fitted.height / 2) / fitted.width
    placed = bpy.data.objects.new(data.name, data)
    collection.objects.link(placed)
    world = camera.blender_camera_world(fitted.viewmat, np.array(rig.matrix_world, np.float64))
    placed.matrix_world = Matrix(world)
    # A head is small: the default 0.1 m to 100 m keeps it, the limits guide the eye only.
    data.display_size = 0.05
    if rig.library is None:
        properties.of_rig(rig).camera_object = placed
    return placed


def _name(rig: bpy.types.Object) -> str:
    """Of a rig's portrait camera."""
    return f"{rig.name} Portrait"
