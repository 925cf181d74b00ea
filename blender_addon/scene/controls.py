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


def _both(**weights: float) -> dict[str, float]:
    """Weights of both sides."""
    return {f"{name}{side}": value for name, value in weights.items() for side in ("Left", "Right")}


EXPRESSIONS: dict[str, dict[str, float]] = {
    "Smile": _both(mouthSmile=0.8, cheekSquint=0.5, eyeSquint=0.3, mouthDimple=0.2),
    "Laugh": {
        **_both(mouthSmile=0.9, cheekSquint=0.7, eyeSquint=0.5, mouthUpperUp=0.3),
        "jawOpen": 0.4,
    },
    "Surprised": {
        **_both(browOuterUp=0.8, eyeWide=0.8),
        "browInnerUp": 0.9,
        "jawOpen": 0.4,
        "mouthFunnel": 0.2,
    },
    "Angry": _both(browDown=0.9, eyeSquint=0.4, noseSneer=0.6, mouthFrown=0.4, mouthPress=0.4),
    "Sad": {**_both(mouthFrown=0.8, eyeBlink=0.2), "browInnerUp": 0.9, "mouthShrugLower": 0.3},
    "Afraid": {
        **_both(eyeWide=0.7, mouthStretch=0.6, browOuterUp=0.3),
        "browInnerUp": 0.9,
        "jawOpen": 0.2,
    },
    "Disgusted": _both(noseSneer=0.9, mouthUpperUp=0.5, browDown=0.5, eyeSquint=0.4),
    "Pout": {"mouthPucker": 0.8, "mouthShrugLower": 0.3},
    "Wink": {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.5, "mouthSmileLeft": 0.3},
    "Eyes Closed": _both(eyeBlink=1.0),
}
"""Expressions to begin from: ARKit weights; those not named are 0."""


def set_expression(rig: bpy.types.Object, title: str) -> list[str]:
    """Sets all controls to one of `EXPRESSIONS`; returns the names of those that changed."""
    wanted = EXPRESSIONS[title]
    changed = [name for name in ARKIT_NAMES if rig[name] != wanted.get(name, 0.0)]
    for name in changed:
        rig[name] = wanted.get(name, 0.0)
    rig.update_tag(refresh={"OBJECT", "DATA"})
    return changed


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
