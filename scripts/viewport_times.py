"""What a redraw of a viewport costs the main thread: run it with a Blender that has `gpu.init()`.

    python -m scripts.viewport_times [GAUSSIANS]

CPU time of this thread, so that other processes do not count; the driver's own work while it
uploads does.
"""

import sys
import time
from collections.abc import Callable

import bpy
import gpu
import numpy as np

from blender_addon.drawing import gathered, splat_picture
from tests.blender.drawing import made_up
from tests.blender_script import leave_after

REDRAWS = 25


def main() -> None:
    gpu.init()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 145_000
    bpy.ops.wm.read_homefile(use_empty=True)
    cloud = made_up.cloud(made_up.some(count, 1))
    data = gathered.evaluated_data(cloud, bpy.context.evaluated_depsgraph_get())
    view = made_up.view_of(made_up.world_camera(), [cloud])
    numbers = gathered.Gathered()
    picture = splat_picture.SplatPicture(numbers)
    boxes = []
    steps: dict[str, Callable[[int], object]] = {
        "read what changed": lambda redraw: numbers.update(lambda _: data, [redraw]),
        "upload it": lambda redraw: numbers.textures(),
        "sort": lambda redraw: picture.sort(view, coarse=False),
        "a still redraw": lambda redraw: (picture.sort(view, False), view.rectangle(boxes)),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for redraw in range(REDRAWS):
        for name, step in steps.items():
            boxes[:] = [(part.low, part.high) for part in numbers.parts]
            before = time.thread_time()
            step(redraw)
            times[name].append((time.thread_time() - before) * 1e3)
    for name, each in times.items():
        print(f"{name:18} {np.median(each[3:]):6.2f} ms, at most {max(each[3:]):6.2f}")


if __name__ == "__main__":
    leave_after(main)
