"""Paints the open head in many expressions and identities on one sheet, to look at.

python scripts/open_head_sheet.py OUT.png [--tile PIXELS]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.head import Head  # noqa: E402
from backend.head.painting import Model, paint, portrait_camera  # noqa: E402
from shared.flame import BETAS_SIZE, Track  # noqa: E402

EXPRESSIONS: tuple[dict[str, float], ...] = (
    {},
    {"jawOpen": 0.8},
    {"mouthSmileLeft": 1, "mouthSmileRight": 1},
    {"eyeBlinkLeft": 1, "eyeBlinkRight": 1},
    {"mouthPucker": 1},
    {"eyeLookOutLeft": 1, "eyeLookInRight": 1, "browInnerUp": 1},
)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Paints the open head on one sheet.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--tile", type=int, default=256, help="pixels of one picture's side")
    options = parser.parse_args()
    head = Head.load("open")
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    template = head.v_template.double().numpy()
    model = Model(template, head.faces.numpy(), regions, head.joints_of(None)[3:])

    def tile(weights: dict[str, float], betas: np.ndarray, yaw: float) -> np.ndarray:
        track = Track.from_arkit(weights, betas=betas)
        vertices = head.vertices_of(track)[0].double().numpy()
        camera = portrait_camera(2 * options.tile, yaw=yaw, fill=0.30)
        picture, _ = paint(model, vertices, camera)
        return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    average, rng = np.zeros(BETAS_SIZE), np.random.default_rng(1)
    rows = [[tile(weights, average, 0.0) for weights in EXPRESSIONS]]
    first = [average + 2 * sign * np.eye(BETAS_SIZE)[i] for i in range(3) for sign in (-1, 1)]
    rows.append([tile({}, betas, 0.0) for betas in first])
    others = [average.copy() for _ in EXPRESSIONS]
    for betas in others:
        betas[: head.shapedirs.shape[2]] = rng.normal(size=head.shapedirs.shape[2])
    rows.append([tile(weights, b, 0.5) for weights, b in zip(EXPRESSIONS, others, strict=True)])
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    if not cv2.imwrite(str(options.out), sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        print(f"{options.out} cannot be written", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
