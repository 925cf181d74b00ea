"""The 3D viewports that show what changed."""

import bpy


def redraw() -> None:
    """Draws every 3D viewport again, sidebars included, and the preferences."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()
