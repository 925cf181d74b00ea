"""The pass Layer: the numbers that the backend tells, for ID Mask nodes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon.scene import compositing, layer_pass
from blender_addon.work import frame_pictures, session
from blender_addon.work.shot import Shot
from shared import messages
from tests.blender.work.test_motion_blur import ENGINES, SHUTTER, evenly, render_with
from tests.blender.work.test_render_engine import (
    exr_channels,
    rendered,
    seen_by_the_engine,
    write_passes,
)


@pytest.fixture
def engine(live_rig: bpy.types.Object, tmp_path: Path) -> bpy.types.Object:
    """The rig in a small scene that the engine renders."""
    seen_by_the_engine(tmp_path)
    return live_rig


def layers_of(armature: bpy.types.Object) -> np.ndarray:
    """[H, W] which layer the backend sees in each pixel of the rig as it is now."""
    shot = Shot.of(armature, bpy.context.evaluated_depsgraph_get())
    avatar = session.get().loaded(armature).avatar
    message = messages.RenderFrame(avatar, shot.frame, shot.camera, layers=True)
    return session.finish(session.get().request(message)).layers


def test_the_layer_pass_is_the_backend_s_numbers(engine: bpy.types.Object, tmp_path: Path) -> None:
    write_passes(bpy.context.scene)
    name, wanted = "ViewLayer.Layer.X", layers_of(engine)
    assert len(np.unique(wanted)) == 7
    bpy.ops.render.render(write_still=True)
    assert name not in exr_channels(tmp_path / "seen.exr"), "nobody has asked for it"
    layer_pass.of(bpy.context.view_layer).use_pass_layer = True
    bpy.ops.render.render(write_still=True)
    np.testing.assert_array_equal(exr_channels(tmp_path / "seen.exr")[name], wanted)
    render = bpy.context.scene.render
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = 0.21, 0.87
    render.border_min_y, render.border_max_y = 0.5, 0.93
    bpy.ops.render.render(write_still=True)
    part = wanted[4:26, 10:44]  # as of the picture
    np.testing.assert_array_equal(exr_channels(tmp_path / "seen.exr")[name], part)


def test_each_view_layer_has_its_own_passes(engine: bpy.types.Object, tmp_path: Path) -> None:
    scene = bpy.context.scene
    write_passes(scene)
    layer_pass.of(scene.view_layers.new("Other")).use_pass_layer = True
    bpy.ops.render.render(write_still=True)
    found = exr_channels(tmp_path / "seen.exr")
    assert "ViewLayer.Layer.X" not in found
    np.testing.assert_array_equal(found["Other.Layer.X"], layers_of(engine))
    assert found["ViewLayer.Combined.A"].any()
    np.testing.assert_array_equal(found["Other.Combined.A"], found["ViewLayer.Combined.A"])


def test_layers_are_asked_for_only_where_the_pass_is(
    engine: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, client = [], session.get().client
    request = client.request
    monkeypatch.setattr(client, "request", lambda *given: asked.append(given[0]) or request(*given))
    for is_on in (False, True):
        layer_pass.of(bpy.context.view_layer).use_pass_layer = is_on
        bpy.ops.render.render()
    frames = [message for message in asked if isinstance(message, messages.RenderFrame)]
    assert [message.layers for message in frames] == [False, True]


def layer_socket(asked: bpy.types.Scene) -> tuple[Any, Any]:
    """The pass Layer of a scene, and the end of the compositor that it can be linked to."""
    scene = bpy.context.scene
    if not compositing.is_added(scene):
        compositing.add(scene, scene.view_layers[0])  # nodes that leave our engine alone
    layer_pass.of(asked.view_layers[0]).use_pass_layer = True
    nodes = compositing.tree(scene).nodes
    (source,) = (node for node in nodes if node.type == "R_LAYERS" and node.scene == asked)
    (end,) = (node for node in nodes if node.type in ("COMPOSITE", "GROUP_OUTPUT"))
    return source.outputs["Layer"], end.inputs[0]


def layers_as_red(asked: bpy.types.Scene) -> None:
    """The red of renders, which are EXRs, is the pass Layer of a scene; the picture stays used."""
    layer, end = layer_socket(asked)
    nodes = compositing.tree(bpy.context.scene)
    both = nodes.nodes.new("CompositorNodeCombineColor")
    nodes.links.new(end.links[0].from_socket, both.inputs["Green"])
    nodes.links.new(layer, both.inputs["Red"])
    nodes.links.new(both.outputs[0], end)
    settings = bpy.context.scene.render.image_settings
    settings.file_format = "OPEN_EXR"
    settings.exr_codec, settings.color_depth = "NONE", "32"


@pytest.mark.parametrize("number", [1, 4])
def test_an_id_mask_cuts_a_layer_out(engine: bpy.types.Object, tmp_path: Path, number: int) -> None:
    layer, end = layer_socket(bpy.context.scene)
    nodes = compositing.tree(bpy.context.scene)
    mask = nodes.nodes.new("CompositorNodeIDMask")
    if hasattr(mask, "index"):
        mask.index = number
    else:
        mask.inputs["Index"].default_value = number
    nodes.links.new(layer, mask.inputs[0])
    nodes.links.new(mask.outputs[0], end)
    bpy.ops.render.render(write_still=True)
    seen = rendered(tmp_path / "seen.png")[..., 0] == 255
    np.testing.assert_array_equal(seen, layers_of(engine) == number)


def test_of_several_avatars_the_nearest_s_layer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_pictures, "_of", lambda shot, *_: shot.reply)
    near, far = (
        SimpleNamespace(
            reply=messages.FrameReply(
                np.full((1, 4, 4), 255, np.uint8),
                np.array([depths], np.float32),
                np.array([layers], np.uint8),
            ),
            scale=scale,
        )
        for layers, depths, scale in (
            ([1, 2, 3, 0], [2.0, 6.0, 4.0, 0.0], 0.5),
            ([4, 5, 0, 0], [2.0, 2.0, 0.0, 0.0], 1.0),
        )
    )
    seen: list[Any]
    for seen in ([near, far], [far, near]):
        found = frame_pictures.rendered(seen, lambda: False, True)
        assert found is not None
        np.testing.assert_array_equal(found.layer, [[1, 5, 3, 0]])
        without = frame_pictures.rendered(seen, lambda: False, False)
        assert without is not None
        assert without.layer is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_blurred_pixel_shows_the_layer_of_the_middle_moment(
    live_rig: bpy.types.Object, tmp_path: Path, engine: str
) -> None:
    render_with(engine, tmp_path)
    scene = bpy.context.scene
    for frame, value in ((1, 0.0), (3, 1.0)):
        live_rig["jawOpen"] = value
        live_rig.keyframe_insert('["jawOpen"]', frame=frame)
    evenly(live_rig)
    scene.render.motion_blur_position = "START"
    layers_as_red(scene if engine == compositing.ENGINE else compositing.pictures_scene())
    scene.frame_set(2)
    first = layers_of(live_rig)
    scene.frame_set(2, subframe=SHUTTER / 2)
    wanted = layers_of(live_rig)
    assert (wanted != first).mean() > 0.3, "nothing moves"
    scene.frame_set(2)
    bpy.ops.render.render(write_still=True)
    np.testing.assert_array_equal(exr_channels(tmp_path / "seen.exr")["R"], wanted)


def test_the_scene_that_hands_over_tells_layers_too_but_none_of_balls(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    render_with("CYCLES", tmp_path)
    scene = bpy.context.scene
    scene.render.use_motion_blur = False
    layers_as_red(compositing.pictures_scene())
    bpy.ops.render.render(write_still=True)
    found = exr_channels(tmp_path / "seen.exr")["R"]
    np.testing.assert_array_equal(found, layers_of(live_rig))
    assert found.any()
    scene.camera.data.type = "ORTHO"
    bpy.ops.render.render(write_still=True)
    assert not exr_channels(tmp_path / "seen.exr")["R"].any()
