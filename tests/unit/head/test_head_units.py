"""The open head's expression units are as large as faces are, and alike on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from backend.head import Head
from backend.tracking.landmarks import LEFT_EYE, RIGHT_EYE
from backend.tracking.lid_edges import on_lid_edges
from shared.flame import ARKIT_NAMES

UPPER_BROW, LOWER_BROW = (300, 293, 334, 296, 336), (276, 283, 282, 295, 285)
"""The left brow's edges, from its tail to the nose."""


@pytest.fixture(scope="module")
def head() -> Head:
    return on_lid_edges(Head.load("open"))


@pytest.fixture(scope="module")
def landmarks(head: Head) -> np.ndarray:
    """[478, 3] neutral, mm."""
    return 1000 * head.embed_landmarks(head.v_template).double().numpy()


@pytest.fixture(scope="module")
def moves(head: Head) -> dict[str, np.ndarray]:
    """Unit -> [478, 3] mm."""
    found = head.embed_landmarks(head.exprdirs[..., : len(ARKIT_NAMES)])
    return dict(zip(ARKIT_NAMES, 1000 * found.double().permute(2, 0, 1).numpy(), strict=True))


def test_left_units_are_the_mirror_of_right_ones(head: Head) -> None:
    flip = np.array([-1, 1, 1])
    for number, name in enumerate(ARKIT_NAMES):
        if not name.endswith("Left"):
            continue
        left = head.exprdirs[..., number].numpy()
        other = ARKIT_NAMES.index(name.removesuffix("Left") + "Right")
        right = head.exprdirs[head.mirror, :, other].numpy() * flip
        assert np.abs(left - right).max() < 1.5e-3, name


@pytest.mark.parametrize(
    ("unit", "landmark", "least_mm", "most_mm"),
    [
        ("browInnerUp", 336, 8, 10), ("browOuterUpLeft", 293, 8, 10), ("browDownLeft", 296, 6, 8),
        ("eyeWideLeft", 386, 3, 4), ("mouthLeft", 17, 8, 11), ("mouthSmileLeft", 291, 9, 15),
        ("mouthUpperUpLeft", 269, 7, 10), ("jawOpen", 14, 30, 42),
    ],
)  # fmt: skip
def test_units_go_as_far_as_faces_do(
    moves: dict[str, np.ndarray], unit: str, landmark: int, least_mm: float, most_mm: float
) -> None:
    assert least_mm < np.linalg.norm(moves[unit][landmark]) < most_mm


def test_a_raised_brow_rises_as_a_whole(moves: dict[str, np.ndarray]) -> None:
    everything = sum(
        moves[name] for name in ARKIT_NAMES if name.startswith("brow") and "Up" in name
    )
    assert isinstance(everything, np.ndarray)
    upper, lower = everything[list(UPPER_BROW), 1], everything[list(LOWER_BROW), 1]
    assert 6 < upper.min() < upper.max() < 11
    assert (lower > 0.6 * upper).all(), "no brow grows as it rises"


def test_a_raised_brow_takes_what_hangs_below_it_along(
    head: Head, landmarks: np.ndarray, moves: dict[str, np.ndarray]
) -> None:
    """Half way to the lid nearly as far as the brow itself, at the lid not at all."""
    vertices = 1000 * head.v_template.double().numpy()
    rise = 1000 * head.exprdirs[..., ARKIT_NAMES.index("browInnerUp")].double().numpy()[:, 1]
    brow, lid = landmarks[295], landmarks[385]
    skin = head.regions["skin"].numpy() & (np.abs(vertices[:, 0] - brow[0]) < 5)
    down = (brow[1] - vertices[:, 1]) / (brow[1] - lid[1])
    most = moves["browInnerUp"][295, 1]
    near, far = (skin & (abs(down - at) < 0.1) for at in (0.4, 1.05))
    assert near.any()
    assert far.any()
    assert rise[near].min() > 0.6 * most
    assert abs(rise[far]).max() < 0.1 * most


def test_corners_of_the_mouth_go_where_their_units_say(moves: dict[str, np.ndarray]) -> None:
    aside, up = (moves["mouthStretchLeft"][291, axis] for axis in (0, 1))
    assert aside > 7
    assert abs(up) < 0.25 * aside, "a stretch is no frown"
    aside, up = (moves["mouthFrownLeft"][291, axis] for axis in (0, 1))
    assert -9 < up < -6
    assert 1 < aside < 5, "lips are not drawn together"
    for corner in (61, 291):
        aside, up = (moves["mouthLeft"][corner, axis] for axis in (0, 1))
        assert aside > 6
        assert abs(up) < 0.5 * aside, "a mouth to the side is no smile"


@pytest.mark.parametrize(("side", "ring"), [("Left", LEFT_EYE), ("Right", RIGHT_EYE)])
def test_lids_meet_in_a_blink_and_are_half_way_at_half(
    landmarks: np.ndarray, moves: dict[str, np.ndarray], side: str, ring: tuple[int, ...]
) -> None:
    upper, lower = list(ring[1:8]), list(ring[:8:-1])  # from the outer corner to the inner
    move = moves[f"eyeBlink{side}"][:, 1]
    open_mm = landmarks[upper, 1] - landmarks[lower, 1]
    closed_mm = open_mm + move[upper] - move[lower]
    assert (closed_mm < 0.2).all(), "shut"
    assert (closed_mm > -3).all(), "and not hanging over the cheek"
    half = (open_mm + closed_mm) / 2
    assert 0.25 < half[2:5].min() / open_mm[2:5].max() < 0.6


def test_closed_lids_end_at_the_lower_ones_and_corners_stay(
    landmarks: np.ndarray, moves: dict[str, np.ndarray]
) -> None:
    closed = landmarks + moves["eyeBlinkLeft"]
    outer, *upper, inner = LEFT_EYE[:9]
    corners = np.abs(moves["eyeBlinkLeft"][[outer, inner], 1])
    assert corners[1] < 0.6, "the inner one"
    assert corners[0] < 2
    lower = np.interp(closed[upper, 0], *closed[[inner, *LEFT_EYE[9:], outer], :2].T)
    over = (lower - closed[upper, 1])[1:-1]
    assert (over < 2.1).all(), "nowhere far over the lower lid"
    assert (over[[0, 1, -1]] < 1.5).all(), "least at the sides: in one curve"


def test_a_funnel_of_lips_is_round(landmarks: np.ndarray, moves: dict[str, np.ndarray]) -> None:
    corner, between, middle = 291, (311, 402), (13, 14)
    assert moves["mouthFunnel"][corner, 0] < -4, "narrower than the mouth"
    shaped = landmarks + moves["mouthFunnel"]
    high, beside = (shaped[a, 1] - shaped[b, 1] for a, b in (middle, between))
    width = 2 * shaped[corner, 0]
    share = 2 * shaped[between[0], 0] / width
    assert beside > 0.75 * high * np.sqrt(1 - share**2), "an ellipse's height there"


def test_the_upper_lid_follows_the_gaze(moves: dict[str, np.ndarray]) -> None:
    assert moves["eyeLookUpLeft"][386, 1] > 2.5
    assert -5 < moves["eyeLookDownLeft"][386, 1] < -3.5, "it does not close"
    assert abs(moves["eyeLookOutLeft"][386, 1]) < 0.5
