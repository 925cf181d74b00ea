"""The preview follows what it shows: never an old picture, and with Live On always a new one."""

from concurrent.futures import Future
from typing import Any

import bpy

from .._shared import AvatarError, messages
from ..scene import preview, properties
from .live import LiveAvatars
from .shot import Shot


class LivePreview:
    """Looks whether the previewed picture is still true, and asks for the next one.

    Args:
        avatars: Which avatars the backend holds.
    """

    def __init__(self, avatars: LiveAvatars) -> None:
        self._avatars = avatars
        self._asked: tuple[bytes, Future[Any]] | None = None

    @property
    def asks(self) -> bool:
        """Whether a picture is on its way."""
        return self._asked is not None

    @property
    def waiting(self) -> bool:
        """Whether a picture is on its way, or may be wanted at any moment."""
        scene = bpy.context.scene
        return self._asked is not None or properties.of_scene(scene).live_preview

    def check(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Something changed: an old picture is hidden at once, before the next redraw."""
        armature = properties.active_rig(bpy.context)
        if preview.image() is None or armature is None:
            return
        try:
            preview.now(Shot.of(armature, depsgraph).key)
        except AvatarError:
            preview.now(b"")

    def step(self, client: Any) -> bool:
        """Takes a picture that has arrived and asks for the one that is wanted now.

        Args:
            client: Of a backend that takes requests.

        Raises:
            AvatarError: What keeps the picture from being made; Live is off then.
        """
        settings = properties.of_scene(bpy.context.scene)
        try:
            changed = self._take()
            if settings.live_preview and not is_playing():
                self._ask(client)
        except AvatarError:
            settings.live_preview = False
            raise
        return changed

    def _take(self) -> bool:
        if self._asked is None or not self._asked[1].done():
            return False
        key, future = self._asked
        self._asked = None
        try:
            reply = future.result()
        except AvatarError as error:
            if error.code == "cancelled":  # a newer one was asked for
                return False
            raise
        preview.show(reply.rgba, key)
        return True

    def _ask(self, client: Any) -> None:
        armature = properties.active_rig(bpy.context)
        avatar = None if armature is None else self._avatars.loaded(armature)
        if armature is None or avatar is None:
            return
        shot = Shot.of(armature, bpy.context.evaluated_depsgraph_get())
        preview.now(shot.key)
        if preview.is_fresh() or (self._asked is not None and self._asked[0] == shot.key):
            return
        message = messages.RenderFrame(avatar=avatar.avatar, frame=shot.frame, camera=shot.camera)
        self._asked = (shot.key, client.request(message))

    def forget(self) -> None:
        """The backend is gone, or another file was loaded."""
        self._asked = None


def is_playing() -> bool:
    """Whether an animation plays in a window."""
    windows = bpy.context.window_manager.windows
    return any(window.screen.is_animation_playing for window in windows)
