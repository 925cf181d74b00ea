"""What portraits show of the head's vertices, kept in a file so that it is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from backend.configs.network import model_config
from backend.configs.presets import load_preset
from backend.head import load_head
from backend.lifting.appearance import SMILES
from backend.lifting.collar import clothed
from backend.lifting.colours import SiteColours
from backend.lifting.hair import hair_over_face
from backend.lifting.sites import regions_at, sites_of
from backend.lifting.skin import not_skin
from backend.lifting.vertex_colours import by_vertex
from backend.lifting.view import View
from backend.model.splitavatar import SplitAvatar
from backend.tracking.portrait import Tracker
from scripts.archive import write_npz
from scripts.portraits import read_each
from shared.progress import silent


@dataclass(frozen=True)
class Observations:
    """What N portraits show of V vertices.

    Args:
        names: [N] file names without suffix.
        colours: [N, V, 3] display sRGB, where anything shows.
        trust: [N, V] 0..1 in them.
        skin: [N, V] 0..1 trust in them as the skin's, see `VertexColours`.
        normals: [N, V, 3] at the portrait's pose, head space.
        rest: [N, V, 3] vertices with a neutral expression, metres.
        facing: [N, 3] unit, from the head towards the camera, head space.
        smiles: [N] 0..1 how far they smile.
        members: [V] how many skin sites each vertex has.
    """

    names: np.ndarray
    colours: np.ndarray
    trust: np.ndarray
    skin: np.ndarray
    normals: np.ndarray
    rest: np.ndarray
    facing: np.ndarray
    smiles: np.ndarray
    members: np.ndarray

    def chosen(self, portraits: np.ndarray) -> Observations:
        """Of some portraits, by [N] bool or index."""
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        return Observations(**{n: a if n == "members" else a[portraits] for n, a in kept.items()})


def observe(pictures: Sequence[Path], kept: Path | None) -> Observations:
    """Tracks every picture, unless `kept` has what they show.

    Args:
        pictures: Portraits; those that cannot be tracked are told and left out.
        kept: The .npz to read, or else to write; None for neither.
    """
    if kept is not None and kept.is_file():
        with np.load(kept) as arrays:
            return Observations(**{f.name: arrays[f.name] for f in fields(Observations)})
    arrays = _observed(pictures)
    if kept is not None:
        write_npz(kept, arrays)
    return Observations(**arrays)


def _observed(pictures: Sequence[Path]) -> dict[str, np.ndarray]:
    """The arrays of `Observations`."""
    head = load_head("open")
    model = SplitAvatar(model_config(load_preset("open")), head)
    found: list[dict[str, np.ndarray]] = []
    with Tracker(head) as tracker:
        read = partial(tracker.portrait, face=None, progress=silent)
        for picture, portrait in read_each(pictures, read):
            found.append({"names": np.array(picture.stem), **_seen(View(portrait, head), model)})
    arrays = {name: np.stack([one[name] for one in found]) for name in found[0]}
    return {**arrays, "members": found[0]["members"]}


def _seen(view: View, model: SplitAvatar) -> dict[str, np.ndarray]:
    """One portrait's row of every array of `Observations` but its name."""
    sites, _ = sites_of(view, model)
    at = regions_at(view, sites.vertices)
    pixels = view.camera.project(sites.positions)
    seen = by_vertex(
        SiteColours(view, hair_over_face(view, view.parts.worn)).shown(sites),
        sites,
        ~(at["eyes"] | at["in_mouth"]),
        not_skin(view, sites, pixels, clothed(view, sites, pixels)),
        len(view.vertices[0]),
    )
    forward = -view.camera.viewmat[2, :3]
    smiles = view.portrait.fit.track.expression[0, SMILES]
    return {
        "colours": seen.colours.astype(np.float32),
        "trust": seen.trust.astype(np.float32),
        "skin": seen.skin.astype(np.float32),
        "normals": view.head.normals(view.vertices)[0].numpy().astype(np.float32),
        "rest": view.rest[0].numpy().astype(np.float32),
        "facing": (forward / np.linalg.norm(forward)).astype(np.float32),
        "smiles": smiles.mean().astype(np.float32),
        "members": seen.members,
    }
