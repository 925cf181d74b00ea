"""A person's colours: skin, hair, brows, eyes and mouth, by place on the neutral head."""

from __future__ import annotations

import numpy as np

from .person import Person
from .vertex_values import Surface

_IRIS_M, _PUPIL_M, _LIMBUS_M = 0.0060, 0.0024, 0.0052
_BROW_HEIGHT_M = 0.0122  # over the eye's centre; detectors read a relaxed brow there
_CAVITY_M = 0.02
_INNER = ("mouth_interior", "teeth_upper", "teeth_lower", "tongue", "eye_sockets")


class Colours:
    """What colour each seen point has before the light falls on it.

    Args:
        template: [V, 3] the average, neutral head, metres.
        regions: Name -> [V] bool.
        hair: [V] 0..1, where hair grows on the scalp.
    """

    def __init__(
        self, template: np.ndarray, regions: dict[str, np.ndarray], hair: np.ndarray
    ) -> None:
        self._template = template
        self._regions = regions
        self._hair = hair
        soft = ("lips", "cheeks", "jaw", "chin", *_INNER)
        self._soft = {name: regions[name].astype(np.float32) for name in soft}
        balls = [template[regions[name]] for name in ("left_eyeball", "right_eyeball")]
        self._eyes = [(ball.max(0) + ball.min(0)) / 2 for ball in balls]

    def albedo(self, person: Person, surface: Surface) -> np.ndarray:
        """[N, 3] display sRGB before the light."""
        place = surface.at(self._template)
        soft = {name: surface.at(weight) for name, weight in self._soft.items()}
        colour = self._skin(person, place, soft)
        colour = _mix(colour, person.lips, np.clip(1.5 * soft["lips"] - 0.25, 0, 1))
        self._paint_brows(person, colour, place, soft)
        hair = surface.at(self._hair) + 0.06 * person.strands(place)
        colour = _mix(colour, self._hair_colour(person, place), _step(hair, 0.5, 0.08))
        shirt = _step(person.collar_m - place[:, 1], 0.0, 0.001)
        colour = _mix(colour, person.cloth, shirt)
        return self._paint_inside(person, colour, place, soft, surface)

    def _skin(self, person: Person, place: np.ndarray, soft: dict[str, np.ndarray]) -> np.ndarray:
        tone = 1 + 0.035 * person.blotches(place) + 0.02 * person.pores(place)
        colour = person.skin * tone[:, None]
        rosy = np.clip(soft["cheeks"], 0, 1) * 0.35
        colour = _mix(colour, person.skin * [1.02, 0.86, 0.84], rosy)
        spots = _step(person.pores(place) + person.blotches(place), 2.2, 0.3)
        face = (place[:, 1] > -0.03) & (place[:, 2] > 0.04)
        return _mix(colour, person.skin * [0.78, 0.62, 0.55], person.freckles * 0.7 * spots * face)

    def _hair_colour(self, person: Person, place: np.ndarray) -> np.ndarray:
        if person.hair_m == 0:
            return self._bald(person, place)
        around = np.arctan2(place[:, 0], place[:, 2] + 0.01)
        strands = np.sin(90 * around + 3 * person.strands(place) + 250 * place[:, 1])
        return person.hair * (1 + 0.13 * strands + 0.1 * person.blotches(place))[:, None]

    def _bald(self, person: Person, place: np.ndarray) -> np.ndarray:
        return person.skin * (0.97 + 0.03 * person.blotches(place))[:, None]

    def _paint_brows(
        self, person: Person, colour: np.ndarray, place: np.ndarray, soft: dict[str, np.ndarray]
    ) -> None:
        dark = person.hair * 0.8
        ahead = place[:, 2] > 0.02
        for eye in self._eyes:
            weight = _brow(place - eye, float(np.sign(eye[0]))) * ahead * person.brow
            weight = weight * np.clip(1 + 0.2 * person.strands(place), 0, 1)
            colour[:] = _mix(colour, dark, weight)
        if person.beard > 0:
            lower = _step(-0.012 - place[:, 1], 0.0, 0.01) * (place[:, 1] > -0.085)
            stubble = np.clip(0.85 + 0.15 * person.pores(place), 0, 1) * person.beard
            stubble = stubble * lower * _step(soft["chin"] + soft["jaw"], 0.4, 0.3)
            colour[:] = _mix(colour, dark, stubble * (1 - soft["lips"]))

    def _paint_inside(
        self,
        person: Person,
        colour: np.ndarray,
        place: np.ndarray,
        soft: dict[str, np.ndarray],
        surface: Surface,
    ) -> np.ndarray:
        """Eyes, mouth, lashes."""
        deep = np.clip((self._eyes[0][2] - place[:, 2]) / _CAVITY_M, 0, 1)
        cavity = np.array([0.34, 0.13, 0.12]) * (1 - 0.6 * deep)[:, None]
        colour = _mix(colour, cavity, soft["mouth_interior"])
        tooth = np.array([1.0, 0.96, 0.88]) * person.teeth * (1 - 0.5 * deep)[:, None]
        colour = _mix(colour, tooth, np.maximum(soft["teeth_upper"], soft["teeth_lower"]))
        colour = _mix(colour, np.array([0.66, 0.34, 0.33]), soft["tongue"])
        colour = _mix(colour, person.skin * [0.62, 0.42, 0.38], soft["eye_sockets"])
        on_ball = surface.all(self._regions["eyeballs"])
        for eye in self._eyes:
            offset = place - eye
            across = np.hypot(offset[:, 0], offset[:, 1])
            front = on_ball & (np.abs(offset[:, 0]) < 0.02)
            white = np.array([0.90, 0.87, 0.85]) * (1 - 0.08 * across / _IRIS_M)[:, None]
            colour = np.where(front[:, None], white, colour)
            inside = front & (offset[:, 2] > 0)
            colour = _mix(colour, person.iris, _step(_IRIS_M - across, 0, 4e-4) * inside)
            rim = _step(across, _LIMBUS_M, 4e-4) * _step(_IRIS_M - across, 0, 4e-4)
            colour = _mix(colour, person.iris * 0.5, rim * inside)
            colour = _mix(colour, np.full(3, 0.03), _step(_PUPIL_M - across, 0, 3e-4) * inside)
        lash = surface.any(self._regions["lashes"])
        return np.where(lash[:, None], person.hair * 0.4, colour)

    def gloss(self, person: Person, surface: Surface) -> np.ndarray:
        """[N] strength of the highlight."""
        wet = surface.all(self._regions["eyeballs"]) * 0.5
        return np.where(surface.at(self._hair) > 0.5, 0.04, person.gloss) + wet


def _brow(offset: np.ndarray, side: float) -> np.ndarray:
    """[N] 0..1: an arch over the eye, from offsets [N, 3] to its centre, metres."""
    t = (offset[:, 0] * side + 0.018) / 0.042  # 0 at the inner, 1 at the outer end
    along = np.clip(t, 0, 1)
    middle = _BROW_HEIGHT_M + 0.0045 * np.sin(np.pi * along * 0.85) - 0.003 * along**3
    half = 0.0034 * (1 - 0.55 * along)
    within = _step(t, 0.0, 0.04) * _step(1 - t, 0.0, 0.04)
    return within * _step(half - np.abs(offset[:, 1] - middle), 0.0, 5e-4)


def _step(values: np.ndarray, edge: float, softness: float) -> np.ndarray:
    """0 below, 1 above an edge, with a soft border."""
    return np.clip((values - edge) / softness + 0.5, 0, 1)


def _mix(colour: np.ndarray, other: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return colour + (other - colour) * weight[:, None]
