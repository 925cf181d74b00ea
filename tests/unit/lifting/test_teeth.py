"""Painted teeth: crowns of enamel, darker gaps where crowns meet, gums above."""

import numpy as np
import pytest

from backend.lifting.teeth import CROWNS_MM, GUM, paint_teeth

ENAMEL = np.array([0.9, 0.85, 0.75])


def arch(jaw: str) -> tuple[np.ndarray, np.ndarray]:
    """Sites of a bent row of teeth, 18 mm high: [N, 3] metres, and [N] mm along it."""
    angle = np.radians(np.arange(-80, 80.1, 0.25))
    radius = sum(CROWNS_MM[jaw]) / angle[-1]
    up = np.linspace(0, 0.018, 19) * (1 if jaw == "upper" else -1)
    a, y = np.meshgrid(angle, up)
    places = np.stack([np.sin(a), 0 * a, np.cos(a)], axis=-1) * radius / 1000
    places[..., 1] = y
    return places.reshape(-1, 3), np.abs(a).ravel() * radius


@pytest.mark.parametrize(("jaw", "incisor_mm"), [("upper", 7.65), ("lower", 4.86)])
def test_crowns_gaps_and_gums_are_where_they_belong(jaw: str, incisor_mm: float) -> None:
    rest, along = arch(jaw)
    colours = paint_teeth(rest, jaw, ENAMEL, np.ones(3))
    assert colours.min() >= 0
    assert colours.max() <= 1
    height = np.abs(rest[:, 1]) * 1000
    crown = (np.abs(along - incisor_mm / 2) < 0.3) & (np.abs(height - 5) < 0.6)
    np.testing.assert_allclose(colours[crown], np.broadcast_to(ENAMEL, (crown.sum(), 3)), atol=0.03)
    gap = (np.abs(along - incisor_mm) < 0.15) & (np.abs(height - 4) < 0.6)
    assert gap.any()
    assert colours[gap].mean() < 0.85 * ENAMEL.mean(), "between the first and the second incisor"
    gum = (height > 15) & (along < 35)  # they rise along the arch
    np.testing.assert_allclose(colours[gum], np.broadcast_to(GUM, (gum.sum(), 3)), atol=0.05)


def test_gaps_stay_where_teeth_meet_in_a_wider_jaw() -> None:
    rest, _ = arch("upper")
    wider = paint_teeth(rest * [1.08, 1, 1.08], "upper", ENAMEL, np.ones(3))
    np.testing.assert_allclose(wider, paint_teeth(rest, "upper", ENAMEL, np.ones(3)), atol=1e-6)


def test_both_sides_are_alike() -> None:
    rest, _ = arch("upper")
    mirrored = paint_teeth(rest * [-1, 1, 1], "upper", ENAMEL, np.full(3, 0.7))
    np.testing.assert_allclose(
        paint_teeth(rest, "upper", ENAMEL, np.full(3, 0.7)), mirrored, atol=1e-6
    )
