"""Contact sheets: labelled pictures in a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from .png import over_background, write_png

_MARGIN_PX = 8
_LABEL_PX = 26
_PAPER = 250
_INK = (40, 40, 40)


def contact_sheet(
    tiles: Sequence[tuple[str, np.ndarray]],
    columns: int = 6,
    tile_px: int = 256,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """[H, W, 3] uint8 picture of all tiles.

    Args:
        tiles: Label and picture ([H, W, 3 or 4] uint8 sRGB, straight alpha); any sizes.
        columns: Tiles per row.
        tile_px: Side of the square that each picture is fitted into.
        background: sRGB 0..1 behind pictures that have alpha.
    """
    if not tiles:
        raise ValueError("a contact sheet needs at least one picture")
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    step_x, step_y = tile_px + _MARGIN_PX, tile_px + _LABEL_PX + _MARGIN_PX
    shape = (rows * step_y + _MARGIN_PX, columns * step_x + _MARGIN_PX, 3)
    sheet = np.full(shape, _PAPER, np.uint8)
    for index, (label, picture) in enumerate(tiles):
        top = _MARGIN_PX + index // columns * step_y
        left = _MARGIN_PX + index % columns * step_x
        sheet[top : top + tile_px, left : left + tile_px] = _fitted(picture, tile_px, background)
        _write_label(sheet, label, left, top + tile_px, tile_px)
    return sheet


def write_contact_sheet(
    path: Path,
    tiles: Sequence[tuple[str, np.ndarray]],
    columns: int = 6,
    tile_px: int = 256,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> None:
    """Writes `contact_sheet` as a PNG."""
    write_png(path, contact_sheet(tiles, columns, tile_px, background))


def _fitted(picture: np.ndarray, side: int, background: tuple[float, float, float]) -> np.ndarray:
    rgb = over_background(picture, background) if picture.shape[2] == 4 else picture
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    tile = np.full((side, side, 3), _PAPER, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def _write_label(sheet: np.ndarray, label: str, left: int, top: int, width: int) -> None:
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    while len(label) > 1 and cv2.getTextSize(label, font, size, 1)[0][0] > width:
        label = label[:-1]
    baseline = (left, top + _LABEL_PX - 8)
    cv2.putText(sheet, label, baseline, font, size, _INK, 1, cv2.LINE_AA)
