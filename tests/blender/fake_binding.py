"""A binding of made-up splats to the made-up head: every term of it does something."""

import numpy as np

from shared.binding import PER_FACE, PER_GAUSSIAN, PER_VERTEX

from .fake_head import SECTORS

IDENTITY, SKIN = 30, 400

Arrays = dict[str, np.ndarray]


def binding_arrays(rig: Arrays, seed: int = 0) -> Arrays:
    """Arrays of `shared.binding` for `fake_head.rig_arrays`."""
    rng = np.random.default_rng(seed)
    faces, rest = rig["faces"], rig["vertices"].astype(np.float64)
    count, corners = IDENTITY + SKIN, rest[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1) / 2
    opacities = rng.uniform(0.1, 1, count)
    opacities[::7] = 0
    site_faces = rng.integers(0, len(faces), count)
    skin = np.arange(count) >= IDENTITY
    values = {
        "means": rng.normal(0, 0.1, (count, 3)),
        "quats": _unit(rng.normal(size=(count, 4))),
        "scales": rng.uniform(1e-3, 5e-3, (count, 3)),
        "colours": rng.uniform(0, 1, (count, 3)),
        "opacities": opacities,
        "masks": rng.uniform(0, 1, count),
        "layers": np.where(skin, rng.integers(2, 6, count), rng.integers(0, 2, count)),
        "vertices": np.where(skin, faces[site_faces, 0], -1),
        "site_faces": np.where(skin, site_faces, 0),
        "site_weights": rng.dirichlet((1, 1, 1), count) * skin[:, None],
        "offsets": rng.normal(0, 2e-3, (count, 3)) * skin[:, None],
        "shares": rng.choice([0.0, 0.3, 1.0], count),
        "slopes": np.zeros(count),
        "fold_faces": rng.integers(0, len(faces), (count, 3)),
        "fold_colours": rng.uniform(0, 1, (count, 3)),
        "fold_shares": rng.uniform(0, 1, count) * skin,
        "lid_colours": rng.uniform(0, 1, (count, 3)),
        "lid_shares": rng.uniform(0, 1, count) * skin,
        "mouth_lights": np.where(rng.random(count) < 0.3, rng.uniform(0.5, 1, count), 0) * skin,
        "neighbours": _neighbours(faces, len(rest)),
        "blinks": rng.normal(0, 3e-3, rest.shape),
        "ways": rng.normal(0, 3e-3, rest.shape),
        "closed_before": rng.uniform(0, 0.5, len(rest)),
        "folded": rng.uniform(0, 1, len(rest)),
        "fold_starts": rng.uniform(-0.3, 1, len(rest)),
        "fold_least": rng.uniform(0.8, 1.1, len(rest)),
        "skin_areas": _around(faces, areas, len(rest)) * rng.uniform(0.3, 1, len(rest)),
        "mouth_spans": _spans(rng, len(rest)),
        "creases": rng.normal(0, 0.3, rest.shape),
        "smiles": rng.normal(0, 3, rest.shape),
        "smiled_before": rng.uniform(0, 0.3, len(rest)),
        "skin_faces": np.ones(len(faces)),
        "fold_areas": areas * rng.uniform(0.5, 1, len(faces)),
    }
    kinds = {name: kind for name, (kind, _) in (PER_GAUSSIAN | PER_VERTEX | PER_FACE).items()}
    assert values.keys() == kinds.keys()
    arrays = {name: np.ascontiguousarray(values[name], kinds[name]) for name in kinds}
    torso = np.eye(4, dtype=np.float32)
    torso[:3, 3] = [0.01, -0.02, 0.03]
    torso[:3, :3] = [[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]
    return {
        **arrays,
        "torso_pose": torso,
        "anchors": np.array([0, SECTORS // 3, 2 * SECTORS // 3], np.int32),
        "closed_height": np.array([0.01], np.float32),
    }


def _unit(quats: np.ndarray) -> np.ndarray:
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)


def _neighbours(faces: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros(count, int)
    for corner in range(3):
        found[faces[:, corner]] = faces[:, (corner + 1) % 3]
    return found


def _around(faces: np.ndarray, areas: np.ndarray, count: int) -> np.ndarray:
    """Mean area of the triangles around each vertex."""
    sums, number = (
        np.bincount(faces.ravel(), weights, count) for weights in (areas.repeat(3), None)
    )
    return sums / number


def _spans(rng: np.random.Generator, count: int) -> np.ndarray:
    """Differences of single vertices: the mouth's height and width, the eyes' distance."""
    spans = np.zeros((count, 3))
    chosen = rng.choice(count, 6, replace=False)
    for column in range(3):
        spans[chosen[2 * column : 2 * column + 2], column] = 1, -1
    return spans
