"""Batch render: a range of frames through the scene's camera, as PNG with alpha and MP4."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import steps
from .._shared import messages
from ..steps import Steps
from . import exporters, session


def render(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: Sequence[int],
    out: Path,
    name: str,
    mp4: bool = True,
    resume: bool = True,
) -> Steps[Any]:
    """Renders frames of the avatar; returns the `RenderReply`.

    Args:
        scene: Its camera is evaluated at every frame; without one, the portrait's fitted camera.
        armature: The avatar.
        frames: Frame numbers.
        out: Folder.
        name: Files are NAME_0001.png and NAME.mp4.
        mp4: Also write the video.
        resume: Keep frames that are finished with the same content.
    """
    here = session.get()
    avatar = yield from here.ensure_avatar(armature)
    evaluated = yield from exporters.evaluate(scene, armature, frames, with_cameras=True)
    message = messages.RenderJob(
        avatar=avatar.avatar,
        track=evaluated.track,
        frames=evaluated.frames,
        cameras=evaluated.cameras,
        out=str(out),
        name=name,
        job=steps.new_job(),
        mp4=mp4,
        resume=resume,
    )
    return (yield from here.request(message))
