"""Arrays of numbers in MATLAB 5 files (what scipy.io.savemat writes), read without scipy.

Source: MAT-File Format, The MathWorks, chapter 1 (level 5).
"""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from ..errors import said

MAGIC = b"MATLAB 5.0"
_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_NUMBERS = range(6, 16)
"""Classes of arrays of numbers; cells, structs, text and sparse ones come before."""
_COMPLEX = 0x08
_MOST_BYTES = 1 << 30


class Damaged(ValueError):
    """The file is not what it says."""


def read_mat(content: bytes) -> dict[str, np.ndarray]:
    """Arrays of numbers by name; variables of other kinds are left out.

    Raises:
        Damaged: Cut, or not of this format.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise Damaged("no mark of byte order in its header")
    found: dict[str, np.ndarray] = {}
    try:
        for kind, data in _elements(content[_HEADER_BYTES:], order):
            if kind == _COMPRESSED:
                unpacked = zlib.decompressobj().decompress(data, _MOST_BYTES)
                kind, data = next(_elements(unpacked, order))
            if kind == _MATRIX:
                found.update(_matrix(data, order))
    except (struct.error, zlib.error, StopIteration, UnicodeDecodeError, IndexError) as error:
        raise Damaged(said(error)) from error
    return found


def _elements(data: bytes, order: str):
    """Each data element: its type and its bytes."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind >> 16:  # a small element: size and type share the first four bytes
            size, kind, start = kind >> 16, kind & 0xFFFF, at + 4
            end = at + 8
        else:
            start = at + 8
            end = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(data):
            raise Damaged("the end is missing")
        yield kind, data[start : start + size]
        at = end


def _matrix(data: bytes, order: str) -> dict[str, np.ndarray]:
    parts = _elements(data, order)
    flags = struct.unpack_from(order + "I", next(parts)[1])[0]
    if flags & 0xFF not in _NUMBERS or (flags >> 8) & _COMPLEX:
        return {}
    shape = tuple(np.frombuffer(next(parts)[1], order + "i4").tolist())
    name = next(parts)[1].decode("ascii")
    kind, raw = next(parts)
    dtype = _TYPES.get(kind)
    if dtype is None or min(shape, default=0) < 0:
        raise Damaged(f"numbers of type {kind} in {name!r}")
    values = np.frombuffer(raw, order + dtype)
    if len(values) != math.prod(shape):
        raise Damaged(f"{len(values)} numbers in {name!r} of shape {shape}")
    return {name: values.reshape(shape, order="F")}
