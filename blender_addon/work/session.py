"""The one session of a Blender: the backend, the live avatars, and the work that is under way.

The only place that knows both sides: `link` has no data-block, `scene` has no backend.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from .. import steps
from .._shared import AvatarError, Camera, Track, launcher, messages
from ..link.backend import Backend
from ..scene import clouds, rest
from ..steps import Progress, Steps
from . import avatar_files
from .live import LiveAvatars
from .live_preview import LivePreview
from .refined_view import RefinedView


@dataclass
class Activity:
    """Work that the panel shows, at most one at a time."""

    title: str
    progress: Progress
    cancel: bool = False
    """The user wants it to stop; it does once the backend has let go of it."""
    end: Callable[[], object] = lambda: None
    """Ends it where it is: Blender drops operators of an add-on that is disabled, unasked."""

    @property
    def text(self) -> str:
        """How far it is, for the panel."""
        return "Cancelling..." if self.cancel else self.progress.text


class Session:
    """State of the add-on that no file stores."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.avatars = LiveAvatars(self.tell)
        self.preview = LivePreview(self.avatars)
        self.view = RefinedView(self.avatars)
        self.activity: Activity | None = None
        self.error: AvatarError | None = None
        """What went wrong last, for the panel."""
        self.result: Any = None
        """What the last operator made: the reply of the backend."""
        self._ended = False

    def tell(self, error: AvatarError) -> None:
        """Shows an error in the panel."""
        self.error = error

    # ---- the backend

    @property
    def launcher(self) -> launcher.Launcher | None:
        """The backend's process, None before the first start."""
        return self.backend.launcher

    @property
    def state(self) -> messages.BackendState:
        """What the panel shows about the backend."""
        return self.backend.state

    @property
    def client(self) -> Any:
        """The client of a backend that takes requests, else None."""
        return self.backend.client

    def start(self) -> None:
        """Starts the backend with the preferences as they are now.

        Raises:
            AvatarError: Why it cannot.
        """
        self.require_enabled()
        self.error = None
        self.avatars.forget_backend()
        self.preview.forget()
        self.view.forget()
        self.backend.start()

    def stop(self) -> None:
        """Begins to stop the backend."""
        self.backend.stop()
        self.avatars.forget_backend()
        self.preview.forget()
        self.view.forget()

    def close(self) -> None:
        """Stops the backend and waits until it is gone: the add-on or Blender ends."""
        self.backend.close()
        self.avatars.forget_backend()
        self.preview.forget()
        self.view.forget()

    def require_enabled(self) -> None:
        """Refuses to begin anything once the add-on was disabled: a render may still go on.

        Raises:
            AvatarError: `bad_request`.
        """
        if self._ended:
            raise AvatarError(
                "bad_request",
                "The add-on SplitAvatar was disabled.",
                "Enable it in Preferences > Add-ons, and start again.",
            )

    def end(self) -> None:
        """The add-on is disabled, whatever goes on: that ends, and no backend is started again."""
        self._ended = True
        if self.activity is not None:
            self.activity.end()
        self.close()

    # ---- the timer's part

    def poll(self) -> bool:
        """Looks at the backend once; True when the panel has something new to show.

        While a window renders, what would change the scene waits.
        """
        if self.launcher is None:
            return False
        changed = self.backend.poll()
        self.avatars.serve(self.client)
        if self.client is None:
            self.view.forget()
        if self.client is None or steps.is_rendering():
            return changed
        if self.activity is None and not steps.without_window():
            self.avatars.load_scene()  # running work asks for what it needs itself
        self.avatars.take_loaded()
        changed = self._follow_preview() or changed
        return self.avatars.take_drives() or changed

    def _follow_preview(self) -> bool:
        if self.activity is not None or steps.without_window():
            return False
        try:
            changed = self.preview.step(self.client)
            # Of one avatar the backend keeps the newest request only: they take turns.
            return changed if self.preview.asks else self.view.step(self.client) or changed
        except AvatarError as error:
            self.tell(error)
            return True

    @property
    def waiting(self) -> bool:
        """Whether something is on its way, so that looking often is worth it."""
        return (
            self.avatars.waiting
            or self.preview.waiting
            or self.view.waiting
            or self.activity is not None
        )

    # ---- requests as steps

    def ensure_ready(self) -> Steps[Any]:
        """Starts the backend when it does not run; returns its client when it is ready."""
        yield from self.backend.stopping()
        if self.launcher is None or self.launcher.pid is None:
            self.start()
        client = yield from self.backend.starting()
        self.poll()
        return client

    def request(self, message: Any) -> Steps[Any]:
        """Sends a request and returns its reply; closing the steps cancels its job."""
        return (yield from self.backend.request(message))

    def ensure_avatar(self, armature: bpy.types.Object) -> Steps[Any]:
        """Loads the rig's avatar where the backend has not; returns its `AvatarReply`."""
        rest.require(armature)
        path = avatar_files.file_of(armature)
        if not path.is_file():
            raise AvatarError(
                "bad_file",
                f"The avatar file of {armature.name!r} is missing: {path}.",
                "Choose its place under Avatar File in the panel.",
            )
        yield from self.ensure_ready()
        found = self.loaded(armature)
        if found is None:
            found = yield from self.request(messages.LoadAvatar(str(path), job=steps.new_job()))
            self.avatars.add(str(path), found)
        return found

    def add_avatar(self, reply: Any) -> None:
        """Remembers an avatar that a request has just created."""
        self.avatars.add(reply.path, reply)

    def loaded(self, armature: bpy.types.Object) -> Any:
        """The rig's `AvatarReply` when the backend has its avatar, else None."""
        return self.avatars.loaded(armature)

    def render(self, armature: bpy.types.Object, frame: Track, view: Camera) -> Steps[Any]:
        """Renders a frame of the rig's avatar; returns the `FrameReply`."""
        avatar = yield from self.ensure_avatar(armature)
        message = messages.RenderFrame(avatar=avatar.avatar, frame=frame, camera=view)
        return (yield from self.request(message))

    def drive_now(self, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
        """Shows the splats of the rig as evaluated now, and waits for them.

        A cloud that its head mesh moves shows them anyway.
        """
        if self.client is None or clouds.is_bound(armature):
            return
        if self.loaded(armature) is None:
            finish(self.ensure_avatar(armature))
        self.avatars.drive(armature, depsgraph)
        self.avatars.finish_drives()

    def forget_file(self) -> None:
        """Another .blend was loaded: nothing of the one before is shown or on its way."""
        self.error = None
        self.avatars.forget_file()
        self.preview.forget()
        self.view.forget()


_session = Session()


def get() -> Session:
    """The session of this Blender."""
    return _session


def begin() -> None:
    """A new session: the add-on is enabled."""
    global _session
    _session = Session()


def finish(work: Steps[Any]) -> Any:
    """Runs steps to their end now, looking after the backend between them (scripts)."""
    return steps.finish(work, _session.poll)
