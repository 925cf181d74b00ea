"""Tracks whose arrays lie in memory where an allocator would not put them."""

from __future__ import annotations

import dataclasses

import numpy as np

from shared.flame import Track


def misaligned(track: Track, offset: int) -> Track:
    """The same numbers, every array `offset` bytes (a multiple of 4) after a multiple of 64."""
    arrays = {}
    for name, array in track.to_arrays().items():
        memory = np.zeros(array.nbytes + 128, np.uint8)
        begin = -memory.ctypes.data % 64 + offset
        place = memory[begin : begin + array.nbytes]
        arrays[name] = place.view(array.dtype).reshape(array.shape)
        arrays[name][...] = array
    found = dataclasses.replace(track, **arrays)
    assert all(getattr(found, name).ctypes.data % 64 == offset for name in arrays)
    return found
