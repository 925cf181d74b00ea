"""Frames are told from brows, lids and folds by the bridge between them."""

from __future__ import annotations

import numpy as np
import pytest

from backend.lifting.glasses import glasses
from backend.lifting.polygons import dilate
from tests.unit.lifting.spectacles import put_on


def test_a_face_without_glasses_has_none(portrait) -> None:
    assert not glasses(portrait.rgb, portrait.landmarks).any()


@pytest.mark.parametrize(("colour", "thick_px"), [(0.05, 3), (0.05, 7), (0.2, 4)])
def test_frames_are_found_where_they_are(portrait, colour: float, thick_px: int) -> None:
    worn, where = put_on(portrait.rgb, portrait.landmarks, colour, thick_px)
    found = glasses(worn, portrait.landmarks)
    assert (found & where).sum() > 0.75 * where.sum(), "but for what the lids' shade hides"
    assert (found & ~dilate(where, 2)).sum() < 0.25 * found.sum(), "brows that touch count, too"


def test_two_rims_without_a_bridge_are_no_glasses(portrait) -> None:
    worn, where = put_on(portrait.rgb, portrait.landmarks, 0.05, 4)
    middle = portrait.landmarks[[362, 263, 33, 133], 0].mean()
    nose = np.abs(np.arange(worn.shape[1]) + 0.5 - middle) < 6
    worn[:, nose] = portrait.rgb[:, nose]
    assert where[:, nose].any()
    assert not glasses(worn, portrait.landmarks).any()


def test_a_face_at_the_pictures_edge_does_not_matter(portrait) -> None:
    assert not glasses(portrait.rgb[:40, :40], portrait.landmarks - 400).any()
    assert not glasses(portrait.rgb[:40, :40], portrait.landmarks).any()
