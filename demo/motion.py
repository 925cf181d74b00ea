"""What the demo's head does: keyed poses, then a spoken-looking sequence."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FPS = 24
SPEECH_START, SPEECH_FRAMES = 37, 24
LAST_FRAME = SPEECH_START + SPEECH_FRAMES - 1

_SMILE = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
_BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
_BROWS = {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}


@dataclass(frozen=True)
class Key:
    """One keyed pose.

    Args:
        frame: Scene frame.
        name: What the contact sheet calls it; empty for poses in between.
        weights: ARKit weights that are not 0.
        yaw_deg: Turn of the head, to the subject's left.
    """

    frame: int
    name: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    yaw_deg: float = 0.0


KEYS = (
    Key(1, "neutral"),
    Key(3),
    Key(6, "smile", _SMILE),
    Key(9),
    Key(12, "jawOpen", {"jawOpen": 0.7}),
    Key(15),
    Key(18, "blink", _BLINK),
    Key(20),
    Key(23, "browsUp", _BROWS),
    Key(26),
    Key(30, "yawLeft", yaw_deg=20.0),
    Key(34, "yawRight", yaw_deg=-20.0),
    Key(36),
)

# Syllables: (frame within the sequence, frames it lasts, weights at its height).
_SYLLABLES: tuple[tuple[float, float, dict[str, float]], ...] = (
    (3, 4, {"jawOpen": 0.45, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2}),
    (7, 3, {"mouthPucker": 0.7, "jawOpen": 0.12}),
    (11, 4, {"jawOpen": 0.3, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3}),
    (14, 3, {"mouthFunnel": 0.6, "jawOpen": 0.25}),
    (18, 4, {"jawOpen": 0.5, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2}),
    (22, 3, {"mouthSmileLeft": 0.35, "mouthSmileRight": 0.35, "jawOpen": 0.1}),
    (9, 3, _BLINK),
    (12, 12, {"browInnerUp": 0.35}),
)


def speech() -> dict[str, Any]:
    """A spoken-looking second as ARKit JSON: {names, metadata, frames[{weights, time}]}."""
    names = sorted({name for _, _, weights in _SYLLABLES for name in weights})
    frames = []
    for number in range(SPEECH_FRAMES):
        values = dict.fromkeys(names, 0.0)
        for middle, width, weights in _SYLLABLES:
            phase = (number - middle) / width
            bump = math.cos(phase * math.pi / 2) ** 2 if abs(phase) < 1 else 0.0
            for name, weight in weights.items():
                values[name] += weight * bump
        weights_now = [min(1.0, values[name]) for name in names]
        frames.append({"weights": weights_now, "time": number / FPS, "rotation": []})
    return {"names": names, "metadata": {"fps": FPS}, "frames": frames}


def write_speech(path: Path) -> None:
    """Writes `speech` where the add-on's importer finds it."""
    path.write_text(json.dumps(speech()), encoding="utf-8")
