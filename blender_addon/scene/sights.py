"""What viewports see of the avatars, and the backend's pictures of that, on their way between them.

A redraw says what it sees and takes the picture that is of exactly that; the timer asks the backend
for what has been seen for a while (`work.refined_view`). A picture of anything else is not shown.
What a viewport says of its picture (`said`) is redrawn when it begins and ends, not in between.
"""

import time
from dataclasses import dataclass

import bpy
import numpy as np

from .._shared import Camera
from . import cameras, clouds, properties, viewport

Rows = tuple[tuple[float, ...], ...]

ON_ITS_WAY = "Refining..."


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

_expected: dict[int, Sight] = {}
"""By region: what a picture is being made of; one at most."""

_failures: dict[int, tuple[Rows, str]] = {}
"""By region: the view whose picture could not be made, and why."""


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
    _failures.pop(region, None)  # it is wanted again
    if not _sees(region, sight):
        _seen[region] = sight, time.monotonic()
    picture = _pictures.get(region)
    return picture if picture is not None and picture.of == sight else None


def wanted(still_s: float) -> tuple[int, Sight] | None:
    """A region that has no picture of what it has seen for a while, and that sight.

    Args:
        still_s: How long the view must stand still.
    """
    for region in _seen.keys() - viewport.regions().keys():  # it was closed
        note(region, None)
    for region, (sight, since) in _seen.items():
        picture = _pictures.get(region)
        is_there = picture is not None and picture.of == sight
        if not is_there and time.monotonic() - since >= still_s:
            return region, sight
    return None


def show(region: int, picture: Refined) -> None:
    """A picture has come; it is not kept where the region sees something else by now."""
    if _sees(region, picture.of):
        _pictures[region] = picture
        viewport.redraw()


def pictures() -> dict[int, Refined]:
    """Those that there are, by region."""
    return dict(_pictures)


def drop(region: int) -> None:
    """A picture is not true any more: the region shows splats again."""
    if _pictures.pop(region, None) is not None:
        viewport.redraw()


def expect(region: int, sight: Sight) -> None:
    """The picture of a sight is being made now, and no other."""
    if _expected != {region: sight}:
        expect_none()
        _expected[region] = sight
        _redraw(region)


def expect_none() -> None:
    """No picture is being made."""
    while _expected:
        region, sight = _expected.popitem()
        if _sees(region, sight):
            _redraw(region)


def fail(why: str) -> None:
    """Pictures cannot be made: viewports that want one say why, until their view moves
    or the user has read it."""
    for region, (sight, _) in _seen.items():
        _failures[region] = sight.view, " ".join(why.split())
        _redraw(region)


def accept_failures() -> None:
    """The user has read why pictures cannot be made."""
    while _failures:
        region, _ = _failures.popitem()
        _redraw(region)


def said(region: int, view: Rows) -> str:
    """One line on the picture of a viewport: that it is on its way, or why there is none.

    Args:
        view: [4, 4] its world to view space.
    """
    expected = _expected.get(region)
    if expected is not None and expected.view == view and _sees(region, expected):
        return ON_ITS_WAY
    if region in _failures and _failures[region][0] != view:
        del _failures[region]
    return _failures.get(region, (view, ""))[1]


def _sees(region: int, sight: Sight) -> bool:
    """Whether that is what the last redraw of a region saw."""
    return region in _seen and _seen[region][0] == sight


def _redraw(region: int) -> None:
    found = viewport.regions().get(region)
    if found is not None:
        found.tag_redraw()


def is_any() -> bool:
    """Whether a viewport wants pictures."""
    return bool(_seen)


def forget() -> None:
    """Another file was loaded, or nobody draws any more."""
    _seen.clear()
    _pictures.clear()
    _expected.clear()
    _failures.clear()
