"""The previewed picture is never an old one, and with Live On it follows rig and camera."""

import threading
import time
from collections.abc import Callable, Iterator

import bpy
import numpy as np
import pytest

from blender_addon import steps
from blender_addon.scene import preview
from blender_addon.work import handlers, pump, session
from blender_addon.work.shot import Shot


def pump_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, session.get().error
        pump.pump()
        threading.Event().wait(0.005)


@pytest.fixture
def seen(live_rig: bpy.types.Object, monkeypatch: pytest.MonkeyPatch) -> Iterator[bpy.types.Object]:
    """The rig, a small camera, and a window as far as the add-on can tell."""
    bpy.ops.splitavatar.add_camera()
    bpy.context.scene.render.resolution_percentage = 10
    monkeypatch.setattr(steps, "without_window", lambda: False)
    yield live_rig
    preview.clear()


def picture() -> np.ndarray:
    image = preview.image()
    assert image is not None
    return np.array(image.pixels[:])


def shown_by_the_backend(armature: bpy.types.Object) -> np.ndarray:
    """[H * W * 4] 0..1 what it answers to the rig as it is now, rows upwards."""
    shot = Shot.of(armature, bpy.context.evaluated_depsgraph_get())
    reply = session.finish(session.get().render(armature, shot.frame, shot.camera))
    return (reply.rgba[::-1].astype(np.float32) / 255).ravel()


def test_a_picture_is_old_as_soon_as_the_pose_changes(seen: bpy.types.Object) -> None:
    shot = Shot.of(seen, bpy.context.evaluated_depsgraph_get())
    preview.show(np.zeros((4, 4, 4), np.uint8), shot.key)
    assert preview.is_fresh()
    seen["jawOpen"] = 0.8
    seen.update_tag()
    bpy.context.view_layer.update()
    assert not preview.is_fresh()
    seen["jawOpen"] = 0.0
    seen.update_tag()
    bpy.context.view_layer.update()
    assert preview.is_fresh()


def test_a_picture_is_old_as_soon_as_frame_or_camera_change(seen: bpy.types.Object) -> None:
    for frame, value in ((1, 0.0), (20, 1.0)):
        seen["jawOpen"] = value
        seen.keyframe_insert('["jawOpen"]', frame=frame)
    bpy.context.scene.frame_set(1)
    shot = Shot.of(seen, bpy.context.evaluated_depsgraph_get())
    preview.show(np.zeros((4, 4, 4), np.uint8), shot.key)
    bpy.context.scene.frame_set(9)
    assert not preview.is_fresh()
    bpy.context.scene.frame_set(1)
    assert preview.is_fresh()
    bpy.context.scene.camera.location.x += 0.1
    bpy.context.view_layer.update()
    assert not preview.is_fresh()


def test_live_follows_the_rig_and_asks_only_when_something_changed(seen: bpy.types.Object) -> None:
    bpy.context.scene.splitavatar.live_preview = True
    pump_until(preview.is_fresh)
    np.testing.assert_allclose(picture(), shown_by_the_backend(seen), atol=1e-6)
    before = picture()
    here = session.get()
    for _ in range(5):
        pump.pump()
    assert here.preview._asked is None
    seen["jawOpen"] = 1.0
    seen.update_tag()
    bpy.context.view_layer.update()
    assert not preview.is_fresh()
    pump_until(preview.is_fresh)
    assert np.abs(picture() - before).max() > 0.002
    np.testing.assert_allclose(picture(), shown_by_the_backend(seen), atol=1e-6)


def test_what_cannot_be_previewed_switches_live_off_and_is_told_once(
    seen: bpy.types.Object,
) -> None:
    here = session.get()
    bpy.context.scene.camera.data.type = "ORTHO"
    bpy.context.scene.splitavatar.live_preview = True
    pump.pump()
    assert here.error is not None
    assert "ortho" in str(here.error)
    assert not bpy.context.scene.splitavatar.live_preview
    here.error = None
    pump.pump()
    assert here.error is None


def test_what_a_render_s_thread_evaluates_is_no_matter_of_the_pictures(
    seen: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = bpy.context.scene, bpy.context.evaluated_depsgraph_get()
    checked: list[bpy.types.Depsgraph] = []
    monkeypatch.setattr(session.get().preview, "check", checked.append)
    thread = threading.Thread(target=handlers.on_frame_change, args=given)
    thread.start()
    thread.join()
    assert checked == []
    handlers.on_frame_change(*given)
    assert checked == [given[1]]
