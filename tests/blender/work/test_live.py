"""What happens in a window, where nothing may wait: the timer's work, taken step by step."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_addon import steps
from blender_addon.scene import clouds, properties, rig
from blender_addon.work import handlers, pump, session
from shared.flame import Track
from tests.blender.fake_binding import binding_arrays
from tests.blender.seen import direct, positions


def _pump_until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, session.get().state
        pump.pump()
        threading.Event().wait(0.005)


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the add-on believes that there is a window."""
    monkeypatch.setattr(steps, "without_window", lambda: False)


def _key_jaw(armature: bpy.types.Object, last: int) -> None:
    for frame, value in ((1, 0.0), (last, 1.0)):
        armature["jawOpen"] = value
        armature.keyframe_insert('["jawOpen"]', frame=frame)


def test_scrubbing_ends_at_the_newest_frame_and_never_waits(
    live_rig: bpy.types.Object, window: None
) -> None:
    _key_jaw(live_rig, 40)
    before = positions(live_rig)
    for number in (*range(2, 41), 13):
        bpy.context.scene.frame_set(number)
    np.testing.assert_array_equal(positions(live_rig), before)  # nothing was waited for
    _pump_until(lambda: not session.get().waiting)
    frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
    np.testing.assert_array_equal(positions(live_rig), direct(live_rig, frame))


def test_moving_a_slider_drives_the_cloud(live_rig: bpy.types.Object, window: None) -> None:
    live_rig["jawOpen"] = 0.6
    rig.evaluate(bpy.context, live_rig)
    assert session.get().waiting
    _pump_until(lambda: not session.get().waiting)
    wanted = direct(live_rig, Track.from_arkit({"jawOpen": 0.6}))
    np.testing.assert_array_equal(positions(live_rig), wanted)


def test_turning_a_bone_drives_the_cloud(live_rig: bpy.types.Object, window: None) -> None:
    live_rig.pose.bones["root"].location = (0.1, 0, 0)
    bpy.context.view_layer.update()
    assert session.get().waiting
    _pump_until(lambda: not session.get().waiting)
    wanted = direct(live_rig, Track.neutral(1, transl=np.array([[0.1, 0, 0]])))
    np.testing.assert_allclose(positions(live_rig), wanted, atol=1e-6)


def test_writing_the_cloud_drives_nothing_anew(live_rig: bpy.types.Object, window: None) -> None:
    live_rig["jawOpen"] = 0.6
    rig.evaluate(bpy.context, live_rig)
    _pump_until(lambda: not session.get().waiting)
    for _ in range(5):
        live_rig.splitavatar.cloud.data.update_tag()
        rig.evaluate(bpy.context, live_rig)
        assert not session.get().waiting


def test_undo_is_followed_by_the_cloud(live_rig: bpy.types.Object, window: None) -> None:
    live_rig["jawOpen"] = 0.5
    handlers.on_undo(None)
    _pump_until(lambda: not session.get().waiting)
    rig.evaluate(bpy.context, live_rig)
    _pump_until(lambda: not session.get().waiting)
    wanted = direct(live_rig, Track.from_arkit({"jawOpen": 0.5}))
    np.testing.assert_array_equal(positions(live_rig), wanted)


def test_a_broken_avatar_file_is_told_once_and_not_asked_for_again(
    live_rig: bpy.types.Object, tmp_path: Path, window: None
) -> None:
    broken = tmp_path / "broken.savatar"
    broken.write_bytes(b"other head")
    live_rig.splitavatar.avatar_path = str(broken)
    here = session.get()
    _pump_until(lambda: here.error is not None)
    assert here.error is not None
    assert here.error.code == "head_mismatch"
    here.error = None
    for _ in range(20):
        pump.pump()
    assert here.error is None


def test_the_timer_survives_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bool:
        raise RuntimeError("a mistake in the timer")

    monkeypatch.setattr(pump, "pump", fail)
    assert pump._tick() > 0


def test_a_render_waits_for_its_frame(
    live_rig: bpy.types.Object, window: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _key_jaw(live_rig, 10)
    monkeypatch.setattr(handlers, "_must_wait", lambda: True)
    bpy.context.scene.frame_set(7)
    frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
    np.testing.assert_array_equal(positions(live_rig), direct(live_rig, frame))


def test_a_linked_avatar_is_left_alone_and_says_so(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    blend = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(blend), link=True) as (_, wanted):
        wanted.collections = ["grace"]
    bpy.context.scene.collection.children.link(bpy.data.collections["grace"])
    linked = bpy.data.objects["grace"]
    assert properties.avatar_path(linked) == tmp_path / "grace.savatar"
    bpy.context.scene.frame_set(3)
    bpy.context.view_layer.objects.active = linked
    with pytest.raises(RuntimeError, match="Append the avatar instead of linking it"):
        bpy.ops.splitavatar.update_splats()
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "ply"), frames="FRAME")
    assert (tmp_path / "ply" / "grace_0003.ply").is_file()


def test_two_rigs_of_one_avatar_show_their_own_poses(live_rig: bpy.types.Object) -> None:
    path = live_rig.splitavatar.avatar_path
    bpy.ops.splitavatar.open_avatar(filepath=path, avatar_name="Twin")
    twin = properties.active_rig(bpy.context)
    assert twin is not None
    live_rig["jawOpen"], twin["jawOpen"] = 0.25, 1.0
    here = session.get().avatars
    for armature in (live_rig, twin):
        depsgraph = rig.evaluate(bpy.context, armature)
        assert here.drive(armature, depsgraph)
    here.finish_drives()
    for armature, value in ((live_rig, 0.25), (twin, 1.0)):
        frame = Track.from_arkit({"jawOpen": value})
        np.testing.assert_array_equal(positions(armature), direct(armature, frame))


def test_an_avatar_that_arrives_lets_its_head_move_the_cloud(
    live_rig: bpy.types.Object, rig_data: dict[str, np.ndarray]
) -> None:
    """As after opening a file that an earlier version has saved."""
    here = session.get().avatars
    answer: Future[SimpleNamespace] = Future()
    answer.set_result(SimpleNamespace(avatar="grace", binding=binding_arrays(rig_data)))
    here._loading[str(properties.avatar_path(live_rig))] = answer
    here.take_loaded()
    assert clouds.is_bound(live_rig)


def test_splats_that_come_after_the_cloud_was_bound_are_not_shown(
    live_rig: bpy.types.Object, window: None, rig_data: dict[str, np.ndarray]
) -> None:
    here = session.get().avatars
    live_rig["jawOpen"] = 0.6
    assert here.drive(live_rig, bpy.context.evaluated_depsgraph_get())
    answer = SimpleNamespace(avatar="grace", binding=binding_arrays(rig_data))
    assert clouds.bind(live_rig, answer)
    here.finish_drives()
    assert not here.waiting
    assert clouds.is_bound(live_rig)
