"""Hair over the face is what goes on beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.lifting.hair import hair_over_face, wide_enough, within_outline
from backend.lifting.view import View


def test_hair_hangs_in_from_the_side_and_a_beard_does_not(portrait, pipeline) -> None:
    view = View(replace(portrait, matte=np.ones_like(portrait.matte)), pipeline.head)
    face, mesh = view.shows("face"), view.visible.face >= 0
    rows = [
        row for row in range(512) if face[row].any() and mesh[row].argmax() == face[row].argmax()
    ]
    strand = np.zeros_like(face)
    for row in rows:
        left = int(face[row].argmax())
        strand[row, left - 12 : left + 8] = True
    assert len(rows) > 10
    found = hair_over_face(view, strand)
    assert found[strand & face].mean() > 0.8
    assert found.sum() < 2.2 * (strand & face).sum()
    columns = np.nonzero(face)[1]
    low, high = rows[0], rows[-1]
    middle = int(np.median(columns))
    beard = np.zeros_like(face)
    beard[low:high, middle - 20 : middle + 20] = True
    assert not hair_over_face(view, beard).any()


def test_a_seam_is_no_hair_but_a_strand_is() -> None:
    over = np.zeros((60, 80), bool)
    over[:, 10:17] = True
    over[:, 30:50] = True
    over[20:45, 52:] = True  # a lock's end on a cheek
    kept = wide_enough(over)
    assert not kept[:, 51:].any()
    assert not kept[10:50, 10:17].any()
    np.testing.assert_array_equal(kept[10:50, 30:50], over[10:50, 30:50])


def test_what_is_dark_on_a_flank_is_hair_only_where_hair_hangs_down_beside(portrait, pipeline):
    """The ear's mesh lies between the face and what hangs beside it."""
    view = View(replace(portrait, matte=np.ones_like(portrait.matte)), pipeline.head)
    face = view.shows("face")
    rows = np.flatnonzero(face.any(1) & (face.argmax(1) - (view.visible.face >= 0).argmax(1) > 30))
    assert len(rows) > 10
    shade = np.zeros_like(face)
    for row in rows:
        left = int(face[row].argmax())
        shade[row, left : left + 4] = True
    shade &= view.facing_image() < 0.7
    eyes = int(portrait.landmarks[[33, 263], 1].mean())
    below = shade & (np.arange(512)[:, None] >= eyes)
    assert below.sum() > 20
    found = hair_over_face(view, shade)
    assert found[below].mean() > 0.9
    assert not found[:eyes].any(), "there it lies on the head"
    beside = np.where((view.visible.face < 0) & (np.arange(512)[:, None] < 600), 0.0, 1.0)
    short = View(replace(portrait, matte=beside.astype(np.float32)), pipeline.head)
    assert hair_over_face(short, shade).sum() < 0.3 * found.sum()


def test_a_fitted_head_faces_the_camera_in_its_middle(portrait, pipeline) -> None:
    view = View(portrait, pipeline.head)
    facing = view.facing_image()
    assert facing[view.visible.face < 0].max() == 0
    nose = view.shows("nose")
    assert np.median(facing[nose]) > 0.6
    outline = (view.visible.face >= 0) & ~np.roll(view.visible.face >= 0, 2, axis=1)
    assert np.median(facing[outline]) < 0.4


def test_of_narrow_hair_its_middle_is_within_the_outline() -> None:
    """A head with a wide stripe of hair on its left, and a narrow one on its right."""
    matte = np.zeros((40, 100), np.float32)
    matte[:, 10:90] = 1
    hair = np.zeros_like(matte, bool)
    hair[:, 10:50] = hair[:, 78:90] = True
    found = within_outline(matte, hair, 10)[20]
    np.testing.assert_array_equal(np.flatnonzero(found), np.arange(19, 84))
