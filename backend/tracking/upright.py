"""Photos that lie on their side or stand on their head, and do not say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .crop import crop_around
from .decode import Picture
from .detect import Detector, Face
from .faces import NEAREST_PX, Tick, search, shrunk_to, unwatched

_LYING_DEG = 65.0
_ALIKE_DEG = 30.0
_AS_IT_IS = 1.25
"""How much more than another's counts what the picture as it is says."""

_ALIKE_PX = NEAREST_PX // 2
"""Longer side of the largest picture in which those that lie are looked for as closely."""

_LYING_PX = NEAREST_PX // 4
_AROUND = 1.6  # portrait crops


def quarter_turns(detector: Detector, rgb: np.ndarray, tick: Tick = unwatched) -> int | None:
    """How many turns to the left (as `np.rot90`) bring the largest face upright; None: no face.

    A face upside down is often taken for an upright, smaller one, and one that lies is missed. So
    the picture, and a face in it from near, are looked at from all four sides: what most and
    largest looks say holds.

    Args:
        detector: Of faces.
        rgb: [H, W, 3] uint8.
        tick: Called between looks; may raise to cancel.
    """
    rgb = shrunk_to(rgb, NEAREST_PX)
    tick()
    whole = _from_all_sides(detector, rgb)
    for turns, face in _candidates(detector, rgb, whole, tick):
        view = np.ascontiguousarray(np.rot90(rgb, turns))
        near = _from_all_sides(detector, crop_around(face).widened(_AROUND).apply(view))
        if near:
            looks = [*whole, *(replace(seen, before=turns) for seen in near)]
            angle = _agreed(looks).angle_deg
            return 0 if abs(angle) <= _LYING_DEG else round(-angle / 90) % 4
    return None


def turned(picture: Picture, turns: int) -> Picture:
    """A picture after so many turns to the left."""

    def turn(image: np.ndarray | None) -> np.ndarray | None:
        return None if image is None else np.ascontiguousarray(np.rot90(image, turns))

    rgb = np.ascontiguousarray(np.rot90(picture.rgb, turns))
    return replace(picture, rgb=rgb, alpha=turn(picture.alpha), empty=turn(picture.empty))


@dataclass(frozen=True)
class _Seen:
    """A face seen after `turns` to the left, in a view that was turned `before`, and by how much it
    is turned to its left in the picture itself."""

    turns: int
    face: Face
    before: int = 0

    @property
    def angle_deg(self) -> float:
        return _within(float(self.face.yaw_pitch_roll_deg[2]) - 90 * (self.turns + self.before))

    @property
    def weight(self) -> float:
        return self.face.size_px * (1 if (self.turns + self.before) % 4 else _AS_IT_IS)


def _candidates(
    detector: Detector, rgb: np.ndarray, whole: list[_Seen], tick: Tick
) -> Iterator[tuple[int, Face]]:
    """Faces that may be the largest, with the turns after which they were seen."""
    if whole:
        best = _agreed(whole)
        yield best.turns, best.face
    # Small faces are found in tiles only; in large pictures
    # those that lie are looked for less closely.
    for turns in (0, 1, 3, 2):
        near = shrunk_to(rgb, _LYING_PX) if turns and max(rgb.shape) > _ALIKE_PX else rgb
        scale = max(rgb.shape) / max(near.shape)
        if found := search(detector, np.ascontiguousarray(np.rot90(near, turns)), tick):
            yield turns, replace(found[0], landmarks=found[0].landmarks * scale)


def _from_all_sides(detector: Detector, rgb: np.ndarray) -> list[_Seen]:
    """Looks at the largest face from all sides."""
    views = [detector.detect(np.ascontiguousarray(np.rot90(rgb, turns))) for turns in range(4)]
    return [_Seen(turns, found[0]) for turns, found in enumerate(views) if found]


def _agreed(looks: list[_Seen]) -> _Seen:
    """The look with which most agree."""

    def agreed(seen: _Seen) -> float:
        gaps = [(abs(_within(other.angle_deg - seen.angle_deg)), other.weight) for other in looks]
        return sum(weight for gap, weight in gaps if gap < _ALIKE_DEG)

    return max(looks, key=agreed)


def _within(angle_deg: float) -> float:
    return (angle_deg + 180) % 360 - 180
