"""Which photos an avatar is made of, and which of them is the main one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty

from .._shared import errors, photos, pictures
from ..scene import properties

IMAGE_FILTER = ";".join(f"*{suffix}" for suffix in pictures.SUFFIXES)

_items: list[tuple[str, str, str]] = []  # Blender reads their strings without keeping them


def _browser() -> Any:
    """The file browser that is being drawn or clicked in, else None."""
    space = bpy.context.space_data
    return space if isinstance(space, bpy.types.SpaceFileBrowser) else None


def _names(choice: "PhotoChoice") -> list[str]:
    """Of the photos chosen so far."""
    if _browser() is not None:
        return [entry.relative_path for entry in bpy.context.selected_files or ()]
    return [file.name for file in choice.files if file.name]


def _folder(choice: "PhotoChoice") -> Path:
    """Where the files of a choice are."""
    given = bpy.path.abspath(choice.directory)
    return Path(given or os.path.dirname(bpy.path.abspath(choice.filepath)))


def _main_first(choice: "PhotoChoice") -> list[str]:
    """Names of the photos, the main one before the others."""
    browser = _browser()
    main = browser.params.filename if browser else os.path.basename(choice.filepath)
    return sorted(_names(choice), key=lambda name: name != main)


def _choices(choice: "PhotoChoice", context: bpy.types.Context) -> list[tuple[str, str, str]]:
    _items[:] = [(name, name, "") for name in map(errors.legible, _main_first(choice))]
    return _items


def _make_main(choice: "PhotoChoice", context: bpy.types.Context) -> None:
    browser = _browser()
    name = next(name for name in _names(choice) if errors.legible(name) == choice.main_photo)
    if browser:
        browser.params.filename = name
    else:
        choice.filepath = str(_folder(choice) / name)
    choice.property_unset("main_photo")  # the first again, which is now this one


class PhotoChoice:
    """Mixin: `filepath` is the photo, or of several the main one; `files` names all or the others.

    Blender fills these in from its file browser, where the file clicked last is `filepath`, and
    from what is dropped, where that is any. So what is the main photo is said and can be changed.
    """

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | properties.BLEND_RELATIVE)
    directory: StringProperty(
        subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | properties.BLEND_RELATIVE
    )
    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"}
    )
    main_photo: EnumProperty(
        name="Main Photo",
        description="The one that shows the face best from the front: hair, shoulders and pose are "
        "its own, and the others show what it hides",
        items=_choices,
        update=_make_main,
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default=IMAGE_FILTER, options={"HIDDEN"})

    if TYPE_CHECKING:  # Blender's, on the operator
        layout: bpy.types.UILayout
        property_unset: Callable[[str], None]

    def draw_choice(self) -> None:
        """Says of several photos how many there are, and offers the main one."""
        count = len(_names(self))
        if count < 2:
            return
        self.layout.prop(self, "main_photo")
        row = self.layout.row()
        row.alert = count > photos.MOST_PHOTOS
        most = f", at most {photos.MOST_PHOTOS}" if row.alert else " of one person make one avatar"
        row.label(text=f"{count} photos{most}")

    def images(self) -> list[Path]:
        """The chosen photos, the main one first."""
        main = bpy.path.abspath(self.filepath)
        named = [_folder(self) / file.name for file in self.files if file.name]
        if named and not os.path.basename(main):  # Select All leaves no file clicked last
            return named
        return [Path(main), *(path for path in named if path != Path(main))]
