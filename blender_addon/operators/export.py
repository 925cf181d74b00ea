"""Operators that write files: Gaussian PLY and batch rendered frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .._shared import AvatarError
from ..scene import left_out, properties
from ..steps import Steps
from ..work import batch, exporters
from .long_operation import LongOperation
from .polls import WithAvatarWhenIdle, require_avatar

RANGE = (
    ("FRAME", "This Frame", "Only the current frame"),
    ("RANGE", "Range", "All frames of the range"),
)


def output_folder(text: str) -> Path:
    """The folder that a `//` path means.

    Raises:
        AvatarError: `bad_request` for a relative path in a .blend that was never saved.
    """
    if text.startswith("//") and not bpy.data.filepath:
        raise AvatarError(
            "bad_request",
            f"The output folder {text!r} lies beside a .blend that is not saved yet.",
            "Save the .blend, or choose another folder.",
        )
    return Path(bpy.path.abspath(text)).resolve()


def empty_range(first: int, last: int) -> AvatarError:
    """The error of a range without a frame."""
    return AvatarError(
        "bad_request",
        f"The range ends at frame {last}, before its first frame {first}.",
        "Choose a last frame that is not before the first.",
    )


class WritesFrames(WithAvatarWhenIdle, LongOperation):
    """What exporting and rendering share: folder, name and frames."""

    directory: StringProperty(
        name="Folder",
        description="Where the files go; empty: the scene's output folder",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | properties.BLEND_RELATIVE,
    )
    file_name: StringProperty(
        name="File Name",
        description="NAME_0001...; empty: the rig's name",
        options={"SKIP_SAVE", "HIDDEN"},  # a file dialog has its own
    )
    frames: EnumProperty(name="Frames", description="Which frames", items=RANGE)
    frame_start: IntProperty(
        name="First Frame", description="Not given: as in the scene", options={"SKIP_SAVE"}
    )
    frame_end: IntProperty(
        name="Last Frame", description="Not given: as in the scene", options={"SKIP_SAVE"}
    )

    def wanted_frames(self, context: bpy.types.Context) -> Sequence[int]:
        """The frame numbers to write; of a range every so manieth, as the scene's step says."""
        scene = context.scene
        if self.frames == "FRAME":
            return [scene.frame_current]
        first, last = properties.of_scene(scene).frame_range(scene)
        given = self.properties.is_property_set  # type: ignore[attr-defined]
        first = self.frame_start if given("frame_start") else first
        last = self.frame_end if given("frame_end") else last
        if last < first:
            raise empty_range(first, last)
        return range(first, last + 1, scene.frame_step)

    def folder(self, context: bpy.types.Context) -> Path:
        """Where the files go."""
        chosen = self.directory or properties.of_scene(context.scene).output_folder
        return output_folder(chosen)


class SPLITAVATAR_OT_export_ply(WritesFrames, bpy.types.Operator):
    bl_idname = "splitavatar.export_ply"
    bl_label = "Export Gaussian PLY"
    bl_description = (
        "Write the Gaussians, one 3DGS PLY per frame. They show the coarse image; "
        "refined images exist as rendered frames only"
    )
    title = "Export PLY"

    filename_ext = ".ply"
    filepath: StringProperty(
        subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"} | properties.BLEND_RELATIVE
    )
    filter_glob: StringProperty(default="*.ply", options={"HIDDEN"})
    axes: EnumProperty(name="Axes", description="Axes of the files", items=properties.AXES)
    compact: BoolProperty(
        name="Drop Masked",
        description="Leave out masked Gaussians: smaller files, but their number varies",
    )
    zeros: BoolProperty(name="62 Numbers", description=properties.ZEROS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = properties.of_scene(context.scene)
        self.axes, self.compact = settings.axes, settings.compact
        self.zeros = settings.zeros
        self.frame_start, self.frame_end = settings.frame_range(context.scene)
        self.filepath = f"{properties.file_name(require_avatar(context))}.ply"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "frames")
        if self.frames == "RANGE":
            column = layout.column(align=True)
            column.prop(self, "frame_start")
            column.prop(self, "frame_end")
        for name in ("axes", "compact", "zeros"):
            layout.prop(self, name)

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        armature = require_avatar(context)
        given = self.file_name or Path(self.filepath).stem
        name = bpy.path.clean_name(given) if given else properties.file_name(armature)
        reply = yield from exporters.export_ply(
            context.scene,
            armature,
            self.wanted_frames(context),
            self.folder(context),
            name,
            self.axes,
            self.compact,
            self.zeros,
        )
        return reply

    def done_text(self, result: Any) -> str:
        return f"Wrote {len(result.files)} PLY to {Path(result.files[0]).parent}"


class SPLITAVATAR_OT_batch_render(WritesFrames, bpy.types.Operator):
    bl_idname = "splitavatar.batch_render"
    bl_label = "Batch Render"
    bl_description = (
        "Render frames through the scene's camera (without one: the portrait's) "
        "to PNG with alpha, and to an MP4"
    )
    title = "Batch Render"

    frames: EnumProperty(name="Frames", description="Which frames", items=RANGE, default="RANGE")
    mp4: BoolProperty(name="MP4", description="Also write an H.264 video", default=True)
    resume: BoolProperty(
        name="Resume",
        description="Keep frames that are finished with the same content",
        default=True,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = properties.of_scene(context.scene)
        self.mp4, self.resume = settings.write_mp4, settings.resume
        return self.execute(context)

    def steps(self, context: bpy.types.Context) -> Steps[Any]:
        armature = require_avatar(context)
        name = bpy.path.clean_name(self.file_name) or properties.file_name(armature)
        self._left_out = left_out.left_out(context.scene, armature)
        reply = yield from batch.render(
            context.scene,
            armature,
            self.wanted_frames(context),
            self.folder(context),
            name,
            self.mp4,
            self.resume,
        )
        return reply

    def done_text(self, result: Any) -> str:
        kept = f", {result.resumed} of them kept" if result.resumed else ""
        video = f" and {Path(result.mp4).name}" if result.mp4 else ""
        return f"Wrote {len(result.png)} PNG{kept}{video} to {Path(result.png[0]).parent}"

    def remarks(self, result: Any) -> list[str]:
        return self._left_out


CLASSES = (SPLITAVATAR_OT_export_ply, SPLITAVATAR_OT_batch_render)
