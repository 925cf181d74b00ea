"""Runs in Blender with the real backend; the tests in this folder look at what it leaves behind.

    python -m tests.acceptance.in_blender PART TASK.json

TASK.json holds what the part needs (see its docstring), always `out` (a folder), `avatar` (a
.savatar file) and `backend_python`. BLENDER_USER_RESOURCES has to be an empty profile. Each part
writes OUT/PART.json.
"""

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

import blender_addon
from blender_addon.scene import actions, cameras, properties, rig
from blender_addon.work import batch, pump, session
from shared.camera import HEAD_TO_BLENDER, Camera
from tests.blender.drawing import made_up
from tests.blender.drawing.on_gpu import on_gpu
from tests.blender.seen import positions
from tests.blender.shining_cube import add_cube, camera_to
from tests.blender_script import leave_after

from .motion import FRAMES, ORDERS, PERCENT, jaw_open, yaw_deg

KILLED_AFTER = 3
"""Finished frames before the backend is killed."""

Task = dict[str, Any]


def enable(task: Task) -> None:
    """The add-on from the repository, with the backend's environment of the repository."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.preferences.addons.new().module = blender_addon.__name__
    blender_addon.register()
    preferences = bpy.context.preferences.addons[blender_addon.__name__].preferences
    preferences.backend_python = task["backend_python"]


def open_avatar(task: Task) -> bpy.types.Object:
    """The avatar's rig, keyed so that no two frames are alike, seen by a small camera."""
    bpy.ops.splitavatar.open_avatar(filepath=task["avatar"], avatar_name="Ada")
    armature = properties.active_rig(bpy.context)
    assert armature is not None
    neck = armature.pose.bones["neck"]
    neck.rotation_mode = "XYZ"
    for frame in FRAMES:
        armature["jawOpen"] = jaw_open(frame)
        armature.keyframe_insert('["jawOpen"]', frame=frame)
        neck.rotation_euler = (0.0, math.radians(yaw_deg(frame)), 0.0)
        neck.keyframe_insert("rotation_euler", frame=frame)
    bpy.ops.splitavatar.add_camera()
    scene = bpy.context.scene
    scene.render.resolution_percentage = PERCENT
    scene.frame_start, scene.frame_end = FRAMES[0], FRAMES[-1]
    return armature


def import_ply(task: Task) -> dict[str, Any]:
    """Reads `plys` with Blender's own importer; every attribute goes into OUT/NAME.npz."""
    for path in map(Path, task["plys"]):
        bpy.ops.wm.ply_import(filepath=str(path), import_attributes=True)
        mesh = bpy.context.active_object.data
        position = np.empty((len(mesh.vertices), 3), np.float32)
        mesh.vertices.foreach_get("co", position.ravel())
        arrays: dict[str, Any] = {"position": position}
        for attribute in mesh.attributes:
            if attribute.data_type == "FLOAT" and attribute.domain == "POINT":
                arrays[attribute.name] = np.empty(len(attribute.data), np.float32)
                attribute.data.foreach_get("value", arrays[attribute.name])
        np.savez(Path(task["out"]) / f"{path.stem}.npz", **arrays)
    return {}


def scrub(task: Task) -> dict[str, Any]:
    """Goes through frames in each order and writes what each shows: PLY, PNG and points.

    OUT/scene.blend is the scene.
    """
    armature = open_avatar(task)
    for name, order in ORDERS.items():
        folder = Path(task["out"]) / name
        for step, number in enumerate(order):
            bpy.context.scene.frame_set(number)
            here = {"frames": "FRAME", "directory": str(folder), "file_name": f"step{step:02d}"}
            np.save(_made(folder) / f"step{step:02d}.npy", positions(armature))
            depsgraph = rig.evaluate(bpy.context, armature)
            rig.read_frame(armature, depsgraph).save(folder / f"step{step:02d}.flame.npz")
            view = cameras.scene_camera(bpy.context.scene, armature, depsgraph)
            (folder / f"step{step:02d}.json").write_text(cameras.to_text(view))
            bpy.ops.splitavatar.export_ply(**here)
            bpy.ops.splitavatar.batch_render(**here, mp4=False)
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(task["out"]) / "scene.blend"))
    folder = str(Path(task["out"]) / "range")
    bpy.ops.splitavatar.export_ply(frames="RANGE", directory=folder, file_name="all")
    bpy.ops.splitavatar.batch_render(directory=folder, file_name="all", mp4=True)
    return {"mp4": str(Path(folder) / "all.mp4")}


def viewport(task: Task) -> dict[str, Any]:
    """Draws the first frame's splats as a viewport with the scene's camera; OUT/viewport.npy."""
    armature = open_avatar(task)
    bpy.context.scene.frame_set(FRAMES[0])
    depsgraph = rig.evaluate(bpy.context, armature)
    seen = cameras.scene_camera(bpy.context.scene, armature, depsgraph)
    to_camera = seen.viewmat @ np.linalg.inv(HEAD_TO_BLENDER)
    clouds = [armature.splitavatar.cloud]
    seen = Camera(to_camera, seen.K, seen.width, seen.height)
    view = made_up.view_of(seen, clouds, (cameras.portrait_pixels(armature),))
    try:
        drawn = on_gpu(lambda: made_up.draw(made_up.gather(clouds), view))
    except pytest.skip.Exception as why:
        return {"no_graphics": str(why)}
    np.save(Path(task["out"]) / "viewport.npy", drawn)
    return {}


def among_meshes(task: Task) -> dict[str, Any]:
    """Cycles renders a cube halfway through the head, saved and opened in between.

    The backend is stopped before both: OUT/first0001.png and so on, OUT/again0001.png.
    """
    armature = open_avatar(task)
    scene, out = bpy.context.scene, Path(task["out"])
    scene.render.resolution_percentage = 100
    scene.frame_end = 2
    scene.render.engine, scene.render.film_transparent = "CYCLES", True
    scene.render.dither_intensity = 0
    scene.cycles.samples, scene.cycles.use_denoising = 16, False
    scene.view_settings.view_transform = "Standard"
    cube = add_cube(0.11, task["depth_m"], 0.05)
    to_cube, half_m = camera_to(cube).tolist(), abs(cube.data.vertices[0].co.x)
    view = cameras.scene_camera(scene, armature, rig.evaluate(bpy.context, armature))
    bpy.ops.splitavatar.refine_renders()
    blend = str(out / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    for name in ("first", "again"):
        bpy.ops.splitavatar.stop_backend()
        bpy.ops.wm.open_mainfile(filepath=blend)
        bpy.context.scene.render.filepath = str(out / name)
        bpy.ops.render.render(animation=True)
    return {"to_cube": to_cube, "half_m": half_m, "view": cameras.to_text(view)}


def motion_blur(task: Task) -> dict[str, Any]:
    """Renders frame `frame` with a shutter of `shutter` frames, by our engine and by Cycles.

    OUT/SPLITAVATAR.png and OUT/CYCLES.png; the motion is even from frame to frame.
    """
    armature, scene = open_avatar(task), bpy.context.scene
    for curve in actions.curves(armature):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    scene.frame_set(task["frame"])
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, task["shutter"]
    scene.render.motion_blur_position = "START"
    scene.splitavatar.blur_pictures = task["pictures"]
    scene.render.film_transparent, scene.render.dither_intensity = True, 0
    scene.view_settings.view_transform = "Standard"
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    bpy.ops.splitavatar.refine_renders()
    for engine in ("SPLITAVATAR", "CYCLES"):
        scene.render.engine = engine
        scene.render.filepath = str(Path(task["out"]) / engine)
        bpy.ops.render.render(write_still=True)
    view = cameras.scene_camera(scene, armature, rig.evaluate(bpy.context, armature))
    return {"view": cameras.to_text(view)}


def killed_backend(task: Task) -> dict[str, Any]:
    """Kills the backend in the middle of a batch render, starts it again and resumes."""
    here = session.get()
    armature = open_avatar(task)
    whole, resumed = (Path(task["out"]) / name for name in ("whole", "resumed"))
    bpy.ops.splitavatar.batch_render(directory=str(whole), file_name="f", mp4=True)
    work = begin_render(
        armature, resumed, lambda: len(list(resumed.glob("f_*.png"))) >= KILLED_AFTER
    )
    assert here.launcher is not None
    pid = here.launcher.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    seconds = _seconds_until(lambda: here.state.state == "failed", 10)
    told = {"state": here.state.state, "why": here.state.why, "remedy": here.state.remedy}
    raised = ""
    try:
        session.finish(work)
    except Exception as error:  # noqa: BLE001 - told to the test
        raised = f"{getattr(error, 'code', type(error).__name__)}: {error}"
    left = sorted(path.name for path in resumed.glob("f_*.png"))
    bpy.ops.splitavatar.start_backend()
    started = here.state.state
    bpy.ops.splitavatar.batch_render(directory=str(resumed), file_name="f", mp4=True)
    return {
        **told,
        "seconds": seconds,
        "raised": raised,
        "left": left,
        "started": started,
        "new_pid": here.launcher.pid != pid,
        "resumed": here.result.resumed,
        "whole": str(whole),
        "resumed_folder": str(resumed),
    }


def begin_render(armature: bpy.types.Object, folder: Path, enough: Callable[[], bool]) -> Any:
    """The steps of a batch render, taken until `enough`."""
    work = batch.render(bpy.context.scene, armature, FRAMES, _made(folder), "f")
    while not enough():
        next(work)
        session.get().poll()
        threading.Event().wait(0.005)
    return work


def wait_to_be_killed(task: Task) -> dict[str, Any]:
    """Renders until somebody ends this process; OUT/pids.json names it and the backend."""
    armature = open_avatar(task)
    folder = _made(Path(task["out"]) / "frames")
    here = session.get()
    work = begin_render(armature, folder, lambda: any(folder.glob("f_*.png")))
    assert here.launcher is not None
    pids = Path(task["out"]) / "pids.json"
    part = pids.with_suffix(".part")
    part.write_text(json.dumps({"blender": os.getpid(), "backend": here.launcher.pid}))
    part.replace(pids)
    session.finish(work)
    raise SystemExit("nobody killed this process while it rendered")


def _seconds_until(condition: Callable[[], bool], timeout_s: float) -> float:
    """With nothing but the add-on's own timer at work, as often as it ticks."""
    started = time.monotonic()
    while not condition() and time.monotonic() - started < timeout_s:
        pump.pump()
        threading.Event().wait(pump.IDLE_S)
    return time.monotonic() - started


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


_PARTS = (
    import_ply, scrub, viewport, among_meshes, motion_blur, killed_backend, wait_to_be_killed
)  # fmt: skip
PARTS = {part.__name__: part for part in _PARTS}


def main() -> None:
    part, task = PARTS[sys.argv[1]], json.loads(Path(sys.argv[2]).read_text())
    enable(task)
    told = part(task)
    session.get().close()
    (Path(task["out"]) / f"{sys.argv[1]}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    leave_after(main)
