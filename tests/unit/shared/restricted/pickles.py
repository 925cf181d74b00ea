"""Makes pickles as other programs do: with chumpy's class names, as Python 2, or hostile."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np


@contextmanager
def fake_chumpy() -> Iterator[type]:
    """`chumpy.ch.Ch` as a class of that name, so that `pickle` writes its name; removed after."""
    ch = ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, values: np.ndarray) -> None:
            self.x = values
            self._dirty_vars: set[str] = set()

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    ch.Ch = Ch  # type: ignore[attr-defined]
    chumpy = ModuleType("chumpy")
    chumpy.ch = ch  # type: ignore[attr-defined]
    sys.modules.update({"chumpy": chumpy, "chumpy.ch": ch})
    try:
        yield Ch
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]


def flame_pickle(arrays: dict[str, Any], chumpy: tuple[str, ...] = ()) -> bytes:
    """A FLAME-like pickle, protocol 2; the arrays named in `chumpy` are chumpy objects."""
    with fake_chumpy() as Ch:
        model = {key: Ch(value) if key in chumpy else value for key, value in arrays.items()}
        return pickle.dumps(model, protocol=2)


class Call:
    """Pickles as a call of any callable."""

    def __init__(self, function: Any, *args: Any) -> None:
        self._parts = (function, args)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._parts
