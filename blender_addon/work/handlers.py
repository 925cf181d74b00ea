"""Blender's callbacks: frame changes, edits, undo, loading and saving."""

import logging
import threading

import bpy
from bpy.app.handlers import persistent

from .. import steps
from .._shared import AvatarError
from ..scene import compositing, preview, properties, sights
from . import avatar_files, pump, render_passes, session

LOG = logging.getLogger("splitavatar")


def _must_wait() -> bool:
    """Whether nothing may be shown late: there is no window, or a render is under way."""
    return steps.without_window() or steps.is_rendering()


def _update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, wait: bool) -> None:
    here = session.get()
    if here.avatars.paused or here.client is None or not properties.of_scene(scene).live:
        return
    # Writing the clouds ends in another depsgraph update, which must not come back here.
    with here.avatars.pause():
        for armature in properties.rigs(scene):
            try:
                if wait:
                    here.drive_now(armature, depsgraph)
                else:
                    here.avatars.drive(armature, depsgraph)
            except AvatarError as error:
                here.tell(error)
                LOG.error("frame %d, %s: %s", scene.frame_current, armature.name, error)


def _check_pictures(depsgraph: bpy.types.Depsgraph) -> None:
    # A render calls this in a thread of its own, and as it ends in the main one.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and not steps.without_window() and depsgraph.mode == "VIEWPORT":
        session.get().preview.check(depsgraph)
        session.get().view.check(depsgraph)


@persistent
def on_frame_change(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Frame n shows frame n's parameters: at once without a window, else with the timer."""
    _update(scene, depsgraph, wait=_must_wait())
    _check_pictures(depsgraph)
    render_passes.get().evaluated(scene, depsgraph)


@persistent
def on_depsgraph_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """A slider or a bone moved. Scripts set many before they want a picture: not for them."""
    _check_pictures(depsgraph)
    if steps.without_window() or session.get().client is None:
        return
    moved = (update.id.original for update in depsgraph.updates)
    if any(isinstance(item, bpy.types.Object) and properties.is_rig(item) for item in moved):
        _update(scene, depsgraph, wait=False)


@persistent
def on_render_init(scene: bpy.types.Scene, *_: object) -> None:
    """A render begins: what is on its way must be shown first."""
    session.get().avatars.finish_drives()
    if steps.without_window():
        compositing.follow_view(scene)  # in a window the timer does, in the main thread
    render_passes.get().begin(scene)


@persistent
def on_render_frame(*_: object) -> None:
    """A frame of a render begins; nothing of it is evaluated yet."""
    render_passes.get().begin_frame()


@persistent
def on_render_end(*_: object) -> None:
    """A render is complete, or was cancelled."""
    render_passes.get().end()


@persistent
def on_undo(*_: object) -> None:
    """Undo may have brought back an older cloud, or another pose."""
    preview.stand()
    for region in sights.pictures():
        sights.drop(region)
    session.get().avatars.forget_shown()


def on_live() -> None:
    """Splats are wanted again: the clouds are driven to what the rigs are now."""
    session.get().avatars.forget_shown()


@persistent
def on_load(*_: object) -> None:
    """Another file: its avatars are loaded and its clouds driven anew."""
    pump.arm()
    session.get().forget_file()
    preview.forget()
    sights.forget()
    compositing.repair()
    avatar_files.remember()
    for found in bpy.data.objects:
        if properties.is_rig(found) and found.override_library is not None:
            properties.show(properties.of_rig(found))  # Blender keeps what is set on the rig alone


@persistent
def on_save(filepath: str = "", *_: object) -> None:
    """In the file, avatar paths below its folder are relative, so that the folder can move.

    While a render is under way nothing is written: the file has what the timer stored before.
    """
    if not _renders():
        avatar_files.make_relative(filepath or bpy.data.filepath)


@persistent
def on_saved(*_: object) -> None:
    """In memory they stay absolute."""
    if not _renders():
        avatar_files.make_absolute()


def _renders() -> bool:
    """Whether a render is under way, in a thread of its own or around this very handler."""
    return steps.is_rendering() or render_passes.get().scene is not None


HANDLERS = (
    ("frame_change_post", on_frame_change),
    ("depsgraph_update_post", on_depsgraph_update),
    ("render_init", on_render_init),
    ("render_pre", on_render_frame),
    ("render_complete", on_render_end),
    ("render_cancel", on_render_end),
    ("undo_post", on_undo),
    ("redo_post", on_undo),
    ("load_post", on_load),
    ("save_pre", on_save),
    ("save_post", on_saved),
)


def register() -> None:
    """Hangs the callbacks into Blender's lists."""
    render_passes.get().end()  # of a render that began before the add-on was disabled
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    properties.went_live.append(on_live)


def unregister() -> None:
    """Takes them out again."""
    if on_live in properties.went_live:
        properties.went_live.remove(on_live)
    for name, handler in reversed(HANDLERS):
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
