"""Avatar files in the .blend: it can be sent alone, and is as quick as before."""

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from blender_addon import steps
from blender_addon.link import settings
from blender_addon.operators.packing import SPLITAVATAR_OT_pack_avatar
from blender_addon.scene import packed, properties, rig
from blender_addon.work import avatar_files, frame_pictures, session
from blender_addon.work.shot import Shot
from tests.blender import told
from tests.blender.seen import direct, positions

CONTENT = b"the bytes of a portrait"  # of conftest's portrait: the fake network's avatar file


@pytest.fixture(autouse=True)
def own_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As on a machine that has never seen the avatar."""
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setattr(settings, "user_folder", lambda: folder)
    return folder


def _sent(rig: bpy.types.Object, folder: Path) -> bpy.types.Object:
    """The rig in its .blend, packed, which was sent alone and is open there."""
    bpy.ops.splitavatar.pack_avatar()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    there = folder / "another machine"
    there.mkdir()
    shutil.move(folder / "scene.blend", there)
    (folder / "grace.savatar").unlink()
    session.get().avatars.forget_backend()
    bpy.ops.wm.open_mainfile(filepath=str(there / "scene.blend"))
    found = bpy.data.objects["grace"]
    bpy.context.view_layer.objects.active = found
    return found


def test_a_blend_that_was_sent_alone_previews_exports_and_moves(
    live_rig: bpy.types.Object, tmp_path: Path, own_user_folder: Path
) -> None:
    found = _sent(live_rig, tmp_path)
    assert not avatar_files.is_missing(found)
    assert not list(own_user_folder.iterdir())  # nothing is written before it is needed
    bpy.ops.splitavatar.preview_frame()
    (written,) = (own_user_folder / "unpacked").iterdir()
    assert written.read_bytes() == CONTENT
    found["jawOpen"] = 0.6
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "ply"), frames="FRAME")
    assert (tmp_path / "ply" / "grace_0001.ply").is_file()
    before = written.stat().st_mtime_ns
    session.get().avatars.forget_backend()
    bpy.ops.splitavatar.update_splats()
    assert written.stat().st_mtime_ns == before


def _in_a_thread(call: Callable[[], Any]) -> Any:
    """What a call returns that a render makes in a thread of its own."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(call).result()


def test_a_thread_of_a_render_writes_the_file_but_nothing_of_the_blend(
    live_rig: bpy.types.Object, tmp_path: Path, own_user_folder: Path
) -> None:
    found, here = _sent(live_rig, tmp_path), session.get()
    before = told.everything()
    reply = _in_a_thread(lambda: session.finish(here.ensure_avatar(found)))
    assert list(told.differences(before, told.everything())) == []
    (written,) = (own_user_folder / "unpacked").iterdir()
    assert written.read_bytes() == CONTENT
    assert here.loaded(found) is reply, "who asks next would load it again"
    assert avatar_files.file_of(found) == written
    assert here.loaded(found) is reply


def test_a_window_renders_what_is_packed_where_nobody_has_needed_it_yet(
    live_rig: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another scene than the window's, say, which the timer has not loaded."""
    found = _sent(live_rig, tmp_path)
    session.finish(session.get().ensure_ready())
    shot = Shot.of(found, bpy.context.evaluated_depsgraph_get())
    monkeypatch.setattr(steps, "without_window", lambda: False)
    picture = _in_a_thread(lambda: frame_pictures.rendered([shot], lambda: False, False))
    assert picture.colour.any()


def test_the_way_to_the_file_itself_is_kept(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    path = tmp_path / "another machine" / "scene.blend"
    found = _sent(live_rig, tmp_path)
    stored = properties.of_rig(found).avatar_path
    bpy.ops.splitavatar.preview_frame()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    found = bpy.data.objects["grace"]
    assert properties.of_rig(found).avatar_path == stored == "//grace.savatar"
    (path.parent / "grace.savatar").write_bytes(CONTENT)
    assert properties.avatar_path(found) == path.parent / "grace.savatar"


def test_a_packed_file_that_is_damaged_is_not_used(
    live_rig: bpy.types.Object, tmp_path: Path, own_user_folder: Path
) -> None:
    found = _sent(live_rig, tmp_path)
    properties.of_rig(found).packed.pack(data=b"other bytes", data_len=11)
    with pytest.raises(RuntimeError, match=r"for 'grace' is damaged: its 11 bytes are not those"):
        bpy.ops.splitavatar.preview_frame()
    assert not (own_user_folder / "unpacked").exists()


def test_a_written_file_that_is_damaged_is_written_anew(
    live_rig: bpy.types.Object, tmp_path: Path, own_user_folder: Path
) -> None:
    found = _sent(live_rig, tmp_path)
    written = avatar_files.file_of(found)
    written.write_bytes(CONTENT[::-1])
    properties.of_rig(found).avatar_path_found = ""
    assert avatar_files.file_of(found) == written
    assert written.read_bytes() == CONTENT
    assert [path.name for path in (own_user_folder / "unpacked").iterdir()] == [written.name]


def test_unpacked_it_lies_beside_the_blend(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    found = _sent(live_rig, tmp_path)
    bpy.ops.splitavatar.preview_frame()
    bpy.ops.splitavatar.unpack_avatar()
    path = tmp_path / "another machine" / "avatars" / "grace.savatar"
    assert path.read_bytes() == CONTENT
    assert properties.avatar_path(found) == path
    assert not packed.is_packed(found)
    assert not bpy.data.images.get("grace.savatar")
    assert not bpy.ops.splitavatar.unpack_avatar.poll()
    bpy.ops.splitavatar.preview_frame()


def test_unpacking_keeps_a_file_that_is_still_there(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.ops.splitavatar.pack_avatar()
    bpy.ops.splitavatar.unpack_avatar()
    assert properties.avatar_path(live_rig) == tmp_path / "grace.savatar"
    assert [path.name for path in tmp_path.rglob("*.savatar")] == ["grace.savatar"]


def test_what_cannot_be_written_stays_packed(
    live_rig: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _sent(live_rig, tmp_path)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(settings, "avatar_folder", lambda: tmp_path / "file")
    with pytest.raises(RuntimeError, match=r"file.* folder was expected"):
        bpy.ops.splitavatar.unpack_avatar()
    assert packed.content(found) == CONTENT


def test_rigs_of_one_file_share_what_is_packed(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    path = str(tmp_path / "grace.savatar")
    bpy.ops.splitavatar.open_avatar(filepath=path, avatar_name="Twin")
    bpy.ops.splitavatar.pack_avatar()
    twin = bpy.data.objects["Twin"]
    assert properties.of_rig(twin).packed == properties.of_rig(live_rig).packed
    bpy.ops.splitavatar.unpack_avatar()
    assert not packed.is_packed(live_rig)
    assert not packed.is_packed(twin)


def test_another_file_is_not_mixed_up_with_the_packed_one(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.ops.splitavatar.pack_avatar()
    (tmp_path / "ada.savatar").write_bytes(b"the bytes of another")
    bpy.ops.splitavatar.relink_avatar(filepath=str(tmp_path / "ada.savatar"))
    assert not packed.is_packed(live_rig)
    bpy.ops.splitavatar.pack_avatar()
    assert packed.content(live_rig) == b"the bytes of another"
    assert packed.name(live_rig) == "ada.savatar"


@pytest.mark.parametrize("link", [False, True], ids=["appended", "linked"])
def test_it_comes_along_into_another_file(
    live_rig: bpy.types.Object, tmp_path: Path, link: bool
) -> None:
    _sent(live_rig, tmp_path)
    library = bpy.data.filepath
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(library, link=link) as (_, wanted):
        wanted.collections = ["grace"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    (found,) = properties.rigs(bpy.context.scene)
    bpy.context.view_layer.objects.active = found
    assert not avatar_files.is_missing(found)
    bpy.ops.splitavatar.export_ply(directory=str(tmp_path / "ply"), frames="FRAME")
    assert len(list((tmp_path / "ply").glob("*.ply"))) == 1


def test_a_file_that_is_not_there_cannot_be_packed(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    (tmp_path / "grace.savatar").unlink()
    with pytest.raises(RuntimeError, match=r"grace\.savatar does not exist\. Check the path\."):
        bpy.ops.splitavatar.pack_avatar()


def test_blenders_own_unpack_loses_nothing(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    found = _sent(live_rig, tmp_path)
    bpy.ops.file.unpack_all(method="USE_LOCAL")
    assert not packed.is_packed(found)
    (path,) = (tmp_path / "another machine").rglob("*.savatar")
    assert path.read_bytes() == CONTENT
    bpy.ops.splitavatar.relink_avatar(filepath=str(path))
    bpy.ops.splitavatar.preview_frame()


LARGE = 20_000_000


@pytest.fixture
def large(live_rig: bpy.types.Object, tmp_path: Path) -> bytes:
    """A file as large as real ones, packed."""
    content = np.random.default_rng(1).bytes(LARGE)
    (tmp_path / "grace.savatar").write_bytes(content)
    bpy.ops.splitavatar.pack_avatar()
    return content


def test_the_blend_grows_by_the_size_that_is_said(
    large: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = SPLITAVATAR_OT_pack_avatar.description(bpy.context, None)
    assert "which grows by 20.0 MB" in said
    sizes = []
    for change in (bpy.ops.splitavatar.unpack_avatar, bpy.ops.splitavatar.pack_avatar):
        change()
        path = tmp_path / "size.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=False)
        sizes.append(path.stat().st_size)
    assert 0 <= sizes[1] - sizes[0] - LARGE < 20_000
    assert "grace.savatar is packed: the .blend grows by 20.0 MB" in capfd.readouterr().out


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells it so simply")
@pytest.mark.skipif(bpy.app.version < (4, 5, 0), reason="older steps of undo copy packed files")
def test_steps_of_undo_do_not_copy_what_is_packed(live_rig: bpy.types.Object, large: bytes) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="packed")
    before = _memory_mb()
    for number in range(20):
        live_rig["jawOpen"] = number / 20
        live_rig.splitavatar.packed.update_tag()
        bpy.ops.ed.undo_push(message=str(number))
    assert _memory_mb() - before < 5 * LARGE / 1e6
    for _ in range(20):
        bpy.ops.ed.undo()
    (found,) = properties.rigs(bpy.context.scene)
    assert hashlib.sha256(packed.content(found)).digest() == hashlib.sha256(large).digest()


def test_undone_packing_and_unpacking(live_rig: bpy.types.Object, tmp_path: Path) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    for message in ("first", "before"):
        bpy.ops.ed.undo_push(message=message)
    bpy.ops.splitavatar.pack_avatar("EXEC_DEFAULT", True)
    bpy.ops.splitavatar.unpack_avatar("EXEC_DEFAULT", True)
    bpy.ops.ed.undo()
    (found,) = properties.rigs(bpy.context.scene)
    assert packed.content(found) == CONTENT
    bpy.ops.ed.undo()
    (found,) = properties.rigs(bpy.context.scene)
    assert not packed.is_packed(found)
    assert not bpy.data.images.get("grace.savatar")


def test_splats_of_a_sent_file_are_those_of_the_backend(
    live_rig: bpy.types.Object, tmp_path: Path
) -> None:
    found = _sent(live_rig, tmp_path)
    found["jawOpen"] = 0.5
    bpy.ops.splitavatar.update_splats()
    frame = rig.read_frame(found, bpy.context.evaluated_depsgraph_get())
    np.testing.assert_array_equal(positions(found), direct(found, frame))
