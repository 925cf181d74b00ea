"""A person goes on beyond the picture's edge the way they go there, and fades."""

import numpy as np

from backend.tracking.beyond import gone_on

SIZE = 512
INSIDE = np.zeros((SIZE, SIZE), bool)
INSIDE[:400] = True
ROW = np.arange(SIZE) / SIZE


def picture() -> tuple[np.ndarray, np.ndarray]:
    """A person 200 pixels wide who is cut by the picture's lower edge."""
    rgb = np.where(INSIDE[..., None], ROW[None, :, None], 0).repeat(3, -1).astype(np.float32)
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[100:400, 150:350] = 1
    return rgb, matte


def test_a_cut_person_goes_on_and_fades() -> None:
    rgb, matte = gone_on(*picture(), INSIDE, SIZE)
    below = matte[400:, 250]
    assert (below[:15] == 1).all(), "whole right below the edge"
    assert (np.diff(below) <= 0).all()
    assert below[-1] == 0, "and nothing far below it"
    np.testing.assert_allclose(rgb[405, 250], ROW[250], atol=0.02)
    np.testing.assert_array_equal(matte[:398], picture()[1][:398])
    assert not matte[:, :140].any(), "who is not cut at the side stays as wide"


def test_a_whole_picture_stays_as_it_is() -> None:
    rgb, matte = picture()
    same_rgb, same_matte = gone_on(rgb, matte, np.ones_like(INSIDE), SIZE)
    np.testing.assert_array_equal(same_rgb, rgb)
    np.testing.assert_array_equal(same_matte, matte)


SIDES = np.zeros((SIZE, SIZE), bool)
SIDES[:, 100:400] = True
FALL = 0.4
EDGE = round(250 + FALL * 150)  # the row where shoulders meet the picture's edges


def shoulders() -> tuple[np.ndarray, np.ndarray]:
    """A body that falls to both sides from the middle, brighter with every row below its outline,
    and its matte; cut at both sides."""
    row, column = np.mgrid[:SIZE, :SIZE]
    below = row - (250 + FALL * np.abs(column - 249.5))
    matte = (SIDES & (below >= 0)).astype(np.float32)
    rgb = (np.clip(below, 0, None) / SIZE)[..., None].repeat(3, -1).astype(np.float32)
    return rgb * SIDES[..., None], matte


def test_shoulders_fall_beyond_the_picture_as_they_do_in_it() -> None:
    rgb, matte = gone_on(*shoulders(), SIDES, SIZE)
    for column, away in ((85, 15), (115 + 300, 15)):
        outline = int(np.argmax(matte[:, column] > 0.5))
        assert abs(outline - (EDGE + FALL * away)) <= 2
        assert (matte[outline + 3 :, column] == 1).all()
        below = np.arange(20, 100, 20)
        np.testing.assert_allclose(rgb[outline + below, column, 0], below / SIZE, atol=0.02)
    np.testing.assert_array_equal(matte[:, 105:395], shoulders()[1][:, 105:395])
    assert not matte[:, :15].any(), "and nothing far beside it"


def test_hair_that_is_cut_closes_beside_the_picture() -> None:
    rgb, matte = shoulders()
    row, column = np.mgrid[:SIZE, :SIZE]
    hair = SIDES & (column > 330) & (np.abs(row - 150) < 60 - 0.3 * (column - 330))
    matte[hair], rgb[hair] = 1, (0.6, 0.3, 0.1)
    _, matte = gone_on(rgb, matte, SIDES, SIZE)
    heights = [int((matte[:260, column] > 0.1).sum()) for column in (398, 408, 415)]
    assert heights[0] > heights[1] > heights[2] > 0
    assert not matte[:260, 430:].any(), "it stands nowhere twice"


def test_what_hangs_over_a_shoulder_does_not_go_on() -> None:
    """Hair that ends before the edge is not mirrored with the shoulder below it."""
    rgb, matte = shoulders()
    matte[120:280, 370:385] = 1
    _, matte = gone_on(rgb, matte, SIDES, SIZE)
    assert not matte[: EDGE - 10, 402:].any()
