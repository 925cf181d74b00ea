"""What a viewport says of its refined picture: a line of text in its lower left corner."""

import blf
import bpy

from .. import steps
from ..scene import sights

FONT = 0
MARGIN_PX = 12
_SOFT = 3
_SHADOW = (0.0, 0.0, 0.0, 0.8)


def draw(context: bpy.types.Context) -> None:
    """Says it where the viewport shows overlays; not while an animation plays or a render runs."""
    if not context.space_data.overlay.show_overlays:
        return
    if context.screen.is_animation_playing or steps.is_rendering():
        return
    view = tuple(map(tuple, context.region_data.view_matrix))
    said = sights.said(context.region.as_pointer(), view)
    if said:
        _write(context, said)


def _write(context: bpy.types.Context, text: str) -> None:
    preferences = context.preferences
    scale = preferences.system.ui_scale
    x, y = corner(context.area, context.region)
    blf.size(FONT, preferences.ui_styles[0].widget.points * scale)
    blf.color(FONT, *preferences.themes[0].view_3d.space.text_hi, 1.0)
    blf.position(FONT, x + MARGIN_PX * scale, y + MARGIN_PX * scale, 0.0)
    blf.enable(FONT, blf.SHADOW)
    blf.shadow(FONT, _SOFT, *_SHADOW)
    blf.draw(FONT, text)
    blf.disable(FONT, blf.SHADOW)


def corner(area: bpy.types.Area, region: bpy.types.Region) -> tuple[int, int]:
    """The lower left corner of what toolbars, shelves and the last operation's box leave free.

    Returns:
        Pixels from the region's own.
    """
    x = y = 0
    for other in area.regions:
        if other.alignment == "LEFT":
            x = max(x, other.x + other.width - region.x)
        elif other.alignment in ("BOTTOM", "FLOAT"):
            y = max(y, other.y + other.height - region.y)
    return x, y
