"""A rig that was duplicated without its cloud and head gets its own."""

import bpy

from . import properties


def own_parts(armature: bpy.types.Object) -> None:
    """Gives a duplicated rig a cloud and a head of its own, where it points at those of another.

    Shift+D and Alt+D of the armature alone copy what it points at, not the objects themselves.
    """
    settings = properties.of_rig(armature)
    for name in anothers_parts(armature):
        setattr(settings, name, _copied(getattr(settings, name), armature))


def anothers_parts(armature: bpy.types.Object) -> list[str]:
    """Which of `cloud` and `head` belong to another rig."""
    if armature.library is not None or armature.override_library is not None:
        return []
    settings = properties.of_rig(armature)
    parts = {name: getattr(settings, name) for name in ("cloud", "head")}
    return [
        name
        for name, part in parts.items()
        if part is not None and part.parent is not armature and properties.is_rig(part.parent)
    ]


def _copied(part: bpy.types.Object, armature: bpy.types.Object) -> bpy.types.Object:
    """A copy of a part, with data of its own, that follows the armature."""
    before = part.parent
    copy = part.copy()
    copy.data = part.data.copy()
    for collection in armature.users_collection:
        collection.objects.link(copy)
    copy.parent = armature
    for modifier in copy.modifiers:
        if getattr(modifier, "object", None) is before:
            modifier.object = armature
    keys = getattr(copy.data, "shape_keys", None)
    drivers = keys.animation_data.drivers if keys is not None and keys.animation_data else ()
    for curve in drivers:
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id is before:
                    target.id = armature
    return copy
