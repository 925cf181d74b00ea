"""Pictures in rows and columns, with headings: the layout of the paper's figures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

_GAP_PX = 4
_HEADING_PX = 34
_LARGEST = 0.6
_FONT, _INK, _PAPER = cv2.FONT_HERSHEY_DUPLEX, (30, 30, 30), 255


def grid(
    headings: Sequence[str], rows: Sequence[Sequence[np.ndarray]], side_px: int = 256
) -> np.ndarray:
    """[H, W, 3] uint8 sRGB.

    Args:
        headings: One per column.
        rows: Pictures [h, w, 3] uint8 sRGB, as many per row as there are headings.
        side_px: Side of the square that each is fitted into.

    Raises:
        ValueError: Without rows, or for a row of another length.
    """
    if not rows or any(len(row) != len(headings) for row in rows):
        found = [len(row) for row in rows]
        raise ValueError(f"rows of {found} pictures; expected some, each of {len(headings)}")
    step = side_px + _GAP_PX
    height = _HEADING_PX + len(rows) * step + _GAP_PX
    sheet = np.full((height, len(headings) * step + _GAP_PX, 3), _PAPER, np.uint8)
    size = _text_size(headings, side_px)
    for column, heading in enumerate(headings):
        _write(sheet, heading, _GAP_PX + column * step + side_px // 2, size)
        for row, pictures in enumerate(rows):
            top, left = _HEADING_PX + row * step, _GAP_PX + column * step
            sheet[top : top + side_px, left : left + side_px] = fitted(pictures[column], side_px)
    return sheet


def fitted(picture: np.ndarray, side_px: int) -> np.ndarray:
    """[side, side, 3]: the whole picture in the middle of a white square."""
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = picture if scale == 1 else cv2.resize(picture, size, interpolation=how)
    square = np.full((side_px, side_px, 3), _PAPER, np.uint8)
    top, left = (side_px - size[1]) // 2, (side_px - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square


def _write(sheet: np.ndarray, text: str, middle: int, size: float) -> None:
    width = cv2.getTextSize(text, _FONT, size, 1)[0][0]
    at = (middle - width // 2, _HEADING_PX - 12)
    cv2.putText(sheet, text, at, _FONT, size, _INK, 1, cv2.LINE_AA)


def _text_size(texts: Sequence[str], room_px: int) -> float:
    """Of all headings, so that the longest fits."""
    widest = max(cv2.getTextSize(text, _FONT, 1.0, 1)[0][0] for text in texts)
    return min(_LARGEST, (room_px - 2 * _GAP_PX) / max(widest, 1))
