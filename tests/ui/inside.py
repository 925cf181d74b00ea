"""Runs in the Blender with a window: answers what the tests ask, between Blender's own events.

Started by `window.py` with the port that it listens on. What it is asked is an expression over
`bpy` and the functions here.
"""

import functools
import importlib
import os
import sys
import traceback
from multiprocessing.connection import Client

import bpy

MODULE = "bl_ext.user_default.splitavatar"
TICK_S = 0.005


def addon(name):
    """A module of the installed add-on."""
    return importlib.import_module(f"{MODULE}.{name}")


def install(path):
    """Installs the zip by the operator of Preferences > Get Extensions > Install from Disk."""
    bpy.ops.extensions.package_install_files(
        filepath=path, repo="user_default", enable_on_install=True
    )
    return MODULE in bpy.context.preferences.addons


def preferences():
    """The add-on's."""
    return bpy.context.preferences.addons[MODULE].preferences


def window():
    """The only one."""
    return bpy.context.window_manager.windows[0]


def editor(kind):
    """The first area of a kind."""
    return next(area for area in window().screen.areas if area.type == kind)


def view():
    """The first 3D viewport's area."""
    return editor("VIEW_3D")


def region(kind="WINDOW", of="VIEW_3D"):
    """A region of the 3D viewport, or of another editor."""
    return next(r for r in editor(of).regions if r.type == kind)


def rectangle(kind="WINDOW", of="VIEW_3D"):
    """A region as left, top, right, bottom of the screen."""
    found, height = region(kind, of), window().height
    return found.x, height - found.y - found.height, found.x + found.width, height - found.y


def in_view(kind="WINDOW", of="VIEW_3D"):
    """Context of the 3D viewport, or of another editor."""
    return bpy.context.temp_override(window=window(), area=editor(of), region=region(kind, of))


def run(call):
    """Calls an operator as a button in the sidebar does."""
    with in_view("UI"):
        eval(call)


def show(display, shading):
    """What the viewport draws of the avatar, and how."""
    rig().splitavatar.display = display
    view().spaces[0].shading.type = shading


def under_mouse(kind="UI", of="VIEW_3D"):
    """What button of a region the mouse is on: the operator's call, or the property's name."""
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with in_view(kind, of):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
        elif bpy.ops.ui.copy_data_path_button.poll():
            bpy.ops.ui.copy_data_path_button()
    return manager.clipboard.removeprefix("bpy.ops.splitavatar.").removesuffix("()")


def render_tab(search):
    """Turns the properties editor to the render's tab, and searches that."""
    editor("PROPERTIES").spaces[0].context = "RENDER"
    editor("PROPERTIES").spaces[0].search_filter = search


def open_panel():
    """Shows the tab SplitAvatar; False while the sidebar is not there yet."""
    try:
        region("UI").active_panel_category = "SplitAvatar"
    except TypeError:
        return False
    return region("UI").width > 100


def on_screen(point):
    """Where a point of the world is on the screen, pixels from its upper left."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    found = location_3d_to_region_2d(region(), region().data, point)
    left, _, _, bottom = rectangle()
    return left + found.x, bottom - found.y


def state():
    """What the panel says about the backend."""
    return addon("session").get().state.state


def words():
    """What the panel says besides."""
    return addon("ui.backend_box").words(addon("session").get())[0]


def head_middle():
    """The middle of the head, in the avatar's own space."""
    from mathutils import Vector

    return sum((Vector(corner) for corner in rig().splitavatar.head.bound_box), Vector()) / 8


def bounds(found):
    """Lowest and highest corner of an object, world space."""
    from mathutils import Vector

    corners = [found.matrix_world @ Vector(corner) for corner in found.bound_box]
    axes = list(zip(*corners))
    return [min(axis) for axis in axes], [max(axis) for axis in axes]


def idle():
    """Whether no work is under way."""
    return addon("session").get().activity is None


def error():
    """What went wrong last."""
    found = addon("session").get().error
    return f"{found.message} {found.remedy}" if found is not None else ""


def rig():
    """The avatar."""
    return next(o for o in bpy.data.objects if o.type == "ARMATURE" and o.splitavatar.is_avatar)


def _answer(channel):
    """One timer tick, one answer: the events of mouse and keyboard come between."""
    try:
        if channel.poll():
            question = channel.recv()
            try:
                channel.send((True, eval(question, globals())))
            except Exception:  # noqa: BLE001 - told to the test
                channel.send((False, traceback.format_exc()))
    except (EOFError, OSError):  # the test has ended
        os._exit(0)
    return TICK_S


if __name__ == "__main__":
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.use_preferences_save = False
    answer = functools.partial(_answer, Client(("127.0.0.1", int(sys.argv[-1]))))
    bpy.app.timers.register(answer, persistent=True)
