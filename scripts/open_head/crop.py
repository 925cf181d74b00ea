"""Which base vertices make the head, its triangles, edges and left-right counterparts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .makehuman import RANGES, BaseMesh

NECK_CUT_DM = 5.6
"""Base-mesh height below which the body is dropped: the foot of the neck."""


@dataclass(frozen=True)
class Crop:
    """The kept part of the base mesh.

    Args:
        kept: [V] base-mesh vertex numbers, ascending.
        quads: [Q, 4] into `kept`.
        quad_uvs: [Q, 4, 2].
        faces: [F, 3] int32, quads split along the shorter diagonal.
        edges: [E, 2] int32, undirected mesh edges of the triangles, first < second.
        mirror: [V] int32, each vertex's counterpart on the other side.
        parts: {name: [V] bool} for the keys of `RANGES` (skin is `body`).
    """

    kept: np.ndarray
    quads: np.ndarray
    quad_uvs: np.ndarray
    faces: np.ndarray
    edges: np.ndarray
    mirror: np.ndarray
    parts: dict[str, np.ndarray]


def crop_head(base: BaseMesh, template: np.ndarray, assets: Path) -> Crop:
    """Keeps skin above the foot of the neck, eyeballs, lashes, teeth and tongue.

    Args:
        base: The base mesh.
        template: [19158, 3] average adult, to choose the quads' diagonals.
        assets: Folder with `mpfb2/mesh_metadata/hm08.mirror`.
    """
    wanted = np.zeros(len(base.vertices), dtype=bool)
    for name, (first, stop) in RANGES.items():
        heights = base.vertices[first:stop, 1]
        wanted[first:stop] = heights > NECK_CUT_DM if name == "body" else True
    inside = wanted[base.quads].all(axis=1)
    kept = np.unique(base.quads[inside])
    renumber = np.full(len(base.vertices), -1)
    renumber[kept] = np.arange(len(kept))
    quads = renumber[base.quads[inside]]
    mirror = _mirror(assets, len(base.vertices), renumber, kept)
    faces = _split(quads, template[kept], mirror)
    edges = np.unique(
        np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1),
        axis=0,
    )
    parts = {name: (kept >= first) & (kept < stop) for name, (first, stop) in RANGES.items()}
    return Crop(kept, quads, base.quad_uvs[inside], faces, edges.astype(np.int32), mirror, parts)


def _mirror(assets: Path, count: int, renumber: np.ndarray, kept: np.ndarray) -> np.ndarray:
    counterpart = np.arange(count)
    lines = (assets / "mpfb2/mesh_metadata/hm08.mirror").read_text().splitlines()
    for words in (line.split() for line in lines if line.strip()):
        counterpart[int(words[0])] = int(words[1])
    mirror = renumber[counterpart[kept]]
    if (mirror < 0).any() or (mirror[mirror] != np.arange(len(mirror))).any():
        raise ValueError("hm08.mirror does not pair the head's vertices")
    return mirror.astype(np.int32)


def _split(quads: np.ndarray, vertices: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Two triangles per quad along its shorter diagonal, the same on both sides of the head."""
    symmetric = (vertices + vertices[mirror] * (-1, 1, 1)) / 2
    first = np.linalg.norm(symmetric[quads[:, 0]] - symmetric[quads[:, 2]], axis=1)
    second = np.linalg.norm(symmetric[quads[:, 1]] - symmetric[quads[:, 3]], axis=1)
    # The margin keeps float noise from splitting the two sides differently.
    along_first = (first <= second + 1e-6)[:, None, None]
    halves = np.where(
        along_first, quads[:, [[0, 1, 2], [0, 2, 3]]], quads[:, [[0, 1, 3], [1, 2, 3]]]
    )
    return halves.reshape(-1, 3).astype(np.int32)
