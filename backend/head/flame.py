"""`load_head`: the open head, or a FLAME head from the user's own file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from backend.assets.downloads import asset
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE

from .arkit import unit_codes
from .derived import Limits, derived
from .flame_file import (
    FlameFile,
    read_bytes,
    read_flame,
    read_landmarks,
    read_masks,
    read_mediapipe,
)
from .head import Head
from .sites import COPIES, make_sites
from .surface import mirror_partners, steady_neighbours, undirected_edges
from .transfer import Surface, carry_landmarks, carry_regions, lay_over

FLAME_FILES = {
    "flame2020": "flame2020/generic_model.pkl",
    "flame2023": "flame/flame2023.pkl",
    "flame2023_open": "flame/flame2023_Open.pkl",
    "flame_with_eye": "gagavatar/FLAME_with_eye.pt",
}
"""Where each FLAME head lies below the assets folder."""

MASKS = "FLAME_masks.pkl"
LANDMARKS = "landmark_embedding.npy"
MEDIAPIPE = "mediapipe_landmark_embedding.npz"
"""What may lie beside a FLAME file."""

VERSION = "2"
"""Of what is worked out from a file; another version works it out again."""

_LEAST_SPACING_M = 1e-5  # at vertices of no triangle


def load_head(name: str = "open", path: Path | None = None) -> Head:
    """A head by name.

    The first load of a FLAME file works out its sites, regions and landmarks (some seconds) and
    keeps them beside it.

    Args:
        name: `open`, or a name of `FLAME_FILES`. It says which version of FLAME the file is,
            for the codes of one mean nothing to another.
        path: The file; by default the one in the assets folder (`open`: the embedded one).

    Raises:
        AvatarError: `bad_request` for another name, `missing_weights`, `bad_file`.
    """
    if name == "open":
        return Head.load("open", path)
    if name not in FLAME_FILES:
        raise AvatarError(
            "bad_request",
            f"Unknown head {name!r}; expected one of {['open', *FLAME_FILES]}.",
            "Correct the name.",
        )
    path = asset(FLAME_FILES[name]) if path is None else Path(path)
    model = read_flame(path)
    facts = _derived(path, model)
    landmarks = model.landmarks
    beside = path.with_name(LANDMARKS)
    if landmarks is None and beside.exists():
        landmarks = read_landmarks(beside, len(model.faces))
    return _head(name, path, model, facts, landmarks)


def _head(
    name: str,
    path: Path,
    model: FlameFile,
    facts: dict[str, np.ndarray],
    landmarks: tuple[np.ndarray, np.ndarray] | None,
) -> Head:
    template, faces = torch.tensor(model.v_template), torch.tensor(model.faces)
    edges = torch.tensor(undirected_edges(model.faces))
    names = list(Head.load("open").regions)
    return Head(
        name=name,
        hash=model.hash,
        v_template=template,
        faces=faces,
        edges=edges,
        mirror=torch.tensor(mirror_partners(model.v_template)),
        shapedirs=torch.tensor(model.shapedirs),
        exprdirs=torch.tensor(model.exprdirs),
        J_regressor=torch.tensor(model.J_regressor),
        lbs_weights=torch.tensor(model.lbs_weights),
        parents=(-1, 0, 1, 1, 1),
        landmark_faces=torch.tensor(facts["landmark_faces"]).long(),
        landmark_bary=torch.tensor(facts["landmark_bary"]).float(),
        regions=dict(zip(names, torch.tensor(facts["regions"]), strict=True)),
        site_faces=torch.tensor(facts["site_faces"]).long(),
        site_bary=torch.tensor(facts["site_bary"]).float(),
        site_spacing=torch.tensor(facts["site_spacing"]).float(),
        neighbours=steady_neighbours(template, faces, edges),
        posedirs=torch.tensor(model.posedirs),
        expression_moves_joints=True,
        flame_landmark_faces=None if landmarks is None else torch.tensor(landmarks[0]),
        flame_landmark_bary=None if landmarks is None else torch.tensor(landmarks[1]),
        path=path,
        unit_codes=torch.tensor(facts["unit_codes"]).float(),
    )


def _derived(path: Path, model: FlameFile) -> dict[str, np.ndarray]:
    """Sites, regions and landmarks, from the file that keeps them or worked out."""
    open_head = Head.load("open")
    beside = [path.with_name(name) for name in (MASKS, MEDIAPIPE)]
    found = [hashlib.sha256(read_bytes(p)).hexdigest() if p.exists() else "" for p in beside]
    key = " ".join([VERSION, model.hash, open_head.hash, *found])
    vertices, faces, sites = len(model.v_template), len(model.faces), sum(COPIES)
    limits: Limits = {
        "site_faces": ((vertices, sites), faces),
        "site_bary": ((vertices, sites, 3), 0),
        "site_spacing": ((vertices,), 0),
        "regions": ((len(open_head.regions), vertices), 0),
        "landmark_faces": ((478,), faces),
        "landmark_bary": ((478, 3), 0),
        "unit_codes": ((len(ARKIT_NAMES), EXPRESSION_SIZE + 9), 0),
    }
    kept = path.with_name(f"{path.name}.derived.npz")
    return derived(kept, key, limits, lambda: _work_out(path, model, open_head))


def _work_out(path: Path, model: FlameFile, open_head: Head) -> dict[str, np.ndarray]:
    template = model.v_template.astype(np.float64)
    joints = model.J_regressor.astype(np.float64) @ template
    target = Surface(template, model.faces, joints, model.lbs_weights)
    fitted = lay_over(open_head, target)
    masks = path.with_name(MASKS)
    own = read_masks(masks, len(template)) if masks.exists() else {}
    regions = carry_regions(open_head, fitted, target, own)
    triangles, weights = carry_landmarks(open_head, fitted, target)
    mediapipe = path.with_name(MEDIAPIPE)
    if mediapipe.exists():
        numbers, *places = read_mediapipe(mediapipe, len(model.faces))
        triangles[numbers], weights[numbers] = places
    site_faces, site_bary, spacing = make_sites(template, model.faces)
    return {
        "site_faces": site_faces,
        "site_bary": site_bary.astype(np.float32),
        "site_spacing": np.maximum(spacing, _LEAST_SPACING_M).astype(np.float32),
        "regions": np.stack([regions[name] for name in open_head.regions]),
        "landmark_faces": triangles,
        "landmark_bary": weights.astype(np.float32),
        "unit_codes": unit_codes(open_head, fitted, target, model.exprdirs, model.posedirs),
    }
