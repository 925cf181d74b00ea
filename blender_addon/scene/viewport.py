"""The 3D viewports that show what changed."""

import bpy


def redraw() -> None:
    """Draws every 3D viewport again, sidebars included, and the preferences."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()


def regions() -> dict[int, bpy.types.Region]:
    """All regions of all windows, by the number that `sights` knows them by."""
    return {
        region.as_pointer(): region
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        for region in area.regions
    }
