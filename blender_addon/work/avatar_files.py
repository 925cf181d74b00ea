"""Where an avatar's file is on this machine: its own, or written from the .blend that it is in."""

import hashlib
import threading
from pathlib import Path

import bpy

from .._shared import atomic, os_error
from ..link import settings
from ..scene import avatars, packed, properties


def folder() -> Path:
    """Where packed files are written on need."""
    return settings.user_folder() / "unpacked"


def is_ours(path: Path) -> bool:
    """Whether a file was written on need, and is nobody's choice."""
    return path.parent == folder()


def place_of(armature: bpy.types.Object) -> Path:
    """The rig's file, which need not exist; where only the .blend has it, what `file_of` writes."""
    if not _is_packed_alone(armature):
        return properties.avatar_path(armature)
    return folder() / f"{packed.digest(armature)[:16]}-{packed.name(armature)}"


def _is_packed_alone(armature: bpy.types.Object) -> bool:
    return packed.is_packed(armature) and not properties.avatar_path(armature).is_file()


def file_of(armature: bpy.types.Object) -> Path:
    """The rig's file, which need not exist; where only the .blend has it, it is written.

    Any thread of a render may call it.

    Raises:
        AvatarError: `bad_file`, `disk_full`: Why a packed one cannot be had.
    """
    path = place_of(armature)
    if not _is_packed_alone(armature):
        return path
    content = packed.content(armature)
    if not _holds(path, content):
        _write(path, content)
    # Next time nobody has to look into it. A render's thread may not write data.
    if threading.current_thread() is threading.main_thread():
        properties.of_rig(armature).avatar_path_found = str(path)
    return path


def is_missing(armature: bpy.types.Object) -> bool:
    """Whether the rig's file is neither on this machine nor in the .blend."""
    return not properties.avatar_path(armature).is_file() and not packed.is_packed(armature)


def remember() -> None:
    """Stores where the rigs' files are: absolutely, and as seen from the .blend.

    So a .blend finds them whenever it is saved, also where nothing can be written for that.
    """
    for own, path in _found():
        beside = avatars.relative_to(path, bpy.data.filepath)
        if (own.avatar_path, own.avatar_path_found, own.avatar_path_beside) != (path, path, beside):
            own.avatar_path = own.avatar_path_found = path
            own.avatar_path_beside = beside


def make_relative(blend: str) -> None:
    """Stores paths below the folder of a .blend as `//` paths, so that the folder can move.

    Args:
        blend: Where the .blend is saved.
    """
    for own, path in _found():
        own.avatar_path_found = path
        own.avatar_path = own.avatar_path_beside = avatars.relative_to(path, blend)


def make_absolute() -> None:
    """Makes them absolute again: in memory a path relative to the last place survives Save As."""
    for armature in _rigs():
        own = properties.of_rig(armature)
        if own.avatar_path.startswith("//"):
            own.avatar_path = own.avatar_path_found


def _found() -> list[tuple[properties.AvatarSettings, str]]:
    """The settings of each rig whose file is there, and that file."""
    places = [(properties.of_rig(rig), properties.avatar_path(rig)) for rig in _rigs()]
    return [(own, str(path)) for own, path in places if path.is_file() and not is_ours(path)]


def _rigs() -> list[bpy.types.Object]:
    """This file's own; where the avatar of an override is, its library tells."""
    return [rig for rig in properties.own_rigs() if rig.override_library is None]


def pack(armature: bpy.types.Object) -> tuple[Path, int]:
    """Packs the file of a rig, and of all that have the same; returns it and its size in bytes.

    Raises:
        AvatarError: `bad_file` where it cannot be read.
    """
    path = properties.avatar_path(armature)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from error
    packed.pack(properties.with_same_file(armature), path.name, content)
    return path, len(content)


def unpack(armature: bpy.types.Object) -> Path:
    """Takes a rig's file out of the .blend; returns where it is now.

    Where its own file is no longer there, or another one, it is written as new avatars are.

    Raises:
        AvatarError: `bad_file`, `disk_full`: Why it cannot be written; it stays packed then.
    """
    content, rigs = packed.content(armature), packed.sharing(armature)
    path = properties.avatar_path(armature)
    if is_ours(path) or not _holds(path, content):
        stem = Path(packed.name(armature)).stem
        path = avatars.default_path(stem, settings.avatar_folder())
        _write(path, content)
    packed.let_go(rigs)
    for rig in rigs:
        own = properties.of_rig(rig)
        own.avatar_path = own.avatar_path_found = str(path)
    return path


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file has this content."""
    try:
        if path.stat().st_size != len(content):
            return False
        return hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    try:
        atomic.write_bytes(path, content)
    except OSError as error:
        raise os_error(error, path) from error
