"""The backend starts, fails, dies and comes back; files are saved and opened again."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon import steps
from blender_addon.link import settings
from blender_addon.scene import properties, rig
from blender_addon.ui.backend_box import state_text
from blender_addon.work import create, pump, session
from shared.errors import AvatarError
from tests.blender.seen import positions

Own = Callable[..., None]

# The panel may know it from the socket before the process tells more.
DIED = r"The backend (was ended by .* or by the system|ended unexpectedly)"


def _create(portrait: Path, folder: Path) -> bpy.types.Object:
    bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(folder / "grace.savatar")
    )
    found = properties.active_rig(bpy.context)
    assert found is not None
    return found


def _pump_until(condition: Callable[[], bool], timeout_s: float) -> float:
    """Seconds until the condition held, with nothing but the timer's own work between."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout_s, state_text(session.get().state)
        pump.pump()
        threading.Event().wait(pump.IDLE_S)
    return time.monotonic() - started


def test_start_and_stop_by_their_buttons(own_backend: Own) -> None:
    own_backend()
    assert state_text(session.get().state) == "Stopped"
    bpy.ops.splitavatar.start_backend()
    assert session.get().state.state == "ready"
    bpy.ops.splitavatar.stop_backend()
    assert state_text(session.get().state) == "Stopped"


def test_a_backend_that_is_not_installed_names_the_button(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "install_folder", lambda: tmp_path / "nowhere")
    assert state_text(session.get().state) == "Not installed"
    with pytest.raises(RuntimeError, match="is not installed") as caught:
        bpy.ops.splitavatar.start_backend()
    assert "Press Install Backend in the SplitAvatar panel." in str(caught.value)


def test_a_picture_without_a_face_is_reported_with_its_remedy(
    own_backend: Own, portrait: Path, tmp_path: Path
) -> None:
    own_backend("error")
    with pytest.raises(RuntimeError) as caught:
        _create(portrait, tmp_path)
    assert str(caught.value).strip() == (
        "Error: grace.jpg: No face in the picture. Use a frontal one."
    )
    error = session.get().error
    assert error is not None
    assert (error.code, error.remedy) == ("no_face_found", "Use a frontal one.")
    assert not bpy.data.armatures


def test_a_missing_portrait_is_reported_before_the_backend_is_started(
    own_backend: Own, tmp_path: Path
) -> None:
    own_backend()
    with pytest.raises(RuntimeError, match=r"missing.jpg does not exist\. Check the path\."):
        bpy.ops.splitavatar.create_avatar(filepath=str(tmp_path / "missing.jpg"))
    assert session.get().state.state == "stopped"


def test_cancelling_ends_the_job_and_the_backend_stays_ready(
    own_backend: Own, portrait: Path, tmp_path: Path
) -> None:
    own_backend("hang")
    here = session.get()
    session.finish(here.ensure_ready())
    work = create.create_avatar(bpy.context, [portrait], "Grace", tmp_path / "grace.savatar")
    while not next(work).phase.startswith("hanging"):
        here.poll()
    work.close()
    _pump_until(lambda: here.state.state == "ready", 5)
    assert not bpy.data.armatures


def test_a_killed_backend_is_told_within_three_seconds_and_starts_again(
    own_backend: Own, portrait: Path, tmp_path: Path
) -> None:
    own_backend()
    armature = _create(portrait, tmp_path)
    here = session.get()
    # In the middle of a job, which the panel shows as busy.
    own_backend("hang")
    bpy.ops.splitavatar.stop_backend()
    session.finish(here.ensure_ready())
    work = create.create_avatar(bpy.context, [portrait], "Two", tmp_path / "b.savatar")
    while not next(work).phase.startswith("hanging"):
        here.poll()
    assert here.launcher is not None
    assert here.launcher.pid is not None
    os.kill(here.launcher.pid, signal.SIGKILL)
    seconds = _pump_until(lambda: here.state.state == "failed", 3)
    assert seconds < 3
    assert re.search(DIED, here.state.why)
    with pytest.raises(AvatarError, match=DIED) as caught:
        session.finish(work)
    assert caught.value.code == "backend_died"
    own_backend()
    bpy.ops.splitavatar.start_backend()
    assert here.state.state == "ready"
    # The avatar is loaded again without being asked for.
    armature["jawOpen"] = 1.0
    armature.keyframe_insert('["jawOpen"]', frame=5)
    before = positions(armature)
    bpy.context.scene.frame_set(5)
    assert here.loaded(armature) is not None
    assert not np.array_equal(positions(armature), before)


def test_an_operator_in_flight_reports_the_death(
    own_backend: Own, portrait: Path, tmp_path: Path
) -> None:
    own_backend("crash")
    with pytest.raises(RuntimeError, match=DIED) as caught:
        _create(portrait, tmp_path)
    assert "finished files are kept." in str(caught.value)
    assert session.get().activity is None


def test_a_saved_file_works_again_after_it_is_reopened(
    own_backend: Own, portrait: Path, tmp_path: Path
) -> None:
    own_backend()
    armature = _create(portrait, tmp_path)
    for frame, value in ((1, 0.0), (9, 1.0)):
        armature["jawOpen"] = value
        armature.keyframe_insert('["jawOpen"]', frame=frame)
    bpy.context.scene.frame_set(9)
    wanted = positions(armature)
    bpy.context.scene.frame_set(1)
    blend = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    session.get().close()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    found = bpy.data.objects["grace"]
    bpy.ops.splitavatar.start_backend()
    bpy.context.scene.frame_set(9)
    frame = rig.read_frame(found, bpy.context.evaluated_depsgraph_get())
    assert frame.expression.max() == 1.0
    np.testing.assert_array_equal(positions(found), wanted)


def test_a_new_backend_gets_the_avatars_of_the_scene_by_itself(
    own_backend: Own, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_backend()
    armature = _create(portrait, tmp_path)
    before = positions(armature)
    here = session.get()
    monkeypatch.setattr(steps, "without_window", lambda: False)
    assert here.launcher is not None
    assert here.launcher.pid is not None
    os.kill(here.launcher.pid, signal.SIGKILL)
    _pump_until(lambda: here.state.state == "failed", 3)
    here.start()
    _pump_until(lambda: here.loaded(armature) is not None, 30)
    armature.splitavatar.cloud.data.attributes["position"].data[0].vector = (9, 9, 9)
    _pump_until(lambda: not here.waiting, 5)
    np.testing.assert_array_equal(positions(armature), before)
