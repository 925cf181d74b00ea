"""The backend's picture in the view itself, among the meshes. After test_main_job."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from .test_main_job import SHADERS_S, changed, head_box, skin_share
from .window import Window

PICTURES_S = 60

VIEW = "view().spaces[0].region_3d"

SHOWN = f"""[
    (picture.rgba, picture.of.rectangle, picture.posed)
    for picture in addon("scene.sights").pictures().values()
    if picture.of.view == tuple(map(tuple, {VIEW}.view_matrix))
]"""
"""The picture of what the viewport sees now: none or one."""


@pytest.fixture(autouse=True)
def refined(window: Window) -> Iterator[None]:
    """A free view of the head with Refined View; afterwards as it was."""
    window.ask("show('SPLATS', 'SOLID')")
    window.ask(f"setattr({VIEW}, 'view_perspective', 'PERSP')")
    box = head_box(window)
    window.until(lambda: skin_share(window.look(box)) > 0.5, "a face", SHADERS_S)
    window.ask("setattr(bpy.context.scene.splitavatar, 'refine_view', True)")
    yield
    window.ask("setattr(bpy.context.scene.splitavatar, 'refine_view', False)")
    window.ask(f"setattr({VIEW}, 'view_perspective', 'CAMERA')")


def test_a_view_that_stands_still_shows_the_backend_s_picture(window: Window) -> None:
    box = head_box(window, 40)
    splats = window.settle(box)
    [(rgba, (x, y, _, height), _)] = window.wait(SHOWN, PICTURES_S)
    picture = window.settle(box).astype(int)
    left, _, _, bottom = window.ask("rectangle()")
    top = bottom - y - height
    part = rgba[::-1][box[1] - top : box[3] - top, box[0] - left - x : box[2] - left - x]
    opaque = part[..., 3] > 0.999
    assert opaque.mean() > 0.9
    gaps = np.abs(picture - part[..., :3] * 255)[opaque]
    assert np.percentile(gaps, 99) <= 1.01
    before = np.abs(splats.astype(int) - part[..., :3] * 255)[opaque]
    assert np.percentile(before, 99) > 5, "splats look the same: nothing is told apart"
    window.keep("refined", "WINDOW")
    assert window.ask("error()") == ""


def test_the_viewport_says_that_its_picture_is_on_its_way(window: Window) -> None:
    x, y = window.ask('addon("drawing.sign").corner(view(), region())')
    left, _, _, bottom = window.ask("rectangle()")
    box = left + x, bottom - y - 40, left + x + 140, bottom - y

    def says() -> bool:
        return bool((window.look(box).min(axis=-1) > 220).any())

    window.until(says, "white words", PICTURES_S)
    window.wait(SHOWN, PICTURES_S)
    window.until(lambda: not says(), "no words")


def test_another_view_or_pose_gets_its_own_picture(window: Window) -> None:
    [(_, first, _)] = window.wait(SHOWN, PICTURES_S)
    window.ask(f"setattr({VIEW}, 'view_distance', {VIEW}.view_distance * 1.1)")
    window.until(
        lambda: any(rectangle != first for _, rectangle, _ in window.ask(SHOWN)),
        "a picture of the other view", PICTURES_S,
    )  # fmt: skip
    before = window.settle(head_box(window))
    [(_, _, posed)] = window.ask(SHOWN)
    opened = window.ask("rig()['jawOpen']")
    window.ask("[rig().__setitem__('jawOpen', 0.0), rig().update_tag()]")
    window.until(
        lambda: any(now != posed for _, _, now in window.ask(SHOWN)), "the other pose", PICTURES_S
    )
    assert changed(window.settle(head_box(window)), before) > 0.01
    window.ask(f"[rig().__setitem__('jawOpen', {opened}), rig().update_tag()]")


def test_a_cube_before_the_head_hides_the_picture_and_one_behind_is_hidden(
    window: Window,
) -> None:
    box = head_box(window, 20)
    window.wait(SHOWN, PICTURES_S)
    away = f"{VIEW}.view_rotation @ __import__('mathutils').Vector((0, 0, 0.3))"
    window.ask("setattr(bpy.data.objects['Cube'], 'scale', (0.06,) * 3)")
    before = window.ask("tuple(bpy.data.objects['Cube'].location)")
    for sign, is_seen in (("+", True), ("-", False)):
        place = f"rig().matrix_world @ head_middle() {sign} {away}"
        window.ask(f"setattr(bpy.data.objects['Cube'], 'location', {place})")
        window.wait(SHOWN, PICTURES_S)
        window.until(
            lambda is_seen=is_seen: (skin_share(window.look(box)) < 0.1) == is_seen, "the cube"
        )
    window.ask("setattr(bpy.data.objects['Cube'], 'scale', (1,) * 3)")
    window.ask(f"setattr(bpy.data.objects['Cube'], 'location', {before})")
