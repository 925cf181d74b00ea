"""How fast a saved scene plays in Blender, with no backend: milliseconds a frame.

    python -m scripts.playback_times DEMO/demo.blend

With a Blender's Python. `mesh only`: the splats' modifier is switched off.
"""

import statistics
import sys
import time
from pathlib import Path

import bpy

from tests.blender_script import leave_after

FRAMES = 60


def main() -> None:
    path = Path(sys.argv[1])
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene = bpy.context.scene
    cloud = next(found for found in scene.objects if "Playback" in found.modifiers)
    for part in cloud.parent.children:
        part.hide_viewport = False
    points = len(cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.points)
    size = path.stat().st_size / 1e6
    print(f"Blender {bpy.app.version_string}, {points:,} splats, {size:.1f} MB")
    for name, shown in (("all", True), ("mesh only", False)):
        cloud.modifiers["Playback"].show_viewport = shown
        times = _played(scene)
        median = statistics.median(times)
        print(
            f"{name}: {median:.1f} ms a frame, {1000 / median:.0f} a second; "
            f"worst {max(times):.1f} ms"
        )


def _played(scene: bpy.types.Scene) -> list[float]:
    """Milliseconds of each frame, evaluated as for a redraw."""
    first, last = scene.frame_start, scene.frame_end
    found = []
    for count in range(FRAMES + 1):
        started = time.perf_counter()
        scene.frame_set(first + count % (last - first + 1))
        found.append((time.perf_counter() - started) * 1000)
    return found[1:]


if __name__ == "__main__":
    leave_after(main)
