"""Paints posed heads: colours that ride along with the skin, under a light that stands still."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from backend.head import Head
from backend.head.zbuffer import project, rasterise_mesh
from shared.camera import Camera
from shared.flame import Track

from .colours import Colours
from .person import Person
from .vertex_values import Neighbours, Surface

_OVERSAMPLED = 2
_SPREAD_STEPS = 4
_GAMMA = 2.2


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
        self._neighbour_sum = Neighbours(head.edges.numpy(), len(self._template))
        self._hair = (
            self._spread(self._regions["scalp"].astype(np.float32)) * ~self._regions["ears"]
        )
        self._colours = Colours(self._template, self._regions, self._hair)
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
        surface = Surface(self._faces[seen.face[hit]], seen.barycentric[hit])
        normal = self._seen_normals(vertices, surface, camera)
        albedo = self._colours.albedo(person, surface)
        crease = surface.at(self._creases(skin, normals))
        colour = _light(person, albedo, normal, crease, self._colours.gloss(person, surface))
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

    def _seen_normals(self, vertices: np.ndarray, surface: Surface, camera: Camera) -> np.ndarray:
        """[N, 3] unit normals, OpenCV camera axes."""
        normals = self.head.normals(torch.from_numpy(vertices.astype(np.float32))[None])[0].numpy()
        turned = surface.at(normals) @ camera.viewmat[:3, :3].T.astype(np.float32)
        return turned / (np.linalg.norm(turned, axis=1, keepdims=True) + 1e-9)


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
