"""What a viewport sees is a camera of the backend, and only its own picture is given back."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_addon.scene import cameras, clouds, sights, viewport
from blender_addon.scene.node_tree import set_input
from blender_addon.scene.playback import group
from tests.blender.fake_binding import binding_arrays

SIZE = 300, 200


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    sights.forget()


def sight(window: Matrix, view: Matrix, **changes) -> sights.Sight:
    """Of the whole viewport, where nothing else is said."""
    given = {
        "scene": bpy.context.scene.session_uid,
        "layer": bpy.context.view_layer.name,
        "armatures": (),
        "view": tuple(map(tuple, view)),
        "window": tuple(map(tuple, window)),
        "size": SIZE,
        "rectangle": (0, 0, *SIZE),
    }
    return sights.Sight(**{**given, **changes})


def empty(of: sights.Sight) -> sights.Refined:
    return sights.Refined(of, b"", np.zeros((1, 1, 4), np.float32), np.zeros((1, 1), np.float32))


@pytest.fixture
def region() -> int:
    """The number of a viewport's region."""
    windows = bpy.context.window_manager.windows
    areas = [area for window in windows for area in window.screen.areas if area.type == "VIEW_3D"]
    return next(r.as_pointer() for r in areas[0].regions if r.type == "WINDOW")


def test_it_is_the_camera_that_blender_s_matrices_come_from(avatar_rig: bpy.types.Object) -> None:
    """Blender makes the matrices of a camera, `cameras.through` the backend's camera of it."""
    bpy.ops.splitavatar.add_camera()
    scene, avatar_rig.scale = bpy.context.scene, (2.0,) * 3
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    placed = scene.camera
    placed.data.shift_x, placed.data.shift_y, placed.data.lens = 0.1, -0.2, 80
    placed.rotation_euler.z += 0.3
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    window = placed.calc_matrix_camera(depsgraph, x=SIZE[0], y=SIZE[1])
    seen = sight(window, placed.matrix_world.normalized().inverted())
    wanted = cameras.scene_camera(scene, avatar_rig, depsgraph)
    found = seen.camera(avatar_rig, depsgraph)
    np.testing.assert_allclose(found.K, wanted.K, rtol=1e-5)
    np.testing.assert_allclose(found.viewmat, wanted.viewmat, atol=1e-5)
    assert (found.width, found.height) == SIZE


def test_a_rectangle_of_it_shows_that_part_of_the_picture(avatar_rig: bpy.types.Object) -> None:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    window = Matrix(((3, 0, 0.1, 0), (0, 4.5, -0.2, 0), (0, 0, -1, -0.2), (0, 0, -1, 0)))
    view = Matrix.Translation((0, 0, -2))
    whole = sight(window, view).camera(avatar_rig, depsgraph)
    part = sight(window, view, rectangle=(40, 30, 100, 90)).camera(avatar_rig, depsgraph)
    points = np.random.default_rng(0).normal(0, 0.1, (9, 3))
    # Its upper left corner is 40 from the left and 200 - 30 - 90 from above.
    np.testing.assert_allclose(part.project(points), whole.project(points) - [40, 80], atol=1e-9)
    assert (part.width, part.height) == (100, 90)


def test_only_a_picture_of_exactly_what_is_seen_is_given_back(region: int) -> None:
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    there = sight(Matrix.Identity(4), Matrix.Translation((1e-6, 0, 0)))
    assert sights.note(region, here) is None
    assert sights.wanted(0) == (region, here)
    picture = empty(here)
    sights.show(region, picture)
    assert sights.note(region, here) is picture
    assert sights.wanted(0) is None
    assert sights.note(region, there) is None
    assert sights.wanted(0) == (region, there)
    sights.show(region, picture)  # one that comes late
    assert sights.note(region, there) is None


def test_a_view_that_does_not_stand_still_wants_none(region: int) -> None:
    sights.note(region, sight(Matrix.Identity(4), Matrix.Identity(4)))
    assert sights.wanted(60) is None
    assert sights.wanted(0) is not None


def test_a_viewport_that_was_closed_wants_none() -> None:
    sights.note(1, sight(Matrix.Identity(4), Matrix.Identity(4)))
    assert sights.wanted(0) is None
    assert not sights.is_any()


@pytest.fixture
def redraws(region: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each redraw that is asked for of the region alone."""
    found: list[int] = []
    drawn = SimpleNamespace(tag_redraw=lambda: found.append(region))
    monkeypatch.setattr(viewport, "regions", lambda: {region: drawn})
    return found


def test_a_viewport_says_that_its_picture_is_on_its_way_and_is_redrawn_twice(
    region: int, redraws: list[int]
) -> None:
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    there = sight(Matrix.Identity(4), Matrix.Translation((1, 0, 0)))
    sights.note(region, here)
    assert sights.said(region, here.view) == ""
    for _ in range(3):
        sights.expect(region, here)
        sights.note(region, here)
        assert sights.said(region, here.view) == "Refining..."
    assert sights.said(region + 1, here.view) == ""
    assert len(redraws) == 1
    assert sights.said(region, there.view) == ""  # no avatar is in sight there
    sights.note(region, there)
    assert sights.said(region, there.view) == ""
    sights.note(region, here)
    sights.expect_none()
    sights.expect_none()
    assert sights.said(region, here.view) == ""
    assert len(redraws) == 2


def test_a_redraw_that_the_sign_causes_is_no_other_view(
    region: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, now = sight(Matrix.Identity(4), Matrix.Identity(4)), [0.0]
    monkeypatch.setattr(sights.time, "monotonic", lambda: now[0])
    sights.note(region, here)
    now[0] = 10.0
    sights.expect(region, here)
    sights.note(region, here)
    assert sights.wanted(10.0) == (region, here)


def test_where_nothing_sees_it_any_more_the_end_of_a_picture_redraws_nothing(
    region: int, redraws: list[int]
) -> None:
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    sights.note(region, here)
    sights.expect(region, here)
    sights.note(region, None)
    assert sights.said(region, here.view) == ""
    sights.expect_none()
    assert len(redraws) == 1


def test_why_there_is_no_picture_is_said_in_one_line_until_the_view_moves(
    region: int, redraws: list[int]
) -> None:
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    sights.note(region, here)
    sights.fail("It is\nscaled.")
    sights.note(region, None)  # the switch goes off
    for _ in range(2):
        assert sights.said(region, here.view) == "It is scaled."
    assert len(redraws) == 1
    assert sights.said(region, sight(Matrix.Identity(4), Matrix.Translation((1, 0, 0))).view) == ""
    assert sights.said(region, here.view) == ""


def test_it_is_said_no_more_when_the_error_is_dismissed(region: int, redraws: list[int]) -> None:
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    sights.note(region, here)
    sights.fail("It is scaled.")
    assert bpy.ops.splitavatar.dismiss_error() == {"FINISHED"}
    assert sights.said(region, here.view) == ""
    assert len(redraws) == 2, "it is redrawn without"


def test_it_is_said_no_more_when_a_picture_is_wanted_again(region: int) -> None:
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    sights.note(region, here)
    sights.fail("It is scaled.")
    sights.note(region, here)
    assert sights.said(region, here.view) == ""


def test_layers_that_are_looked_at_and_orthographic_views_stay_splats(
    avatar_rig: bpy.types.Object, rig_data: dict[str, np.ndarray]
) -> None:
    binding = type("Reply", (), {"avatar": "ada", "binding": binding_arrays(rig_data)})
    clouds.bind(avatar_rig, binding)
    scene, perspective = bpy.context.scene, np.diag([1.0, 1, 1, 0])
    assert not sights.refines(scene, [avatar_rig], perspective)
    scene.splitavatar.refine_view = True
    assert sights.refines(scene, [avatar_rig], perspective)
    assert not sights.refines(scene, [avatar_rig], np.eye(4))
    modifier = clouds.playback(avatar_rig)
    looked_at = ((group.BY_MASK, True), (group.LAYERS[2], False), (group.THRESHOLD, 0.8))
    for name, value in looked_at:
        set_input(modifier, name, value)
        assert not sights.refines(scene, [avatar_rig], perspective)
        set_input(modifier, name, group.AS_RENDERED[name])
    assert sights.refines(scene, [avatar_rig], perspective)
