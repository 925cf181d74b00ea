"""Clouds as Blender 5.3 draws them; stand-ins, until a Blender that can is at hand."""

from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from blender_addon.scene import native_splats


def _data(kinds: list[str] | None) -> Any:
    properties = {} if kinds is None else {"type": SimpleNamespace(enum_items=dict.fromkeys(kinds))}
    return SimpleNamespace(bl_rna=SimpleNamespace(properties=properties), type="POINTS")


def test_a_cloud_that_can_be_of_splats_is() -> None:
    data = _data(["POINTS", "GAUSSIAN_SPLAT"])
    assert not native_splats.are_drawn(data)
    native_splats.use(data)
    assert data.type == "GAUSSIAN_SPLAT"
    assert native_splats.are_drawn(data)


@pytest.mark.parametrize("kinds", [None, ["POINTS"]])
def test_one_that_cannot_stays_as_it_is(kinds: list[str] | None) -> None:
    data = _data(kinds)
    native_splats.use(data)
    assert data.type == "POINTS"
    assert not native_splats.are_drawn(data)


def test_a_property_of_that_name_that_is_no_choice_is_left_alone() -> None:
    data = SimpleNamespace(
        bl_rna=SimpleNamespace(properties={"type": SimpleNamespace()}), type="POINTS"
    )
    native_splats.use(data)
    assert data.type == "POINTS"


def test_this_blenders_own_data_can_be_asked() -> None:
    for data in (bpy.data.pointclouds.new("C"), bpy.data.meshes.new("M")):
        native_splats.use(data)
        assert native_splats.are_drawn(data) == (bpy.app.version >= (5, 3, 0) and data.name == "C")
