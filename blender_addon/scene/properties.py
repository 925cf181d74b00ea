"""What the add-on stores in a .blend: settings of the scene and of each avatar."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from . import viewport

AXES = (
    ("blender", "Blender (Z up)", "Blender's own axes"),
    ("flame", "FLAME (Y up)", "Y up, the face looks along +Z"),
    ("opencv", "OpenCV (Y down)", "Y down, as viewers of 3DGS scenes expect"),
)

DISPLAY = (
    ("SPLATS", "Splats", "Show the Gaussians that the backend computes"),
    ("MESH", "Mesh", "Show the head mesh, which needs no backend"),
    ("BOTH", "Both", "Show Gaussians and head mesh"),
)

ZEROS = (
    "Write 45 zeros of spherical harmonics per Gaussian, which INRIA's viewer, SIBR and older "
    "readers for Unity insist on"
)

# What is set on an avatar that another file holds, and that is overridden here, is kept here.
OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}

# Blender warns about `//` in paths that do not say they take it; before 4.5 none could say so.
BLEND_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def show(settings: "AvatarSettings", context: bpy.types.Context | None = None) -> None:
    """Shows and hides an avatar's parts in viewports as its `display` says."""
    for shown, kinds in ((settings.cloud, ("SPLATS", "BOTH")), (settings.head, ("MESH", "BOTH"))):
        if shown is not None:
            shown.hide_viewport = settings.display not in kinds


went_live: list[Callable[[], object]] = []
"""Called when a scene begins to update its splats; whoever cares adds itself at registration."""


def _live_changed(settings: "SceneSettings", context: bpy.types.Context) -> None:
    if settings.live:
        for subscriber in went_live:
            subscriber()


class AvatarSettings(bpy.types.PropertyGroup):
    """`Object.splitavatar`: filled on the armature object of an avatar, empty elsewhere."""

    is_avatar: BoolProperty(options={"HIDDEN"})
    avatar_path: StringProperty(
        name="Avatar File",
        description="The .savatar file that holds this avatar's Gaussians",
        subtype="FILE_PATH",
        options=BLEND_RELATIVE,
        override=OVERRIDABLE,
    )
    # Where the file was last found: finds it again for a rig that was appended elsewhere.
    avatar_path_found: StringProperty(options={"HIDDEN"}, override=OVERRIDABLE)
    # The same as a `//` path, where it was below the .blend's folder: finds it in a folder that was
    # moved, for a .blend that was saved while a render was under way.
    avatar_path_beside: StringProperty(options={"HIDDEN"})
    packed: PointerProperty(  # see packed
        type=bpy.types.Image,
        name="Packed File",
        description="The avatar file in this .blend",
        override=OVERRIDABLE,
    )
    camera: StringProperty(options={"HIDDEN"})  # JSON, see cameras.portrait_camera
    camera_object: PointerProperty(
        type=bpy.types.Object,
        name="Portrait Camera",
        description="The camera that shows the avatar as the portrait does",
        override=OVERRIDABLE,
    )
    source: StringProperty(options={"HIDDEN"})  # JSON, see avatars.portrait_frame
    rest: StringProperty(options={"HIDDEN"})  # JSON, see rest.remember
    head: PointerProperty(type=bpy.types.Object, name="Head", description="The head mesh")
    cloud: PointerProperty(
        type=bpy.types.Object, name="Splats", description="The point cloud of the Gaussians"
    )
    bound_to: StringProperty(options={"HIDDEN"})  # id of the avatar that moves the cloud
    layer_counts: IntVectorProperty(size=6, options={"HIDDEN"})
    display: EnumProperty(
        name="Display", description="What the viewport shows of the avatar", items=DISPLAY,
        override=OVERRIDABLE, update=show,
    )  # fmt: skip


class SceneSettings(bpy.types.PropertyGroup):
    """`Scene.splitavatar`: output and display."""

    live: BoolProperty(
        name="Follow the Rig",
        description="Compute the splats anew whenever the rig or the frame changes",
        default=True,
        update=_live_changed,
    )
    hands_over: BoolProperty(options={"HIDDEN"})  # see compositing
    live_preview: BoolProperty(
        name="Live",
        description="Render the preview anew whenever the avatar or the camera has changed",
    )
    refine_view: BoolProperty(
        name="Refined View",
        description=(
            "In viewports that stand still show the backend's picture in place of splats, among "
            "the meshes; while something moves splats are shown"
        ),
        update=lambda settings, context: viewport.redraw(),
    )
    show_preview: BoolProperty(
        name="Show Preview",
        description="Draw the last previewed frame over the camera's view",
        default=True,
    )
    blur_pictures: IntProperty(
        name="Pictures",
        description=(
            "How many pictures of an avatar, at moments while the shutter is open, a frame with "
            "motion blur is the mean of; where nothing moves it is one"
        ),
        default=9,
        min=2,
        max=64,
    )
    output_folder: StringProperty(
        name="Output",
        description="Folder for exported point clouds and rendered frames",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
        default="//splitavatar/",
    )
    use_scene_range: BoolProperty(
        name="Scene Range",
        description="Use the scene's first and last frame",
        default=True,
    )
    frame_start: IntProperty(name="First Frame", description="First frame of the range", default=1)
    frame_end: IntProperty(name="Last Frame", description="Last frame of the range", default=48)
    axes: EnumProperty(name="Axes", description="Axes of exported files", items=AXES)
    compact: BoolProperty(
        name="Drop Masked",
        description="Leave out masked Gaussians: smaller files, but their number varies",
    )
    zeros: BoolProperty(name="62 Numbers", description=ZEROS)
    write_mp4: BoolProperty(
        name="MP4", description="Also write an H.264 video of the frames", default=True
    )
    resume: BoolProperty(
        name="Resume",
        description="Keep frames that are finished with the same content",
        default=True,
    )

    def frame_range(self, scene: bpy.types.Scene) -> tuple[int, int]:
        """First and last frame that export and batch render work on."""
        if self.use_scene_range:
            return scene.frame_start, scene.frame_end
        return self.frame_start, self.frame_end


CLASSES = (AvatarSettings, SceneSettings)


def of_scene(scene: bpy.types.Scene) -> SceneSettings:
    """The settings of a scene."""
    return scene.splitavatar


def of_rig(rig: bpy.types.Object) -> AvatarSettings:
    """The settings of an avatar, kept on its armature object."""
    return rig.splitavatar


def is_rig(candidate: bpy.types.Object | None) -> bool:
    """Whether an object is the armature of an avatar."""
    return (
        candidate is not None
        and candidate.type == "ARMATURE"
        and getattr(candidate, "splitavatar", None) is not None
        and candidate.splitavatar.is_avatar
    )


def rig_of(candidate: bpy.types.Object | None) -> bpy.types.Object | None:
    """The avatar's armature that an object is or belongs to."""
    while candidate is not None and not is_rig(candidate):
        candidate = candidate.parent
    return candidate


def rigs(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """All avatars of a scene."""
    return [candidate for candidate in scene.objects if is_rig(candidate)]


def file_name(rig: bpy.types.Object) -> str:
    """The name of a rig's files, which no other rig has, on disks blind to large letters either."""
    name = bpy.path.clean_name(rig.name)
    alike = [
        other.name
        for other in bpy.data.objects
        if is_rig(other) and bpy.path.clean_name(other.name).lower() == name.lower()
    ]
    first = min(alike, key=lambda other: (bpy.path.clean_name(other) != other, other), default="")
    return name if first == rig.name else f"{name}-{zlib.crc32(rig.name.encode()):08x}"


def active_rig(context: bpy.types.Context) -> bpy.types.Object | None:
    """The avatar that operators work on: the active object's, else the scene's only one."""
    # Without a window, as at the end of an animation's render, the context has no such thing.
    found = rig_of(getattr(context, "active_object", None))
    if found is not None:
        return found
    everyone = rigs(context.scene)
    return everyone[0] if len(everyone) == 1 else None


def relink(rig: bpy.types.Object, path: Path) -> list[bpy.types.Object]:
    """Gives a rig another avatar file, and all that had the same one; returns them."""
    found = with_same_file(rig)
    for other in found:
        of_rig(other).avatar_path = of_rig(other).avatar_path_found = str(path)
    return found


def with_same_file(rig: bpy.types.Object) -> list[bpy.types.Object]:
    """All avatars of this .blend, the rig among them, that have its avatar file."""
    path = avatar_path(rig)
    return [found for found in own_rigs() if avatar_path(found) == path]


def own_rigs() -> list[bpy.types.Object]:
    """All avatars of this .blend, overridden ones among them; not those linked from others."""
    return [found for found in bpy.data.objects if is_rig(found) and found.library is None]


def avatar_path(rig: bpy.types.Object) -> Path:
    """Where the rig's .savatar file is: as stored, or else where it was last found."""
    settings = of_rig(rig)
    places = _places(rig, settings.avatar_path)
    if settings.avatar_path_found:
        places.append(settings.avatar_path_found)
    if settings.avatar_path_beside:
        places += _places(rig, settings.avatar_path_beside)
    return next((Path(p) for p in places if Path(p).is_file()), Path(places[0]))


def _places(rig: bpy.types.Object, path: str) -> list[str]:
    """What a path of a rig may mean."""
    paths = [bpy.path.abspath(path, library=file) for file in _files(rig)]
    return [os.path.normpath(path) for path in paths]


def _files(rig: bpy.types.Object) -> list[bpy.types.Library | None]:
    """The files beside which a `//` path of a rig may be meant; None: this one."""
    if rig.override_library is None:
        return [rig.library]
    return [None, rig.override_library.reference.library]


def register_owners() -> None:
    """Hangs the settings on scenes and objects."""
    bpy.types.Scene.splitavatar = PointerProperty(type=SceneSettings)
    bpy.types.Object.splitavatar = PointerProperty(type=AvatarSettings, override=OVERRIDABLE)


def unregister_owners() -> None:
    """Takes the settings off again; what files store stays in them."""
    del bpy.types.Object.splitavatar
    del bpy.types.Scene.splitavatar
