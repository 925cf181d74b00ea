"""MediaPipe's 478 landmarks by name; left and right are the subject's."""

from __future__ import annotations

import numpy as np

INNER_LIPS = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
OUTER_LIPS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
UPPER_RIGHT, UPPER_LEFT = RIGHT_EYE[:9], LEFT_EYE[:9]
"""Edges of upper lids, from the outer corner to the inner one."""

EYE_CORNERS, MOUTH_CORNERS = [33, 263], [61, 291]
"""The outer ones, the right first."""

FEATURES = (*INNER_LIPS, *OUTER_LIPS, *LEFT_EYE, *RIGHT_EYE)
"""Lips and lids: what expressions are read from."""

BROWS = (
    46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336,
)  # fmt: skip

FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

LANDMARKS = 468
"""Those of the skin; the irises' follow."""

RIGHT_IRIS, LEFT_IRIS = range(LANDMARKS, LANDMARKS + 5), range(LANDMARKS + 5, LANDMARKS + 10)
"""The middle first, then its edge."""

INNER = np.setdiff1d(np.arange(LANDMARKS), FACE_OVAL)
"""All of the face but its outline, which slides over the skin as the head turns; no irises."""

PLAIN = np.setdiff1d(INNER, [*FEATURES, *BROWS])
"""Skin inside the outline, and the nose: where they lie, the whole face tells."""

_LIDS_LEFT, _LIDS_RIGHT = (386, 374, 362, 263), (159, 145, 133, 33)
"""Middle of the upper and of the lower lid, inner and outer corner."""
_CLOSED, _LOWERED = 0.1, 0.2  # of an eye's width; laughing eyes are open by .12 and more
_LOOKING_DOWN = 0.5  # of its score, 0..1; laughing eyes have up to .4


def closed_eyes(landmarks: np.ndarray, scores: dict[str, float]) -> tuple[bool, bool]:
    """Whether the lids of the left and of the right eye hide its iris.

    Args:
        landmarks: [478, 2 or 3] pixels.
        scores: The detector's, ARKit name -> 0..1.
    """
    down_left, down_right = (scores.get(f"eyeLookDown{side}", 0.0) for side in ("Left", "Right"))
    return _closed(landmarks, _LIDS_LEFT, down_left), _closed(landmarks, _LIDS_RIGHT, down_right)


def _closed(landmarks: np.ndarray, lids: tuple[int, int, int, int], down: float) -> bool:
    upper, lower, inner, outer = landmarks[list(lids), :2]
    most = _LOWERED if down > _LOOKING_DOWN else _CLOSED
    return bool(np.linalg.norm(upper - lower) < most * np.linalg.norm(inner - outer))
