"""What all longer operators share: a script waits for them, a window keeps on working."""

import logging
import time
from typing import TYPE_CHECKING, Any

import bpy

from .. import steps
from .._shared import AvatarError, errors
from ..scene import viewport
from ..steps import Progress, Steps
from ..work import session
from .reports import report_error

LOG = logging.getLogger("splitavatar")

TIMER_S = 0.05
STEPS_S = 0.03


class LongOperation:
    """Mixin of an operator whose work is `steps(context)`, a generator.

    Without a window it runs to the end; with one it is modal: a timer takes the steps, the panel
    shows the progress and ESC cancels.
    """

    title = "Work"
    _work: Steps[Any] | None = None
    _cancelled: bool
    _drawn: tuple[str, int] | None

    if TYPE_CHECKING:  # Blender's, on the operator

        def report(self, kind: set[str], message: str) -> None: ...

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        """The work. What it returns becomes `session.get().result`."""
        raise NotImplementedError

    def done_text(self, result: Any) -> str:
        """What the operator reports when it has finished."""
        return ""

    def remarks(self, result: Any) -> list[str]:
        """What the user should know of the result besides; reported as warnings."""
        return []

    def execute(self, context: bpy.types.Context) -> set[str]:
        here = session.get()
        if here.activity is not None:
            self.report({"ERROR"}, f"{here.activity.title} is under way. Wait for it or cancel it")
            return {"CANCELLED"}
        self._activity = here.activity = session.Activity(self.title, Progress("Preparing"))
        here.error = None
        self._cancelled, self._drawn = False, None
        self._work = self.steps(context)
        if steps.without_window() or context.window is None:
            return self._run_to_end()
        manager = context.window_manager
        self._timer = manager.event_timer_add(TIMER_S, window=context.window)
        manager.progress_begin(0, 100)
        manager.modal_handler_add(self)
        self._activity.end = lambda: self.cancel(bpy.context)
        viewport.redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            self._activity.cancel = True
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        if session.get().poll():
            viewport.redraw()
        outcome = self._steps_of_a_tick()
        if outcome is not None:
            self._end_modal(context)
            return outcome
        self._tell(context)
        return {"RUNNING_MODAL"}

    def _tell(self, context: bpy.types.Context) -> None:
        """Shows how far the work is, where that has changed."""
        now = (self._activity.text, round(100 * self._activity.progress.factor))
        if now == self._drawn:
            return
        self._drawn = now
        context.window_manager.progress_update(now[1])
        context.workspace.status_text_set(f"{self.title}: {now[0]}   (ESC cancels)")
        viewport.redraw()

    def cancel(self, context: bpy.types.Context) -> None:
        """It is ended: another file is loaded, its dialog was closed, or the add-on is disabled."""
        if self._work is None:
            return
        self._work.close()
        session.get().activity = None
        self._end_modal(context)

    def _steps_of_a_tick(self) -> set[str] | None:
        """As many steps as get on with the work in the time that a smooth UI leaves."""
        until = time.monotonic() + STEPS_S
        while True:
            before = self._activity.progress
            outcome = self._step()
            waits = self._activity.progress == before
            if outcome is not None or waits or time.monotonic() > until:
                return outcome

    def _run_to_end(self) -> set[str]:
        here = session.get()
        try:
            while (outcome := self._step()) is None:
                here.poll()
                time.sleep(steps.TICK_S)
            return outcome
        finally:  # also after Ctrl-C
            if self._work is not None:
                self._work.close()
            here.activity = None

    def _step(self) -> set[str] | None:
        """Takes one step: None while there is more to do, else the operator's outcome."""
        here = session.get()
        try:
            assert self._work is not None
            if self._activity.cancel and not self._cancelled:
                self._cancelled = True
                self._activity.progress = self._work.throw(steps.cancelled(self.title))
            else:
                self._activity.progress = next(self._work)
            return None
        except StopIteration as end:
            here.result = end.value
            text = self.done_text(end.value)
            if text:
                self.report({"INFO"}, text)
            for remark in self.remarks(end.value):
                self.report({"WARNING"}, remark)
            outcome = {"FINISHED"}
        except AvatarError as error:
            outcome = self._failed(error)
        except ReferenceError:
            LOG.exception("%s lost what it worked on", self.title)
            outcome = self._failed(
                AvatarError(
                    "bad_request",
                    f"{self.title} has ended: the rig or the scene was deleted or undone.",
                    "Start it again on one that is there.",
                )
            )
        except Exception as error:
            LOG.exception("%s failed", self.title)
            outcome = self._failed(
                AvatarError(
                    "internal",
                    f"{self.title} failed: {errors.said(error)}.",
                    "Please report it with a support bundle (button in the add-on's preferences).",
                )
            )
        here.activity = None
        return outcome

    def _failed(self, error: AvatarError) -> set[str]:
        if error.code == "cancelled" and not steps.without_window():
            report_error(self, error, "WARNING")
        else:
            session.get().tell(error)
            report_error(self, error, told=True)
        return {"CANCELLED"}

    def _end_modal(self, context: bpy.types.Context) -> None:
        manager = context.window_manager
        manager.event_timer_remove(self._timer)
        manager.progress_end()
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        viewport.redraw()
