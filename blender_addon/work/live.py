"""The live avatars: which of them the backend holds, and the splats on their way to the scene."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import bpy

from .. import steps
from .._shared import AvatarError, Track, messages
from ..scene import clouds, properties, rig
from . import avatar_files

LOG = logging.getLogger("splitavatar")


@dataclass
class _Drive:
    """A drive request: waiting to be sent, or on its way."""

    message: Any
    shown: bytes
    future: "Future[Any]" = field(default_factory=Future)


class LiveAvatars:
    """What no file stores about the avatars of the scene.

    Args:
        tell: Takes what goes wrong while nobody waits for it.
    """

    def __init__(self, tell: Callable[[AvatarError], None]) -> None:
        self.paused = 0
        """Above 0, handlers leave the rig alone."""
        self._tell = tell
        self._client: Any = None
        self._avatars: dict[str, Any] = {}
        self._loading: dict[str, Future[Any]] = {}
        self._failed: set[str] = set()
        self._queued: dict[int, _Drive] = {}
        self._drives: dict[int, list[_Drive]] = {}
        self._shown: dict[int, bytes] = {}

    @property
    def waiting(self) -> bool:
        """Whether something is on its way, so that looking often is worth it."""
        return bool(self._drives or self._queued or self._loading)

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Keeps the handlers from driving anything: frames are set only to read the rig."""
        self.paused += 1
        try:
            yield
        finally:
            self.paused -= 1

    # ---- what the backend holds

    def serve(self, client: Any) -> None:
        """From now on this client answers; another one than before knows none of the avatars.

        Args:
            client: None while there is no backend that takes requests.
        """
        if client is not self._client:
            self.forget_backend()
            self._client = client

    def forget_backend(self) -> None:
        """The backend is gone, and with it all it held or was about to answer."""
        self._client = None
        self._avatars.clear()
        self._loading.clear()
        self._failed.clear()
        self._queued.clear()
        self._drives.clear()
        self._shown.clear()

    def add(self, path: str, reply: Any) -> None:
        """Remembers the `AvatarReply` of a file that was just made or loaded."""
        self._avatars[path] = reply

    def loaded(self, armature: bpy.types.Object) -> Any:
        """The rig's `AvatarReply` when the backend has its avatar, else None."""
        return self._avatars.get(str(avatar_files.place_of(armature)))

    def load_scene(self) -> None:
        """Asks for the avatars of the scene that a new backend does not have yet.

        Those that it has are bound where undo, or another file for the rig, has undone that.
        """
        for armature in properties.rigs(bpy.context.scene):
            self.bind(armature)
            key = str(properties.avatar_path(armature))
            if key in self._failed:
                continue
            try:
                path = avatar_files.file_of(armature)
            except AvatarError as error:
                self._failed.add(key)
                self._tell(error)
                continue
            key = str(path)
            known = key in self._avatars or key in self._loading or key in self._failed
            if known or not path.is_file():
                continue
            message = messages.LoadAvatar(path=key, job=steps.new_job())
            self._loading[key] = self._client.request(message)

    def take_loaded(self) -> None:
        """Remembers the avatars that have arrived, and binds or drives their clouds."""
        for key, future in list(self._loading.items()):
            if not future.done():
                continue
            del self._loading[key]
            try:
                self._avatars[key] = future.result()
            except AvatarError as error:
                # Not asked for again and again; an operator on the avatar tries anew.
                self._failed.add(key)
                self._tell(error)
                LOG.error("%s: %s", key, error)
                continue
            for armature in properties.rigs(bpy.context.scene):
                self.bind(armature)
            self.forget_shown()

    def bind(self, armature: bpy.types.Object) -> None:
        """Lets a rig's head move its cloud, where the backend has the avatar and that is so."""
        avatar = self.loaded(armature)
        if avatar is not None and clouds.writable(armature):
            clouds.bind(armature, avatar)

    # ---- splats of the frame

    def drive(self, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> bool:
        """Asks for the splats of the rig as evaluated now; False where nothing changed.

        The splats arrive with a later `take_drives`; of several requests the newest wins.
        """
        reply = self.loaded(armature)
        if reply is None or not clouds.writable(armature) or clouds.is_bound(armature):
            return False
        frame = rig.read_frame(armature, depsgraph)
        uid = armature.session_uid
        drive = _Drive(
            messages.DriveAvatar(avatar=reply.avatar, frame=frame),
            fingerprint(reply.avatar, frame),
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
            if armature is None or clouds.is_bound(armature):
                continue  # it was bound while this was on its way
            if clouds.writable(armature):
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
                self._tell(error)
                LOG.error("%s", error)
            return False
        return True

    # ---- what the clouds show

    def forget_shown(self) -> None:
        """The clouds may show anything: the next evaluation drives them again."""
        self._shown.clear()
        if not steps.without_window():
            self._drive_scene()

    def forget_file(self) -> None:
        """Another .blend was loaded: nothing of the one before is shown or on its way."""
        self._queued.clear()
        self._drives.clear()
        self._failed.clear()
        self.forget_shown()

    def _drive_scene(self) -> None:
        if self._client is None:
            return
        depsgraph = bpy.context.evaluated_depsgraph_get()
        for armature in properties.rigs(bpy.context.scene):
            try:
                self.drive(armature, depsgraph)
            except AvatarError as error:
                self._tell(error)


def fingerprint(avatar: str, frame: Track) -> bytes:
    """Equal for equal avatars in equal poses."""
    return avatar.encode() + b"".join(a.tobytes() for a in frame.to_arrays().values())


def _rig_of_uid(uid: int) -> bpy.types.Object | None:
    return next((o for o in bpy.data.objects if o.session_uid == uid), None)
