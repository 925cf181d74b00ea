"""Expressions that portraits do not show."""

from __future__ import annotations

STRENGTH = (0.5, 1.0)
"""Of which share of these each is drawn."""

UNUSUAL: tuple[dict[str, float], ...] = (
    {"jawOpen": 1.0},
    {"jawOpen": 0.6, "mouthFunnel": 0.6},
    {"jawOpen": 0.8, "mouthSmileLeft": 0.7, "mouthSmileRight": 0.7},
    {"jawOpen": 0.5, "mouthLowerDownLeft": 0.6, "mouthLowerDownRight": 0.6},
    {"mouthPucker": 1.0},
    {"mouthFunnel": 1.0, "jawOpen": 0.2},
    {"mouthLeft": 0.9},
    {"mouthRight": 0.9},
    {"mouthPressLeft": 0.8, "mouthPressRight": 0.8, "mouthRollLower": 0.5},
    {"mouthFrownLeft": 0.9, "mouthFrownRight": 0.9, "mouthShrugLower": 0.6},
    {"eyeBlinkLeft": 1.2, "eyeBlinkRight": 1.2},
    {"eyeBlinkLeft": 1.2, "eyeBlinkRight": 1.2, "jawOpen": 0.5},
    {"eyeBlinkLeft": 1.2},
    {"eyeBlinkRight": 1.2},
    {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0},
    {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0, "jawOpen": 0.7},
    {"browDownLeft": 1.0, "browDownRight": 1.0, "noseSneerLeft": 0.6, "noseSneerRight": 0.6},
    {"eyeWideLeft": 1.0, "eyeWideRight": 1.0, "browInnerUp": 0.6},
    {"eyeSquintLeft": 1.0, "eyeSquintRight": 1.0, "cheekPuff": 0.6},
)
"""ARKit weights; more than 1 closes eyes that are open wide."""
