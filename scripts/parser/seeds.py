"""What is surely skin, hair or clothes in a portrait, by the fitted head and by colours.

Nobody has drawn the portraits' parts. But what stands off the fitted head above the mouth is hair,
what does so beside the chin of a person with short hair is clothes, and the face's inside is skin.
What is alike and joined to that belongs to it. Everything else stays unknown: the network, which
sees the same kind of hair and cloth in many places, learns it from the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from backend.lifting.hair import hair_over_face
from backend.lifting.polygons import dilate, erode, joined
from backend.lifting.skin import NOT_PLAIN
from backend.lifting.view import View
from backend.model.part_decoder import PARTS
from backend.tracking.landmarks import FACE_OVAL

UNKNOWN = 0
"""Of `seeds`; PARTS[n] is n + 1."""

_EYES_PX = 110.0  # between the eyes' outer corners, to which the other sizes refer
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_EYE_CORNERS, _MOUTH_CORNERS, _FOREHEAD, _CHIN, _NOSE = (33, 263), (61, 291), 10, 152, 1
_UNLIKE, _SPREAD = 2.5, (24.0, 6.0, 6.0)  # spreads from a face's colour; L, a, b of 8 bits
_FINE_SPREAD = (14.0, 4.0, 4.0)
_LEAST_PX = 200  # of a part, to know its colours by
_ALIKE, _SKINLIKE, _BESIDE = 3.0, 2.6, 1.8  # spreads from hair's and skin's colours
_HAIRLIKE = 7.0  # clothes are farther from hair's colour, where it may hang over them
_SMOOTH = 1.6  # times as rough as the face: skin; hair is rougher
_EAR_HUE, _EAR_LIGHT = 12.0, (0.45, 1.35)
_LONG_ROWS, _LONG_PX = 0.7, 9


@dataclass(frozen=True)
class _Seen:
    """A portrait, and what its parts are known by."""

    view: View

    @cached_property
    def person(self) -> np.ndarray:
        return self.view.matte > 0.9

    @cached_property
    def lab(self) -> np.ndarray:
        rgb = (np.clip(self.view.rgb, 0, 1) * 255).astype(np.uint8)
        return cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)

    @cached_property
    def rows(self) -> np.ndarray:
        return np.arange(len(self.person))[:, None]

    @cached_property
    def hit(self) -> np.ndarray:
        return self.view.visible.face >= 0

    @cached_property
    def unlike(self) -> np.ndarray:
        """[H, W] bool: of another colour than the face's."""
        plain = self.view.shows("face") & (self.view.matte > 0.95)
        plain &= ~np.any([self.view.shows(name) for name in NOT_PLAIN], axis=0)
        return self.far_from(plain, _SPREAD) > _UNLIKE

    @cached_property
    def oval(self) -> np.ndarray:
        image = np.zeros(self.person.shape, np.uint8)
        points = self.view.portrait.landmarks[list(FACE_OVAL)].astype(np.int32)
        return cv2.fillPoly(image, [points], 1) > 0

    @cached_property
    def rough(self) -> np.ndarray:
        """[H, W] how much brightness varies over a few pixels."""
        light = self.lab[..., 0]
        return cv2.GaussianBlur(np.abs(light - cv2.GaussianBlur(light, (0, 0), 2.0)), (0, 0), 3.0)

    def y(self, *landmarks: int) -> float:
        return float(self.view.portrait.landmarks[list(landmarks), 1].mean())

    def px(self, pixels: float) -> int:
        """Pixels of a face whose eyes' outer corners are 110 px apart, as pixels of this one."""
        right, left = self.view.portrait.landmarks[list(_EYE_CORNERS)]
        return max(1, int(pixels * np.linalg.norm(right - left) / _EYES_PX))

    def far_from(self, part: np.ndarray, spread: tuple[float, ...] = _FINE_SPREAD) -> np.ndarray:
        """[H, W] spreads from the colour of a part [H, W]; infinite for a part of few pixels."""
        if part.sum() < _LEAST_PX:
            return np.full(part.shape, np.inf)
        middle = np.median(self.lab[part], axis=0)
        own = np.maximum(1.5 * np.median(np.abs(self.lab[part] - middle), axis=0), spread)
        return np.linalg.norm((self.lab - middle) / own, axis=-1)


def seeds(view: View) -> np.ndarray:
    """[H, W] uint8: n + 1 where PARTS[n] is sure, UNKNOWN elsewhere.

    Args:
        view: A portrait and the fitted head.
    """
    seen = _Seen(view)
    face = _face(seen)
    beyond = seen.person & ~dilate(seen.hit, seen.px(8))
    hair = _short_hair(seen, beyond)
    sides = _long_sides(seen, beyond)
    clothes = _clothes(seen, hair, sides)
    if sides.any():
        hair |= _long_hair(seen, hair, clothes)
    skin = face | _neck(seen, face)
    bare, surely = _bare(seen, face, sides)
    skin |= bare & ~hair
    hair &= ~surely
    skin &= ~hair
    parts = {"skin": skin, "hair": hair, "clothes": clothes}
    image = np.full(seen.person.shape, UNKNOWN, np.uint8)
    for number, name in enumerate(PARTS):
        image[parts[name]] = number + 1
    image[np.sum(list(parts.values()), axis=0) > 1] = UNKNOWN
    return image


def _face(seen: _Seen) -> np.ndarray:
    """The face's inside without hair that hangs over it."""
    brows = seen.view.portrait.landmarks[list(_BROWS), 1].min()
    face = erode(seen.oval, seen.px(10)) & seen.person
    face &= ~dilate(hair_over_face(seen.view, seen.unlike), seen.px(4))
    return face & ~(seen.unlike & (seen.rows < brows))


def _short_hair(seen: _Seen, beyond: np.ndarray) -> np.ndarray:
    """Hair above the mouth: what stands off the head, and what is joined to it and is no skin."""
    above = seen.rows < seen.y(*_MOUTH_CORNERS) - seen.px(6)
    near_ears = dilate(seen.view.shows("ears"), seen.px(14))
    hair = beyond & above & ~(near_ears & ~seen.unlike)
    scalp = seen.view.shows("scalp") & seen.person & seen.unlike
    hair |= scalp & (seen.rows < seen.y(_FOREHEAD) - seen.px(6))
    hair |= scalp & ~seen.view.shows("face") & (seen.rows < seen.y(*_EYE_CORNERS))
    side = np.any([seen.view.shows(name) for name in ("face_sides", "ears", "neck")], axis=0)
    side &= seen.unlike & seen.person & ~seen.oval & (seen.rows < seen.y(*_MOUTH_CORNERS))
    more = beyond & (seen.rows < seen.y(*_MOUTH_CORNERS))
    return joined(hair | erode(side, seen.px(2)) | more, hair)


def _long_sides(seen: _Seen, beyond: np.ndarray) -> np.ndarray:
    """[2] bool: whether hair hangs beside the cheeks, on the picture's left and right."""
    mouth, middle = seen.y(*_MOUTH_CORNERS), int(seen.view.portrait.landmarks[_NOSE, 0])
    rows = beyond[int(seen.y(_NOSE)) : int((mouth + seen.y(_CHIN)) / 2)]
    halves = (rows[:, :middle], rows[:, middle:])
    return np.array([(h.sum(1) > seen.px(_LONG_PX)).mean() > _LONG_ROWS for h in halves])


def _clothes(seen: _Seen, hair: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """What lies beside the neck and is no hair, and what covers the neck and is joined to it."""
    low = seen.person & ~dilate(seen.hit, seen.px(6))
    low &= seen.rows > seen.y(_CHIN) - seen.px(25)
    from_hair = seen.far_from(hair)
    clothes = low & (from_hair > _HAIRLIKE) if sides.any() else low
    over = erode(seen.view.shows("neck") & seen.person & seen.unlike, seen.px(2))
    over &= seen.rows > seen.y(_CHIN) + seen.px(25)
    if sides.any():
        over &= _like_clothes(seen, clothes) < from_hair
    return clothes | (over & joined(dilate(clothes | over, seen.px(9)), clothes))


def _like_clothes(seen: _Seen, clothes: np.ndarray) -> np.ndarray:
    """[H, W] spreads from the colour of the clothes at the picture's lower edge."""
    return seen.far_from(clothes & (seen.rows > len(clothes) - seen.px(60)))


def _long_hair(seen: _Seen, hair: np.ndarray, clothes: np.ndarray) -> np.ndarray:
    """Hair below the mouth: of its colour, in its columns, joined to it."""
    from_hair = seen.far_from(hair)
    columns = (hair & (seen.rows > seen.y(_NOSE))).any(0, keepdims=True)
    below = seen.rows >= seen.y(*_MOUTH_CORNERS) - seen.px(6)
    below = below & (seen.rows < seen.y(_CHIN) + seen.px(110))
    more = erode(seen.person, 2) & seen.unlike & (from_hair < _ALIKE) & below
    more &= from_hair < 0.5 * _like_clothes(seen, clothes)
    more &= dilate(np.repeat(columns, len(hair), axis=0), seen.px(8))
    return joined(hair | more, hair)


def _neck(seen: _Seen, face: np.ndarray) -> np.ndarray:
    """What the neck shows of the face's colour, joined to it."""
    neck = erode(seen.view.shows("neck") & seen.person & ~seen.unlike, seen.px(3))
    neck &= seen.rows > seen.y(_CHIN) - seen.px(5)
    return joined(neck, dilate(face | seen.oval, seen.px(14)))


def _bare(seen: _Seen, face: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Foreheads, skulls without hair, ears and the face's sides: of its colour, and smooth; and
    what of them is so alike that it is no hair."""
    nothing = np.zeros_like(face)
    core = face & ~seen.unlike
    if core.sum() < _LEAST_PX:
        return nothing, nothing
    from_skin, middle = seen.far_from(core), np.median(seen.lab[core], axis=0)
    smooth = seen.rough < _SMOOTH * max(float(np.median(seen.rough[core])), 0.8)
    eyes, px = seen.y(*_EYE_CORNERS), seen.px
    skull = from_skin < np.where(seen.hit, _SKINLIKE, _BESIDE)
    skull &= smooth & (seen.rows < eyes) & erode(seen.person, px(5))
    skull = erode(dilate(erode(skull, px(3)), px(3)), px(2))
    upper = face & (seen.rows < eyes)
    skull &= joined(skull | upper, upper)
    light = seen.lab[..., 0] / middle[0]
    ears = np.linalg.norm(seen.lab[..., 1:] - middle[1:], axis=-1) < _EAR_HUE
    ears &= (light > _EAR_LIGHT[0]) & (light < _EAR_LIGHT[1])
    ears &= erode(seen.view.shows("ears"), px(3)) & seen.person
    nose = int(seen.view.portrait.landmarks[_NOSE, 0])
    for half, long in zip((np.s_[:, :nose], np.s_[:, nose:]), sides, strict=True):
        if long:
            ears[half] = False
    flanks = seen.person & seen.view.shows("face_sides") & smooth & (from_skin < 2.2)
    flanks &= (seen.rows > eyes) & (seen.rows < seen.y(_CHIN))
    bare = skull | erode(dilate(ears, px(1)), px(2)) | erode(flanks, px(3))
    return bare, dilate(bare & (from_skin < _BESIDE), px(1))
