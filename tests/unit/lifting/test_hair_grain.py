"""Hidden hair has strands as coarse and as strong as the hair that shows."""

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.hair_grain import HairGrain
from backend.lifting.parts import Parts
from backend.lifting.view import View

SCALP_M = 0.09


def combed(portrait, pipeline, hair: np.ndarray, waves_px: float = 5.0) -> View:
    """The portrait in grey with upright strands; hair [H, W] and nothing else worn."""
    grey = 0.4 + 0.1 * np.sin(2 * np.pi * np.arange(512) / waves_px)
    rgb = np.broadcast_to(grey[None, :, None], (512, 512, 3)).astype(np.float32)
    view = View(replace(portrait, rgb=rgb, matte=np.ones((512, 512), np.float32)), pipeline.head)
    view.parts = Parts(hair, np.zeros_like(hair))
    return view


@pytest.fixture(scope="module")
def hair() -> np.ndarray:
    mask = np.zeros((512, 512), bool)
    mask[40:140, 150:350] = True
    return mask


@pytest.fixture(scope="module")
def behind(pipeline) -> np.ndarray:
    """[N, 3] places of the hidden scalp along a row, metres."""
    scalp = pipeline.head.v_template.numpy()[pipeline.head.regions["scalp"].numpy()]
    middle = scalp.mean(0)
    angles = np.linspace(-1, 1, 400)
    aside, back = SCALP_M * np.sin(angles), -SCALP_M * np.cos(angles)
    return middle + np.stack([aside, np.zeros(400), back], axis=1)


def test_strands_stay_upright_and_neither_lighten_nor_darken(portrait, pipeline, hair, behind):
    grain = HairGrain(combed(portrait, pipeline, hair))
    factors = grain.at(behind)[:, 0]
    assert factors.std() > 0.05
    assert abs(np.log(factors).mean()) < 0.02
    higher = grain.at(behind + (0, 0.01, 0))[:, 0]
    np.testing.assert_allclose(higher, factors, atol=0.03)
    crossings = (np.diff(np.sign(np.log(factors))) != 0).sum()
    expected = 2 * 2 * SCALP_M * px_per_m(combed(portrait, pipeline, hair)) / 5
    assert 0.7 < crossings / expected < 1.3


def px_per_m(view: View) -> float:
    return view.camera.K[0, 0] / view.camera.viewmat[2, 3]


def test_coarser_hair_has_coarser_strands(portrait, pipeline, hair, behind) -> None:
    def crossings(waves_px: float) -> int:
        factors = HairGrain(combed(portrait, pipeline, hair, waves_px)).at(behind)
        return int((np.diff(np.sign(np.log(factors[:, 0]))) != 0).sum())

    assert crossings(4.0) > 1.5 * crossings(8.0)


def test_who_shows_no_hair_has_none(portrait, pipeline, behind) -> None:
    grain = HairGrain(combed(portrait, pipeline, np.zeros((512, 512), bool)))
    np.testing.assert_array_equal(grain.at(behind), np.ones((400, 1)))


def test_it_never_changes_brightness_by_more_than_a_fifth(portrait, pipeline, behind) -> None:
    everywhere = np.ones((512, 512), bool)
    factors = HairGrain(View(portrait, pipeline.head)).at(behind)
    hard = HairGrain(combed(portrait, pipeline, everywhere)).at(behind)
    for values in (factors, hard):
        assert np.abs(np.log(values)).max() <= 0.2 + 1e-6
