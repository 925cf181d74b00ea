"""The demo inside Blender: everything through the add-on's own operators."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from demo import motion
from house.profile import install_extension

PORTRAIT = Path(__file__).resolve().parents[1] / "backend" / "assets" / "astronaut.png"
"""scikit-image's `data.astronaut()`, byte for byte."""


class Demo:
    """One run.

    Args:
        out: Receives everything.
        backend_python: Interpreter of the installed backend.
    """

    def __init__(self, out: Path, backend_python: Path) -> None:
        self.out, self.backend_python = out, backend_python
        self.steps: list[dict[str, Any]] = []
        self.module = ""

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Runs and times one part, saying so."""
        print(f"{name} ...", flush=True)
        started = time.monotonic()
        result = work()
        seconds = time.monotonic() - started
        self.steps.append({"name": name, "seconds": round(seconds, 2)})
        print(f"{name}: {seconds:.1f} s", flush=True)
        return result

    def part(self, name: str) -> Any:
        """A module of the installed add-on."""
        return importlib.import_module(f"{self.module}.{name}")

    def run(self, zip_path: Path) -> None:
        """The main job, from the zip to the frames."""
        self.module = self.step("install the extension", lambda: install_extension(zip_path))
        preferences = bpy.context.preferences.addons[self.module].preferences
        preferences.backend_python = str(self.backend_python)
        self._empty_scene()
        self.step("start the backend", bpy.ops.splitavatar.start_backend)
        self.step("create the avatar", self._create)
        self.step("import a track", self._import_speech)
        self.step("keyframe the rig", self._keyframe)
        bpy.ops.splitavatar.add_camera()
        bpy.ops.wm.save_as_mainfile(filepath=str(self.out / "demo.blend"))
        self.step("export a PLY per frame", self._export)
        self.step("render frames and MP4", self._render)
        bpy.ops.splitavatar.stop_backend()
        self._write()

    @property
    def rig(self) -> bpy.types.Object:
        """The avatar's armature."""
        return self.part("scene.properties").active_rig(bpy.context)

    def _empty_scene(self) -> None:
        bpy.ops.wm.read_homefile(use_empty=True)
        scene = bpy.context.scene
        scene.render.fps = motion.FPS
        scene.frame_start, scene.frame_end = 1, motion.LAST_FRAME

    def _create(self) -> None:
        avatar = self.out / "astronaut.savatar"
        bpy.ops.splitavatar.create_avatar(
            filepath=str(PORTRAIT), avatar_path=str(avatar), avatar_name="Astronaut"
        )

    def _import_speech(self) -> None:
        path = self.out / "speech.json"
        motion.write_speech(path)
        bpy.ops.splitavatar.import_track(filepath=str(path), frame_start=motion.SPEECH_START)

    def _keyframe(self) -> None:
        flame = self.part("shared.flame")
        names = sorted({name for key in motion.KEYS for name in key.weights})
        for key in motion.KEYS:
            turn = [[0.0, key.yaw_deg * 3.141592653589793 / 180, 0.0]]
            pose = flame.Track.from_arkit(key.weights, neck_pose=turn)
            self.part("rig").apply_frame(self.rig, pose)
            for name in names:
                self.rig.keyframe_insert(f'["{name}"]', frame=key.frame)
            neck = self.rig.pose.bones["neck"]
            neck.keyframe_insert("rotation_quaternion", frame=key.frame)

    def _export(self) -> None:
        bpy.ops.splitavatar.export_ply(
            frames="RANGE", directory=str(self.out / "ply"), file_name="astronaut", compact=True
        )

    def _render(self) -> None:
        bpy.ops.splitavatar.batch_render(
            directory=str(self.out / "frames"), file_name="astronaut", mp4=True
        )

    def _write(self) -> None:
        def files(pattern: str) -> list[str]:
            return [str(path.relative_to(self.out)) for path in sorted(self.out.glob(pattern))]

        facts = {
            "blender": bpy.app.version_string,
            "portrait": "skimage.data.astronaut()",
            "avatar": "astronaut.savatar",
            "frames": motion.LAST_FRAME,
            "ply": files("ply/*.ply"),
            "png": files("frames/*.png"),
            "mp4": files("frames/*.mp4")[0],
            "blend": "demo.blend",
            "image": "coarse",
            "steps": self.steps,
        }
        (self.out / "demo.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def main() -> int:
    """Runs the demo, then its report with the backend's interpreter."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--backend-python", type=Path, required=True)
    args = parser.parse_args()
    demo = Demo(args.out, args.backend_python)
    demo.run(args.zip)
    command = [str(args.backend_python), "-m", "demo.report", "--out", str(args.out)]
    # Before torch loads, so here: two spinning OpenMP users slow each other tenfold.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    code = 1
    try:
        code = main()
    finally:  # Blender 4.5 as a module hangs in the interpreter's own exit
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
