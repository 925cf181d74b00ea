"""A render without a window starts the backend by itself, or says why it cannot."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_addon.link import settings
from blender_addon.scene import clouds
from blender_addon.work import session
from tests.blender.fake_binding import binding_arrays
from tests.blender.work.test_render_engine import direct, rendered, seen_by_the_engine


@pytest.fixture
def stopped(own_backend: Callable[..., None], portrait: Path, tmp_path: Path) -> bpy.types.Object:
    """An avatar in the small scene, whose backend was stopped."""
    own_backend()
    bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(tmp_path / "grace.savatar")
    )
    rig = bpy.context.active_object
    bpy.ops.splitavatar.stop_backend()
    assert session.get().client is None
    seen_by_the_engine(tmp_path)
    return rig


def refined_by_cycles() -> None:
    """The scene is rendered by Cycles, with the avatar refined."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples = "CYCLES", 4
    scene.cycles.use_denoising = False
    bpy.ops.splitavatar.refine_renders()


@pytest.mark.parametrize("prepare", [lambda: None, refined_by_cycles])
def test_a_stopped_backend_is_started(
    stopped: bpy.types.Object, tmp_path: Path, prepare: Callable[[], None]
) -> None:
    prepare()
    bpy.ops.render.render(write_still=True)
    seen, wanted = rendered(tmp_path / "seen.png"), direct(stopped)
    assert abs(seen[..., 3] - wanted[..., 3]).max() <= 1
    assert seen[..., 3].any()


@pytest.fixture
def moved_by_its_head(stopped: bpy.types.Object, rig_data: dict[str, np.ndarray]) -> None:
    """The head mesh moves the avatar's splats, as it does for most."""
    clouds.bind(stopped, SimpleNamespace(avatar="grace", binding=binding_arrays(rig_data)))


def no_backend() -> bool:
    return False


def test_without_a_backend_other_engines_render_balls_and_say_why(
    moved_by_its_head: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(settings, "installed", no_backend)
    refined_by_cycles()
    bpy.ops.render.render(write_still=True)
    seen = rendered(tmp_path / "seen.png")
    assert "Frame 1: splats of grace are balls. The backend is not installed" in caplog.text
    assert "Press Install Backend" in str(session.get().error)
    bpy.ops.splitavatar.refine_no_more()
    bpy.ops.render.render(write_still=True)
    np.testing.assert_array_equal(seen, rendered(tmp_path / "seen.png"))
    assert seen[..., 3].any()


def test_a_lost_avatar_file_is_told_and_its_splats_are_balls(
    moved_by_its_head: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "grace.savatar").unlink()
    refined_by_cycles()
    bpy.ops.render.render(write_still=True)
    assert "The avatar file of 'grace' is missing" in caplog.text
    assert rendered(tmp_path / "seen.png")[..., 3].any()


def test_splats_that_only_the_backend_moves_are_never_those_of_another_frame(
    stopped: bpy.types.Object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(settings, "installed", no_backend)
    refined_by_cycles()
    bpy.ops.render.render(write_still=True)
    assert "Frame 1: no avatar is rendered. The backend is not installed" in caplog.text
    assert not rendered(tmp_path / "seen.png")[..., 3].any()
