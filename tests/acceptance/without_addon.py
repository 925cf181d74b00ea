"""A saved file played and rendered by a Blender that has neither the add-on nor a backend.

    python -m tests.acceptance.without_addon SCENE.blend OUT

Writes OUT/FRAME.npz, the attributes of the splats as evaluated, and OUT/FRAME.png, a small render.
"""

import sys
from pathlib import Path

import bpy
import numpy as np

from tests.blender_script import leave_after

from .motion import FRAMES, RENDERED

SIZES = {"position": 3, "rotation": 4, "scale": 3, "radiance:base": 4}
FIELDS = {"QUATERNION": "value", "FLOAT_COLOR": "color", "FLOAT_VECTOR": "vector"}


def main() -> None:
    bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
    out, scene = Path(sys.argv[2]), bpy.context.scene
    cloud = next(found for found in scene.objects if found.name.endswith("Splats"))
    for frame in FRAMES:
        scene.frame_set(frame)
        data = cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        arrays = {}
        for name, width in SIZES.items():
            attribute = data.attributes[name]
            values = np.empty(len(attribute.data) * width, np.float32)
            attribute.data.foreach_get(FIELDS[attribute.data_type], values)
            arrays[name] = values.reshape(-1, width)
        np.savez(out / f"{frame:04d}.npz", **arrays)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    scene.frame_start, scene.frame_end = RENDERED[0], RENDERED[-1]
    scene.render.filepath = f"{out}/"
    bpy.ops.render.render(animation=True)


if __name__ == "__main__":
    leave_after(main)
