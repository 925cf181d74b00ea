"""Text in panels: Blender's labels neither break into lines nor say that they are cut."""

import re
from collections.abc import Callable

import blf
import bpy

FONT = 0
MARGIN_PX = 78
"""What a box in the sidebar leaves free beside a label without an icon, at scale 1."""

ICON_PX = 22


def width_px(text: str) -> float:
    """Width of a label's text, pixels."""
    preferences = bpy.context.preferences
    points = preferences.ui_styles[0].widget.points
    blf.size(FONT, points * preferences.system.ui_scale)
    return blf.dimensions(FONT, text)[0]


def lines(text: str, room: float, width: Callable[[str], float] = width_px) -> list[str]:
    """`text` in lines of at most that width; a word that is longer breaks behind a `/` or `\\`.

    Args:
        text: Words and paths.
        room: Width of a line.
        width: Measures a text; module mode has no fonts.
    """
    found: list[str] = []
    for word in text.split():
        line = f"{found[-1]} {word}" if found else word
        if found and width(line) <= room:
            found[-1] = line
        elif width(word) <= room:
            found.append(word)
        else:
            found += _broken(word, room, width)
    return found


def _broken(word: str, room: float, width: Callable[[str], float]) -> list[str]:
    """Lines of a word that is longer than one."""
    found = [""]
    for part in re.split(r"(?<=[/\\])", word):
        for piece in [part] if width(part) <= room else part:
            if width(found[-1] + piece) > room:
                found.append("")
            found[-1] += piece
    return [line for line in found if line]


def room_px(icon: bool = False) -> float:
    """Width of a line in the region that is drawn now, pixels."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    width = region.width if region is not None else 300
    return width - scale * (MARGIN_PX + (ICON_PX if icon else 0))


def wrapped(
    layout: bpy.types.UILayout, text: str, icon: str = "NONE", rows: int = 0, room: float = 0
) -> bool:
    """A label in as many lines as it takes.

    Args:
        layout: Where it goes.
        text: What it says.
        icon: Before the first line.
        rows: Exactly as many lines, so that what is below keeps its place; 0: as many as needed.
        room: Width of a line, pixels; 0: the region's.

    Returns:
        Whether all of the text is there.
    """
    said = lines(text, room or room_px(icon != "NONE"))
    whole = not rows or len(said) <= rows
    if not whole:
        said = [*said[: rows - 1], f"{said[rows - 1]} ..."]
    column = layout.column(align=True)
    for line in [*said, *[""] * (rows - len(said))]:
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else "NONE"
    return whole
