"""Operators for whoever needs help: the log, and a bundle to send."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from .._shared import AvatarError, support
from ..link import addon_log, doctor, settings
from ..steps import Progress, Steps
from .long_operation import LongOperation
from .polls import WhenIdle
from .reports import reported

OPENING_S = 2.0
BUNDLE = "splitavatar-support.zip"


class SPLITAVATAR_OT_open_log(bpy.types.Operator):
    bl_idname = "splitavatar.open_log"
    bl_label = "Open Log"
    bl_description = "Open the backend's log with this computer's program for text"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        path = settings.launch_settings().log_path
        if not path.is_file():
            raise AvatarError("bad_file", f"There is no log yet: {path}.", "Start the backend.")
        _open(path)
        self.report({"INFO"}, f"The log is {path}")
        return {"FINISHED"}


class SPLITAVATAR_OT_save_support_bundle(WhenIdle, LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.save_support_bundle"
    bl_label = "Save Support Bundle..."
    bl_description = (
        "Write a zip with the logs and what works on this machine, without names of yours, "
        "to send along when you ask for help. Nothing is sent"
    )
    title = "Save Support Bundle"

    filepath: StringProperty(name="File", subtype="FILE_PATH")
    check_existing: BoolProperty(default=True, options={"HIDDEN"})
    filter_glob: StringProperty(default="*.zip", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.filepath = self.filepath or str(Path.home() / BUNDLE)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        out = support.check_name(Path(bpy.path.abspath(self.filepath)).absolute())
        yield Progress("Looking at this machine")
        self._installed = settings.installed()
        found = yield from doctor.facts()
        facts = f"{support.versions({'Blender': bpy.app.version_string})}\n{found}"
        programs = {
            settings.bundle(): "<addon>",
            settings.install_folder(): "<backend>",
            Path(bpy.app.binary_path or sys.prefix).parent: "<blender>",
        }
        logs = [settings.launch_settings().log_path, addon_log.path()]
        support.write(out, facts, logs, programs)
        return out

    def done_text(self, result: Any) -> str:
        without = "" if self._installed else ", without the backend, which is not installed"
        return f"The support bundle is {result}{without}"


def _open(path: Path) -> None:
    """Opens a file as a double click would.

    Raises:
        AvatarError: `bad_file`: the system knows no program for it.
    """
    try:
        if sys.platform == "win32":
            os.startfile(path)
            return
        program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        opened = program and subprocess.Popen([program, str(path)], start_new_session=True, **quiet)
        # Some last as long as what they open; those that fail do so at once.
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not opened or opened.wait(OPENING_S) != 0:
                raise OSError(f"no program opens {path}")
    except OSError as error:
        raise AvatarError(
            "bad_file",
            "This computer knows no program that opens a log.",
            f"Open it with a text editor; it is {path}.",
        ) from error


CLASSES = (SPLITAVATAR_OT_open_log, SPLITAVATAR_OT_save_support_bundle)
