"""Export of Gaussians: the rig's frames, evaluated here, go to the backend as one job."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import steps
from .._shared import Camera, Track, flame, messages
from ..scene import cameras, rest, rig
from ..steps import Progress, Steps
from . import session


@dataclass(frozen=True)
class Evaluated:
    """A range of frames as the rig and the scene's camera evaluate it.

    Args:
        track: T frames.
        frames: T frame numbers.
        cameras: T cameras, or none where they were not asked for.
    """

    track: Track
    frames: list[int]
    cameras: tuple[Camera, ...]


def evaluate(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: Sequence[int],
    with_cameras: bool = False,
) -> Steps[Evaluated]:
    """Evaluates the rig at each frame and goes back to the frame the user is at.

    Drivers, constraints, the NLA and camera markers count: each frame is really set.
    """
    rig.require_rig(armature)
    before, part = scene.frame_current, scene.frame_subframe
    found: list[Track] = []
    views: list[Camera] = []
    try:
        with session.get().avatars.pause():
            rest.require_evaluated(armature, rig.evaluate(bpy.context, armature))
            for index, number in enumerate(frames):
                scene.frame_set(number)
                depsgraph = bpy.context.evaluated_depsgraph_get()
                found.append(rig.read_frame(armature, depsgraph))
                if with_cameras:
                    views.append(cameras.scene_camera(scene, armature, depsgraph))
                yield Progress("evaluating frames", index + 1, len(frames))
    finally:
        with session.get().avatars.pause():
            scene.frame_set(before, subframe=part)
    arrays = {
        name: np.concatenate([getattr(frame, name) for frame in found])
        for name in flame.FRAME_SIZES
    }
    fps = scene.render.fps / scene.render.fps_base
    return Evaluated(Track.neutral(len(found), **arrays, fps=fps), list(frames), tuple(views))


def export_ply(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: Sequence[int],
    out: Path,
    name: str,
    axes: str = "blender",
    compact: bool = False,
    zeros: bool = False,
) -> Steps[Any]:
    """Writes one Gaussian PLY per frame; returns the `ExportReply`.

    Args:
        scene: The rig's scene.
        armature: The avatar.
        frames: Frame numbers.
        out: Folder.
        name: Files are NAME_0001.ply.
        axes: blender, flame or opencv.
        compact: Leave masked Gaussians out.
        zeros: Write spherical harmonics of degree 3, all zero.
    """
    here = session.get()
    avatar = yield from here.ensure_avatar(armature)
    evaluated = yield from evaluate(scene, armature, frames)
    message = messages.ExportJob(
        avatar=avatar.avatar,
        track=evaluated.track,
        frames=evaluated.frames,
        out=str(out),
        name=name,
        job=steps.new_job(),
        axes=axes,
        compact=compact,
        sh=3 if zeros else 0,
    )
    return (yield from here.request(message))
