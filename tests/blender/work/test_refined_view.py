"""Viewports get the backend's pictures of what they see: newest first, and never an old one."""

from collections.abc import Iterator

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_addon import steps
from blender_addon.scene import preview, properties, sights
from blender_addon.work import depth_order, handlers, pump, refined_view, session
from blender_addon.work.shot import Shot
from shared import messages
from tests.blender.work.test_live_preview import pump_until

WINDOW = Matrix(((4, 0, 0, 0), (0, 6, 0, 0), (0, 0, -1, -0.2), (0, 0, -1, 0)))
SIZE = 60, 40


@pytest.fixture
def region(live_rig: bpy.types.Object, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A viewport with Refined View, as far as the add-on can tell."""
    monkeypatch.setattr(steps, "without_window", lambda: False)
    monkeypatch.setattr(refined_view, "STILL_S", 0.0)
    properties.of_scene(bpy.context.scene).refine_view = True
    windows = bpy.context.window_manager.windows
    areas = [area for window in windows for area in window.screen.areas if area.type == "VIEW_3D"]
    yield next(r.as_pointer() for r in areas[0].regions if r.type == "WINDOW")
    session.get().view.forget()
    sights.forget()
    preview.clear()


def seen(*armatures: bpy.types.Object, away_m: float = 2.0) -> sights.Sight:
    """What a redraw finds from so far before the head."""
    turn = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))
    return sights.Sight(
        scene=bpy.context.scene.session_uid,
        layer=bpy.context.view_layer.name,
        armatures=tuple(armature.session_uid for armature in armatures),
        view=tuple(map(tuple, Matrix.Translation((0, 0, -away_m)) @ turn)),
        window=tuple(map(tuple, WINDOW)),
        size=SIZE,
        rectangle=(5, 4, 40, 30),
    )


def refined(region: int, sight: sights.Sight) -> sights.Refined:
    """The picture, as soon as it is there."""
    pump_until(lambda: sights.note(region, sight) is not None)
    found = sights.note(region, sight)
    assert found is not None
    return found


def reply_to(armature: bpy.types.Object, sight: sights.Sight):
    """What the backend answers to the rig as it is now."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shot = Shot.by(sight.camera(armature, depsgraph), armature, depsgraph)
    return session.finish(session.get().render(armature, shot.frame, shot.camera))


def test_a_viewport_gets_the_picture_of_what_it_sees(
    live_rig: bpy.types.Object, region: int
) -> None:
    sight = seen(live_rig)
    picture, reply = refined(region, sight), reply_to(live_rig, sight)
    assert picture.rgba.shape == (30, 40, 4)
    rgba = reply.rgba[::-1] / 255
    np.testing.assert_allclose(picture.rgba[..., 3], rgba[..., 3], atol=1e-6)
    np.testing.assert_allclose(picture.rgba[..., :3], rgba[..., :3] * rgba[..., 3:], atol=1e-6)
    there = reply.depth[::-1] > 0
    np.testing.assert_allclose(picture.away[there], reply.depth[::-1][there], rtol=1e-6)
    assert (picture.away[~there] == depth_order.NOTHING).all()


def test_it_goes_at_once_when_the_pose_changes_and_a_new_one_comes(
    live_rig: bpy.types.Object, region: int
) -> None:
    sight = seen(live_rig)
    before = refined(region, sight)
    live_rig["jawOpen"] = 1.0
    live_rig.update_tag()
    bpy.context.view_layer.update()
    assert sights.note(region, sight) is None
    after = refined(region, sight)
    assert np.abs(after.rgba - before.rgba).max() > 0.002
    live_rig.location.x += 0.1  # the head's pose is the same, its place is not
    bpy.context.view_layer.update()
    assert sights.note(region, sight) is None


def test_it_is_asked_for_once_and_stays_while_nothing_changes(
    live_rig: bpy.types.Object, region: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sight = seen(live_rig)
    picture, client = refined(region, sight), session.get().client
    asked, request = [], client.request
    monkeypatch.setattr(
        client, "request", lambda message: asked.append(message) or request(message)
    )
    for _ in range(5):
        pump.pump()
    other = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(other)
    bpy.context.view_layer.update()
    pump.pump()
    assert sights.note(region, sight) is picture
    assert not [message for message in asked if isinstance(message, messages.RenderFrame)]


def test_a_viewport_says_so_as_long_as_its_picture_is_made(
    live_rig: bpy.types.Object, region: int
) -> None:
    sight = seen(live_rig)
    assert sights.note(region, sight) is None
    pump.pump()
    assert sights.said(region, sight.view) == sights.ON_ITS_WAY
    sights.note(region, sight)  # the redraw that shows it
    live_rig["jawOpen"] = 1.0  # what is being made is not wanted any more, another is
    live_rig.update_tag()
    bpy.context.view_layer.update()
    pump.pump()
    assert sights.said(region, sight.view) == sights.ON_ITS_WAY
    refined(region, sight)
    assert sights.said(region, sight.view) == ""


def test_nothing_is_on_its_way_from_a_backend_that_is_gone(
    live_rig: bpy.types.Object, region: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sight = seen(live_rig)
    sights.note(region, sight)
    pump.pump()
    assert sights.said(region, sight.view) == sights.ON_ITS_WAY
    with monkeypatch.context() as patch:
        patch.setattr(type(session.get()), "client", None)
        pump.pump()
        assert sights.said(region, sight.view) == ""
    refined(region, sight)


def test_the_newest_view_wins(live_rig: bpy.types.Object, region: int) -> None:
    views = [seen(live_rig, away_m=2 + step / 10) for step in range(4)]
    for sight in views:
        sights.note(region, sight)
        pump.pump()
    assert refined(region, views[-1]).of == views[-1]
    assert list(sights.pictures()) == [region]
    assert sights.note(region, views[0]) is None


def test_two_rigs_of_one_avatar_are_in_one_picture_the_nearer_in_front(
    live_rig: bpy.types.Object, region: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(steps, "without_window", lambda: True)  # the operator does all at once
        bpy.ops.splitavatar.open_avatar(filepath=properties.of_rig(live_rig).avatar_path)
    other = bpy.context.active_object
    assert other != live_rig
    other.scale = (3.0,) * 3  # three times as far away in every pixel
    other["jawOpen"] = 1.0
    other.update_tag()
    bpy.context.view_layer.update()
    sight = seen(live_rig, other)
    picture = refined(region, sight)
    near, far = (reply_to(rig, sight).rgba[::-1] / 255 for rig in (live_rig, other))
    assert np.abs(near - far).max() > 0.002
    alpha = near[..., 3:]
    wanted = near * alpha + (1 - alpha) * far * far[..., 3:]
    there = near[..., 3] > 0
    np.testing.assert_allclose(picture.rgba[there][:, :3], wanted[there][:, :3], atol=1e-5)


def test_what_cannot_be_refined_is_told_once_and_switches_it_off(
    live_rig: bpy.types.Object, region: int
) -> None:
    sight, here = seen(live_rig), session.get()
    live_rig.scale = (1, 1, 2)
    bpy.context.view_layer.update()
    sights.note(region, sight)
    pump.pump()
    assert "scaled unevenly" in str(here.error)
    assert not properties.of_scene(bpy.context.scene).refine_view
    assert here.error is not None
    assert sights.said(region, sight.view) == f"Refined View is off: {here.error.message}"


def test_live_preview_and_refined_view_both_come_to_rest(
    live_rig: bpy.types.Object, region: int
) -> None:
    bpy.ops.splitavatar.add_camera()
    bpy.context.scene.render.resolution_percentage = 10
    bpy.context.scene.splitavatar.live_preview = True
    sight = seen(live_rig)
    sights.note(region, sight)
    pump_until(lambda: preview.is_fresh() and sights.note(region, sight) is not None)
    assert session.get().error is None


def test_of_an_avatar_that_is_gone_nothing_is_asked(
    live_rig: bpy.types.Object, region: int
) -> None:
    sight = seen(live_rig)
    refined(region, sight)
    bpy.data.objects.remove(live_rig)
    bpy.context.view_layer.update()
    assert sights.note(region, sight) is None
    pump.pump()
    assert session.get().error is None


def test_undo_brings_the_splats_back(live_rig: bpy.types.Object, region: int) -> None:
    refined(region, seen(live_rig))
    handlers.on_undo()
    assert sights.pictures() == {}
