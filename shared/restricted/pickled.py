"""What a restricted pickle may name, and what each name makes: never an import, never a call.

Every allowed global is an entry of `allowed`, which gives a `Maker`: our own function on checked
arguments. Classes of chumpy and scipy.sparse become `Inert` objects, which only hold the state
that the pickle gives them; `inert.array_of` turns those into arrays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .inert import Inert, Refused
from .tensors import STORAGES, rebuilt_tensor


class Budget:
    """Bytes that the values of one pickle may take, so that a small file cannot grow huge.

    Args:
        file_bytes: Size of the pickle. An honest one holds every array once.
    """

    def __init__(self, file_bytes: int) -> None:
        self._left = 2 * file_bytes + (1 << 20)

    def charge(self, size: int) -> None:
        """Takes `size` bytes, or refuses."""
        self._left -= size
        if self._left < 0:
            raise Refused("arrays far larger than the file (the same bytes, used again and again)")


class _Object:
    """The type of an array of Python objects; only one of no dimension is read."""


@dataclass(frozen=True)
class Maker:
    """An allowed global.

    Args:
        label: Its name in the pickle.
        make: Value from the arguments of a call.
        inert: Whether it is a class whose instances are `Inert`.
    """

    label: str
    make: Callable[[tuple[Any, ...], Budget], Any]
    inert: bool = False


_CHUMPY = re.compile(r"chumpy(\.[A-Za-z_]\w*)*")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_SPARSE = re.compile(r"scipy\.sparse(?:\._?(csc|csr|coo))?")
_DTYPE = re.compile(r"[<>|=]?(\?|[biufcSU]\d{1,9})")


def allowed(module: str, name: str, tensors: bool = False) -> Maker | None:
    """The maker for a global, None where it is not allowed; torch's own only with `tensors`."""
    label = f"{module}.{name}"
    if tensors and label in _TENSOR_MAKERS:
        return Maker(label, _TENSOR_MAKERS[label])
    if _CHUMPY.fullmatch(module) and _IDENTIFIER.fullmatch(name):
        return _inert(label)
    if _SPARSE.fullmatch(module) and re.fullmatch(r"(csc|csr|coo)_(matrix|array)", name):
        return _inert(label)
    make = _MAKERS.get(label.replace("numpy.core.", "numpy._core.", 1))
    return None if make is None else Maker(label, make)


def _inert(label: str) -> Maker:
    def make(args: tuple[Any, ...], budget: Budget) -> Inert:
        if args:
            raise Refused(f"arguments for {label}")
        return Inert(label)

    return Maker(label, make, inert=True)


def build(value: Any, state: Any, budget: Budget) -> Any:
    """Gives `value` its state: arrays, dtypes and inert objects only."""
    if isinstance(value, np.ndarray):
        return _array_state(value, state, budget)
    if isinstance(value, np.dtype):
        return _dtype_state(value, state)
    if isinstance(value, _Object) and isinstance(state, tuple):
        return value
    if isinstance(value, Inert) and isinstance(state, dict) and not value.state:
        value.state = {key: item for key, item in state.items() if isinstance(key, str)}
        return value
    raise Refused(f"a state of type {type(state).__name__} for an object {type(value).__name__}")


def check_key(key: Any) -> None:
    """Refuses dictionary keys and set members whose hash could take forever."""
    parts = key if isinstance(key, tuple) and len(key) <= 16 else (key,)
    for part in parts:
        if not isinstance(part, (str, bytes, int, float, complex, np.generic, type(None))):
            raise Refused(f"a dictionary key or set member of type {type(part).__name__}")


def _raw(value: Any) -> bytes:
    """Bytes of an array; pickles of Python 2 hold them as text."""
    if isinstance(value, str):
        return value.encode("latin1")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise Refused("an array of Python objects")


def _check_array(shape: Any, dtype: Any, size: int, budget: Budget) -> None:
    if isinstance(dtype, _Object):
        raise Refused("an array of Python objects")
    if not isinstance(dtype, np.dtype) or dtype.itemsize == 0:
        raise Refused("an array without a number type")
    sizes = isinstance(shape, tuple) and all(isinstance(s, int) and s >= 0 for s in shape)
    if not sizes or math.prod(shape) * dtype.itemsize != size:
        raise Refused(f"an array of shape {shape!s:.60} with {size} bytes of {dtype}")
    budget.charge(size)


def _array_state(array: np.ndarray, state: Any, budget: Budget) -> Any:
    """Fills an array; one of no dimension that holds an object (np.save) becomes that object."""
    if not isinstance(state, tuple) or len(state) != 5:
        raise Refused("an array without its five state values")
    _, shape, dtype, fortran, values = state
    if isinstance(dtype, _Object) and shape == () and isinstance(values, list) and len(values) == 1:
        return values[0]
    raw = _raw(values)
    _check_array(shape, dtype, len(raw), budget)
    array.__setstate__((1, shape, dtype, bool(fortran), raw))  # pyright: ignore[reportArgumentType]
    return array


def _new_array(args: tuple[Any, ...], budget: Budget) -> np.ndarray:
    owner = args[0] if args else None
    if not isinstance(owner, Maker) or owner.label != "numpy.ndarray" or args[1:2] != ((0,),):
        raise Refused("an array of another class")
    return np.ndarray((0,), "b")


def _from_buffer(args: tuple[Any, ...], budget: Budget) -> np.ndarray:
    if len(args) != 4 or args[3] not in ("C", "F"):
        raise Refused("a damaged array")
    raw, dtype, shape, order = args
    raw = _raw(raw)
    _check_array(shape, dtype, len(raw), budget)
    return np.frombuffer(bytearray(raw), dtype).reshape(shape, order=order)


def _new_scalar(args: tuple[Any, ...], budget: Budget) -> np.generic:
    if len(args) != 2:
        raise Refused("a damaged number")
    raw = _raw(args[1])
    _check_array((), args[0], len(raw), budget)
    return np.frombuffer(raw, args[0])[0]


def _new_dtype(args: tuple[Any, ...], budget: Budget) -> np.dtype | _Object:
    if args and args[0] in ("O8", "O"):
        return _Object()
    if not args or not isinstance(args[0], str) or not _DTYPE.fullmatch(args[0]):
        raise Refused(f"arrays of the type {args[0] if args else None!r:.40}")
    return np.dtype(args[0], copy=True)


def _dtype_state(dtype: np.dtype, state: Any) -> np.dtype:
    if not isinstance(state, tuple) or len(state) < 5:
        raise Refused("a damaged array type")
    _, order, *parts = state
    if parts[:3] != [None, None, None] or order not in ("<", ">", "|", "="):
        raise Refused("an array type with fields")
    # Ours, not the file's: only the byte order is taken from it.
    width = dtype.itemsize if dtype.kind in "SU" else -1
    alignment = dtype.alignment if dtype.kind in "SU" else -1
    dtype.__setstate__((3, order, None, None, None, width, alignment, 0))  # pyright: ignore[reportAttributeAccessIssue]
    return dtype


def _reconstructed(args: tuple[Any, ...], budget: Budget) -> Inert:
    """`copyreg._reconstructor(cls, object, None)` of an inert class."""
    if len(args) != 3 or not isinstance(args[0], Maker) or not args[0].inert:
        named = args[0].label if args and isinstance(args[0], Maker) else "an unknown class"
        raise Refused(f"copyreg._reconstructor of {named}")
    if not isinstance(args[1], Maker) or args[1].label.split(".")[-1] != "object" or args[2]:
        raise Refused(f"copyreg._reconstructor of {args[0].label} on another base")
    return Inert(args[0].label)


def _encoded(args: tuple[Any, ...], budget: Budget) -> bytes:
    text, *encoding = args or ("",)
    if not isinstance(text, str) or encoding not in (["latin1"], ["latin-1"]):
        raise Refused("_codecs.encode other than of text to latin1")
    budget.charge(len(text))
    return text.encode("latin1")


def _collection(make: Callable[[list[Any]], Any]) -> Callable[[tuple[Any, ...], Budget], Any]:
    def made(args: tuple[Any, ...], budget: Budget) -> Any:
        if len(args) > 1 or not all(isinstance(items, (list, tuple)) for items in args):
            raise Refused("a collection of something else than a list")
        items = list(args[0]) if args else []
        budget.charge(8 * len(items))
        return make(items)

    return made


def _set(items: list[Any]) -> set[Any]:
    for item in items:
        check_key(item)
    return set(items)


def _dict(items: list[Any]) -> dict[Any, Any]:
    for item in items:
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise Refused("a dictionary's item that is not a pair")
        check_key(item[0])
    return dict(items)


def _bytes(
    make: Callable[..., bytes | bytearray],
) -> Callable[[tuple[Any, ...], Budget], bytes | bytearray]:
    def made(args: tuple[Any, ...], budget: Budget) -> bytes | bytearray:
        if len(args) > 1 or not all(isinstance(value, bytes) for value in args):
            raise Refused("bytes made of something else than bytes")
        budget.charge(len(args[0]) if args else 0)
        return make(*args)

    return made


def _complex(args: tuple[Any, ...], budget: Budget) -> complex:
    if len(args) != 2 or not all(isinstance(value, (int, float)) for value in args):
        raise Refused("a damaged complex number")
    return complex(*args)


def _only_named(args: tuple[Any, ...], budget: Budget) -> Any:
    raise Refused("a call of a class that may only be named")


def _tensor(args: tuple[Any, ...], budget: Budget) -> np.ndarray:
    array = rebuilt_tensor(args)
    budget.charge(array.nbytes)
    return array


def _parameter(args: tuple[Any, ...], budget: Budget) -> np.ndarray:
    if not args or not isinstance(args[0], np.ndarray):
        raise Refused("a parameter without its tensor")
    return args[0]


_MAKERS: dict[str, Callable[[tuple[Any, ...], Budget], Any]] = {
    "numpy.ndarray": _only_named,
    "numpy.dtype": _new_dtype,
    "numpy._core.multiarray._reconstruct": _new_array,
    "numpy._core.multiarray.scalar": _new_scalar,
    "numpy._core.numeric._frombuffer": _from_buffer,
    "_codecs.encode": _encoded,
    "collections.OrderedDict": _collection(_dict),
    "builtins.object": _only_named,
    "builtins.set": _collection(_set),
    "builtins.frozenset": _collection(lambda items: frozenset(_set(items))),
    "builtins.bytes": _bytes(bytes),
    "builtins.bytearray": _bytes(bytearray),
    "builtins.complex": _complex,
    "copyreg._reconstructor": _reconstructed,
}

_TENSOR_MAKERS: dict[str, Callable[[tuple[Any, ...], Budget], Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    **{f"torch.{name}": _only_named for name in STORAGES},
}
"""What a file of torch.save may name besides."""
