"""The evaluated clouds of the avatars that a viewport shows, one behind the other, as textures.

Gaussians keep the space of their object: an object that moves costs nothing here. What an avatar
shows is read again only when its version has changed.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from ..scene import points
from .shaders import WIDTH

VISIBLE = 1 / 255
"""Opacity below which a Gaussian is not drawn."""

NEEDED = ("position", "rotation", "scale", "radiance:base")
"""What points must have to be drawn as Gaussians."""

_FIELDS = {"FLOAT_COLOR": "color", "QUATERNION": "value"}


@dataclass
class Part:
    """An avatar's stretch of the arrays.

    Args:
        stretch: Where its Gaussians are.
        index: [n] which Gaussians of the stretch are visible.
        low, high: [3] the box of those, metres, object space.
    """

    stretch: slice
    index: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass
class Gathered:
    """Numbers of all avatars of a view layer.

    Args:
        places: [P, 4] x, y, z in object space, metres, and the number of the avatar.
        turns: [P, 4] w, x, y, z.
        sizes: [P, 4] standard deviations, metres; the last is not used.
        bases: [P, 4] f_dc_0..2 and opacity.
        parts: Where each avatar is.
    """

    places: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    turns: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    sizes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    bases: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    parts: list[Part] = field(default_factory=list)
    version: int = 0
    """Counts changes, for what depends on the numbers."""
    _seen: list[Hashable] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)
    _textures: dict[str, Any] = field(default_factory=dict)

    def update(self, read: Callable[[int], Any], versions: Sequence[Hashable]) -> None:
        """Reads what is new.

        Args:
            read: Gives the evaluated data of an avatar's cloud, by its number.
            versions: One an avatar, equal to last time's where nothing has changed.
        """
        if versions == self._seen:
            return
        clouds = [read(number) for number in range(len(versions))]
        counts = [len(points.elements(cloud)) for cloud in clouds]
        if counts != self._counts:
            rows = -(-sum(counts) // WIDTH)
            self.places, self.turns, self.sizes, self.bases = np.zeros(
                (4, rows * WIDTH, 4), np.float32
            )
            self._seen, self._counts = [], counts
        parts = []
        first = 0
        for number, (cloud, count) in enumerate(zip(clouds, counts)):
            if self._seen and self._seen[number] == versions[number]:
                parts.append(self.parts[number])
            else:
                parts.append(self._read(cloud, number, slice(first, first + count)))
            first += count
        self.parts = parts
        self._seen = list(versions)
        self._textures = {}
        self.version += 1

    def _read(self, cloud: Any, number: int, stretch: slice) -> Part:
        places, sizes, bases = self.places[stretch], self.sizes[stretch], self.bases[stretch]
        _get(cloud, "rotation", self.turns[stretch])
        _get(cloud, "radiance:base", bases)
        places[:, :3] = _get(cloud, "position", np.empty((len(places), 3), np.float32))
        sizes[:, :3] = _get(cloud, "scale", np.empty((len(places), 3), np.float32))
        places[:, 3] = number
        visible = np.flatnonzero(bases[:, 3] >= VISIBLE)
        seen = places.take(visible, axis=0)
        margin = 3 * sizes.take(visible, axis=0).max(initial=0.0)
        # column by column: along axis 0 numpy takes a hundred times as long
        low = np.array([seen[:, axis].min(initial=np.inf) for axis in range(3)]) - margin
        high = np.array([seen[:, axis].max(initial=-np.inf) for axis in range(3)]) + margin
        return Part(stretch, visible, low, high)

    def textures(self) -> dict[str, Any]:
        """The arrays as the samplers of `shaders.splats`; uploaded once a change."""
        if not self._textures:
            self._textures = {
                name: texture(getattr(self, name)) for name in ("places", "turns", "sizes", "bases")
            }
        return self._textures


def _get(cloud: Any, name: str, target: np.ndarray) -> np.ndarray:
    attribute = cloud.attributes[name]
    attribute.data.foreach_get(_FIELDS.get(attribute.data_type, "vector"), target.reshape(-1))
    return target


def texture(numbers: np.ndarray) -> Any:
    """A float texture of rows of `WIDTH` texels, of [P, 4] or [P] numbers; P fills the rows."""
    import gpu

    channels = "RGBA32F" if numbers.ndim == 2 else "R32F"
    size = (WIDTH, len(numbers) // WIDTH)
    data = gpu.types.Buffer("FLOAT", numbers.size, numbers.reshape(-1))
    return gpu.types.GPUTexture(size, format=channels, data=data)


def are_gaussians(data: Any) -> bool:
    """Whether a data-block's points have all that is needed.

    Of a cloud that a modifier has turned into points Blender 4.2 tells an empty mesh, whose
    attributes have all the names.
    """
    if data is None or (isinstance(data, bpy.types.Mesh) and not data.vertices):
        return False
    return all(name in data.attributes for name in NEEDED)


def evaluated_data(cloud: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Any:
    """The data of a cloud as modifiers leave it; as it is, where they leave no Gaussians.

    So it is in Blender 4.2, whose cloud is a mesh that a modifier turns into points.
    """
    evaluated = cloud.evaluated_get(depsgraph).data
    return evaluated if are_gaussians(evaluated) else cloud.data
