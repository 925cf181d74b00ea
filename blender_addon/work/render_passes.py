"""The avatars' pictures in renders by any engine: made before it draws, laid among meshes after.

When the engine has evaluated a frame, the backend renders its avatars, and their splats are hidden
from the camera; shadows and mirrors keep them. Only that evaluation is touched, nothing of the
file. The compositor then asks the scene that `scene.compositing` put there for the picture. Where
there is none the splats stay as they are, and the reason is told; those that only the backend moves
are hidden even so, rather than shown as another frame has them.

With motion blur the engine evaluates further moments of the frame before that: when the shutter
opens, halfway, when it closes, and more where objects have more steps. No others can be had, as
only an engine may set the time while Blender renders. What is seen at each is kept, and what lies
between is interpolated, as the engine does with meshes.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import bpy

from .._shared import AvatarError
from ..scene import clouds, compositing, properties
from . import depth_order, frame_pictures, motion_blur, session
from .shot import Shot

LOG = logging.getLogger("splitavatar")


@dataclass
class _Exposure:
    """What is known of the frame that is rendered.

    Args:
        armatures: The avatars that are seen.
        camera: The frame's: markers may change the scene's between its moments.
        layer: The view layer whose evaluations count.
    """

    armatures: list[bpy.types.Object]
    camera: bpy.types.Object | None
    layer: str
    moments: list[motion_blur.Moment] = field(default_factory=list)
    """Those that the picture will be of."""
    seen: dict[float, Sequence[Shot]] = field(default_factory=dict)
    """By time, at the moments that the engine has evaluated."""
    own: Sequence[Shot] = ()
    whole: depth_order.Picture | None = None
    """The picture at the frame itself, `own`, uncut; None: there is none."""


class RenderPasses:
    """The render that is under way."""

    def __init__(self) -> None:
        self.picture: depth_order.Picture | None = None
        """Of the avatars, as much as the render region takes in; None: their splats are shown."""
        self.failure = ""
        """Why there is none, where there should be one."""
        self.scene: bpy.types.Scene | None = None
        """Whose render it is; None between renders."""
        self._exposure: _Exposure | None = None

    def begin(self, scene: bpy.types.Scene) -> None:
        """A render of this scene begins; others may be rendered for its compositor."""
        self.__init__()
        self.scene = scene

    def end(self) -> None:
        """It has ended."""
        self.__init__()

    def begin_frame(self) -> None:
        """Its next frame: nothing of the one before is shown in it."""
        self.picture, self.failure, self._exposure = None, "", None

    def evaluated(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        """The engine has evaluated a moment and has not drawn it yet.

        Args:
            scene: As in the file.
            depsgraph: The engine's own.
        """
        if scene != self.scene or depsgraph.mode != "RENDER":
            return
        if depsgraph.view_layer.name not in compositing.refined_layers(scene):
            return
        depsgraph.update()  # with the splats that were just driven: it would copy objects anew
        shown = {instance.original for instance in depsgraph.objects}
        found = {rig: properties.of_rig(rig).cloud for rig in properties.rigs(scene)}
        shown_clouds = {rig: cloud for rig, cloud in found.items() if cloud in shown}
        if self._exposure is None:  # the frame itself comes first, then moments for motion blur
            self._exposure = _Exposure(list(shown_clouds), scene.camera, depsgraph.view_layer.name)
            self._make(scene, depsgraph, self._exposure)
        elif self._exposure.layer == depsgraph.view_layer.name:
            self._add_moment(scene, depsgraph, self._exposure)
        for rig, cloud in shown_clouds.items():
            seen = cloud.visible_camera and self.picture is None and not _stands_still(rig)
            cloud.evaluated_get(depsgraph).visible_camera = seen

    def _make(
        self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, exposure: _Exposure
    ) -> None:
        """The picture of the frame itself."""
        armatures = exposure.armatures
        if not armatures:
            return
        try:
            exposure.moments = motion_blur.moments(depsgraph)
            seen = frame_pictures.shots(armatures, exposure.camera, depsgraph)
            picture = frame_pictures.rendered(seen, lambda: False, compositing.wants_layers())
        except AvatarError as error:
            balls = [rig.name for rig in armatures if not _stands_still(rig)]
            how = f"splats of {', '.join(balls)} are balls" if balls else "no avatar is rendered"
            self._fail(scene, how, error)
            return
        assert picture is not None  # nothing cancels it
        exposure.whole, exposure.own = picture, seen
        exposure.seen[motion_blur.now(scene)] = seen
        self.picture = frame_pictures.cut(picture, scene)

    def _add_moment(
        self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, exposure: _Exposure
    ) -> None:
        if exposure.whole is None or len(exposure.moments) < 2:
            return
        try:
            seen = frame_pictures.shots(exposure.armatures, exposure.camera, depsgraph)
        except AvatarError as error:
            self._stay_sharp(scene, error)
            return
        exposure.seen[motion_blur.now(scene)] = seen

    def blur(self, is_cancelled: Callable[[], bool]) -> None:
        """The engine has drawn the frame, and its moments are known: the picture gets its blur.

        Args:
            is_cancelled: Asked while the backend works.
        """
        exposure = self._exposure
        if self.scene is None or exposure is None or exposure.whole is None:
            return
        if len(exposure.moments) < 2:
            return
        moments, exposure.moments = exposure.moments, []  # once a frame
        shots = [motion_blur.at(exposure.seen, moment.time) for moment in moments]
        weights = [moment.weight for moment in moments]
        made, with_layers = (exposure.own, exposure.whole), exposure.whole.layer is not None
        try:
            picture = motion_blur.rendered(shots, weights, is_cancelled, with_layers, made)
        except AvatarError as error:
            self._stay_sharp(self.scene, error)
            return
        if picture is not None:
            self.picture = frame_pictures.cut(picture, self.scene)

    def _stay_sharp(self, scene: bpy.types.Scene, error: AvatarError) -> None:
        """The engine may have drawn already: it is too late for balls."""
        assert self._exposure is not None
        self._exposure.moments = []
        self._fail(scene, "avatars have no motion blur", error)

    def _fail(self, scene: bpy.types.Scene, how: str, error: AvatarError) -> None:
        # Its traceback would keep the engine, which Blender frees.
        session.get().tell(AvatarError(error.code, error.message, error.remedy))
        self.failure = f"Frame {scene.frame_current}: {how}. {error}"
        LOG.error("%s", self.failure)


def _stands_still(armature: bpy.types.Object) -> bool:
    """Whether its splats are those of another frame: only the backend moves them, and cannot."""
    return not clouds.is_bound(armature) and session.get().loaded(armature) is None


_passes = RenderPasses()


def get() -> RenderPasses:
    """The one render of this Blender."""
    return _passes
