"""Makes scripts/open_head/faces.npz: where portraits have their landmarks at rest, and how far
their smiles, raised chins and frowns move them.

    python scripts/make_faces.py FOLDER [--out FILE]

FOLDER has the portraits, *.jpg; every tenth by name is held out of all learning. Tracking them
takes about a second each. What the shipped head says of depths and of rare expressions is taken as
known, so that learning again on a head made from this file moves it once more, by little.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

tune_process()

import numpy as np  # noqa: E402
from scipy.spatial import KDTree  # noqa: E402

from backend.head import Head, load_head  # noqa: E402
from backend.head.transfer import similarity  # noqa: E402
from backend.tracking.expression_prior import above_rest  # noqa: E402
from backend.tracking.fit import Fit  # noqa: E402
from backend.tracking.portrait import Look, Tracker  # noqa: E402
from scripts.archive import quantised, write_npz  # noqa: E402
from scripts.open_head.faces import COUNT, FACES, UNITS  # noqa: E402
from scripts.portraits import pictures_asked_for, read_each  # noqa: E402
from shared.flame import ARKIT_NAMES  # noqa: E402
from shared.progress import silent  # noqa: E402

RIGID = (33, 133, 362, 263, 168, 6, 197, 195)
"""Corners of the eyes and the bridge of the nose: what all faces are laid over each other by."""
STRAIGHT = np.radians(12.0)
"""Portraits turned by more tell too little of where landmarks lie."""
OTHERS = (
    "mouthPress", "jawOpen", "mouthLowerDown", "mouthPucker", "mouthRollLower", "mouthRollUpper",
    "mouthStretch", "mouthFunnel",
)  # fmt: skip
"""Units that explain the portraits too but are too rare to be learned."""
DOUBT, OTHERS_DOUBT, SMILE_DOUBT = 6.0, 60.0, 1.0
"""So many portraits at full strength would have to say what the head's own units say."""
BROAD = 0.75
"""From this score on smiles go farther for it: one line through all of them would make the mouths
of those who do not smile narrower than they are."""
SMILE = "mouthSmile"
ROUNDS = 5
STEP_M = 2.0**-17


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Learns how faces rest and smile.")
    parser.add_argument("--out", type=Path, default=FACES)
    options, pictures = pictures_asked_for(parser)
    with Tracker(load_head("open")) as tracker:
        points, codes = _seen(pictures, tracker)
        write_npz(options.out, learned(points, codes, tracker.head))
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, {len(points)} portraits")
    return 0


def _seen(pictures: Sequence[Path], tracker: Tracker) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks [N, 468, 3] of the portraits that face the camera, head space, metres, and their
    scores above rest [N, 52]."""
    points, codes, fitter = [], [], tracker.fitter

    def fitted(content: bytes) -> tuple[Look, Fit]:
        look = tracker.look(content, None, silent)
        return look, tracker.fit(look)

    for _, (look, fit) in read_each(pictures, fitted):
        if np.arccos(-fit.camera.viewmat[2, 2]) <= STRAIGHT:
            points.append(fitter.landmarks(fit)[:COUNT] + fitter.missed(fit, look.landmarks))
            codes.append(above_rest(look.face.blendshapes))
    return np.stack(points), np.stack(codes)


def learned(points: np.ndarray, codes: np.ndarray, head: Head) -> dict[str, np.ndarray]:
    """The arrays of `Faces`.

    Robust linear regression of the landmarks on the codes, about the head's own units.

    Args:
        points: [N, 468, 3] metres.
        codes: [N, 52].
        head: What they were fitted with.
    """
    template = head.embed_landmarks(head.v_template)[:COUNT].double().numpy()
    mirror = KDTree(template).query(template * (-1, 1, 1))[1]

    def even(moves: np.ndarray) -> np.ndarray:
        return (moves + moves[..., mirror, :] * (-1, 1, 1)) / 2

    names = (*UNITS, *OTHERS)
    of_name = np.array([_sides(name) for name in names])  # [U, 52]
    units = head.embed_landmarks(head.exprdirs[..., : len(ARKIT_NAMES)])[:COUNT].double().numpy()
    own = even(np.einsum("uk,ldk->uld", of_name, units))
    scores = codes @ (of_name / of_name.sum(axis=1, keepdims=True)).T  # [N, U], both sides' mean
    laid = _laid_over_each_other(even(points), even(template))
    left = (laid - np.tensordot(scores, own, 1)).reshape(len(points), -1)
    broad = np.clip((scores[:, names.index(SMILE)] - BROAD) / (1 - BROAD), 0, None)
    system = np.concatenate([np.ones((len(points), 1)), scores, broad[:, None]], axis=1)
    units_doubt = [SMILE_DOUBT if name == SMILE else DOUBT for name in UNITS]
    doubt = np.diag([0.0, *units_doubt, *[OTHERS_DOUBT] * len(OTHERS), SMILE_DOUBT])
    trust, found = np.ones(len(points)), np.zeros((system.shape[1], left.shape[1]))
    for _ in range(ROUNDS):
        weighted = system * trust[:, None]
        found = np.linalg.solve(weighted.T @ system + doubt, weighted.T @ left)
        off = np.sqrt(((left - system @ found) ** 2).mean(axis=1))
        trust = 1 / (1 + (off / np.median(off)) ** 2)
    found = found.reshape(-1, COUNT, 3)
    found[1 + names.index(SMILE)] += found[-1]
    arrays = {name: quantised(own[n] + found[1 + n], STEP_M) for n, name in enumerate(UNITS)}
    return {"rest": quantised(found[0], STEP_M), **arrays}


def _sides(name: str) -> np.ndarray:
    """[52] 1 where a unit is `name`, of any side."""
    return np.isin(ARKIT_NAMES, (name, f"{name}Left", f"{name}Right")).astype(float)


def _laid_over_each_other(points: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Landmarks [N, 468, 3] turned, scaled and shifted so that their rigid ones agree, at the
    template's size."""
    laid, reference = points, template
    for _ in range(3):
        laid = np.stack([_laid_over(one, reference) for one in points])
        reference = laid.mean(axis=0)
    return laid


def _laid_over(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    rigid = list(RIGID)
    rotation, scale, shift = similarity(points[rigid], onto[rigid])
    return scale * points @ rotation.T + shift


if __name__ == "__main__":
    raise SystemExit(main())
