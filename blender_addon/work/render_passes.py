"""The avatars' pictures in renders by any engine: made before it draws, laid among meshes after.

When the engine has evaluated a frame, the backend renders its avatars, and their splats are hidden
from the camera; shadows and mirrors keep them. Only that evaluation is touched, nothing of the
file. The compositor then asks the scene that `scene.compositing` put there for the picture. Where
there is none the splats stay as they are, and the reason is told; those that only the backend moves
are hidden even so, rather than shown as another frame has them.
"""

import logging

import bpy

from .._shared import AvatarError
from ..scene import clouds, compositing, properties
from . import frame_pictures, session

LOG = logging.getLogger("splitavatar")


class RenderPasses:
    """The render that is under way."""

    def __init__(self) -> None:
        self.picture: frame_pictures.Picture | None = None
        """Of the avatars, as much as the render region takes in; None: their splats are shown."""
        self.failure = ""
        """Why there is none, where there should be one."""
        self.scene: bpy.types.Scene | None = None
        """Whose render it is; None between renders."""
        self._is_made = False

    def begin(self, scene: bpy.types.Scene) -> None:
        """A render of this scene begins; others may be rendered for its compositor."""
        self.__init__()
        self.scene = scene

    def end(self) -> None:
        """It has ended."""
        self.__init__()

    def begin_frame(self) -> None:
        """Its next frame: nothing of the one before is shown in it."""
        self.picture, self.failure, self._is_made = None, "", False

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
        if not self._is_made:
            self._is_made = True  # the frame itself comes first, then moments for motion blur
            self._make(scene, list(shown_clouds), depsgraph)
        for rig, cloud in shown_clouds.items():
            seen = cloud.visible_camera and self.picture is None and not _stands_still(rig)
            cloud.evaluated_get(depsgraph).visible_camera = seen

    def _make(
        self,
        scene: bpy.types.Scene,
        armatures: list[bpy.types.Object],
        depsgraph: bpy.types.Depsgraph,
    ) -> None:
        if not armatures:
            return
        try:
            picture = frame_pictures.rendered(armatures, depsgraph, lambda: False)
        except AvatarError as error:
            session.get().tell(error)
            balls = [rig.name for rig in armatures if not _stands_still(rig)]
            how = f"splats of {', '.join(balls)} are balls" if balls else "no avatar is rendered"
            self.failure = f"Frame {scene.frame_current}: {how}. {error}"
            LOG.error("%s", self.failure)
            return
        assert picture is not None  # nothing cancels it
        self.picture = frame_pictures.cut(picture, scene)


def _stands_still(armature: bpy.types.Object) -> bool:
    """Whether its splats are those of another frame: only the backend moves them, and cannot."""
    return not clouds.is_bound(armature) and session.get().loaded(armature) is None


_passes = RenderPasses()


def get() -> RenderPasses:
    """The one render of this Blender."""
    return _passes
