"""Runs a function where Blender's gpu module works without a window."""

from collections.abc import Callable
from typing import Any, TypeVar

import bpy
import pytest

Result = TypeVar("Result")


def on_gpu(call: Callable[[], Result]) -> Result:
    """From 5.2 on the module can be told to begin; before, only a render engine has it."""
    import gpu

    if hasattr(gpu, "init"):
        try:
            gpu.init()
        except (RuntimeError, SystemError) as error:
            pytest.skip(f"no graphics here: {error}")
        return call()
    return _while_rendering(call)


def _while_rendering(call: Callable[[], Result]) -> Result:
    done: dict[str, Any] = {}

    class Engine(bpy.types.RenderEngine):
        bl_idname = "SPLITAVATAR_TEST"
        bl_label = "Test"
        bl_use_gpu_context = True

        def render(self, depsgraph: bpy.types.Depsgraph) -> None:
            try:
                done["result"] = call()
            except BaseException as error:
                done["error"] = error
                raise

    bpy.utils.register_class(Engine)
    before = bpy.context.scene.render.engine
    if bpy.context.scene.camera is None:
        camera = bpy.data.objects.new("Test", bpy.data.cameras.new("Test"))
        bpy.context.scene.collection.objects.link(camera)
        bpy.context.scene.camera = camera
    try:
        bpy.context.scene.render.engine = Engine.bl_idname
        bpy.ops.render.render()
    finally:
        bpy.context.scene.render.engine = before
        bpy.utils.unregister_class(Engine)
    if "error" in done:
        raise done["error"]
    if "result" not in done:
        pytest.skip("no graphics here: the render engine was not called")
    return done["result"]
