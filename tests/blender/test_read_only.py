"""Folders that cannot be written: one clear error, and nothing is lost."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import pytest

from blender_addon.link import settings
from blender_addon.scene import properties
from blender_addon.work import session
from tests.blender.told import differences, everything

CALLS: dict[str, Callable[[Path, Path], object]] = {
    "avatar": lambda folder, portrait: bpy.ops.splitavatar.create_avatar(
        filepath=str(portrait), avatar_path=str(folder / "ada.savatar")
    ),
    "library": lambda folder, portrait: bpy.ops.splitavatar.create_avatar(filepath=str(portrait)),
    "sample": lambda folder, portrait: bpy.ops.splitavatar.sample_avatar(
        avatar_path=str(folder / "below" / "sample.savatar")
    ),
    "ply": lambda folder, portrait: bpy.ops.splitavatar.export_ply(
        directory=str(folder), frames="RANGE", frame_start=1, frame_end=2
    ),
    "ply below": lambda folder, portrait: bpy.ops.splitavatar.export_ply(
        directory=str(folder / "below"), frames="FRAME"
    ),
    "frames": lambda folder, portrait: bpy.ops.splitavatar.batch_render(
        directory=str(folder), frame_start=1, frame_end=2, resume=False
    ),
    "bundle": lambda folder, portrait: bpy.ops.splitavatar.save_support_bundle(
        filepath=str(folder / "bundle.zip")
    ),
}
"""What writes into a folder, given it and a portrait."""


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder with some files in it that nobody may write to, not even root."""
    folder = tmp_path / "given"
    folder.mkdir()
    for name in ("grace_0001.ply", "grace_0001.png", "ada.savatar"):
        (folder / name).write_bytes(b"of before")
    with zipfile.ZipFile(folder / "bundle.zip", "w") as archive:
        archive.writestr("old", "words")
    if os.name == "nt":
        pytest.skip("Windows has no folders that its owner cannot write to")
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    if shutil.which("mount") is None or _mount("--bind", folder, folder):
        pytest.skip("root may write everywhere, and may not mount here")
    try:
        assert _mount("-o", "remount,bind,ro", folder) == 0
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def _mount(*words: object) -> int:
    return subprocess.run(["mount", *map(str, words)], capture_output=True).returncode


@pytest.mark.parametrize("name", CALLS)
def test_the_reason_is_said_once_and_nothing_is_lost(
    live_rig: bpy.types.Object,
    portrait: Path,
    read_only: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(settings, "avatar_folder", lambda: read_only)
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.frame_set(7)
    files = {path.name: path.read_bytes() for path in read_only.iterdir()}
    before = everything()
    with pytest.raises(RuntimeError) as caught:
        CALLS[name](read_only, portrait)
    said = str(caught.value)
    assert said.count("can only be read") + said.count("may not be read or written") == 1
    assert f"{read_only}/" in said
    assert ".part" not in said
    assert "Choose another folder" in said
    here = session.get()
    assert here.error is not None
    assert here.error.code == "bad_file"
    assert here.activity is None
    assert here.client is not None  # the backend is as good as before
    assert {path.name: path.read_bytes() for path in read_only.iterdir()} == files
    assert list(differences(before, everything())) == []


@pytest.mark.parametrize("name", CALLS)
def test_another_folder_is_as_good_as_ever_afterwards(
    live_rig: bpy.types.Object,
    portrait: Path,
    read_only: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for folder in (read_only, other):
        monkeypatch.setattr(settings, "avatar_folder", lambda folder=folder: folder)
        if folder is other:
            assert CALLS[name](folder, portrait) == {"FINISHED"}
        else:
            with pytest.raises(RuntimeError, match="Choose another folder"):
                CALLS[name](folder, portrait)
    assert [path for path in other.rglob("*") if path.is_file()]
    assert session.get().error is None
    assert properties.rigs(bpy.context.scene)


def test_a_user_folder_that_cannot_be_written_is_the_reason_of_a_failed_start(
    own_backend: Callable[..., None], read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.get().close()  # the other tests' one
    own_backend()
    usual = settings.launch_settings()
    launch = type(usual)(**{**vars(usual), "user_folder": read_only / "user"})
    monkeypatch.setattr(settings, "launch_settings", lambda: launch)
    with pytest.raises(
        RuntimeError, match=r"The backend could not be started\. .*/given/user"
    ) as e:
        bpy.ops.splitavatar.start_backend()
    assert f"that {read_only}/user may be written" in str(e.value)
    assert session.get().state.state == "failed"
