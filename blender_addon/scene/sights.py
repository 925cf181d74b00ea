"""What viewports see of the avatars, and the backend's pictures of that, on their way between them.

A redraw says what it sees and takes the picture that is of exactly that; the timer asks the backend
for what has been seen for a while (`work.refined_view`). A picture of anything else is not shown.
"""

import time
from dataclasses import dataclass

import bpy
import numpy as np

from .._shared import Camera
from . import cameras, clouds, properties, viewport

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Sight:
    """What a viewport sees: all that its picture depends on besides how the avatars are posed.

    Args:
        scene, layer: Session uid and name of what it shows.
        armatures: Session uids of the avatars that it shows.
        view: [4, 4] world to view space (OpenGL's).
        window: [4, 4] view space to clip space; a perspective.
        size: Width and height of the viewport, pixels.
        rectangle: What of it avatars can cover: x and y of its lower left corner, width, height.
    """

    scene: int
    layer: str
    armatures: tuple[int, ...]
    view: Rows
    window: Rows
    size: tuple[int, int]
    rectangle: tuple[int, int, int, int]

    def camera(self, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Camera:
        """The rectangle of the viewport as a camera that looks at an avatar as it is evaluated.

        Raises:
            AvatarError: As `cameras.seen_from`.
        """
        window = np.array(self.window)
        (width, height), (x, y, across, upwards) = self.size, self.rectangle
        intrinsics = np.eye(3)
        intrinsics[0, [0, 2]] = window[0, 0] * width / 2, (1 - window[0, 2]) * width / 2 - x
        above = height - y - upwards
        intrinsics[1, 1:] = window[1, 1] * height / 2, (1 + window[1, 2]) * height / 2 - above
        placed = np.linalg.inv(np.array(self.view))
        viewmat = cameras.seen_from(placed, armature, depsgraph)
        return Camera(viewmat, intrinsics, across, upwards)


@dataclass(frozen=True, eq=False)
class Refined:
    """A picture of a sight's rectangle, rows upwards.

    Args:
        of: The sight.
        posed: Equal for equal poses of its avatars.
        rgba: [H, W, 4] float32, premultiplied, sRGB.
        away: [H, W] float32 metres before the camera's plane; 1e10 where nothing is.
    """

    of: Sight
    posed: bytes
    rgba: np.ndarray
    away: np.ndarray


_seen: dict[int, tuple[Sight, float]] = {}
"""By region: what its last redraw saw, and since when."""

_pictures: dict[int, Refined] = {}


def refines(scene: bpy.types.Scene, armatures: list[bpy.types.Object], window: np.ndarray) -> bool:
    """Whether a viewport shall have pictures of these avatars.

    Args:
        window: [4, 4] its view space to clip space.
    """
    is_perspective = window[3, 3] == 0
    wanted = properties.of_scene(scene).refine_view and is_perspective
    return wanted and not any(map(clouds.is_inspected, armatures))


def note(region: int, sight: Sight | None) -> Refined | None:
    """A redraw of a region tells what it sees, None for what has no picture; gives the picture."""
    if sight is None:
        _seen.pop(region, None)
        _pictures.pop(region, None)
        return None
    if region not in _seen or _seen[region][0] != sight:
        _seen[region] = sight, time.monotonic()
    picture = _pictures.get(region)
    return picture if picture is not None and picture.of == sight else None


def wanted(still_s: float) -> tuple[int, Sight] | None:
    """A region that has no picture of what it has seen for a while, and that sight.

    Args:
        still_s: How long the view must stand still.
    """
    there = {
        region.as_pointer()
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        for region in area.regions
    }
    for region in _seen.keys() - there:  # it was closed
        note(region, None)
    for region, (sight, since) in _seen.items():
        picture = _pictures.get(region)
        is_there = picture is not None and picture.of == sight
        if not is_there and time.monotonic() - since >= still_s:
            return region, sight
    return None


def show(region: int, picture: Refined) -> None:
    """A picture has come; it is not kept where the region sees something else by now."""
    if region in _seen and _seen[region][0] == picture.of:
        _pictures[region] = picture
        viewport.redraw()


def pictures() -> dict[int, Refined]:
    """Those that there are, by region."""
    return dict(_pictures)


def drop(region: int) -> None:
    """A picture is not true any more: the region shows splats again."""
    if _pictures.pop(region, None) is not None:
        viewport.redraw()


def is_any() -> bool:
    """Whether a viewport wants pictures."""
    return bool(_seen)


def forget() -> None:
    """Another file was loaded, or nobody draws any more."""
    _seen.clear()
    _pictures.clear()
