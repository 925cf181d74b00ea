"""Reads the weights of an ONNX file, and which of its nodes takes which: no package needed.

An ONNX file is one protocol buffer; only these fields of it are looked at: ModelProto.graph (7),
GraphProto.node (1) and .initializer (5), NodeProto.input (1) and .name (3), TensorProto.dims (1),
.data_type (2), .name (8) and .raw_data (9).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_FLOAT = 1  # TensorProto.DataType


@dataclass(frozen=True)
class OnnxFile:
    """What a network's file holds.

    Args:
        weights: float32 arrays by name.
        inputs: Names of what goes into each node, by the node's name.
    """

    weights: dict[str, np.ndarray]
    inputs: dict[str, list[str]]

    def into(self, node: str) -> np.ndarray:
        """The one array of weights that goes into a node."""
        (name,) = [name for name in self.inputs[node] if name in self.weights]
        return self.weights[name]


def read_onnx(content: bytes) -> OnnxFile:
    """An ONNX file's weights and nodes.

    Args:
        content: Its bytes; a file that is damaged raises whatever it leads to.
    """
    weights, inputs = {}, {}
    (graph,) = [value for field, value in _fields(memoryview(content)) if field == 7]
    for field, value in _fields(graph):
        if field == 1:
            node = list(_fields(value))
            name = next((_text(v) for f, v in node if f == 3), "")
            inputs[name] = [_text(v) for f, v in node if f == 1]
        elif field == 5:
            name, array = _tensor(value)
            if array is not None:
                weights[name] = array
    return OnnxFile(weights, inputs)


def _tensor(message: memoryview) -> tuple[str, np.ndarray | None]:
    """Name and values of a tensor; None for one that is not of float32."""
    dims: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for field, value in _fields(message):
        if field == 1:
            dims += [value] if isinstance(value, int) else _varints(value)
        elif field == 2:
            kind = value
        elif field == 8:
            name = _text(value)
        elif field == 9:
            raw = value
    if kind != _FLOAT:
        return name, None
    return name, np.frombuffer(raw, "<f4").reshape(dims)


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Number and value of every field of a message: a number, or bytes as they lie there."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
        else:
            size, at = _varint(message, at) if kind == _BYTES else ({_EIGHT: 8, _FOUR: 4}[kind], at)
            value, at = message[at : at + size], at + size
        yield key >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, lowest first, and where the next thing begins."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _varints(packed: memoryview) -> list[int]:
    at, values = 0, []
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values


def _text(value: memoryview) -> str:
    return str(value, "utf-8")
