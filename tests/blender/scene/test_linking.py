"""Avatars that other files hold: linked, overridden; in several scenes and view layers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from blender_addon.scene import gaze, properties
from tests.blender.told import differences, everything

WAYS = (
    r"'Ada' is linked from library\.blend: what is set or keyed on it would be lost .* "
    r"Make a library override .*, or append the rig"
)

SET = {
    "set_pose": {"pose": "PORTRAIT"},
    "set_expression": {"expression": "SMILE"},
    "add_gaze_target": {},
    "relink_avatar": {"filepath": "{}/other.savatar"},
    "import_track": {"filepath": "{}/talk.json"},
}
"""Operators that set something on the rig, and what they are told; `{}` is the test's folder."""


@pytest.fixture
def library(avatar_rig: bpy.types.Object, tmp_path: Path) -> Path:
    """A file that holds the avatar; an empty one is open."""
    (tmp_path / "talk.json").write_text(json.dumps({"fps": 24, "frames": [{"jawOpen": 0.5}] * 3}))
    (tmp_path / "other.savatar").write_bytes(b"ada")
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return path


def _linked(library: Path) -> bpy.types.Collection:
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Ada"]
    (found,) = wanted.collections
    bpy.context.scene.collection.children.link(found)
    return found


@pytest.fixture
def linked(library: Path) -> bpy.types.Object:
    found = next(o for o in _linked(library).objects if properties.is_rig(o))
    bpy.context.view_layer.objects.active = found
    return found


@pytest.fixture
def overridden(library: Path) -> bpy.types.Object:
    _linked(library).override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    return _mine()


def _mine() -> bpy.types.Object:
    """The override, active."""
    (found,) = [rig for rig in properties.rigs(bpy.context.scene) if rig.override_library]
    bpy.context.view_layer.objects.active = found
    return found


def _call(name: str, folder: Path) -> set[str]:
    given = {key: value.format(folder) for key, value in SET[name].items()}
    return getattr(bpy.ops.splitavatar, name)("EXEC_DEFAULT", True, **given)


def _reopened(folder: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))


def _cameras() -> list[str]:
    return [found.name for found in bpy.context.scene.objects if found.type == "CAMERA"]


@pytest.mark.parametrize("name", SET)
def test_what_would_be_lost_is_refused_with_the_ways(
    linked: bpy.types.Object, tmp_path: Path, name: str
) -> None:
    bpy.context.view_layer.update()
    before = everything()
    with pytest.raises(RuntimeError, match=WAYS):
        _call(name, tmp_path)
    assert list(differences(before, everything())) == []


def _smiles(rig: bpy.types.Object) -> object:
    return rig["mouthSmileLeft"] == pytest.approx(0.8)


KEPT: dict[str, Callable[[bpy.types.Object], Any]] = {
    "set_pose": lambda rig: rig["mouthSmileLeft"] == pytest.approx(0.5),
    "set_expression": _smiles,
    "add_gaze_target": lambda rig: gaze.target(rig) == bpy.data.objects["Ada Gaze"],
    "relink_avatar": lambda rig: properties.avatar_path(rig).name == "other.savatar",
    "import_track": lambda rig: rig.animation_data.action.name == "talk",
}
"""Whether what an operator does on the rig is there."""


@pytest.mark.parametrize("name", SET)
def test_on_an_override_it_is_kept_by_the_file_and_can_be_undone(
    overridden: bpy.types.Object, tmp_path: Path, name: str
) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.context.view_layer.update()
    for message in ("first", "before"):
        bpy.ops.ed.undo_push(message=message)
    before = everything()
    assert _call(name, tmp_path) == {"FINISHED"}
    bpy.context.view_layer.update()
    after = everything()
    bpy.ops.ed.undo()
    assert list(differences(before, everything())) == []
    bpy.ops.ed.redo()
    assert list(differences(after, everything())) == []
    assert KEPT[name](_mine())
    _reopened(tmp_path)
    assert KEPT[name](_mine())


def test_what_an_override_displays_is_kept(overridden: bpy.types.Object, tmp_path: Path) -> None:
    overridden.splitavatar.display = "MESH"
    _reopened(tmp_path)
    settings = properties.of_rig(_mine())
    assert settings.display == "MESH"
    assert (settings.head.hide_viewport, settings.cloud.hide_viewport) == (False, True)


@pytest.mark.parametrize("kind", ["linked", "overridden"])
def test_an_avatar_of_another_file_gets_one_portrait_camera(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    request.getfixturevalue(kind)
    for _ in range(2):
        bpy.ops.splitavatar.add_camera()
        assert _cameras() == ["Ada Portrait"]
    _reopened(tmp_path)
    bpy.context.view_layer.objects.active = next(iter(properties.rigs(bpy.context.scene)))
    bpy.ops.splitavatar.add_camera()
    assert _cameras() == ["Ada Portrait"]


def test_the_avatar_file_of_an_override_lies_beside_its_library(
    library: Path, avatar_file_beside: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "assets"
    avatar_file_beside(folder)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    _linked(folder / "library.blend").override_hierarchy_create(
        bpy.context.scene, bpy.context.view_layer
    )
    shots = tmp_path / "shots"
    shots.mkdir()
    _reopened(shots)
    assert properties.avatar_path(_mine()) == folder / "ada.savatar"
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for part in (folder, shots):
        shutil.move(part, moved)
    bpy.ops.wm.open_mainfile(filepath=str(moved / "shots" / "shot.blend"))
    found = properties.avatar_path(_mine())
    assert found.is_file()
    assert found.resolve() == moved / "assets" / "ada.savatar"


@pytest.fixture
def avatar_file_beside(tmp_path: Path) -> Callable[[Path], Path]:
    """Saves the avatar's file and its library in a folder of their own."""

    def save(folder: Path) -> Path:
        folder.mkdir()
        shutil.move(tmp_path / "ada.savatar", folder)
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "library.blend"))
        (rig,) = properties.rigs(bpy.context.scene)
        properties.of_rig(rig).avatar_path = str(folder / "ada.savatar")
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "library.blend"), relative_remap=True)
        return folder

    return save


def _layer(rig: bpy.types.Object) -> bpy.types.LayerCollection:
    return bpy.context.view_layer.layer_collection.children[rig.name]


def test_a_gaze_target_that_the_view_layer_leaves_out_is_said(avatar_rig: bpy.types.Object) -> None:
    _layer(avatar_rig).exclude = True
    with pytest.raises(RuntimeError, match="its collection 'Ada' is excluded from the view layer"):
        bpy.ops.splitavatar.add_gaze_target()
    assert not [found for found in bpy.data.objects if found.type == "EMPTY"]
    _layer(avatar_rig).exclude = False
    bpy.context.view_layer.objects.active = avatar_rig
    bpy.ops.splitavatar.add_gaze_target()
    target = bpy.data.objects["Ada Gaze"]
    aside = bpy.data.collections.new("Aside")
    bpy.context.scene.collection.children.link(aside)
    avatar_rig.users_collection[0].objects.unlink(target)
    aside.objects.link(target)
    bpy.context.view_layer.layer_collection.children["Aside"].exclude = True
    bpy.context.view_layer.objects.active = avatar_rig
    with pytest.raises(RuntimeError, match=r"'Ada Gaze' is not in the view layer 'ViewLayer'\."):
        bpy.ops.splitavatar.add_gaze_target()


def test_what_is_added_to_an_avatar_of_two_scenes_goes_into_the_one_at_hand(
    avatar_rig: bpy.types.Object,
) -> None:
    first, second = bpy.context.scene, bpy.data.scenes.new("Second")
    for part in (avatar_rig, *avatar_rig.children):
        second.collection.objects.link(part)  # the rig, but not its collection
    bpy.context.window.scene = second
    bpy.context.view_layer.objects.active = avatar_rig
    bpy.ops.splitavatar.add_camera()
    bpy.ops.splitavatar.add_gaze_target()
    for name in ("Ada Portrait", "Ada Gaze"):
        assert name in second.objects
        assert name not in first.objects
