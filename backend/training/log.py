"""What a run writes down: metrics.jsonl, TensorBoard, strips of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from torch import Tensor

from backend.export.json_lines import no_line, whole_lines
from backend.training.batch import Batch
from shared.atomic import write_bytes

METRICS = "metrics.jsonl"
_STRIP_ROWS = 4
_LINE, _REMEDY = "step's numbers", "Remove the file: the run goes on without its past curves."


class RunLog:
    """One line of numbers per step, and pictures; a context manager.

    Args:
        folder: Of the run.
        step: Steps already done: later lines, of a run that was cut off, are dropped, so that
            curves have no second branch.
        writes: False in all processes but the first, whose log does nothing.
    """

    def __init__(self, folder: Path, step: int, writes: bool = True) -> None:
        self._folder, self._step, self._writes = folder, step, writes
        self._lines: Any = None
        self._board: Any = None

    def __enter__(self) -> Self:
        if self._writes:
            from torch.utils.tensorboard import SummaryWriter

            path = self._folder / METRICS
            kept = [line for line in read_lines(path) if line["step"] <= self._step]
            write_bytes(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
            self._lines = path.open("a", encoding="utf-8", buffering=1)
            board = str(self._folder / "tensorboard")
            self._board = SummaryWriter(board, purge_step=self._step + 1)
        return self

    def __exit__(self, *unused: object) -> None:
        if self._writes:
            self._lines.close()
            self._board.close()

    def numbers(self, step: int, values: dict[str, float]) -> None:
        """Numbers of one step."""
        if self._writes:
            self._lines.write(json.dumps({"step": step, **values}) + "\n")
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def strip(self, step: int, name: str, pixels: np.ndarray) -> None:
        """A picture [H, W, 3] uint8 of one step."""
        if self._writes:
            self._board.add_image(name, pixels, step, dataformats="HWC")
            _, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
            write_bytes(self._folder / "images" / f"{name}-{step:09d}.png", encoded.tobytes())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a metrics file; what a killed process half wrote is left out.

    Raises:
        AvatarError: `bad_file`, naming the line that is none of a run.
    """
    lines, _ = whole_lines(path, _LINE, _REMEDY)
    for number, line in enumerate(lines, 1):
        if not isinstance(line.get("step"), int):
            raise no_line(path, number, _LINE, f"its step is {line.get('step')!r}", _REMEDY)
    return lines


def strip(batch: Batch, coarse: Tensor, fine: Tensor | None) -> np.ndarray:
    """Source, target, coarse and fine side by side, a row per pair (at most four).

    Returns:
        [rows * S, columns * S, 3] uint8.
    """
    columns = [batch.source_images, batch.target_images, coarse]
    if fine is not None:
        columns.append(fine)
    rows = []
    for row in range(min(len(coarse), _STRIP_ROWS)):
        cells = [column[row].detach().permute(1, 2, 0).cpu().numpy() for column in columns]
        rows.append(np.concatenate(cells, axis=1))
    return (np.clip(np.concatenate(rows), 0, 1) * 255 + 0.5).astype(np.uint8)
