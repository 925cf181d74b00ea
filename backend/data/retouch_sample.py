"""One sample of a retoucher's training: a drawn picture with its clues, and the photograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.model.retoucher import PICTURE, PLANES, SIDE_PX
from shared.atomic import write_bytes
from shared.errors import AvatarError

_TILES = (PLANES + PICTURE + 2) // 3
_LOSSLESS = 101
SUFFIX = ".webp"
OWN_NUMBER, KEPT_MARK = "0", "k"
"""Samples are called PERSON_NUMBER: 0 is the photograph's own picture, from 1 on there are its
round trips; k0, k1, ... are to stay as they were drawn."""


@dataclass(frozen=True)
class Sample:
    """What an avatar shows where the photograph is known.

    Args:
        drawn: [SIDE_PX, SIDE_PX, PLANES] uint8.
        target: [SIDE_PX, SIDE_PX, 4] uint8: the photograph on black, and its matte.
    """

    drawn: np.ndarray
    target: np.ndarray


def sample_of(planes: np.ndarray, target: np.ndarray) -> Sample:
    """A sample of pictures of any size.

    Args:
        planes: [S, S, PLANES] float32 0..1.
        target: [S, S, 4] float32 0..1.
    """
    return Sample(_small(planes), _small(target))


def write_sample(path: Path, sample: Sample) -> None:
    """A picture of tiles side by side, three planes each, without loss."""
    planes = np.concatenate([sample.drawn, sample.target], axis=-1)
    blank = np.zeros((SIDE_PX, SIDE_PX, 3 * _TILES - planes.shape[-1]), np.uint8)
    planes = np.concatenate([planes, blank], axis=-1)
    tiles = np.concatenate(np.split(planes, _TILES, axis=-1), axis=1)
    options = [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS]
    write_bytes(path, cv2.imencode(SUFFIX, tiles, options)[1].tobytes())


def read_sample(path: Path) -> Sample:
    """What `write_sample` wrote.

    Raises:
        AvatarError: `bad_file`.
    """
    tiles = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if tiles is None or tiles.shape != (SIDE_PX, _TILES * SIDE_PX, 3):
        found = "no picture" if tiles is None else f"of {tiles.shape[1]} x {tiles.shape[0]} pixels"
        raise AvatarError(
            "bad_file",
            f"{path} is {found}; expected {_TILES * SIDE_PX} x {SIDE_PX}.",
            "Make the round trips again.",
        )
    planes = np.concatenate(np.split(tiles, _TILES, axis=1), axis=-1)
    return Sample(planes[..., :PLANES], planes[..., PLANES : PLANES + PICTURE])


def _small(planes: np.ndarray) -> np.ndarray:
    size = (SIDE_PX, SIDE_PX)
    split = np.split(planes, planes.shape[-1], axis=-1)
    small = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in split]
    return (np.stack(small, axis=-1).clip(0, 1) * 255 + 0.5).astype(np.uint8)
