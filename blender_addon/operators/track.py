"""Operators that bring motion onto the rig."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from .._shared import tracks as files
from ..scene import linking, properties, tracks
from ..work import translate
from .polls import WithAvatar, require_avatar
from .reports import reported

TRACK_FILTER = ";".join(f"*{end}" for end in files.EXTENSIONS)

ANGLES = (
    ("auto", "Automatic", "Radians, unless an angle is too large for them; the report says which"),
    ("radians", "Radians", "As most versions of Live Link Face write them"),
    ("degrees", "Degrees", "As some versions of Live Link Face write them"),
)


class SPLITAVATAR_OT_import_track(WithAvatar, bpy.types.Operator):
    bl_idname = "splitavatar.import_track"
    bl_label = "Import Track"
    bl_description = (
        "Key a facial track onto the avatar's rig, in a new action: ARKit weights as JSON or CSV, "
        "a .flame.npz, or the files of FLAME trackers"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | properties.BLEND_RELATIVE)
    filter_glob: StringProperty(default=TRACK_FILTER, options={"HIDDEN"})
    frame_start: IntProperty(
        name="First Frame", description="Scene frame of the track's first frame", default=1
    )
    whole_frames: BoolProperty(
        name="Whole Frames",
        description="Resample the track to one key on each scene frame; otherwise its own frames "
        "are keyed where they fall in time",
        default=True,
    )
    set_range: BoolProperty(
        name="Set Scene Range",
        description="Make the scene's range that of the track",
        default=False,
    )

    fps: FloatProperty(
        name="Frame Rate",
        description="Frames per second of the track; 0: what the file tells",
        default=0,
        min=0,
        max=999,
        options={"SKIP_SAVE"},
    )
    angles: EnumProperty(
        name="Angles", description="Unit of a CSV's head and eye angles", items=ANGLES
    )
    clip: StringProperty(
        name="Clip",
        description="Which clip, of a file that holds several",
        default="",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        self.frame_start = context.scene.frame_current
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        path = Path(bpy.path.abspath(self.filepath))
        armature = require_avatar(context)
        linking.require_own(armature)
        options = files.Options(self.fps or None, self.angles, self.clip)
        track = tracks.read(path, options, True, translate.arkit_weights)
        scene_fps = scene.render.fps / scene.render.fps_base
        if armature.animation_data and armature.animation_data.use_tweak_mode:
            track = track.noted("Tweaking of the NLA strip has ended.")
        tracks.insert(armature, track, path.stem, self.frame_start, scene_fps, self.whole_frames)
        last = self.frame_start + int(tracks.seconds(track)[-1] * scene_fps + 1e-6)
        if self.set_range:
            scene.frame_start, scene.frame_end = self.frame_start, last
        elif last > scene.frame_end:
            track = track.noted(
                f"It goes on to frame {last}, the scene ends at {scene.frame_end}: "
                "Set Scene Range has the scene play it whole."
            )
        scene.frame_set(scene.frame_current)  # the rig shows the new keys at once
        said = (
            f"Keyed {len(track)} frames at {track.fps:g} fps onto {armature.name}, "
            f"frames {self.frame_start} to {last}"
        )
        self.report({"WARNING" if track.notes else "INFO"}, " ".join([f"{said}.", *track.notes]))
        return {"FINISHED"}

    def draw(self, context: bpy.types.Context) -> Any:
        layout = self.layout
        layout.use_property_split = True
        for name in ("frame_start", "whole_frames", "set_range", "fps", "angles", "clip"):
            layout.prop(self, name)


CLASSES = (SPLITAVATAR_OT_import_track,)
