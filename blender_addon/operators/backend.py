"""Operators on the backend process: install, start, stop, cancel."""

import contextlib
from typing import Any

import bpy
from bpy.props import EnumProperty

from .. import steps
from .._shared import AvatarError
from ..link import installing, settings
from ..scene import sights
from ..steps import Steps
from ..work import session
from .long_operation import LongOperation
from .polls import WhenIdle, idle
from .reports import report_error

TORCH = (
    ("auto", "Automatic", "CUDA where there is an NVIDIA GPU, else the CPU"),
    ("cpu", "CPU", "The smaller download"),
    ("cuda", "NVIDIA GPU (CUDA)", "The larger download"),
)


class SPLITAVATAR_OT_install_backend(LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.install_backend"
    bl_label = "Install Backend"
    bl_description = (
        "Fetch the backend's packages into the add-on's user folder. "
        "Nothing of yours is sent anywhere"
    )
    title = "Install Backend"

    torch: EnumProperty(name="Compute On", description="What torch is built for", items=TORCH)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not bpy.app.online_access:
            cls.poll_message_set("Allow online access in Preferences > System > Network first")
            return False
        return idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            self._plan, self._planned = installing.plan(self.torch), self.torch
        except AvatarError as error:
            report_error(self, error)
            return {"CANCELLED"}
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.prop(self, "torch")
        download, disk = (self._plan[key] / 1e9 for key in ("download_bytes", "disk_bytes"))
        layout.label(text=f"{download:.1f} GB to fetch, {disk:.1f} GB of disk space, in")
        layout.label(text=str(settings.install_folder()))
        for notice in self._plan["notices"]:
            layout.label(text=notice, icon="INFO")

    def check(self, context: bpy.types.Context) -> bool:
        """Another choice of torch has other sizes."""
        if self._planned != self.torch:
            self._planned = self.torch
            with contextlib.suppress(AvatarError):  # told when it is installed
                self._plan = installing.plan(self.torch)
        return True

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        return (yield from installing.install(self.torch))

    def done_text(self, result: Any) -> str:
        return f"The backend is installed in {settings.install_folder()}"


class SPLITAVATAR_OT_start_backend(WhenIdle, LongOperation, bpy.types.Operator):
    bl_idname = "splitavatar.start_backend"
    bl_label = "Start"
    bl_description = "Start the backend process on this computer"
    title = "Start Backend"

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        return (yield from session.get().ensure_ready()).state

    def done_text(self, result: Any) -> str:
        return f"The backend is ready on {result.device}"


class SPLITAVATAR_OT_stop_backend(bpy.types.Operator):
    bl_idname = "splitavatar.stop_backend"
    bl_label = "Stop"
    bl_description = "Stop the backend process; running work is cancelled"

    def execute(self, context: bpy.types.Context) -> set[str]:
        here = session.get()
        if here.activity is not None:
            here.activity.cancel = True
        if steps.without_window():
            here.close()
        else:
            here.stop()
        return {"FINISHED"}


class SPLITAVATAR_OT_cancel_work(bpy.types.Operator):
    bl_idname = "splitavatar.cancel_work"
    bl_label = "Cancel"
    bl_description = "Stop the work that is under way; finished files are kept"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return session.get().activity is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        activity = session.get().activity
        if activity is not None:
            activity.cancel = True
        return {"FINISHED"}


class SPLITAVATAR_OT_dismiss_error(bpy.types.Operator):
    bl_idname = "splitavatar.dismiss_error"
    bl_label = "Dismiss"
    bl_description = "Hide the message about what went wrong last"

    def execute(self, context: bpy.types.Context) -> set[str]:
        session.get().error = None
        sights.accept_failures()
        return {"FINISHED"}


CLASSES = (
    SPLITAVATAR_OT_install_backend,
    SPLITAVATAR_OT_start_backend,
    SPLITAVATAR_OT_stop_backend,
    SPLITAVATAR_OT_cancel_work,
    SPLITAVATAR_OT_dismiss_error,
)
