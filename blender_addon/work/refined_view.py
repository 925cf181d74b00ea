"""Viewports that stand still show the backend's picture in place of splats.

Of what a viewport sees `scene.sights` knows; here the backend is asked for it, the newest wins, and
a picture goes as soon as pose or placing of its avatars change. Nothing waits for an answer.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import AvatarError, messages
from ..scene import properties, rest, sights
from ..scene.sights import Refined, Sight
from . import depth_order, live_preview
from .live import LiveAvatars
from .shot import Shot, key_of

STILL_S = 0.25
"""So long a view stands still before the backend is asked."""


@dataclass
class _Asked:
    """A picture on its way, avatar by avatar: two may be one for the backend.

    Args:
        region: Of the viewport.
        sight: What it is of.
        shots: One of each avatar.
        avatars: Their ids, as the backend has them.
    """

    region: int
    sight: Sight
    shots: list[Shot]
    avatars: list[str]
    future: "Future[Any]" = field(default_factory=Future)
    replies: list[messages.FrameReply] = field(default_factory=list)

    @property
    def posed(self) -> bytes:
        """See `Refined`."""
        return key_of(self.shots)

    def picture(self) -> Refined:
        """What it is when all have answered."""
        layers = np.stack([_upwards(reply.rgba, 1 / 255) for reply in self.replies])
        for channel in range(3):  # one by one: all at once takes numpy ten times as long
            layers[..., channel] *= layers[..., 3]
        pairs = zip(self.shots, self.replies, strict=True)
        depths = np.stack([_upwards(reply.depth, shot.scale) for shot, reply in pairs])
        return Refined(self.sight, self.posed, *depth_order.stacked(layers, depths))

    def send(self, client: Any) -> None:
        """Asks for the next avatar's."""
        shot, avatar = self.shots[len(self.replies)], self.avatars[len(self.replies)]
        message = messages.RenderFrame(avatar=avatar, frame=shot.frame, camera=shot.camera)
        self.future = client.request(message)


class RefinedView:
    """Asks for pictures of what viewports see.

    Args:
        avatars: Which avatars the backend holds.
    """

    def __init__(self, avatars: LiveAvatars) -> None:
        self._avatars = avatars
        self._asked: _Asked | None = None

    @property
    def waiting(self) -> bool:
        """Whether a picture is on its way, or may be wanted at any moment."""
        return self._asked is not None or sights.is_any()

    def check(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Something changed: what is not true any more goes at once, before the next redraw."""
        scene, layer = depsgraph.scene.original, depsgraph.view_layer.name
        for region, picture in sights.pictures().items():
            if (picture.of.scene, picture.of.layer) != (scene.session_uid, layer):
                continue
            try:
                posed = key_of(_shots(picture.of, scene, depsgraph))
            except AvatarError:
                posed = b""
            if posed != picture.posed:
                sights.drop(region)

    def step(self, client: Any) -> bool:
        """Takes a picture that has arrived and asks for the one that is wanted now.

        Args:
            client: Of a backend that takes requests.

        Raises:
            AvatarError: What keeps the picture from being made; no scene wants one then.
        """
        try:
            changed = self._take(client)
            found = sights.wanted(STILL_S)
            if found is not None and not _busy():
                self._ask(client, *found)
        except AvatarError as error:
            self.forget()
            sights.fail(f"Refined View is off: {error.message}")
            for scene in bpy.data.scenes:
                if properties.of_scene(scene).refine_view:
                    properties.of_scene(scene).refine_view = False
            raise
        return changed

    def _take(self, client: Any) -> bool:
        asked = self._asked
        if asked is None or not asked.future.done():
            return False
        try:
            asked.replies.append(asked.future.result())
        except AvatarError as error:
            self.forget()
            if error.code == "cancelled":  # a newer picture of the avatar was asked for
                return False
            raise
        if len(asked.replies) < len(asked.shots):
            asked.send(client)
            return False
        self.forget()
        if key_of(_shots_now(asked.sight)) != asked.posed:
            return False
        sights.show(asked.region, asked.picture())
        return True

    def _ask(self, client: Any, region: int, sight: Sight) -> None:
        shots = _shots_now(sight)
        avatars = [self._avatars.loaded(shot.armature) for shot in shots]
        if not shots or None in avatars:
            return
        wanted = _Asked(region, sight, shots, [avatar.avatar for avatar in avatars])
        asked = self._asked
        if asked is not None and (asked.sight, asked.posed) == (sight, wanted.posed):
            return
        self._asked = wanted
        sights.expect(region, sight)
        wanted.send(client)

    def forget(self) -> None:
        """No picture is on its way: it is there, the backend is gone or another file was loaded."""
        self._asked = None
        sights.expect_none()


def _shots(sight: Sight, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> list[Shot]:
    """Of each avatar of a sight as it is evaluated; none where one of them is gone.

    Raises:
        AvatarError: What keeps one of them from being rendered.
    """
    found = {armature.session_uid: armature for armature in properties.rigs(scene)}
    armatures = [found[uid] for uid in sight.armatures if uid in found]
    if len(armatures) < len(sight.armatures):
        return []
    for armature in armatures:
        rest.require_evaluated(armature, depsgraph)
        rest.require(armature)
    return [
        Shot.by(sight.camera(armature, depsgraph), armature, depsgraph) for armature in armatures
    ]


def _shots_now(sight: Sight) -> list[Shot]:
    """The same with what its view layer has evaluated; none where that is gone."""
    for scene in bpy.data.scenes:
        if scene.session_uid == sight.scene and sight.layer in scene.view_layers:
            depsgraph = scene.view_layers[sight.layer].depsgraph
            return [] if depsgraph is None else _shots(sight, scene, depsgraph)
    return []


def _upwards(rows: np.ndarray, factor: float) -> np.ndarray:
    """[H, ...] float32, times a factor, its rows the other way round."""
    return np.multiply(rows[::-1], np.float32(factor), dtype=np.float32)


def _busy() -> bool:
    """Whether pictures would be old before they came, or keep a render waiting."""
    return live_preview.is_playing() or steps.is_rendering()
