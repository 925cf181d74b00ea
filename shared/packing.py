"""Messages to JSON bodies and arrays, and back with every field checked."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from .camera import Camera
from .cloud import CLOUD_ARRAYS, Cloud
from .errors import AvatarError, said
from .flame import Track
from .message_base import Message, optional_fields

MAX_SIDE_PX = 16384
"""Widest and highest picture a camera may ask for."""

Arrays = dict[str, np.ndarray]


def pack(message: Message) -> tuple[dict[str, Any], Arrays]:
    """JSON body and arrays of a message; optional fields that are None are left out."""
    body: dict[str, Any] = {}
    arrays: Arrays = {}
    hints = _hints(type(message))
    for item in fields(message):
        value = getattr(message, item.name)
        if value is None:
            continue
        codec = _CODECS.get(_bare(hints[item.name]))
        if codec is None:
            body[item.name] = value
            continue
        json_part, named = codec[0](value)
        if json_part is not None:
            body[item.name] = json_part
        for part, array in named.items():
            arrays[f"{item.name}.{part}" if part else item.name] = array
    return body, arrays


def unpack(cls: type[Message], body: dict[str, Any], arrays: Arrays) -> Message:
    """A message from its body and arrays.

    Raises:
        AvatarError: `bad_request` naming the field, what was found and what was expected.
    """
    hints = _hints(cls)
    values: dict[str, Any] = {}
    left = dict(arrays)
    for item in fields(cls):
        hint = _bare(hints[item.name])
        codec = _CODECS.get(hint)
        if codec is None:
            if item.name in body:
                values[item.name] = _checked(cls, item.name, body[item.name], hints[item.name])
            continue
        own = {k: v for k, v in left.items() if k == item.name or k.startswith(item.name + ".")}
        if item.name not in body and not own:
            continue
        for name in own:
            del left[name]
        parts = {name[len(item.name) + 1 :]: array for name, array in own.items()}
        try:
            values[item.name] = codec[1](body.get(item.name), parts)
        except AvatarError as error:
            raise _bad(cls, item.name, error.message) from error
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise _bad(cls, item.name, f"{said(error)}.") from error
        _check_arrays(cls, item, values[item.name])
    known = {item.name for item in fields(cls)}
    for name in (*body, *left):
        if name.split(".")[0] not in known or name in left:
            raise _bad(cls, name, f"unknown; expected some of {sorted(known)}.")
    missing = known - set(values) - optional_fields(cls)
    if missing:
        raise _bad(cls, min(missing), "missing.")
    return cls(**values)


def _track_out(track: Track) -> tuple[Any, Arrays]:
    return {"fps": float(track.fps), "head": track.head}, track.to_arrays()


def _track_in(body: Any, parts: Arrays) -> Track:
    return Track.from_arrays(parts, fps=float(body["fps"]), head=str(body["head"]))


def _camera_out(camera: Camera) -> tuple[Any, Arrays]:
    rows = {"viewmat": camera.viewmat.tolist(), "K": camera.K.tolist()}
    return {**rows, "width": int(camera.width), "height": int(camera.height)}, {}


def _camera_in(body: Any, parts: Arrays) -> Camera:
    return _camera(np.array(body["viewmat"]), np.array(body["K"]), body["width"], body["height"])


def _cameras_out(cameras: tuple[Camera, ...]) -> tuple[Any, Arrays]:
    sizes = {(int(camera.width), int(camera.height)) for camera in cameras} or {(1, 1)}
    if len(sizes) > 1:
        raise AvatarError(
            "bad_request",
            f"The cameras have the sizes {sorted(sizes)}; expected one size for all.",
            "Give every frame the same resolution.",
        )
    width, height = sizes.pop()
    return {"width": width, "height": height}, {
        "viewmats": np.array([c.viewmat for c in cameras], np.float64).reshape(-1, 4, 4),
        "Ks": np.array([c.K for c in cameras], np.float64).reshape(-1, 3, 3),
    }


def _cameras_in(body: Any, parts: Arrays) -> tuple[Camera, ...]:
    return cameras_from(body["width"], body["height"], parts["viewmats"], parts["Ks"])


def cameras_from(
    width: int, height: int, viewmats: np.ndarray, Ks: np.ndarray
) -> tuple[Camera, ...]:
    """Cameras of one size.

    Args:
        width: Pixels.
        height: Pixels.
        viewmats: [T, 4, 4] head space to OpenCV camera.
        Ks: [T, 3, 3] intrinsics, pixels.

    Raises:
        ValueError: For other shapes, numbers that are not finite, impossible sizes.
    """
    if len(viewmats) != len(Ks):
        raise ValueError(f"{len(viewmats)} viewmats and {len(Ks)} Ks; expected as many")
    return tuple(_camera(viewmat, k, width, height) for viewmat, k in zip(viewmats, Ks))


def _camera(viewmat: np.ndarray, intrinsics: np.ndarray, width: Any, height: Any) -> Camera:
    if viewmat.shape != (4, 4) or intrinsics.shape != (3, 3):
        raise ValueError(f"shapes {viewmat.shape}, {intrinsics.shape}; expected (4, 4), (3, 3)")
    if not (np.isfinite(viewmat).all() and np.isfinite(intrinsics).all()):
        raise ValueError("NaN or infinity; expected finite numbers")
    for side in (width, height):
        if type(side) is not int or not 1 <= side <= MAX_SIDE_PX:
            raise ValueError(f"size {width} x {height}; expected 1 to {MAX_SIDE_PX} pixels")
    return Camera(viewmat, intrinsics, width, height)


def _cloud_out(cloud: Cloud) -> tuple[Any, Arrays]:
    return None, {name: getattr(cloud, name) for name in CLOUD_ARRAYS}


def _cloud_in(body: Any, parts: Arrays) -> Cloud:
    count = len(parts["means"])
    for name, (dtype, columns) in CLOUD_ARRAYS.items():
        expected = (count, columns) if columns else (count,)
        if parts[name].dtype.name != dtype or parts[name].shape != expected:
            found = f"{parts[name].dtype.name} {parts[name].shape}"
            raise ValueError(f"{name} is {found}; expected {dtype} {expected}")
    return Cloud(**{name: parts[name] for name in CLOUD_ARRAYS})


_CODECS: dict[Any, tuple[Callable, Callable]] = {
    np.ndarray: (lambda value: (None, {"": value}), lambda body, parts: parts[""]),
    dict[str, np.ndarray]: (lambda value: (None, dict(value)), lambda body, parts: parts),
    Track: (_track_out, _track_in),
    Camera: (_camera_out, _camera_in),
    tuple[Camera, ...]: (_cameras_out, _cameras_in),
    Cloud: (_cloud_out, _cloud_in),
}


@cache
def _hints(cls: type[Message]) -> dict[str, Any]:
    return get_type_hints(cls)


def _bare(hint: Any) -> Any:
    """`X` of `X | None`, anything else unchanged."""
    if get_origin(hint) in (types.UnionType, Union):
        rest = [part for part in get_args(hint) if part is not type(None)]
        return rest[0] if len(rest) == 1 else hint
    return hint


def _checked(cls: type[Message], name: str, value: Any, hint: Any) -> Any:
    if not _fits(value, hint):
        raise _bad(cls, name, f"found {value!r}, expected {_words(hint)}.")
    return value


def _words(hint: Any) -> str:
    return str(hint) if get_origin(hint) else hint.__name__


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        return any(_fits(value, part) for part in get_args(hint))
    if origin is list:
        return isinstance(value, list) and all(_fits(v, get_args(hint)[0]) for v in value)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint


def _check_arrays(cls: type[Message], item: Any, value: Any) -> None:
    """Refuses an array, or one of several by name, of another type or shape than its field's."""
    if "dtype" not in item.metadata:
        return
    named = value.items() if isinstance(value, dict) else [("", value)]
    dtype, shape = item.metadata["dtype"], item.metadata["shape"]
    sizes = shape.strip("[]").split(",")
    for name, array in named:
        fits = array.dtype.name == dtype and array.ndim == len(sizes)
        fits = fits and all(
            not size.isdigit() or int(size) == n for size, n in zip(sizes, array.shape, strict=True)
        )
        if not fits:
            found = f"{array.dtype.name} {list(array.shape)}"
            where = f"{item.name}.{name}" if name else item.name
            raise _bad(cls, where, f"found {found}, expected {dtype} {shape}.")


def _bad(cls: type[Message], name: str, problem: str) -> AvatarError:
    where = cls.WIRE or cls.__name__
    return AvatarError(
        "bad_request", f"{where}, field {name!r}: {problem}", "See docs/protocol.md for its fields."
    )
