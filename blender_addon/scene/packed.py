"""Avatar files packed into the .blend, as Blender packs pictures.

Each is the packed file of an image data-block, which its rigs point at: it is saved, appended and
linked with them, and the steps of undo share it instead of copying it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import bpy

from .._shared import AvatarError
from . import properties

HASH = "sha256"
"""Of the image: what its packed file has to be."""


def pack(armatures: Iterable[bpy.types.Object], name: str, content: bytes) -> None:
    """Packs a file for rigs of this .blend, once for all that have the same.

    Args:
        armatures: Whose file it is.
        name: Of the file.
        content: What is in it.
    """
    image = _image(hashlib.sha256(content).hexdigest()) or _new(name, content)
    for armature in armatures:
        properties.of_rig(armature).packed = image
    _remove_unused()


def is_packed(armature: bpy.types.Object) -> bool:
    """Whether the rig's file is in the .blend; Blender's own Unpack may have taken it out."""
    image = properties.of_rig(armature).packed
    return image is not None and image.packed_file is not None and HASH in image


def name(armature: bpy.types.Object) -> str:
    """The name of a packed file."""
    path = properties.of_rig(armature).packed.filepath.removeprefix("//")
    return Path(path).name or f"{armature.name}.savatar"


def digest(armature: bpy.types.Object) -> str:
    """The sha256 of a packed file, hexadecimal."""
    return properties.of_rig(armature).packed[HASH]


def content(armature: bpy.types.Object) -> bytes:
    """What is in a packed file.

    Raises:
        AvatarError: `bad_file` where it is not what was packed.
    """
    found = bytes(properties.of_rig(armature).packed.packed_file.data)
    if hashlib.sha256(found).hexdigest() != digest(armature):
        raise AvatarError(
            "bad_file",
            f"The avatar file that is packed into this .blend for {armature.name!r} is damaged: "
            f"its {len(found):,} bytes are not those that were packed.",
            "Choose the avatar's own file with Find Avatar File, and pack it again.",
        )
    return found


def sharing(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """All rigs of this .blend that have the same packed file."""
    image = properties.of_rig(armature).packed
    return [rig for rig in properties.own_rigs() if properties.of_rig(rig).packed == image]


def let_go(armatures: Iterable[bpy.types.Object]) -> None:
    """Takes rigs' files out of the .blend."""
    for armature in armatures:
        properties.of_rig(armature).packed = None
    _remove_unused()


def _image(sha256: str) -> bpy.types.Image | None:
    return next((image for image in _images() if image[HASH] == sha256), None)


def _images() -> list[bpy.types.Image]:
    return [
        image
        for image in bpy.data.images
        if HASH in image and image.packed_file is not None and image.library is None
    ]


def _new(file_name: str, file: bytes) -> bpy.types.Image:
    image = bpy.data.images.new(file_name, 1, 1)
    image.filepath = f"//{file_name}"  # where Blender's own Unpack would put it
    image.pack(data=file, data_len=len(file))  # type: ignore[arg-type] # it takes bytes
    image[HASH] = hashlib.sha256(file).hexdigest()
    return image


def _remove_unused() -> None:
    for image in _images():
        if image.users == 0:
            bpy.data.images.remove(image)
