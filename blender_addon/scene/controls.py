"""The rig's named controls: one custom property for each ARKit weight."""

import re

import bpy

from .._shared import ARKIT_NAMES

WEIGHT_MIN, WEIGHT_MAX = -1.0, 2.0
"""Hard limits of a weight; sliders show 0..1. Shape keys have the same limits."""

SIDES = {"Left": "the subject's left", "Right": "the subject's right"}

GROUPS = (
    ("Brows", ("brow",)),
    ("Eyes", ("eye",)),
    ("Jaw", ("jaw",)),
    ("Mouth", ("mouth", "tongue")),
    ("Cheeks and Nose", ("cheek", "nose")),
)
"""How the panel groups the controls: a title and the beginnings of the names."""


def description(name: str) -> str:
    """`mouthSmileLeft` -> "Mouth smile, the subject's left"."""
    words = re.findall(r"[A-Z]?[a-z]+", name)
    side = SIDES.get(words[-1]) if words[0] not in ("jaw",) and len(words) > 2 else None
    if side is not None:
        words = words[:-1]
    text = " ".join(word.lower() for word in words).capitalize()
    return f"{text}, {side}" if side else text


def group(title: str) -> list[str]:
    """Names of the controls in one of `GROUPS`."""
    beginnings = dict(GROUPS)[title]
    return [name for name in ARKIT_NAMES if name.startswith(beginnings)]


def add_controls(rig: bpy.types.Object) -> None:
    """Gives the armature object its 52 controls, all 0."""
    for name in ARKIT_NAMES:
        rig[name] = 0.0
        rig.id_properties_ui(name).update(
            default=0.0,
            min=WEIGHT_MIN,
            max=WEIGHT_MAX,
            soft_min=0.0,
            soft_max=1.0,
            precision=3,
            description=description(name),
        )
        # Without this, a library override of the rig could not be animated.
        rig.property_overridable_library_set(f'["{name}"]', True)


def data_path(name: str) -> str:
    """Path of a control, for keyframes and drivers."""
    return f'["{name}"]'
