"""Paints posed heads: colours that ride along with the skin, under a light that stands still."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.sparse import csr_array

from backend.head import Head
from backend.head.zbuffer import project, rasterise_mesh
from shared.camera import Camera
from shared.flame import Track

from .person import Person

_OVERSAMPLED = 2
_IRIS_M, _PUPIL_M, _LIMBUS_M = 0.0060, 0.0024, 0.0052
_BROW_HEIGHT_M = 0.0122  # over the eye's centre; detectors read a relaxed brow there
_SPREAD_STEPS = 4
_GAMMA = 2.2
_CAVITY_M = 0.02
_INNER = ("mouth_interior", "teeth_upper", "teeth_lower", "tongue", "eye_sockets")


@dataclass(frozen=True)
class Picture:
    """A painted frame.

    Args:
        image: [S, S, 3] uint8 display sRGB, premultiplied on black.
        alpha: [S, S] uint8.
        box: [4] float32 x0, y0, x1, y1 of the head, 0..1 of the picture.
    """

    image: np.ndarray
    alpha: np.ndarray
    box: np.ndarray


class Painter:
    """Paints people on the open head; one per process.

    Args:
        head: The open head.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self._faces = head.faces.numpy()
        self._template = head.v_template.numpy()
        self._regions = {name: mask.numpy() for name, mask in head.regions.items()}
        self._neighbour_sum = _Neighbours(head.edges.numpy(), len(self._template))
        soft = ("scalp", "lips", "brows", "neck", "cheeks", "jaw", "chin", "upper_lip", *_INNER)
        self._soft = {name: self._regions[name].astype(np.float32) for name in soft}
        self._hair = self._spread(self._soft["scalp"]) * ~self._regions["ears"]
        mouth = (self._regions["lips"] | self._regions["chin"] | self._regions["jaw"]) & ~(
            self._regions["mouth_interior"]
        )
        self._beard = self._spread(mouth.astype(np.float32))
        self._eyes = [
            (
                self._template[self._regions[name]].max(0)
                + self._template[self._regions[name]].min(0)
            )
            / 2
            for name in ("left_eyeball", "right_eyeball")
        ]
        self._outer = ~(self._regions["neck"] | self._regions["lashes"])

    def paint(self, person: Person, track: Track, camera: Camera) -> Picture:
        """One frame.

        Args:
            person: Looks.
            track: One frame of parameters with betas.
            camera: Where it is seen from, at the picture's size.
        """
        with torch.inference_mode():
            skin = self.head.vertices_of(track)[0]
            normals = self.head.normals(skin[None])[0].numpy()
        skin = skin.numpy()
        vertices = skin + normals * self._hair_height(person)[:, None]
        large = camera.resized(camera.width * _OVERSAMPLED, camera.height * _OVERSAMPLED)
        seen = rasterise_mesh(vertices, self._faces, large)
        hit = seen.face >= 0
        surface = _Surface(self._faces[seen.face[hit]], seen.barycentric[hit])
        normal = self._seen_normals(vertices, surface, camera)
        albedo = self._albedo(person, surface)
        crease = surface.at(self._creases(skin, normals))
        colour = _light(person, albedo, normal, crease, self._gloss(person, surface))
        return self._develop(colour, hit, camera, vertices)

    def _develop(
        self, colour: np.ndarray, hit: np.ndarray, camera: Camera, vertices: np.ndarray
    ) -> Picture:
        picture = np.zeros((*hit.shape, 4), np.float32)
        picture[hit, :3] = np.clip(colour, 0, 1)
        picture[hit, 3] = 1
        size = (camera.width, camera.height)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        values = (small * 255 + 0.5).astype(np.uint8)
        corners = project(vertices[self._outer], camera)[:, :2] / size
        box = np.clip([*corners.min(0), *corners.max(0)], 0, 1).astype(np.float32)
        return Picture(np.ascontiguousarray(values[..., :3]), values[..., 3].copy(), box)

    # Shape ----------------------------------------------------------------------------------

    def _hair_height(self, person: Person) -> np.ndarray:
        """[V] metres that hair stands off the scalp."""
        uneven = 1 + 0.15 * person.blotches(self._template)
        top = np.clip((self._template[:, 1] - 0.02) / 0.06, 0.3, 1)
        return person.hair_m * self._hair * uneven * top

    def _spread(self, weight: np.ndarray) -> np.ndarray:
        """A [V] weight with its border smoothed over neighbouring vertices."""
        for _ in range(_SPREAD_STEPS):
            weight = 0.5 * weight + 0.5 * self._neighbour_sum.mean(weight)
        return weight

    def _creases(self, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """[V] -1..1: how hollow the skin is, which keeps light away."""
        hollow = self._neighbour_sum.mean(vertices) - vertices
        length = np.linalg.norm(hollow, axis=1) + 1e-5
        amount = (hollow * normals).sum(1) / (length + 4e-4)
        return np.clip(self._neighbour_sum.mean(amount.astype(np.float32)), -1, 1)

    def _seen_normals(self, vertices: np.ndarray, surface: _Surface, camera: Camera) -> np.ndarray:
        """[N, 3] unit normals, OpenCV camera axes."""
        normals = self.head.normals(torch.from_numpy(vertices.astype(np.float32))[None])[0].numpy()
        turned = surface.at(normals) @ camera.viewmat[:3, :3].T.astype(np.float32)
        return turned / (np.linalg.norm(turned, axis=1, keepdims=True) + 1e-9)

    # Colour ---------------------------------------------------------------------------------

    def _albedo(self, person: Person, surface: _Surface) -> np.ndarray:
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
        surface: _Surface,
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

    def _gloss(self, person: Person, surface: _Surface) -> np.ndarray:
        """[N] strength of the highlight."""
        wet = surface.all(self._regions["eyeballs"]) * 0.5
        return np.where(surface.at(self._hair) > 0.5, 0.04, person.gloss) + wet


@dataclass(frozen=True)
class _Surface:
    """The points of the mesh that N pixels see.

    Args:
        corners: [N, 3] vertices.
        weights: [N, 3] barycentric.
    """

    corners: np.ndarray
    weights: np.ndarray

    def at(self, values: np.ndarray) -> np.ndarray:
        """[N, ...] of per-vertex values [V, ...]."""
        values = values.astype(np.float32)
        parts = (
            values[self.corners[:, c]] * self.weights[:, c].reshape(-1, *[1] * (values.ndim - 1))
            for c in range(3)
        )
        return sum(parts, np.float32(0))  # type: ignore[return-value]

    def all(self, members: np.ndarray) -> np.ndarray:
        """[N] bool: all three corners are members."""
        return np.all(members[self.corners], axis=1)

    def any(self, members: np.ndarray) -> np.ndarray:
        """[N] bool: a corner is a member."""
        return np.any(members[self.corners], axis=1)


class _Neighbours:
    """Means over the vertices next to each vertex."""

    def __init__(self, edges: np.ndarray, vertices: int) -> None:
        both = np.concatenate([edges, edges[:, ::-1]])
        ones = np.ones(len(both), np.float32)
        matrix = csr_array((ones, (both[:, 0], both[:, 1])), shape=(vertices, vertices))
        self._matrix = matrix.multiply(1 / np.maximum(matrix.sum(1), 1)[:, None]).tocsr()

    def mean(self, values: np.ndarray) -> np.ndarray:
        """[V, ...] of each vertex's neighbours."""
        return self._matrix @ values


def _light(
    person: Person,
    albedo: np.ndarray,
    normal: np.ndarray,
    crease: np.ndarray,
    gloss: np.ndarray,
) -> np.ndarray:
    """[N, 3] display sRGB: wrapped diffuse, hemispheric ambient, one highlight."""
    light = person.light
    direction = light.direction.astype(np.float32)
    facing = normal @ direction
    diffuse = np.clip((facing + 0.25) / 1.25, 0, 1)
    sky = 0.8 - 0.2 * normal[:, 1]
    open_ = np.clip(1 - 0.5 * crease, 0.35, 1.15)
    shade = (light.ambient * sky[:, None] + light.key * diffuse[:, None]) * open_[:, None]
    halfway = direction + np.array([0, 0, -1], np.float32)
    halfway /= np.linalg.norm(halfway)
    shine = gloss * np.clip(normal @ halfway, 0, 1) ** 24
    linear = np.clip(albedo, 0, 1) ** _GAMMA * shade + shine[:, None] * light.key
    return np.clip(linear, 0, 1) ** (1 / _GAMMA)


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
