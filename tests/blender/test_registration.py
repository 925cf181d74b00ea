"""Registering leaves nothing behind, three times over and after a failure."""

import importlib
import sys
from collections.abc import Iterator

import bpy
import pytest

import blender_addon
from blender_addon.scene import rig, tracks
from blender_addon.work import handlers, session


def _traces() -> dict[str, object]:
    """Everything of ours that Blender holds."""
    lists = {name: list(getattr(bpy.app.handlers, name)) for name, _ in handlers.HANDLERS}
    ours = {
        name: [h.__name__ for h in found if h.__module__.startswith("blender_addon")]
        for name, found in lists.items()
    }
    return {
        "handlers": {name: sorted(found) for name, found in ours.items() if found},
        "classes": sorted(n for n in dir(bpy.types) if n.startswith("SPLITAVATAR_")),
        "operators": sorted(dir(bpy.ops.splitavatar)),
        "owners": [
            hasattr(owner, "splitavatar")
            for owner in (bpy.types.Scene, bpy.types.ViewLayer, bpy.types.Object)
        ],
        "menus": [
            f.__module__
            for menu in (bpy.types.TOPBAR_MT_file_import, bpy.types.TOPBAR_MT_file_export)
            for f in menu.draw._draw_funcs
            if f.__module__.startswith("blender_addon")
        ],
    }


NOTHING = {
    "handlers": {}, "classes": [], "operators": [], "owners": [False] * 3, "menus": [],
}  # fmt: skip


@pytest.fixture
def registered_again() -> Iterator[None]:
    yield
    blender_addon.register()


def test_registering_three_times_leaves_nothing_behind(registered_again: None) -> None:
    registered = _traces()
    blender_addon.unregister()
    assert _traces() == NOTHING
    for _ in range(2):
        blender_addon.register()
        assert _traces() == registered
        blender_addon.unregister()
        assert _traces() == NOTHING


def test_a_failure_while_registering_undoes_the_rest_and_is_raised(
    registered_again: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blender_addon.unregister()

    def fail() -> None:
        raise RuntimeError("a handler that cannot be added")

    monkeypatch.setattr(handlers, "register", fail)
    with pytest.raises(RuntimeError, match="cannot be added"):
        blender_addon.register()
    assert _traces() == NOTHING


def test_every_operator_is_named_and_described_as_blender_asks() -> None:
    for cls in blender_addon.CLASSES:
        if not issubclass(cls, bpy.types.Operator):
            continue
        verb = cls.bl_idname.removeprefix("splitavatar.")
        assert cls.__name__ == f"SPLITAVATAR_OT_{verb}"
        assert cls.bl_description
        assert not cls.bl_description.endswith(".")


def test_every_setting_has_a_description_without_a_full_stop() -> None:
    for cls in blender_addon.CLASSES:
        for name, prop in cls.bl_rna.properties.items():
            ours = name in getattr(cls, "__annotations__", {})
            if ours and not prop.is_hidden and name not in ("filepath", "directory"):
                assert prop.description, (cls, name)
                assert not prop.description.endswith("."), (cls, name)


def test_the_gpu_module_is_not_touched_before_a_viewport_draws() -> None:
    from blender_addon.scene import preview

    assert "gpu" not in vars(preview)
    assert "torch" not in sys.modules


def test_the_addon_imports_neither_torch_nor_the_backend() -> None:
    assert not [name for name in sys.modules if name.split(".")[0] in ("torch", "backend")]


def test_scripts_find_session_rig_and_tracks_under_the_names_that_the_page_promises() -> None:
    addon = blender_addon.__name__
    names = ("session", "rig", "tracks")
    found = [importlib.import_module(f"{addon}.{name}") for name in names]
    assert found == [session, rig, tracks]
    assert importlib.import_module(f"{addon}.session").get() is session.get()
