"""Teeth and tongue are as bright as the mouth is open: their light comes in between the lips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from backend.head import Head
from backend.model.attributes import COLOURS
from backend.splat.gaussians import Gaussians
from shared.binding import MOUTH_BRIGHTEST, MOUTH_LIGHT, MOUTH_OPENING

_UPPER_LIP, _LOWER_LIP, _CORNERS, _EYES = 13, 14, (78, 308), (33, 263)
"""Landmarks: the lips' middles and the mouth's corners, inside; the eyes' outer corners."""

_SPANS = (_UPPER_LIP, _LOWER_LIP, *_CORNERS, *_EYES)

_SHOWING = 0.015
"""An opening from which on a portrait shows the teeth, with the light that they have there."""

_SMILING = 0.06  # as those that teeth a portrait hides are painted after


class MouthLight:
    """The inside of one avatar's mouth, and its light.

    Args:
        cloud: Its expression Gaussians at the portrait's expression.
        vertices: [V, 3] the mesh at that expression, metres.
        rest: [V, 3] without expression, lips closed.
        head: The head they are on.

    Deviates: in the paper shadows are the network's to know.
    """

    def __init__(self, cloud: Gaussians, vertices: Tensor, rest: Tensor, head: Head) -> None:
        teeth = head.regions["teeth_upper"] | head.regions["teeth_lower"]
        inside = teeth | head.regions["tongue"] | head.regions["mouth_interior"]
        of = cloud.vertices.long()
        self._head = head
        self._index = torch.nonzero(inside[of])[:, 0]
        self._closed = self._height(rest)
        opening = self._opening(vertices)
        shown = teeth[of[self._index]] & (opening > _SHOWING)
        painted = torch.full(shown.shape, _light(_SMILING)).to(vertices)
        self._before = torch.where(shown, _light(opening), painted)

    def coloured(self, cloud: Gaussians, vertices: Tensor) -> Gaussians:
        """The same Gaussians, those in the mouth as bright as it is open.

        Args:
            cloud: Expression Gaussians of any expression, of G0 only or of all layers.
            vertices: [V, 3] the mesh at that expression, head space.
        """
        there = self._index < len(cloud)
        times = _light(self._opening(vertices)) / self._before[there, None]
        features = cloud.features.clone()
        features[self._index[there], :COLOURS] *= times.clamp_max(MOUTH_BRIGHTEST)
        return replace(cloud, features=features)

    def binding(self, count: int) -> dict[str, Tensor]:
        """Its part of `shared.binding`, for a cloud of `count` Gaussians."""
        lights = self._before.new_zeros(count)
        lights[self._index] = self._before
        upper, lower, *sides = (self._weights(mark) for mark in _SPANS)
        spans = torch.stack([upper - lower, sides[0] - sides[1], sides[2] - sides[3]], 1)
        closed = torch.as_tensor(self._closed).reshape(1)
        return {"mouth_lights": lights, "mouth_spans": spans, "closed_height": closed}

    def _weights(self, landmark: int) -> Tensor:
        """[V] whose sum with the vertices is a landmark's place."""
        head = self._head
        weights = head.v_template.new_zeros(len(head.v_template))
        corners = head.faces[head.landmark_faces[landmark]]
        return weights.index_add_(0, corners, head.landmark_bary[landmark].to(weights))

    def _opening(self, vertices: Tensor) -> float:
        """Of the mouth, height times width, in squares of the eyes' distance."""
        places = self._places(vertices, (*_CORNERS, *_EYES))
        width, eyes = (places[0] - places[1]).norm(), (places[2] - places[3]).norm()
        height = (self._height(vertices) - self._closed).clamp_min(0)
        return float(height * width / eyes.square())

    def _height(self, vertices: Tensor) -> Tensor:
        upper, lower = self._places(vertices, (_UPPER_LIP, _LOWER_LIP))
        return (upper - lower).norm()

    def _places(self, vertices: Tensor, landmarks: tuple[int, ...]) -> Tensor:
        """[L, 3] of some landmarks."""
        which = list(landmarks)
        corners = vertices[self._head.faces[self._head.landmark_faces[which]]]
        return torch.einsum("lc,lcd->ld", self._head.landmark_bary[which].to(corners), corners)


def _light(opening: float) -> float:
    return float(np.interp(opening, MOUTH_OPENING, MOUTH_LIGHT))
