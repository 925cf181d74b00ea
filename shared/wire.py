"""One message as bytes: a JSON header frame, then one raw frame per array.

The envelope (`v, id, reply_to, type, body, arrays`) is the same in every protocol version, so that
a peer of another version can still be told so. docs/protocol.md is authoritative.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import AvatarError
from .version import PROTOCOL

DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in ("float16", "float32", "float64", "uint8", "int32", "int64")
}
"""Array types that may travel; always little-endian and C-contiguous."""

MAX_HEADER_BYTES = 1 << 20
MAX_ARRAYS = 64
MAX_DIMENSIONS = 8
MAX_MESSAGE_BYTES = 1 << 30
"""Header and buffers together; also given to ZeroMQ, which drops a peer that sends more."""

_HEADER_KEYS = {"v", "id", "reply_to", "type", "body", "arrays"}


@dataclass(frozen=True)
class Envelope:
    """A decoded message whose body is not yet checked against its type.

    Args:
        type: Wire name, `noun.verb`.
        body: JSON values by field name.
        arrays: Arrays by field name; decoded ones are read-only views of the received frames.
        id: Chosen by the sender of a request; empty for events.
        reply_to: `id` of the request that this answers; empty otherwise.
        v: Protocol version of the sender.
    """

    type: str
    body: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    id: str = ""
    reply_to: str = ""
    v: int = PROTOCOL


def encode(message: Envelope) -> list[bytes | memoryview]:
    """Frames of a message; array frames share the arrays' memory.

    Raises:
        AvatarError: `bad_request` for an array type that may not travel or a message too large.
    """
    described, buffers, total = [], [], 0
    for name, array in message.arrays.items():
        if array.dtype.name not in DTYPES:
            raise _refuse(f"Array {name!r} has dtype {array.dtype}", f"one of {sorted(DTYPES)}")
        little = np.ascontiguousarray(array, dtype=DTYPES[array.dtype.name]).reshape(array.shape)
        described.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        buffers.append(little.reshape(-1).view(np.uint8).data if little.size else b"")
        total += little.nbytes
    header = json.dumps(
        {
            "v": message.v,
            "id": message.id,
            "reply_to": message.reply_to,
            "type": message.type,
            "body": message.body,
            "arrays": described,
        },
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    ).encode()
    if len(header) > MAX_HEADER_BYTES:
        raise _refuse(f"The header has {len(header)} bytes", f"at most {MAX_HEADER_BYTES}")
    if total + len(header) > MAX_MESSAGE_BYTES:
        raise _refuse(f"The message has {total} bytes", f"at most {MAX_MESSAGE_BYTES}")
    return [header, *buffers]


def decode(frames: Sequence[Any]) -> Envelope:
    """A message from its frames; every size is checked before an array is made.

    Args:
        frames: Buffers (bytes, memoryviews or `zmq.Frame.buffer`), the header first.

    Raises:
        AvatarError: `bad_request`, naming what was found and what was expected.
    """
    header = decode_header(frames)
    described = header["arrays"]
    if len(described) > MAX_ARRAYS or len(described) != len(frames) - 1:
        raise _refuse(
            f"The header describes {len(described)} arrays and {len(frames) - 1} frames follow",
            f"equal numbers, at most {MAX_ARRAYS}",
        )
    arrays: dict[str, np.ndarray] = {}
    for entry, buffer in zip(described, frames[1:], strict=True):
        name, dtype, shape = _checked_description(entry)
        if name in arrays:
            raise _refuse(f"Array {name!r} comes twice", "each name once")
        view = memoryview(buffer)
        expected = math.prod(shape) * dtype.itemsize
        if view.nbytes != expected:
            raise _refuse(
                f"Array {name!r} has {view.nbytes} bytes",
                f"{expected} for {dtype.name} {list(shape)}",
            )
        arrays[name] = _array(view, dtype, shape)
    return Envelope(
        header["type"], header["body"], arrays, header["id"], header["reply_to"], header["v"]
    )


def decode_header(frames: Sequence[Any]) -> dict[str, Any]:
    """The JSON header of a message, its keys and their types checked.

    Raises:
        AvatarError: `bad_request`.
    """
    size = memoryview(frames[0]).nbytes if frames else 0
    if not 0 < size <= MAX_HEADER_BYTES:
        raise _refuse(f"The header has {size} bytes", f"1 to {MAX_HEADER_BYTES}")
    try:
        header = json.loads(bytes(frames[0]))
    except (ValueError, RecursionError) as error:
        raise _refuse(f"The header is not JSON ({error})", "a JSON object") from error
    if not isinstance(header, dict) or set(header) != _HEADER_KEYS:
        found = sorted(header) if isinstance(header, dict) else type(header).__name__
        raise _refuse(f"The header is {found}", f"an object with the keys {sorted(_HEADER_KEYS)}")
    kinds = {"v": int, "id": str, "reply_to": str, "type": str, "body": dict, "arrays": list}
    for key, kind in kinds.items():
        if type(header[key]) is not kind:
            raise _refuse(f"Header key {key!r} is {header[key]!r}", kind.__name__)
    return header


def _checked_description(entry: Any) -> tuple[str, np.dtype, tuple[int, ...]]:
    if not isinstance(entry, dict) or set(entry) != {"name", "dtype", "shape"}:
        raise _refuse(f"An array is described by {entry!r}", "an object of name, dtype and shape")
    name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
    if not isinstance(name, str) or not isinstance(dtype, str) or dtype not in DTYPES:
        raise _refuse(f"Array {name!r} has dtype {dtype!r}", f"one of {sorted(DTYPES)}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise _refuse(f"Array {name!r} has shape {shape!r}", f"at most {MAX_DIMENSIONS} sizes")
    if not all(type(n) is int and 0 <= n <= MAX_MESSAGE_BYTES for n in shape):
        raise _refuse(f"Array {name!r} has shape {shape!r}", "whole numbers from 0")
    return name, DTYPES[dtype], tuple(shape)


def _array(view: memoryview, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if not view.nbytes:
        return np.empty(shape, dtype)
    array = np.frombuffer(view, dtype=dtype).reshape(shape)
    # ZeroMQ hands small frames out of a shared buffer, at any offset.
    return array if array.flags.aligned else array.copy()


def _refuse(found: str, expected: str) -> AvatarError:
    return AvatarError(
        "bad_request", f"{found}; expected {expected}.", "See docs/protocol.md for the format."
    )
