"""GAGAvatar's checkpoint with invented weights: every tensor made from its name and shape.

The numbers in tests/data/gagavatar/reference.npz came from its public code with these very weights
and inputs; another formula here would make them worthless.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).resolve().parents[1] / "data" / "gagavatar"


def shapes() -> dict[str, list[int]]:
    """Name and shape of every tensor of GAGAvatar.pt."""
    return json.loads((DATA / "tensors.json").read_text(encoding="utf-8"))


def invented(name: str, shape: list[int]) -> torch.Tensor:
    """The tensor of that name: normal numbers seeded by the name, scaled by what it is for."""
    stream = np.random.RandomState(zlib.crc32(name.encode()))
    x = stream.standard_normal(math.prod(shape)).reshape(shape)
    scale, base = _scale_and_base(name, shape)
    return torch.from_numpy((base + scale * x).astype(np.float32))


def _scale_and_base(name: str, shape: list[int]) -> tuple[float, float]:
    leaf = name.rsplit(".", 1)[-1]
    if name == "head_base" or "noises.noise" in name or name.endswith("constant_input.weight"):
        return 1.0, 0.0
    if leaf in ("cls_token", "pos_embed", "mask_token"):
        return 0.02, 0.0
    if leaf == "gamma":
        return 0.02, 0.2
    if ".norm" in name and leaf == "weight":
        return 0.02, 1.0
    if leaf == "bias":
        return 0.02, 1.0 if name.endswith("modulation.bias") else 0.0
    if len(shape) == 1:  # strengths of the noise
        return 0.1, 0.0
    fan_in = math.prod(shape[2:] if len(shape) == 5 else shape[1:])
    return 1 / math.sqrt(fan_in), 0.0


def checkpoint() -> dict[str, object]:
    """What GAGAvatar.pt holds."""
    model = {name: invented(name, shape) for name, shape in shapes().items()}
    return {"model": model, "meta_cfg": {"MODEL": {"NAME": "GAGAvatar"}}}


def inputs() -> dict[str, np.ndarray]:
    """The inputs of the run that gave the stored numbers."""
    image = _image(512)
    return {
        "image512": image,
        "t_image": image[:, ::-1].copy(),
        "f_transform": _look_at(9.0, 4.0, 12.0),
        "t_transform": _look_at(9.2, -3.0, -15.0),
        "t_points": _ellipsoid(5023),
        "t_bbox": np.array([0.22, 0.15, 0.78, 0.86], np.float32),
        "plane_idx": reference()["plane_idx"],
    }


def reference() -> dict[str, np.ndarray]:
    """Its numbers: every n-th value of each array (`sampled`), `plane_idx` whole."""
    with np.load(DATA / "reference.npz") as file:
        return {name: file[name] for name in file.files}


def sampled(array: np.ndarray, count: int = 1700) -> np.ndarray:
    """The values of an array that the reference keeps: about `count`."""
    flat = array.reshape(-1)
    step = -(-flat.size // count)
    return flat[:: step + 1 if step > 1 and step % 2 == 0 else step]


def _image(size: int) -> np.ndarray:
    v, u = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    waves = [np.sin(9 * u + 2 * v), np.cos(7 * v - 3 * u), np.sin(5 * u * v + 1.0)]
    inside = (u / 0.62) ** 2 + (v / 0.85) ** 2 < 1
    return ((0.5 + 0.35 * np.stack(waves)) * inside).clip(0, 1).astype(np.float32)


def _ellipsoid(count: int) -> np.ndarray:
    i = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * i / count), np.pi * (1 + 5**0.5) * i
    unit = [np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)]
    return (np.stack(unit, 1) * [0.42, 0.60, 0.50]).astype(np.float32)


def _look_at(distance: float, elevation_deg: float, azimuth_deg: float) -> np.ndarray:
    """[3, 4] = [R | T] for row vectors, +X left, +Y up, +Z forward, looking at the origin."""
    e, a = math.radians(elevation_deg), math.radians(azimuth_deg)
    centre = distance * np.array(
        [math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)]
    )
    forward = -centre / np.linalg.norm(centre)
    left = np.cross([0.0, 1.0, 0.0], forward)
    left /= np.linalg.norm(left)
    up = np.cross(forward, left)
    up /= np.linalg.norm(up)
    rotation = np.stack([left, up, forward], axis=1)
    return np.concatenate([rotation, (-rotation.T @ centre)[:, None]], axis=1).astype(np.float32)
