"""A person whom the picture's edge cuts off goes on beyond it, ever softer.

A moving camera or body would show the cut; and the Gaussians' hull would close there.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

_WHOLE, _GONE = 0.04, 0.16
"""How far beyond the picture's edge, in crop sides, a person goes on whole, and where they end."""
_EDGE_PX = 2  # a picture's last pixels may be a dark line
_SOFTER = 0.25  # blur, as a share of the distance from the edge
_MIRRORED, _ALONG = 0.08, 0.06  # crop sides: of the picture beside it; that tell the outline's way
_LOOSE = 0.05  # crop sides beyond which hair ends
_STEEPEST = 1.5  # an outline goes on at 56 degrees at most
_LEAST_RUN_PX, _OUTLINE_PX = 6, 4


def gone_on(
    rgb: np.ndarray, matte: np.ndarray, inside: np.ndarray, crop_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lets a person go on beyond the picture's edge.

    Below and above, the last row goes on. Aside, the outline goes on the way that it goes, as
    shoulders fall and hair closes, around the picture's mirror image.

    Args:
        rgb: [H, W, 3] float 0..1.
        matte: [H, W] 0..1.
        inside: [H, W] bool: where there is a picture, a rectangle.
        crop_px: The portrait crop's side in these pixels.

    Returns:
        Both, filled outside the picture.
    """
    size = 2 * _EDGE_PX + 1
    whole = np.pad(inside, 1, mode="constant", constant_values=True)  # the window cuts nothing
    sound = cv2.erode(whole.astype(np.uint8), np.ones((size, size), np.uint8))[1:-1, 1:-1] > 0
    if sound.all() or not sound.any():
        return rgb, matte
    found = distance_transform_edt(~sound, return_indices=True)
    distance, (rows, columns) = cast(tuple[np.ndarray, np.ndarray], found)
    filled = np.dstack([rgb, matte])[rows, columns].astype(np.float32)
    first, last = np.flatnonzero(sound.any(0))[[0, -1]]
    if last + 1 < sound.shape[1]:
        filled[:, last + 1 :] = _aside(filled[:, : last + 1], filled[:, last + 1 :], crop_px)
    if first > 0:
        mirrored = filled[:, ::-1]
        edge = sound.shape[1] - first
        mirrored[:, edge:] = _aside(mirrored[:, :edge], mirrored[:, edge:], crop_px)
    colours, shares = filled[..., :3], filled[..., 3]
    fade = 1 - np.clip((distance / crop_px - _WHOLE) / (_GONE - _WHOLE), 0, 1)
    soft = cv2.GaussianBlur(colours, (0, 0), _SOFTER * _WHOLE * crop_px)
    softness = np.clip(distance / (_WHOLE * crop_px), 0, 1)[..., None]
    colours = np.where(sound[..., None], rgb, colours + softness * (soft - colours))
    shares = np.where(sound, matte, shares * fade * fade * (3 - 2 * fade))
    return colours.astype(np.float32), shares.astype(np.float32)


def _aside(picture: np.ndarray, beyond: np.ndarray, crop_px: float) -> np.ndarray:
    """[H, N, 4] what is right of a picture's right edge.

    Args:
        picture: [H, W, 4] colours and matte.
        beyond: [H, N, 4] the edge's own column over and over, where nobody is cut.
        crop_px: See `gone_on`.
    """
    inwards = np.ascontiguousarray(picture[:, ::-1])
    person = inwards[..., 3] > 0.5
    runs = _runs(person[:, 0])
    if not runs:
        return beyond
    result, height = beyond.copy(), len(picture)
    away = np.arange(min(beyond.shape[1], round(_GONE * crop_px)), dtype=np.float32) + 1
    along = max(round(_ALONG * crop_px), 2)
    limits = [0, *((a[1] + b[0]) // 2 for a, b in pairwise(runs)), height]
    mirrored = np.minimum(away, min(_MIRRORED * crop_px, inwards.shape[1] - 1))
    loose = np.clip(1 - away / (_LOOSE * crop_px), 0, 1)
    for (top, bottom), (low, high) in zip(runs, pairwise(limits), strict=True):
        falls = np.clip(_falls(person[:, :along], top, -1), 0, _STEEPEST)
        rises = np.clip(_falls(person[:, :along], bottom, 1), -_STEEPEST, 0)
        shoulder = bottom == height - 1
        column = mirrored if shoulder else np.zeros_like(away)  # curls would stand there twice
        row = np.arange(low, high, dtype=np.float32)[:, None]
        upper, lower = top + falls * away, bottom + rises * away
        within = np.clip((row - upper) / np.maximum(lower - upper, 1), 0, 1)
        outside = np.minimum(row - upper, 0) + np.maximum(row - lower, 0)
        first, last = top - falls * column, bottom - rises * column
        at = (first + within * (last - first) + outside).astype(np.float32)
        columns = np.broadcast_to(column, at.shape).astype(np.float32)
        part = cv2.remap(inwards, columns, at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        part[..., 3] *= np.abs(outside) < _OUTLINE_PX  # beyond is what hangs over a shoulder
        if not shoulder:
            part[..., 3] *= loose
        result[low:high, : len(away)] = part
    return result


def _runs(person: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of every stretch of [H] bool."""
    steps = np.flatnonzero(np.diff(np.r_[False, person, False]))
    return [
        (a, b - 1) for a, b in zip(steps[::2], steps[1::2], strict=True) if b - a >= _LEAST_RUN_PX
    ]


def _falls(person: np.ndarray, row: int, step: int) -> float:
    """Rows by which an outline falls with every column outwards.

    Args:
        person: [H, N] bool, columns from the edge inwards.
        row: Where the outline is in the first.
        step: Which way it lies from the person: -1 above, 1 below.
    """
    height, places = len(person), [row]
    for column in person.T[1:]:
        while 0 < row < height - 1 and column[row] and column[row + step]:
            row += step
        while 0 < row < height - 1 and not column[row]:
            row -= step
        places.append(row)
    away = np.arange(len(places))
    return float(-(away * (np.array(places) - places[0])).sum() / (away**2).sum())
