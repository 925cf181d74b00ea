"""The backend as the add-on sees it: its process, its client and requests as steps.

Everything here runs on Blender's main thread; the client's own thread never touches bpy.
"""

import time
from typing import Any

from .. import steps
from .._shared import AvatarError, launcher, messages
from ..steps import Progress, Steps
from . import phases, settings

CAUSE_S = 2.0
"""How long a dying backend is waited for, to tell why."""

_STOPPED = messages.BackendState("stopped")


class Backend:
    """One backend process at a time, started with the preferences as they are."""

    def __init__(self) -> None:
        self.launcher: launcher.Launcher | None = None
        self._seen = _STOPPED
        self._job_progress: dict[str, Progress] = {}

    @property
    def state(self) -> messages.BackendState:
        """What the panel shows about the backend."""
        state = self.launcher.state if self.launcher is not None else _STOPPED
        if state.state not in ("stopped", "not_installed"):
            return state
        # What a launcher of before was told may have changed since.
        if not settings.installed():
            return messages.BackendState("not_installed")
        return state if state.state == "stopped" else _STOPPED

    @property
    def client(self) -> Any:
        """The client of a backend that takes requests, else None."""
        if self.launcher is None or self.state.state not in ("ready", "busy"):
            return None
        return self.launcher.client

    # ---- the process

    def start(self) -> None:
        """Starts the process.

        Raises:
            AvatarError: `backend_not_installed`.
        """
        self._job_progress.clear()
        wanted = settings.launch_settings()
        if self.launcher is None or self.launcher.pid is None:
            self.launcher = launcher.Launcher(wanted)
        if gone := settings.lost_python():
            raise AvatarError(
                "backend_not_installed",
                f"The Python that the backend was built on is gone from {gone}: Blender was moved "
                "or replaced.",
                "Press Install Backend in the SplitAvatar panel; what is downloaded is kept.",
            )
        if not settings.installed():
            raise AvatarError(
                "backend_not_installed",
                f"The backend is not installed: {wanted.python} is missing or incomplete.",
                "Press Install Backend in the SplitAvatar panel.",
            )
        self.launcher.start()

    def stop(self) -> None:
        """Begins to stop the process."""
        if self.launcher is not None:
            self.launcher.stop()
        self._job_progress.clear()

    def close(self) -> None:
        """Stops the process and waits until it is gone: the add-on or Blender ends."""
        if self.launcher is not None:
            self.launcher.stop()
            self.launcher.wait_stopped()
        self._job_progress.clear()
        self.launcher = None

    def poll(self) -> bool:
        """Looks at the process once; True when the panel has something new to show."""
        if self.launcher is None:
            return False
        state = self.launcher.poll()
        changed = state != self._seen
        self._seen = state
        events = self.launcher.client.poll() if self.launcher.client is not None else []
        for event in events:
            if isinstance(event, messages.JobProgress):
                self._job_progress[event.job] = Progress(
                    phases.in_words(event.phase), event.done, event.total, event.eta_s
                )
        return changed or bool(events)

    # ---- its services, as steps

    def stopping(self) -> Steps[None]:
        """Waits until a process that goes down is gone."""
        while self.launcher is not None and self.launcher.poll().phase == "stopping":
            yield Progress("Stopping the backend")

    def starting(self) -> Steps[Any]:
        """Waits until the process takes requests; returns its client."""
        while self.launcher is not None:
            state = self.launcher.poll()
            if state.state in ("ready", "busy"):
                return self.launcher.client
            if state.state != "starting":
                raise AvatarError(
                    "backend_died",
                    state.why or f"The backend is {state.state}.",
                    state.remedy or "Start it again.",
                )
            yield Progress(f"Starting the backend: {state.phase}")
        raise steps.cancelled("Starting the backend")

    def request(self, message: Any) -> Steps[Any]:
        """Sends a request and returns its reply; closing the steps cancels its job.

        A `cancelled` thrown into them comes back once the backend has let go of the job.
        """
        client = self.launcher.client if self.launcher is not None else None
        if client is None:
            raise AvatarError("backend_died", "The backend does not run.", "Start it.")
        job = getattr(message, "job", "")
        future = client.request(message)
        waiting = Progress("Waiting for the backend")
        try:
            return (yield from steps.wait(future, lambda: self._job_progress.get(job, waiting)))
        except AvatarError as error:
            if error.code == "cancelled" and not future.done():
                if job:
                    client.cancel(job)
                yield from self._let_go(future)
            why = yield from self._why_it_died(error)
            if why is error:
                raise
            raise why from error
        finally:
            self._job_progress.pop(job, None)
            if job and not future.done():
                client.cancel(job)

    def _let_go(self, future: Any) -> Steps[None]:
        """Waits until the backend is free of a request, whatever its answer."""
        while not future.done():
            yield Progress("Cancelling")

    def _why_it_died(self, error: AvatarError) -> Steps[AvatarError]:
        """The connection breaks before the process is gone, which knows the cause: waits for it."""
        until = time.monotonic() + CAUSE_S
        while error.code == "backend_died" and time.monotonic() < until:
            state = self.launcher.poll() if self.launcher is not None else _STOPPED
            if self.launcher is None or self.launcher.pid is None:
                return AvatarError(error.code, state.why, state.remedy) if state.why else error
            yield Progress("Waiting for the backend's last words")
        return error
