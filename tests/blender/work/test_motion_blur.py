"""A frame with motion blur is the mean of pictures while the shutter is open, in linear light."""

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_addon.scene import actions, compositing, properties
from blender_addon.work import frame_pictures, motion_blur, session
from blender_addon.work.depth_order import Picture
from blender_addon.work.shot import Shot, between
from tests.blender.work.test_render_engine import direct, rendered, seen_by_the_engine
from tests.blender.work.test_render_passes import EEVEE
from tests.linear_mean import linear_mean

ENGINES = (compositing.ENGINE, "CYCLES", EEVEE)
SHUTTER = 0.8


def render_with(engine: str, tmp_path: Path) -> None:
    """A small scene with motion blur; renders go to `seen`."""
    seen_by_the_engine(tmp_path)
    scene = bpy.context.scene
    scene.render.engine = engine
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, SHUTTER
    properties.of_scene(scene).blur_pictures = 5
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.eevee.taa_render_samples = 2
    if engine != compositing.ENGINE:
        bpy.ops.splitavatar.refine_renders()


@pytest.fixture
def moving(live_rig: bpy.types.Object) -> bpy.types.Object:
    """The rig, that becomes brighter from frame 1 to 3, evenly."""
    root = live_rig.pose.bones["root"]
    for frame, place in ((1, -0.08), (3, 0.08)):
        root.location = (place,) * 3
        root.keyframe_insert("location", frame=frame)
    evenly(live_rig)
    bpy.context.scene.frame_set(2)
    return live_rig


def evenly(owner: bpy.types.ID) -> None:
    """Its keys are joined by straight lines."""
    for curve in actions.curves(owner):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def sub_frames(armature: bpy.types.Object, times: Sequence[float]) -> list[np.ndarray]:
    """[H, W, 4] the backend's pictures at these times, each evaluated by itself."""
    scene, found = bpy.context.scene, []
    for time in times:
        scene.frame_set(int(time), subframe=time - int(time))
        found.append(direct(armature))
    scene.frame_set(2)
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("position", "opens"), [("START", 2), ("CENTER", 1.6), ("END", 1.2)])
def test_a_frame_is_the_mean_of_its_moments(
    moving: bpy.types.Object, tmp_path: Path, engine: str, position: str, opens: float
) -> None:
    render_with(engine, tmp_path)
    bpy.context.scene.render.motion_blur_position = position
    pictures = sub_frames(moving, [opens + SHUTTER * (k + 0.5) / 5 for k in range(5)])
    bpy.ops.render.render(write_still=True)
    seen, wanted = rendered(tmp_path / "seen.png"), linear_mean(pictures)
    opaque = wanted[..., 3] > 200
    assert np.ptp([picture[opaque].mean() for picture in pictures]) > 60, "nothing moves"
    assert np.abs(np.mean(pictures, axis=0) - wanted)[opaque].max() > 4, "light or bytes: the same"
    assert np.abs(seen - wanted)[opaque].max() <= 1
    assert np.abs(seen[..., 3] - wanted[..., 3]).max() <= 1


@pytest.mark.parametrize("engine", ENGINES)
def test_what_stands_still_has_the_bytes_of_a_frame_without_motion_blur(
    live_rig: bpy.types.Object, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_with(engine, tmp_path)
    live_rig["jawOpen"] = 0.3
    made, frame = [], frame_pictures.rendered
    monkeypatch.setattr(
        frame_pictures, "rendered", lambda *given: made.append(given) or frame(*given)
    )
    pictures = []
    for blurred in (True, False):
        bpy.context.scene.render.use_motion_blur = blurred
        bpy.ops.render.render(write_still=True)
        pictures.append(rendered(tmp_path / "seen.png"))
    np.testing.assert_array_equal(*pictures)
    assert len(made) == 2, "more than one picture of what stands still"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_saved_file_renders_twice_to_the_same_bytes_and_stays_at_its_frame(
    moving: bpy.types.Object, tmp_path: Path, engine: str
) -> None:
    render_with(engine, tmp_path)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    pictures = []
    for _ in range(2):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
        bpy.ops.render.render(write_still=True)
        pictures.append(rendered(tmp_path / "seen.png"))
        scene = bpy.context.scene
        assert (scene.frame_current, scene.frame_subframe) == (2, 0)
    np.testing.assert_array_equal(*pictures)


def test_frames_of_an_animation_are_blurred_one_by_one(
    moving: bpy.types.Object, tmp_path: Path
) -> None:
    render_with(compositing.ENGINE, tmp_path)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    bpy.ops.render.render(animation=True)
    for frame in (1, 2, 3):
        times = [frame - SHUTTER / 2 + SHUTTER * (k + 0.5) / 5 for k in range(5)]
        seen, wanted = (
            rendered(tmp_path / f"seen{frame:04d}.png"),
            linear_mean(sub_frames(moving, times)),
        )
        assert np.abs(seen - wanted)[wanted[..., 3] > 200].max() <= 1


def test_moments_have_the_weights_of_the_shutter_s_curve(live_rig: bpy.types.Object) -> None:
    scene = bpy.context.scene
    render = scene.render
    render.use_motion_blur, render.motion_blur_shutter = True, 1.0
    render.motion_blur_position = "START"
    properties.of_scene(scene).blur_pictures = 4
    points = render.motion_blur_shutter_curve.curves[0].points
    for point in points:
        point.handle_type = "VECTOR"
    for point in points:  # it opens evenly
        point.location.y = point.location.x
    render.motion_blur_shutter_curve.update()
    moments = motion_blur.moments(bpy.context.evaluated_depsgraph_get())
    np.testing.assert_allclose([m.time for m in moments], [1.125, 1.375, 1.625, 1.875])
    np.testing.assert_allclose([m.weight for m in moments], np.array([1, 3, 5, 7]) / 16, atol=1e-3)


def test_a_blurred_pixel_is_as_near_as_its_nearest_moment(
    moving: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    still = Shot.of(moving, depsgraph)
    bpy.context.scene.frame_set(3)
    later = Shot.of(moving, bpy.context.evaluated_depsgraph_get())
    far = np.array([[[1, 1, 1, 1], [0, 0, 0, 0]]], np.float32), np.array([[2, 1e10]], np.float32)
    near = np.array([[[0, 0, 0, 1], [0, 0, 0.5, 0.5]]], np.float32), np.ones((1, 2), np.float32)
    made = {still.key: Picture(*far), later.key: Picture(*near)}
    monkeypatch.setattr(frame_pictures, "rendered", lambda seen, *_: made[seen[0].key])
    moments, weights = [[still], [later], [still]], [0.25, 0.5, 0.25]
    found = motion_blur.rendered(moments, weights, lambda: False, False)
    assert found is not None
    np.testing.assert_allclose(found.colour, [[[0.5, 0.5, 0.5, 1], [0, 0, 0.25, 0.25]]])
    np.testing.assert_allclose(found.depth, [[1, 1]])
    assert found.layer is None


def test_between_two_moments_head_and_camera_are_where_blender_evaluates_them(
    moving: bpy.types.Object,
) -> None:
    bpy.ops.splitavatar.add_camera()
    scene, neck = bpy.context.scene, moving.pose.bones["neck"]
    camera = scene.camera
    neck.rotation_mode = camera.rotation_mode = "XYZ"
    for frame, turn in ((1, -0.2), (3, 0.4)):
        neck.rotation_euler = (0, turn, 0)
        moving["jawOpen"], camera.location.x, camera.data.lens = 0.5 + turn, turn, 100 + 50 * turn
        camera.rotation_euler.x = 1.5 + turn
        for owner, path in (
            (neck, "rotation_euler"), (moving, '["jawOpen"]'), (camera, "location"),
            (camera, "rotation_euler"), (camera.data, "lens"),
        ):  # fmt: skip
            owner.keyframe_insert(path, frame=frame)
    for owner in (moving, camera, camera.data):
        evenly(owner)

    def shot(time: float) -> Shot:
        scene.frame_set(int(time), subframe=time - int(time))
        return Shot.of(moving, bpy.context.evaluated_depsgraph_get())

    found, wanted = between(shot(1.2), shot(2.6), 0.25), shot(1.55)
    for name, values in wanted.frame.to_arrays().items():
        np.testing.assert_allclose(getattr(found.frame, name), values, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found.camera.viewmat, wanted.camera.viewmat, atol=1e-5)
    np.testing.assert_allclose(found.camera.K, wanted.camera.K, rtol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cut_to_another_camera_does_not_blend_the_two(
    moving: bpy.types.Object, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_with(engine, tmp_path)
    scene = bpy.context.scene
    first, second = scene.camera, scene.camera.copy()
    second.location.x += 1
    scene.collection.objects.link(second)
    for frame, camera in ((1, first), (2, second)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    scene.frame_set(2)
    through, frame = set(), frame_pictures.rendered

    def noted(seen: list[Shot], *given) -> Picture | None:
        through.update(shot.camera.viewmat.tobytes() for shot in seen)
        return frame(seen, *given)

    monkeypatch.setattr(frame_pictures, "rendered", noted)
    bpy.ops.render.render()
    assert scene.camera == second
    assert len(through) == 1


def test_a_moment_that_cannot_be_rendered_is_told(
    moving: bpy.types.Object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    render_with("CYCLES", tmp_path)
    becomes_orthographic(bpy.context.scene.camera.data, 2.2)  # within the shutter's time
    wanted = direct(moving)
    bpy.ops.render.render(write_still=True)
    assert "Frame 2: avatars have no motion blur." in caplog.text
    assert "is ortho" in str(session.get().error)
    seen = rendered(tmp_path / "seen.png")
    assert np.abs(seen - wanted)[wanted[..., 3] > 200].max() <= 1


def test_the_engine_renders_no_frame_one_moment_of_which_it_cannot(
    moving: bpy.types.Object, tmp_path: Path
) -> None:
    render_with(compositing.ENGINE, tmp_path)
    becomes_orthographic(bpy.context.scene.camera.data, 2.2)
    with pytest.raises(RuntimeError, match="is ortho"):
        bpy.ops.render.render(write_still=True)
    assert not (tmp_path / "seen.png").exists()
    assert (bpy.context.scene.frame_current, bpy.context.scene.frame_subframe) == (2, 0)


def becomes_orthographic(camera: bpy.types.Camera, frame: float) -> None:
    """From this frame on."""
    for time, kind in ((1, "PERSP"), (frame, "ORTHO")):
        camera.type = kind
        camera.keyframe_insert("type", frame=time)
    bpy.context.scene.frame_set(2)


def test_a_shutter_that_never_opens_is_refused(moving: bpy.types.Object, tmp_path: Path) -> None:
    render_with(compositing.ENGINE, tmp_path)
    curve = bpy.context.scene.render.motion_blur_shutter_curve
    for point in curve.curves[0].points:
        point.location.y = 0
    curve.update()
    with pytest.raises(RuntimeError, match="shutter curve"):
        bpy.ops.render.render(write_still=True)
    assert not (tmp_path / "seen.png").exists()
