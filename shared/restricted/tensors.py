"""What torch's own names in a file of torch.save make: arrays, without torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .inert import Refused

STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<?",
}
"""Number types by the names of torch's storages."""


def rebuilt_tensor(args: tuple[Any, ...]) -> np.ndarray:
    """torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...) as a copied array."""
    if len(args) < 4 or not isinstance(args[0], np.ndarray):
        raise Refused("a tensor without a storage")
    storage, offset, size, stride = args[:4]
    whole = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride)
    if not whole or not all(type(n) is int and n >= 0 for n in (offset, *size, *stride)):
        raise Refused("a tensor of damaged size")
    if math.prod(size) == 0:
        return np.zeros(size, storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= len(storage) or math.prod(size) > len(storage):
        raise Refused(f"a tensor of {size} that its storage of {len(storage)} does not hold")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()
