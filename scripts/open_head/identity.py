"""The average adult and the principal components of identity, from MakeHuman's modelling targets.

Each slider is a random variable; its targets' covariance is known in closed form, so that no
sampling is needed. The macro sliders multiply each other: a regular grid of adults stands for
them. A component is scaled to one standard deviation: betas are about N(0, 1).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from .makehuman import Macros, read_folder

FOLDERS = (
    "asym", "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck",
    "nose",
)  # fmt: skip

OPPOSITES = (
    ("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward"),
    ("concave", "convex"), ("compress", "uncompress"),
)  # fmt: skip

NOT_IDENTITY = ("head-trans", "head-angle", "asymm-")
"""Whole-head motion, and the body's asymmetry."""

SLIDER_STD = 0.22
ASYMMETRY_STD = 0.08
"""Standard deviations of a slider whose range is -1..1."""

SHARED_BY_SIDES = 0.85
"""Share of a left or right slider's variance that both sides have in common."""


def average_adult(macros: Macros) -> np.ndarray:
    """Displacement [19158, 3] of the mean of genders and ancestries at about 30 years."""
    return macros.shape(age=0.53)


def identity_rows(assets: Path, macros: Macros) -> np.ndarray:
    """Rows [R, 19158, 3] in decimetres whose sum of outer products is identity's covariance."""
    targets = {}
    for folder in FOLDERS:
        for name, delta in read_folder(assets, folder).items():
            if not name.startswith(NOT_IDENTITY):
                targets[name] = delta
    rows = []
    for sides in _sliders(targets):
        if len(sides) == 2:
            left, right = (_slider_rows(side, SLIDER_STD) for side in sides)
            for on_left, on_right in zip(left, right, strict=True):
                rows.append(np.sqrt(SHARED_BY_SIDES) * (on_left + on_right))
                rows += [np.sqrt(1 - SHARED_BY_SIDES) * row for row in (on_left, on_right)]
        else:
            rows += _slider_rows(sides[0], SLIDER_STD)
    return np.concatenate([np.stack(rows), _macro_rows(macros)])


def _sliders(targets: dict[str, np.ndarray]) -> list[list[list[np.ndarray]]]:
    """Sliders, each as one or two sides, each side with one or two opposite targets."""
    sliders: dict[str, dict[str, list[np.ndarray]]] = {}
    for name, delta in targets.items():
        side, stem = "", name
        if name.startswith("asym-"):
            # "-l" and "-r" push the same feature to opposite sides: one slider, small.
            stem, delta = name.rsplit("-", 1)[0], delta * (ASYMMETRY_STD / SLIDER_STD)
        elif name[:2] in ("l-", "r-"):
            side, stem = name[:2], name[2:]
        head, _, tail = stem.rpartition("-")
        if any(tail in pair for pair in OPPOSITES):
            pair = next(pair for pair in OPPOSITES if tail in pair)
            stem = f"{head}-{pair[0]}|{pair[1]}"
        sliders.setdefault(stem, {}).setdefault(side, []).append(delta)
    return [list(sides.values()) for sides in sliders.values()]


def _slider_rows(ends: list[np.ndarray], std: float) -> list[np.ndarray]:
    """Covariance rows of `max(x, 0) * ends[1] + max(-x, 0) * ends[0]`, x ~ N(0, std^2)."""
    variance, shared = 0.5 - 1 / (2 * np.pi), -1 / (2 * np.pi)
    if len(ends) == 1:
        return [std * np.sqrt(variance) * ends[0]]
    factor = std * np.linalg.cholesky(np.array([[variance, shared], [shared, variance]]))
    return [factor[0, i] * ends[0] + factor[1, i] * ends[1] for i in range(2)]


def _macro_rows(macros: Macros) -> np.ndarray:
    ancestries = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1 / 3, 1 / 3, 1 / 3))
    grid = itertools.product(
        (0.0, 0.5, 1.0), (0.42, 0.5, 0.65, 0.8), (0.3, 0.5, 0.7), (0.3, 0.5, 0.75), ancestries
    )
    shapes = np.stack([macros.shape(*adult) for adult in grid])
    return (shapes - shapes.mean(axis=0)) / np.sqrt(len(shapes))


def without_rigid_motion(rows: np.ndarray, vertices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Takes the best-fitting translation and small rotation out of displacements.

    A taller body lifts the head; that is not identity. Linear, so it holds for any mixture.

    Args:
        rows: [R, N, 3] displacements.
        vertices: [N, 3] where they apply.
        weights: [N] >= 0, the points that must not move as a whole.

    Returns:
        [R, N, 3].
    """
    centre = np.average(vertices, axis=0, weights=weights)
    x, y, z = (vertices - centre).T
    nil, one = np.zeros_like(x), np.ones_like(x)
    motions = np.stack(
        [
            np.stack([one, nil, nil], 1), np.stack([nil, one, nil], 1),
            np.stack([nil, nil, one], 1),
            np.stack([nil, -z, y], 1), np.stack([z, nil, -x], 1), np.stack([-y, x, nil], 1),
        ]
    )  # fmt: skip
    weighted = (motions * weights[:, None]).reshape(6, -1)
    gram = weighted @ motions.reshape(6, -1).T
    amounts = np.linalg.solve(gram, weighted @ rows.reshape(len(rows), -1).T)  # [6, R]
    return rows - np.einsum("mr,mnd->rnd", amounts, motions)


def principal_components(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Principal components of rows [R, N, 3], scaled by their standard deviations.

    Returns:
        Components [N, 3, count], the share of variance that the first 1..count hold [count], and
        the mixing [count, R] that makes the components from the rows.
    """
    flat = rows.reshape(len(rows), -1)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    mixing = vectors[:, :count].T
    components = mixing @ flat  # [count, N*3], rows of length sqrt(value)
    # An eigenvector's sign is arbitrary: the largest entry is made positive.
    peaks = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(count), peaks])[:, None]
    held = np.cumsum(values[:count]) / values.sum()
    shaped = (components * signs).reshape(count, -1, 3).transpose(1, 2, 0)
    return shaped, held, mixing * signs
