"""All that a .blend holds, as Blender's own reflection tells it: equal before and after an undo."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

NOT_UNDONE = {
    *("window_managers", "workspaces", "screens", "brushes", "palettes", "libraries"),
    "all_ids",  # once more, all of them
}
"""What Blender's undo leaves alone."""

PASSING = {
    *("rna_type", "bl_rna", "session_uid", "users", "original", "id_data", "tag"),
    *("bound_box", "dimensions", "depsgraph", "storage_type"),  # computed
    *("cursor", "tool_settings"),  # Blender fills them when it reads them
}
"""Properties that tell nothing of the file's content."""

MANY = 20

NUMBERS = {"FLOAT": np.float32, "INT": np.int32, "BOOLEAN": bool}
"""Types of properties that many things are told of."""

Told = dict[str, Any]
Seen = set[tuple[str, int]]


def everything() -> Told:
    """Every data-block by kind and name, down to each point of each cloud."""
    kinds = [p.identifier for p in bpy.data.bl_rna.properties if p.type == "COLLECTION"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what Blender itself keeps
        return {
            f"{kind} {block.name_full}": _struct(block, set())
            for kind in kinds
            if kind not in NOT_UNDONE
            for block in getattr(bpy.data, kind)
        }


def differences(first: Any, second: Any, path: str = "") -> Iterator[str]:
    """Where two tellings differ, with what both have there."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted(first.keys() | second.keys()):
            yield from differences(first.get(name), second.get(name), f"{path}/{name}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif first != second:
        yield f"{path}: {str(first)[:80]} -> {str(second)[:80]}"


def _struct(thing: Any, seen: Seen) -> Any:
    """All of a thing; its name alone where it was told before: bones know parents and children."""
    key = (thing.rna_type.identifier, thing.as_pointer())
    if key in seen:
        return f"{key[0]} {thing.name}"
    if hasattr(thing, "name"):
        seen.add(key)
    told: Told = {}
    for prop in thing.bl_rna.properties:
        if prop.identifier not in PASSING and not prop.identifier.startswith("is_"):
            told[prop.identifier] = _value(prop, getattr(thing, prop.identifier, None), seen)
    with contextlib.suppress(TypeError):  # a thing without properties of the user's
        told["own"] = {name: _own(value) for name, value in thing.items()}
    return told


def _value(prop: Any, value: Any, seen: Seen) -> Any:
    if value is None:
        return None
    if prop.type == "POINTER":
        return _pointed_at(value, seen)
    if prop.type == "COLLECTION":
        many = len(value) > MANY and not hasattr(value[0], "name")
        return _numbers(value) if many else [_pointed_at(item, seen) for item in value]
    return np.array(value).tolist() if getattr(prop, "is_array", False) else repr(value)


def _numbers(items: Any) -> Told:
    """The numbers of points, keys and the like, of which there are too many to look at each."""
    told: Told = {"count": len(items)}
    for prop in items[0].bl_rna.properties:
        if prop.type in NUMBERS and prop.identifier not in PASSING:
            width = max(1, prop.array_length)
            found = np.zeros(len(items) * width, NUMBERS[prop.type])
            items.foreach_get(prop.identifier, found)
            told[prop.identifier] = found.tolist()
    return told


def _pointed_at(thing: Any, seen: Seen) -> Any:
    if isinstance(thing, bpy.types.ID) and not thing.is_embedded_data:
        return f"{thing.rna_type.identifier} {thing.name_full}"
    return _struct(thing, seen)


def _own(value: Any) -> Any:
    if isinstance(value, bpy.types.ID):
        return value.name_full
    if hasattr(value, "to_dict"):
        return {name: _own(inner) for name, inner in value.items()}
    return value.to_list() if hasattr(value, "to_list") else value
