"""Operators on a real backend process with a fake network."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import properties, rig
from blender_addon.work import session
from shared.flame import ARKIT_NAMES, Track
from tests.blender.seen import direct, positions


def test_create_avatar_makes_rig_cloud_and_file(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    assert live_rig.name == "grace"
    assert (tmp_path / "grace.savatar").read_bytes() == b"the bytes of a portrait"
    assert properties.avatar_path(live_rig) == tmp_path / "grace.savatar"
    assert bpy.context.active_object == live_rig
    neutral = direct(live_rig, Track.neutral(1))
    np.testing.assert_array_equal(positions(live_rig), neutral)


def test_the_sample_avatar_is_made_from_the_bundled_portrait(running: None, tmp_path: Path) -> None:
    bpy.ops.splitavatar.sample_avatar(avatar_path=str(tmp_path / "sample.savatar"))
    found = properties.active_rig(bpy.context)
    assert found is not None
    assert found.name == "Astronaut"
    assert (tmp_path / "sample.savatar").read_bytes().startswith(b"\x89PNG")


def test_what_to_know_of_the_photo_is_reported(
    running: None, portrait: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(tmp_path / "noted.savatar")
    )
    assert "Warning: It is drawn." in capfd.readouterr().out
    bpy.ops.splitavatar.open_avatar(filepath=str(tmp_path / "noted.savatar"))
    assert "Warning" not in capfd.readouterr().out


def test_a_saved_avatar_opens_again(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.ops.splitavatar.open_avatar(filepath=str(tmp_path / "grace.savatar"), avatar_name="Twin")
    twin = properties.active_rig(bpy.context)
    assert twin is not None
    assert twin.name == "Twin"
    np.testing.assert_array_equal(positions(twin), positions(live_rig))


def test_a_copied_rig_gets_a_cloud_of_its_own(live_rig: bpy.types.Object) -> None:
    for part in (live_rig, *live_rig.children):
        part.hide_viewport = False
        part.select_set(True)
    bpy.ops.object.duplicate()
    copy = bpy.context.active_object
    assert copy is not None
    assert copy != live_rig
    assert copy.splitavatar.cloud != live_rig.splitavatar.cloud
    before = positions(live_rig)
    copy["jawOpen"] = 1.0
    bpy.ops.splitavatar.update_splats()
    frame = Track.from_arkit({"jawOpen": 1.0})
    np.testing.assert_array_equal(positions(copy), direct(copy, frame))
    np.testing.assert_array_equal(positions(live_rig), before)


def test_the_portraits_own_pose_can_be_set(live_rig: bpy.types.Object) -> None:
    live_rig["jawOpen"] = 0.7
    bpy.ops.splitavatar.set_pose(pose="PORTRAIT")
    frame = rig.read_frame(live_rig, bpy.context.evaluated_depsgraph_get())
    source = session.get().loaded(live_rig).source
    np.testing.assert_allclose(frame.expression, source.expression, atol=1e-6)
    assert live_rig["jawOpen"] == pytest.approx(source.expression[0, ARKIT_NAMES.index("jawOpen")])


def test_a_missing_avatar_file_says_where_it_was_looked_for(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    (tmp_path / "grace.savatar").unlink()
    with pytest.raises(RuntimeError, match=r"avatar file of 'grace' is missing: .*grace\.savatar"):
        bpy.ops.splitavatar.update_splats()
    with pytest.raises(RuntimeError, match="Choose its place under Avatar File"):
        bpy.ops.splitavatar.preview_frame()
    assert properties.avatar_path(live_rig) == tmp_path / "grace.savatar"


def test_a_lost_avatar_file_is_found_for_all_who_had_it(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    twin = live_rig.copy()
    other = live_rig.copy()
    for rig_ in (twin, other):
        bpy.context.scene.collection.objects.link(rig_)
    other.splitavatar.avatar_path = other.splitavatar.avatar_path_found = "/nowhere/else.savatar"
    moved = tmp_path / "moved" / "grace.savatar"
    moved.parent.mkdir()
    (tmp_path / "grace.savatar").rename(moved)
    bpy.context.view_layer.objects.active = live_rig
    bpy.ops.splitavatar.relink_avatar(filepath=str(moved))
    assert properties.avatar_path(live_rig) == properties.avatar_path(twin) == moved
    assert properties.avatar_path(other) == Path("/nowhere/else.savatar")
    live_rig["jawOpen"] = 1.0
    bpy.ops.splitavatar.update_splats()
    frame = Track.from_arkit({"jawOpen": 1.0})
    np.testing.assert_array_equal(positions(live_rig), direct(live_rig, frame))


def test_a_file_that_is_not_there_is_no_new_place(live_rig: bpy.types.Object) -> None:
    before = properties.avatar_path(live_rig)
    with pytest.raises(RuntimeError, match=r"There is no file /nowhere/x\.savatar\. Choose"):
        bpy.ops.splitavatar.relink_avatar(filepath="/nowhere/x.savatar")
    with pytest.raises(RuntimeError, match=r"There is no file /nowhere/x\.savatar\. Choose"):
        bpy.ops.splitavatar.open_avatar(filepath="/nowhere/x.savatar")
    assert properties.avatar_path(live_rig) == before
