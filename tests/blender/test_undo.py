"""Undo and redo of every operator that changes the .blend: all of it, and nothing besides."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

import blender_addon
from blender_addon import steps
from blender_addon.scene import clouds, preview, properties, rig
from blender_addon.work import session
from tests.blender.seen import direct, positions
from tests.blender.told import Told, differences, everything


@dataclass(frozen=True)
class Operator:
    """How a test runs one.

    Args:
        arguments: Its properties; `{}` stands for the test's folder.
        before: What makes it have something to do, given the rig.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    before: Callable[[bpy.types.Object], object] = lambda armature: None


def _open_mouth(armature: bpy.types.Object) -> None:
    armature["jawOpen"] = 0.6
    properties.of_rig(armature).bound_to = ""  # as a file of an earlier version


def _refined(armature: bpy.types.Object) -> None:
    bpy.ops.splitavatar.refine_renders()


def _packed(armature: bpy.types.Object) -> None:
    bpy.ops.splitavatar.pack_avatar()


def _previewed(armature: bpy.types.Object) -> None:
    bpy.ops.splitavatar.preview_frame()


PORTRAIT = {"filepath": "{}/grace.jpg", "avatar_path": "{}/second.savatar"}
FRAMES = {"directory": "{}", "frames": "RANGE", "frame_start": 1, "frame_end": 2}

CHANGE = {
    "create_avatar": Operator(PORTRAIT),
    "sample_avatar": Operator({"avatar_path": "{}/sample.savatar"}),
    "open_avatar": Operator({"filepath": "{}/grace.savatar"}),
    "update_splats": Operator(before=_open_mouth),
    "relink_avatar": Operator({"filepath": "{}/other.savatar"}),
    "set_pose": Operator({"pose": "NEUTRAL"}, _open_mouth),
    "set_expression": Operator({"expression": "SMILE"}),
    "add_gaze_target": Operator(),
    "add_camera": Operator(),
    "import_track": Operator({"filepath": "{}/talk.json", "set_range": True}),
    "pack_avatar": Operator(),
    "unpack_avatar": Operator(before=_packed),
    "refine_renders": Operator(),
    "refine_no_more": Operator(before=_refined),
}
"""Those that change what the .blend holds."""

LEAVE = {
    "export_ply": Operator(FRAMES),
    "batch_render": Operator({**FRAMES, "mp4": False}),
    "preview_frame": Operator(before=_previewed),
    "dismiss_error": Operator(),
}
"""Those that look at it."""

ELSEWHERE = {
    *("install_backend", "start_backend", "stop_backend", "cancel_work"),
    *("open_log", "save_support_bundle", "clear_preview"),
}
"""Those that have nothing to do with it."""


def test_every_operator_that_changes_the_file_can_be_undone() -> None:
    ours = [cls for cls in blender_addon.CLASSES if issubclass(cls, bpy.types.Operator)]
    undone = {
        cls.bl_idname.removeprefix("splitavatar.")
        for cls in ours
        if "UNDO" in getattr(cls, "bl_options", ())
    }
    assert undone == CHANGE.keys()
    assert len(ours) == len(CHANGE) + len(LEAVE) + len(ELSEWHERE)


@pytest.fixture
def undo() -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="the empty file")


@pytest.fixture(params=["bound", "driven"])
def own_rig(
    request: pytest.FixtureRequest, running: None, undo: None, tmp_path: Path
) -> bpy.types.Object:
    """An avatar whose head moves its splats, and one whose splats the backend computes."""
    (tmp_path / "grace.jpg").write_bytes(f"{request.param} by a portrait".encode())
    path = tmp_path / "grace.savatar"
    bpy.ops.splitavatar.create_avatar(filepath=str(tmp_path / "grace.jpg"), avatar_path=str(path))
    found = properties.active_rig(bpy.context)
    assert found is not None
    assert clouds.is_bound(found) == (request.param == "bound")
    shutil.copy(path, tmp_path / "other.savatar")
    frames = [{"jawOpen": value, "mouthSmileLeft": 0.2} for value in (0.1, 0.5, 0.3)]
    (tmp_path / "talk.json").write_text(json.dumps({"fps": 24, "frames": frames}))
    return found


def _told(armature: bpy.types.Object | None = None) -> Told:
    """Everything, with drivers evaluated for what a script has set."""
    if armature is not None:
        rig.evaluate(bpy.context, armature)
    bpy.context.view_layer.update()
    return everything()


def _called(name: str, how: Operator, folder: Path) -> set[str]:
    """Runs an operator as a click does, which pushes its own step of undo."""
    given = {
        key: value.format(folder) if isinstance(value, str) else value
        for key, value in how.arguments.items()
    }
    return getattr(bpy.ops.splitavatar, name)("EXEC_DEFAULT", True, **given)


def _assert_same(found: Told, wanted: Told) -> None:
    assert list(differences(wanted, found)) == []


def _lives_on(caplog: pytest.LogCaptureFixture) -> None:
    """Every avatar of the scene moves by its keys, and nothing was complained of."""
    for armature in properties.rigs(bpy.context.scene):
        for frame, value in ((101, 0.0), (103, 1.0)):
            armature["jawOpen"] = value
            armature.keyframe_insert('["jawOpen"]', frame=frame)
        seen = []
        for number in (101, 103):
            bpy.context.scene.frame_set(number)
            seen.append(positions(armature))
            if not clouds.is_bound(armature):
                frame = rig.read_frame(armature, bpy.context.evaluated_depsgraph_get())
                np.testing.assert_array_equal(seen[-1], direct(armature, frame))
        assert np.abs(seen[0] - seen[1]).max() > 1e-3
    here = session.get()
    assert here.error is None
    assert here.activity is None
    assert here.avatars.paused == 0
    assert not [record for record in caplog.records if record.name.startswith("splitavatar")]


def _handlers() -> list[str]:
    return [
        f"{name} {handler.__module__}.{handler.__name__}"
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
        for handler in getattr(bpy.app.handlers, name)
    ]


@pytest.mark.parametrize("name", CHANGE)
def test_undo_and_redo_bring_everything_back(
    own_rig: bpy.types.Object, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    CHANGE[name].before(own_rig)
    before, handlers = _told(own_rig), _handlers()
    bpy.ops.ed.undo_push(message="before")
    assert _called(name, CHANGE[name], tmp_path) == {"FINISHED"}
    after = _told()
    assert list(differences(before, after))
    bpy.ops.ed.undo()
    _assert_same(_told(), before)
    bpy.ops.ed.redo()
    _assert_same(_told(), after)
    bpy.ops.ed.undo()
    _lives_on(caplog)
    assert _handlers() == handlers


@pytest.mark.parametrize("name", LEAVE)
def test_what_only_looks_leaves_everything_as_it_was(
    own_rig: bpy.types.Object, name: str, tmp_path: Path
) -> None:
    LEAVE[name].before(own_rig)
    before = _told(own_rig)
    assert _called(name, LEAVE[name], tmp_path) == {"FINISHED"}
    _assert_same(_told(), before)


@pytest.mark.parametrize("others", [[], ["left.jpg", "smile.jpg"]])
def test_an_avatar_comes_and_goes_with_undo_and_redo(
    running: None,
    undo: None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    others: list[str],
) -> None:
    for name in ("grace.jpg", *others):
        (tmp_path / name).write_bytes(f"a portrait, {name}".encode())
    before = _told()
    given = {**PORTRAIT, "files": [{"name": name} for name in others]}
    _called("create_avatar", Operator(given), tmp_path)
    for _ in range(2):
        bpy.ops.ed.undo()
        assert not properties.rigs(bpy.context.scene)
        _assert_same(_told(), before)
        assert not bpy.ops.splitavatar.export_ply.poll()
        bpy.ops.ed.redo()
        assert len(properties.rigs(bpy.context.scene)) == 1
    assert (tmp_path / "second.savatar").is_file()
    _lives_on(caplog)


def test_a_preview_is_no_step_of_undo(own_rig: bpy.types.Object) -> None:
    bpy.ops.ed.undo_push(message="before")
    own_rig["jawOpen"] = 0.3
    bpy.ops.ed.undo_push(message="a mouth")
    bpy.ops.splitavatar.preview_frame()
    image = preview.image()
    assert image is not None
    shown = np.array(image.pixels[:])
    assert shown.any()
    for step in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        step()
        image = preview.image()
        assert image is not None
        np.testing.assert_array_equal(image.pixels[:], shown)
    bpy.ops.ed.undo_push(message="with the picture")
    bpy.ops.splitavatar.clear_preview()
    bpy.ops.ed.undo_push(message="without it")
    for step in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        step()
        assert preview.image() is None


def test_a_preview_of_another_file_does_not_come_back(own_rig: bpy.types.Object) -> None:
    bpy.ops.splitavatar.preview_frame()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    for message in ("before", "after"):
        bpy.ops.ed.undo_push(message=message)
    bpy.ops.ed.undo()
    assert preview.image() is None


@pytest.mark.parametrize("own_rig", ["bound"], indirect=True)
def test_a_cloud_that_was_bound_after_the_step_is_bound_again(
    own_rig: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer binds the avatars of older files, which is no step of undo."""
    cloud = properties.of_rig(own_rig).cloud
    cloud.modifiers.remove(cloud.modifiers["Playback"])
    own_rig["jawOpen"] = 0.3
    for message in ("an older file", "an edit"):
        bpy.ops.ed.undo_push(message=message)
    monkeypatch.setattr(steps, "without_window", lambda: False)
    session.get().poll()
    assert clouds.is_bound(own_rig)
    bpy.ops.ed.undo()
    (found,) = properties.rigs(bpy.context.scene)
    assert not clouds.is_bound(found)
    session.get().poll()
    assert clouds.is_bound(found)


@pytest.mark.parametrize("own_rig", ["bound"], indirect=True)
def test_a_rig_that_gets_the_file_of_another_avatar_shows_that_one(
    own_rig: bpy.types.Object, tmp_path: Path
) -> None:
    (tmp_path / "ada.jpg").write_bytes(b"bound by another portrait")
    bpy.ops.splitavatar.create_avatar(
        filepath=str(tmp_path / "ada.jpg"), avatar_path=str(tmp_path / "ada.savatar")
    )
    bpy.context.view_layer.objects.active = own_rig
    own = properties.of_rig(own_rig)
    found = []
    for name in ("ada", "grace"):
        bpy.ops.splitavatar.relink_avatar(filepath=str(tmp_path / f"{name}.savatar"))
        found.append(own.bound_to)
        assert own.bound_to == session.get().loaded(own_rig).avatar
    assert len(set(found)) == 2
