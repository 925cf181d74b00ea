"""What a viewport says of its refined picture is small, in its lower left, and can be hidden."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from blender_addon import steps
from blender_addon.drawing import sign
from blender_addon.scene import sights
from tests.blender.drawing import made_up
from tests.blender.drawing.on_gpu import on_gpu
from tests.blender.scene.test_sights import sight

WIDTH, HEIGHT = 300, 200
REGION = 1


def _part(alignment: str, x: int, y: int, width: int, height: int) -> SimpleNamespace:
    return SimpleNamespace(alignment=alignment, x=x, y=y, width=width, height=height)


@pytest.fixture
def context() -> Iterator[Any]:
    """A viewport on the screen at 40, 30, whose picture is on its way."""
    region = _part("NONE", 40, 30, WIDTH, HEIGHT)
    region.as_pointer = lambda: REGION
    style = bpy.context.preferences.ui_styles[0]
    here = sight(Matrix.Identity(4), Matrix.Identity(4))
    sights.note(REGION, here)
    sights.expect(REGION, here)
    yield SimpleNamespace(
        area=SimpleNamespace(regions=[region]),
        region=region,
        region_data=SimpleNamespace(view_matrix=Matrix.Identity(4)),
        screen=SimpleNamespace(is_animation_playing=False),
        space_data=SimpleNamespace(overlay=SimpleNamespace(show_overlays=True)),
        preferences=SimpleNamespace(
            system=SimpleNamespace(ui_scale=1.0),  # 0 without a window
            themes=bpy.context.preferences.themes,
            ui_styles=[style],
        ),
    )
    sights.forget()


def _drawn(context: Any) -> np.ndarray:
    """[H, W] opacity, rows upwards, of what is drawn over nothing."""
    import gpu

    target = gpu.types.GPUOffScreen(WIDTH, HEIGHT, format="RGBA32F")
    pixels = Matrix.Diagonal((2 / WIDTH, 2 / HEIGHT, -1, 1))
    pixels.translation = (-1, -1, 0)
    with target.bind():
        framebuffer = gpu.state.active_framebuffer_get()
        framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0), depth=1.0)
        with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
            gpu.matrix.load_identity()
            gpu.matrix.load_projection_matrix(pixels)
            sign.draw(context)
        found = made_up.pixels(framebuffer, WIDTH, HEIGHT)[::-1, :, 3]
    target.free()
    return found


def test_it_is_in_the_lower_left_and_as_large_as_the_interface(context: Any) -> None:
    first = on_gpu(lambda: _drawn(context))
    rows, columns = np.nonzero(first > 0.1)
    assert sign.MARGIN_PX - 5 <= rows.min() < rows.max() < 3 * sign.MARGIN_PX
    assert sign.MARGIN_PX - 3 <= columns.min() < columns.max() < 10 * sign.MARGIN_PX
    context.preferences.system.ui_scale = 2.0
    larger = on_gpu(lambda: _drawn(context))
    assert np.ptp(np.nonzero(larger > 0.1)[1]) > 1.8 * np.ptp(columns)


def test_it_is_away_without_overlays_while_something_plays_and_in_renders(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.space_data.overlay.show_overlays = False
    assert not on_gpu(lambda: _drawn(context)).any()
    context.space_data.overlay.show_overlays = True
    context.screen.is_animation_playing = True
    assert not on_gpu(lambda: _drawn(context)).any()
    context.screen.is_animation_playing = False
    with monkeypatch.context() as patch:
        patch.setattr(steps, "is_rendering", lambda: True)
        assert not on_gpu(lambda: _drawn(context)).any()
    assert on_gpu(lambda: _drawn(context)).any()
    sights.expect_none()
    assert not on_gpu(lambda: _drawn(context)).any()


def test_nothing_that_lies_over_a_viewport_hides_it() -> None:
    region = _part("NONE", 40, 30, WIDTH, HEIGHT)

    def corner(*others: SimpleNamespace) -> tuple[int, int]:
        return sign.corner(SimpleNamespace(regions=[region, *others]), region)

    header, sidebar = _part("TOP", 40, 200, 300, 26), _part("RIGHT", 300, 30, 40, 200)
    assert corner(header, sidebar) == (0, 0)
    toolbar, operation = _part("LEFT", 40, 30, 56, 200), _part("FLOAT", 96, 30, 100, 24)
    assert corner(toolbar, operation) == (56, 24)
    beside = _part("LEFT", 0, 30, 40, 200)  # of an area whose regions do not overlap
    assert corner(beside) == (0, 0)
