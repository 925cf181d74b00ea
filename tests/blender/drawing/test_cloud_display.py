"""Points that Blender does not draw while we draw splats; renders do."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

import blender_addon
from blender_addon import steps
from blender_addon.drawing import cloud_display, handlers, viewports
from blender_addon.scene import splats
from tests.blender.drawing import made_up


@pytest.fixture
def cloud(avatar_rig: bpy.types.Object) -> bpy.types.Object:
    """The avatar's, with some Gaussians."""
    found = avatar_rig.splitavatar.cloud
    splats.write(found, made_up.some(12, 1))
    return found


def _radii(cloud: bpy.types.Object) -> np.ndarray:
    data = cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    values = np.empty(12, np.float32)
    data.attributes["radius"].data.foreach_get("value", values)
    return values


def test_hidden_points_have_no_radius_in_viewports_and_all_else_as_before(
    cloud: bpy.types.Object,
) -> None:
    before = made_up.gather([cloud])
    assert _radii(cloud).max() > 0
    cloud_display.hide_points([cloud.session_uid])
    assert cloud_display.is_hidden(cloud)
    assert cloud.display_type == "TEXTURED"
    assert _radii(cloud).max() == 0
    after = made_up.gather([cloud])
    for name in ("places", "turns", "sizes", "bases"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_showing_leaves_nothing_behind(cloud: bpy.types.Object) -> None:
    groups = len(bpy.data.node_groups)
    cloud_display.hide_points([cloud.session_uid])
    cloud_display.hide_points([cloud.session_uid])
    assert cloud_display.hidden() == [cloud.session_uid]
    cloud_display.show_points([cloud.session_uid])
    assert cloud_display.hidden() == []
    assert cloud_display.NAME not in cloud.modifiers
    assert len(bpy.data.node_groups) == groups
    assert _radii(cloud).max() > 0


def test_a_modifier_that_comes_later_is_put_before_ours(cloud: bpy.types.Object) -> None:
    cloud_display.hide_points([cloud.session_uid])
    group = bpy.data.node_groups.new("Grow", "GeometryNodeTree")
    for side in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=side, socket_type="NodeSocketGeometry")
    start, end = group.nodes.new("NodeGroupInput"), group.nodes.new("NodeGroupOutput")
    grow = group.nodes.new("GeometryNodeSetPointRadius")
    group.links.new(start.outputs[0], grow.inputs[0])
    group.links.new(grow.outputs[0], end.inputs[0])
    cloud.modifiers.new("Grow", "NODES").node_group = group
    assert _radii(cloud).max() > 0
    assert not cloud_display.is_hidden(cloud)
    cloud_display.hide_points([cloud.session_uid])
    assert _radii(cloud).max() == 0
    assert [modifier.name for modifier in cloud.modifiers][-2:] == ["Grow", cloud_display.NAME]


def test_only_the_clouds_that_are_drawn_are_hidden(cloud: bpy.types.Object) -> None:
    cloud_display.hide_points([cloud.session_uid + 1])
    assert not cloud_display.is_hidden(cloud)


def test_a_render_shows_the_points_as_ever(
    cloud: bpy.types.Object, avatar_rig: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.ops.splitavatar.add_camera()
    render = bpy.context.scene.render
    render.engine, render.resolution_percentage = "CYCLES", 10
    render.film_transparent = True
    bpy.context.scene.cycles.samples = 4

    def rendered(name: str) -> np.ndarray:
        render.filepath = str(tmp_path / name)
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(render.filepath)
        return np.array(image.pixels[:])

    before = rendered("before.png")
    cloud_display.hide_points([cloud.session_uid])
    np.testing.assert_array_equal(rendered("hidden.png"), before)
    assert before.max() > 0


def test_a_file_shows_points_and_the_window_keeps_splats(
    cloud: bpy.types.Object, tmp_path: Path
) -> None:
    cloud_display.hide_points([cloud.session_uid])
    path = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert cloud_display.is_hidden(cloud)
    name = cloud.name
    bpy.ops.wm.open_mainfile(filepath=path)
    opened = bpy.data.objects[name]
    assert not cloud_display.is_hidden(opened)
    assert cloud_display.NAME not in opened.modifiers


def test_a_linked_cloud_becomes_a_box_and_nothing_else(
    cloud: bpy.types.Object, tmp_path: Path
) -> None:
    name = cloud.name
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    bpy.context.scene.collection.children.link(bpy.data.collections["Ada"])
    linked = bpy.data.objects[name]
    cloud_display.hide_points([linked.session_uid])
    assert cloud_display.is_hidden(linked)
    assert linked.display_type == "BOUNDS"
    assert cloud_display.NAME not in linked.modifiers
    assert cloud_display.hidden() == [linked.session_uid]
    cloud_display.show_points(cloud_display.hidden())
    assert linked.display_type == "TEXTURED"


def test_a_graphics_card_that_cannot_is_told_once_and_points_come_back(
    cloud: bpy.types.Object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def draw(self, context: bpy.types.Context) -> None:
            raise RuntimeError("no such shader")

    monkeypatch.setattr(handlers, "Viewports", Broken)
    cloud_display.hide_points([cloud.session_uid])
    assert handlers.failure() == ""
    try:
        handlers._draw()
        handlers._draw()
        assert [record.message for record in caplog.records] == ["splats cannot be drawn"]
        assert "points are shown" in handlers.failure()
        assert bpy.app.timers.is_registered(handlers._give_back)
        handlers._give_back()  # module mode has no timers
        assert not cloud_display.is_hidden(cloud)
    finally:
        blender_addon.unregister()
        blender_addon.register()
    assert handlers.failure() == ""
    assert not bpy.app.timers.is_registered(handlers._give_back)


def test_points_come_back_where_splats_can_no_longer_be_drawn(
    cloud: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Blender 4.2 as soon as a new avatar's cloud is bound, whose points it does not show us."""
    shown: list[bpy.types.Object] = [cloud]
    nothing = SimpleNamespace(draw=lambda context: (shown, False))
    monkeypatch.setitem(handlers._state, "viewports", nothing)
    monkeypatch.setattr(viewports, "left_to_blender", lambda context: [])
    handlers._draw()
    handlers._hide_points()  # module mode has no timers
    assert cloud_display.is_hidden(cloud)
    shown.clear()
    monkeypatch.setattr(viewports, "left_to_blender", lambda context: [cloud])
    handlers._draw()
    with monkeypatch.context() as rendering:
        rendering.setattr(steps, "is_rendering", lambda: True)
        assert handlers._show_points() == steps.LOOK_S
        assert cloud_display.is_hidden(cloud)
    assert handlers._show_points() is None
    assert not cloud_display.is_hidden(cloud)
    for call in (handlers._hide_points, handlers._show_points):
        bpy.app.timers.unregister(call)


def test_while_a_window_renders_points_and_groups_stay_as_they_are(
    cloud: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blender crashes where a modifier goes while a render copies the scene."""
    bpy.data.node_groups.new(cloud_display.NAME, "GeometryNodeTree")
    with monkeypatch.context() as rendering:
        rendering.setattr(steps, "is_rendering", lambda: True)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "unused.blend"))
    assert cloud_display.NAME in bpy.data.node_groups
    cloud_display.hide_points([cloud.session_uid])
    with monkeypatch.context() as rendering:
        rendering.setattr(steps, "is_rendering", lambda: True)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
        assert cloud_display.is_hidden(cloud)
        blender_addon.unregister()
        assert cloud.modifiers[-1].name == cloud_display.NAME
        assert bpy.app.timers.is_registered(handlers._give_back_last)
    assert handlers._give_back_last() is None  # module mode has no timers
    assert cloud_display.NAME not in cloud.modifiers
    blender_addon.register()
    assert not bpy.app.timers.is_registered(handlers._give_back_last)


def test_an_add_on_that_is_on_again_in_the_same_render_goes_on(
    cloud: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud_display.hide_points([cloud.session_uid])
    with monkeypatch.context() as rendering:
        rendering.setattr(steps, "is_rendering", lambda: True)
        blender_addon.unregister()
        blender_addon.register()
    assert not bpy.app.timers.is_registered(handlers._give_back_last)
    assert cloud_display.is_hidden(cloud)
