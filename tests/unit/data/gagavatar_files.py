"""Files as GAGAvatar_track leaves them, with made-up content."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np

# Cameras of the parity numbers: pytorch3d's look_at_view_transform(9.2, -3, -15) as [R|T], and
# what GAGAvatar's rasteriser was given for it (row vectors, OpenCV axes, five units a metre).
TRANSFORM = np.array(
    [
        [-0.9659258, -0.013545542, 0.25846434, 0.0],
        [0.0, 0.9986295, 0.052335955, -0.0],
        [-0.25881904, 0.05055265, -0.96460205, 9.2],
    ],
    np.float32,
)
VIEW = np.array(
    [
        [0.9659258, 0.013545542, 0.25846434, 0.0],
        [-0.0, -0.9986295, 0.052335955, 0.0],
        [0.25881904, -0.05055265, -0.96460205, 0.0],
        [-0.0, 0.0, 9.2, 1.0],
    ]
)
PROJECTION = np.array(
    [
        [11.59111, 0.1625465, 0.25849018, 0.25846434],
        [0.0, -11.983554, 0.05234119, 0.052335955],
        [3.1058285, -0.6066318, -0.96469855, -0.96460205],
        [0.0, 0.0, 9.190919, 9.2],
    ]
)


def record(seed: int) -> dict[str, np.ndarray]:
    """One frame's parameters."""
    rng = np.random.default_rng(seed)
    return {
        "bbox": np.array([0.2, 0.1, 0.8, 0.85], np.float32),
        "shapecode": rng.normal(0, 1, 300).astype(np.float32),
        "expcode": rng.normal(0, 1, 100).astype(np.float32),
        "posecode": np.concatenate([np.zeros(3), rng.normal(0, 0.1, 3)]).astype(np.float32),
        "eyecode": rng.normal(0, 0.1, 6).astype(np.float32),
        "transform_matrix": TRANSFORM,
    }


def write_pickle(path: Path, records: Any) -> Path:
    """An optim.pkl."""
    path.write_bytes(pickle.dumps(records))
    return path


def write_folder(folder: Path, keys: list[str], split: dict[str, list[str]]) -> Path:
    """img_lmdb, optim.pkl and dataset.json."""
    folder.mkdir()
    write_pickle(folder / "optim.pkl", {key: record(i) for i, key in enumerate(keys)})
    (folder / "dataset.json").write_text(json.dumps(split))
    with (
        lmdb.open(str(folder / "img_lmdb"), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key in keys:
            transaction.put(key.encode(), picture(key))
    return folder


def picture(key: str) -> bytes:
    """A JPEG, another one for each key."""
    shade = sum(key.encode()) % 200
    return cv2.imencode(".jpg", np.full((64, 64, 3), shade, np.uint8))[1].tobytes()
