"""One photo or several, chosen or dropped together, and which of them is the main one."""

import sys
from pathlib import Path
from typing import Any

import bpy
import pytest

from blender_addon.operators.photo_choice import IMAGE_FILTER
from blender_addon.scene import properties
from blender_addon.ui import drops
from blender_addon.work import session
from shared import pictures
from tests.fakes.fake_pipeline import FACELESS


def test_the_file_browser_offers_what_is_read() -> None:
    offered = IMAGE_FILTER.split(";")
    assert offered == [f"*{suffix}" for suffix in pictures.SUFFIXES]
    assert {"*.avif", "*.gif", "*.jfif", "*.webp"} <= set(offered)
    assert drops.SPLITAVATAR_FH_portrait.bl_file_extensions == ";".join(pictures.SUFFIXES)


def _create(folder: Path, main: str, *names: str, **more: Any) -> bytes:
    """Makes an avatar as Blender's file browser does; returns its file: its photos' bytes."""
    files = [{"name": name} for name in names]
    given: dict[str, Any] = {"directory": f"{folder}/", "files": files, **more}
    path = folder / "made.savatar"
    bpy.ops.splitavatar.create_avatar(filepath=f"{folder}/{main}", avatar_path=str(path), **given)
    assert len(properties.rigs(bpy.context.scene)) == 1
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with photos that hold their names."""
    for name in "abcdef":
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    return tmp_path


def test_several_photos_make_one_avatar_called_after_the_main_one(
    running: None, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _create(folder, "b.jpg", "a.jpg", "b.jpg", "c.jpg") == b"bac"
    rig = properties.active_rig(bpy.context)
    assert rig is not None
    assert rig.name == "b"
    told = capfd.readouterr().out
    assert all(f"Warning: {name}.jpg: It is drawn." in told for name in "abc")


def test_a_script_need_not_name_the_main_photo_twice_nor_the_folder(
    running: None, folder: Path
) -> None:
    assert _create(folder, "b.jpg", "a.jpg", "c.jpg", directory="") == b"bac"


def test_another_photo_can_be_made_the_main_one(running: None, folder: Path) -> None:
    names = ("a.jpg", "b.jpg", "c.jpg")
    assert _create(folder, "a.jpg", *names, main_photo="c.jpg") == b"cab"


def test_what_blender_writes_down_of_a_call_runs_again(running: None, folder: Path) -> None:
    """Copied commands and the Info editor name each property that counts as set."""
    keymap = bpy.context.window_manager.keyconfigs.user.keymaps.new("Copied")
    call = keymap.keymap_items.new("splitavatar.create_avatar", "A", "PRESS").properties

    def written_down() -> dict[str, Any]:
        names = [p.identifier for p in call.bl_rna.properties if not p.is_readonly]
        return {name: getattr(call, name) for name in names if call.is_property_set(name)}

    assert written_down() == {}
    call.filepath = str(folder / "a.jpg")
    for name in "abc":
        call.files.add().name = f"{name}.jpg"
    assert call.main_photo == "a.jpg"
    call.main_photo = "c.jpg"
    assert call.main_photo == "c.jpg"
    assert written_down() == {"filepath": str(folder / "c.jpg")}
    names = [file.name for file in call.files]
    assert _create(folder, call.main_photo, *names) == b"cab"
    bpy.context.window_manager.keyconfigs.user.keymaps.remove(keymap)


def test_without_a_file_that_was_clicked_last_the_first_is_the_main_one(
    running: None, folder: Path
) -> None:
    assert _create(folder, "", "a.jpg", "b.jpg") == b"ab"


def test_a_single_photo_is_what_the_file_browser_lists_once_more(
    running: None, folder: Path
) -> None:
    assert _create(folder, "a.jpg", "a.jpg") == b"a"
    (rig,) = properties.rigs(bpy.context.scene)
    assert session.get().loaded(rig).notes == ["It is drawn."]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_photo_whose_name_is_no_text_is_read(running: None, folder: Path) -> None:
    path = bytes(folder) + b"/\xff.jpg"
    Path(path.decode("utf-8", "surrogateescape")).write_bytes(b"z")
    made = folder / "made.savatar"
    files = [{"name": "a.jpg"}]
    bpy.ops.splitavatar.create_avatar(filepath=path, files=files, avatar_path=str(made))
    assert made.read_bytes() == b"za"


def test_the_photo_that_shows_no_face_is_named(running: None, folder: Path) -> None:
    (folder / "b.jpg").write_bytes(FACELESS)
    with pytest.raises(RuntimeError, match=r"Error: b\.jpg: No face in the picture\. Use a front"):
        _create(folder, "a.jpg", "b.jpg", "c.jpg")
    assert not bpy.data.armatures
