"""Objects of classes that we do not have, and the arrays that they stand for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_MOST_NUMBERS = 1 << 24
"""In a sparse matrix made dense, or in lists."""


class Refused(Exception):
    """What a pickle asks for is not allowed, or not as it should be; the text names it."""


@dataclass
class Inert:
    """An object of a class that we do not have: its name and the state from the pickle."""

    kind: str
    state: dict[str, Any] = field(default_factory=dict)


def array_of(value: Any, depth: int = 0) -> np.ndarray:
    """The array that a value of a pickle stands for.

    Args:
        value: An array, a number, a list (of lists) of numbers, or an inert chumpy or
            scipy.sparse object.
        depth: Of inert objects inside each other.

    Raises:
        Refused: An inert object of a kind that we cannot work out, or damaged state.
    """
    if depth > 16:
        raise Refused("chumpy objects nested too deep")
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, Inert):
        return _listed(value)
    state, kind = value.state, value.kind.rsplit(".", 1)[1]
    if value.kind.startswith("scipy."):
        return _dense(kind[:3], state)
    if "x" in state:
        return array_of(state["x"], depth + 1)
    if kind == "Select" and {"a", "idxs"} <= state.keys():
        chosen = array_of(state["a"], depth + 1).ravel()[array_of(state["idxs"], depth + 1)]
        return chosen.reshape(tuple(state.get("preferred_shape") or chosen.shape))
    raise Refused(f"{value.kind} without its values")


def _listed(value: Any) -> np.ndarray:
    """Numbers, or lists of at most two levels: deeper ones could share parts without end."""
    rows = value if isinstance(value, (list, tuple)) else [value]
    parts = [row if isinstance(row, (list, tuple)) else [row] for row in rows]
    if sum(map(len, parts)) > _MOST_NUMBERS:
        raise Refused("lists of too many numbers")
    if not all(isinstance(part, (int, float, np.generic)) for row in parts for part in row):
        raise Refused(f"numbers of type {type(value).__name__}")
    return np.asarray(value)


def _dense(kind: str, state: dict[str, Any]) -> np.ndarray:
    """[rows, columns] float64 of a sparse matrix' state."""
    shape = tuple(int(size) for size in state.get("_shape", state.get("shape", ())))
    if len(shape) != 2 or min(shape) < 1 or math.prod(shape) > _MOST_NUMBERS:
        raise Refused(f"a sparse matrix of shape {shape}")
    data = array_of(state.get("data"), 1).astype(np.float64).ravel()
    if kind == "coo":
        places = state.get("coords", (state.get("row"), state.get("col")))
        rows, columns = (array_of(place, 1).astype(np.int64).ravel() for place in places)
    else:
        pointers = array_of(state.get("indptr"), 1).astype(np.int64).ravel()
        inner = array_of(state.get("indices"), 1).astype(np.int64).ravel()
        lines = shape[1] if kind == "csc" else shape[0]
        steps = np.diff(pointers)
        if len(pointers) != lines + 1 or (steps < 0).any() or steps.sum() != len(data):
            raise Refused("a damaged sparse matrix")
        outer = np.repeat(np.arange(lines), steps)
        rows, columns = (inner, outer) if kind == "csc" else (outer, inner)
    if not len(rows) == len(columns) == len(data):
        raise Refused("a damaged sparse matrix")
    for index, size in ((rows, shape[0]), (columns, shape[1])):
        if len(index) and not 0 <= index.min() <= index.max() < size:
            raise Refused("a sparse matrix that points outside itself")
    dense = np.zeros(shape)
    np.add.at(dense, (rows, columns), data)
    return dense
