"""The one session: the backend's launcher, its client, the avatars it has loaded, running work.

Everything here runs on Blender's main thread; the client's own thread never touches bpy.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from .. import steps
from .._shared import AvatarError, Camera, Track, launcher, messages
from ..scene import clouds, properties, rig
from ..steps import Progress, Steps
from ..ui import preferences

LOG = logging.getLogger("splitavatar")


_STOPPED = messages.BackendState("stopped")


@dataclass
class Activity:
    """Work that the panel shows, at most one at a time."""

    title: str
    progress: Progress
    cancel: bool = False


@dataclass
class _Drive:
    """A drive request: waiting to be sent, or on its way."""

    message: Any
    shown: bytes
    future: "Future[Any]" = field(default_factory=Future)


class Session:
    """State of the add-on that no file stores."""

    def __init__(self) -> None:
        self.launcher: launcher.Launcher | None = None
        self.activity: Activity | None = None
        self.error: AvatarError | None = None
        """What went wrong last, for the panel."""
        self.result: Any = None
        """What the last operator made: the reply of the backend."""
        self.paused = 0
        """Above 0, handlers leave the rig alone."""
        self._client: Any = None
        self._avatars: dict[str, Any] = {}
        self._loading: dict[str, Future[Any]] = {}
        self._failed: set[str] = set()
        self._queued: dict[int, _Drive] = {}
        self._drives: dict[int, list[_Drive]] = {}
        self._shown: dict[int, bytes] = {}
        self._job_progress: dict[str, Progress] = {}
        self._state = messages.BackendState("stopped")

    # ---- the backend process

    @property
    def state(self) -> messages.BackendState:
        """What the panel shows about the backend."""
        state = self.launcher.state if self.launcher is not None else _STOPPED
        if state.state in ("stopped", "not_installed"):
            return state if preferences.installed() else messages.BackendState("not_installed")
        return state

    @property
    def client(self) -> Any:
        """The client of a backend that takes requests, else None."""
        if self.launcher is None or self.state.state not in ("ready", "busy"):
            return None
        return self.launcher.client

    def start(self) -> None:
        """Starts the backend with the preferences as they are now."""
        self.error = None
        self._forget_backend()
        settings = preferences.launch_settings()
        if self.launcher is None or self.launcher.pid is None:
            self.launcher = launcher.Launcher(settings)
        if not preferences.installed():
            raise AvatarError(
                "backend_not_installed",
                f"The backend is not installed: {settings.python} is missing or incomplete.",
                "Press Install Backend in the SplitAvatar panel.",
            )
        self.launcher.start()

    def stop(self) -> None:
        """Begins to stop the backend."""
        if self.launcher is not None:
            self.launcher.stop()
        self._forget_backend()

    def close(self) -> None:
        """Stops the backend and waits until it is gone: the add-on or Blender ends."""
        if self.launcher is not None:
            self.launcher.stop()
            self.launcher.wait_stopped()
        self._forget_backend()
        self.launcher = None

    def _forget_backend(self) -> None:
        self._client = None
        self._avatars.clear()
        self._loading.clear()
        self._failed.clear()
        self._queued.clear()
        self._drives.clear()
        self._shown.clear()
        self._job_progress.clear()

    # ---- the timer's part

    def poll(self) -> bool:
        """Looks at the backend once; True when the panel has something new to show."""
        if self.launcher is None:
            return False
        state = self.launcher.poll()
        changed = state != self._state
        self._state = state
        client = self.client
        if client is not self._client:
            self._forget_backend()
            self._client = client
        if self.launcher.client is not None:
            changed |= self._take_events(self.launcher.client)
        if client is not None:
            self._load_avatars()
            self._take_loaded()
            changed |= self.take_drives()
        return changed

    @property
    def waiting(self) -> bool:
        """Whether something is on its way, so that looking often is worth it."""
        return bool(self._drives or self._queued or self._loading or self.activity)

    def _take_events(self, client: Any) -> bool:
        events = client.poll()
        for event in events:
            if isinstance(event, messages.JobProgress):
                self._job_progress[event.job] = Progress(
                    event.phase, event.done, event.total, event.eta_s
                )
        return bool(events)

    # ---- requests as steps

    def ensure_ready(self) -> Steps[Any]:
        """Starts the backend when it does not run; returns its client when it is ready."""
        while self.launcher is not None and self.launcher.poll().phase == "stopping":
            yield Progress("Stopping the backend")
        if self.launcher is None or self.launcher.pid is None:
            self.start()
        while self.launcher is not None:
            state = self.launcher.poll()
            if state.state in ("ready", "busy"):
                self.poll()
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
        """Sends a request and returns its reply; closing the steps cancels its job."""
        client = self.launcher.client if self.launcher is not None else None
        if client is None:
            raise AvatarError("backend_died", "The backend does not run.", "Start it.")
        job = getattr(message, "job", "")
        future = client.request(message)
        waiting = Progress("Waiting for the backend")
        try:
            return (yield from steps.wait(future, lambda: self._job_progress.get(job, waiting)))
        finally:
            self._job_progress.pop(job, None)
            if job and not future.done():
                client.cancel(job)

    def ensure_avatar(self, armature: bpy.types.Object) -> Steps[Any]:
        """Loads the rig's avatar where the backend has not; returns its `AvatarReply`."""
        path = properties.avatar_path(armature)
        if not path.is_file():
            raise AvatarError(
                "bad_file",
                f"The avatar file of {armature.name!r} is missing: {path}.",
                "Choose its place under Avatar File in the panel.",
            )
        yield from self.ensure_ready()
        key = str(path)
        if key not in self._avatars:
            message = messages.LoadAvatar(path=key, job=steps.new_job())
            self._avatars[key] = yield from self.request(message)
        return self._avatars[key]

    def add_avatar(self, reply: Any) -> None:
        """Remembers an avatar that a request has just created."""
        self._avatars[reply.path] = reply

    def loaded(self, armature: bpy.types.Object) -> Any:
        """The rig's `AvatarReply` when the backend has its avatar, else None."""
        return self._avatars.get(str(properties.avatar_path(armature)))

    def _load_avatars(self) -> None:
        """Asks for the avatars of the scene that a new backend does not have yet."""
        if self.activity is not None or steps.without_window():
            return  # the running work asks for what it needs itself
        for armature in properties.rigs(bpy.context.scene):
            path = properties.avatar_path(armature)
            key = str(path)
            known = key in self._avatars or key in self._loading or key in self._failed
            if known or not path.is_file():
                continue
            message = messages.LoadAvatar(path=key, job=steps.new_job())
            self._loading[key] = self._client.request(message)

    def _take_loaded(self) -> None:
        for key, future in list(self._loading.items()):
            if not future.done():
                continue
            del self._loading[key]
            try:
                self._avatars[key] = future.result()
            except AvatarError as error:
                # Not asked for again and again; an operator on the avatar tries anew.
                self._failed.add(key)
                self.error = error
                LOG.error("%s: %s", key, error)
                continue
            self.forget_shown()

    # ---- splats of the frame

    def drive(self, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> bool:
        """Asks for the splats of the rig as evaluated now; False where nothing changed.

        The splats arrive with a later `poll`; of several requests the newest wins.
        """
        reply = self.loaded(armature)
        if reply is None or not clouds.writable(armature):
            return False
        frame = rig.read_frame(armature, depsgraph)
        uid = armature.session_uid
        drive = _Drive(
            messages.DriveAvatar(avatar=reply.avatar, frame=frame),
            _fingerprint(reply.avatar, frame),
        )
        sent = self._drives.get(uid)
        newest = self._queued.get(uid) or (sent[-1] if sent else None)
        if drive.shown == (newest.shown if newest else self._shown.get(uid)):
            return False
        self._queued[uid] = drive
        self._send_queued()
        return True

    def _send_queued(self) -> None:
        """Sends what waits, but one rig's request never supersedes that of its twin.

        The backend keeps the newest request of each avatar; rigs that share one take turns.
        """
        for uid, drive in list(self._queued.items()):
            twins = [d for other, sent in self._drives.items() if other != uid for d in sent]
            if any(d.message.avatar == drive.message.avatar for d in twins):
                continue
            del self._queued[uid]
            drive.future = self._client.request(drive.message)
            self._drives.setdefault(uid, []).append(drive)

    def drive_now(self, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
        """Shows the splats of the rig as evaluated now, and waits for them."""
        if self.client is None:
            return
        if self.loaded(armature) is None:
            finish(self.ensure_avatar(armature))
        self.drive(armature, depsgraph)
        self.finish_drives()

    def finish_drives(self) -> None:
        """Waits until all splats on their way are shown."""
        while self._drives or self._queued:
            for drive in [d for sent in self._drives.values() for d in sent]:
                drive.future.exception()
            self.take_drives()

    def take_drives(self) -> bool:
        """Shows the splats that have arrived; True when there were some."""
        taken = False
        for uid, sent in list(self._drives.items()):
            done = [drive for drive in sent if drive.future.done()]
            self._drives[uid] = [drive for drive in sent if not drive.future.done()]
            if not self._drives[uid]:
                del self._drives[uid]
            arrived = [drive for drive in done if self._arrived(drive)]
            armature = _rig_of_uid(uid) if arrived else None
            if armature is not None and clouds.writable(armature):
                avatar = self.loaded(armature)
                if avatar is not None:
                    clouds.show(armature, avatar, arrived[-1].future.result())
                    self._shown[uid] = arrived[-1].shown
                    taken = True
        if self._queued:
            self._send_queued()
        return taken

    def _arrived(self, drive: _Drive) -> bool:
        try:
            drive.future.result()
        except AvatarError as error:
            if error.code != "cancelled":  # that one was superseded by a newer frame
                self.error = error
                LOG.error("%s", error)
            return False
        return True

    def forget_shown(self) -> None:
        """The clouds may show anything: the next evaluation drives them again."""
        self._shown.clear()
        if not steps.without_window():
            self._drive_scene()

    def forget_file(self) -> None:
        """Another .blend was loaded: nothing of the one before is shown or on its way."""
        self.error = None
        self._queued.clear()
        self._drives.clear()
        self._failed.clear()
        self.forget_shown()

    def _drive_scene(self) -> None:
        if self.client is None:
            return
        depsgraph = bpy.context.evaluated_depsgraph_get()
        for armature in properties.rigs(bpy.context.scene):
            try:
                self.drive(armature, depsgraph)
            except AvatarError as error:
                self.error = error

    # ---- one frame as a picture

    def render(self, armature: bpy.types.Object, frame: Track, view: Camera) -> Steps[Any]:
        """Renders a frame of the rig's avatar; returns the `FrameReply`."""
        avatar = yield from self.ensure_avatar(armature)
        message = messages.RenderFrame(avatar=avatar.avatar, frame=frame, camera=view)
        return (yield from self.request(message))


def _fingerprint(avatar: str, frame: Track) -> bytes:
    return avatar.encode() + b"".join(a.tobytes() for a in frame.to_arrays().values())


def _rig_of_uid(uid: int) -> bpy.types.Object | None:
    return next((o for o in bpy.data.objects if o.session_uid == uid), None)


_session = Session()


def get() -> Session:
    """The session of this Blender."""
    return _session


def reset() -> None:
    """Ends the session and begins a new one (unregister)."""
    global _session
    _session.close()
    _session = Session()


def finish(work: Steps[Any]) -> Any:
    """Runs steps to their end now, looking after the backend between them (scripts)."""
    between: Callable[[], Any] = _session.poll
    return steps.finish(work, between)


def log_folder() -> Path:
    """Where the backend's log is."""
    return preferences.user_folder()
