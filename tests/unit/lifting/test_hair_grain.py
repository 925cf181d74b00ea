"""Hidden hair has strands as coarse, as strong and as straight as the hair that shows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from backend.lifting.hair_grain import HairGrain
from backend.lifting.parts import Parts
from backend.lifting.view import View

SCALP_M = 0.09


def with_hair(portrait, pipeline, hair: np.ndarray, bright: np.ndarray) -> View:
    """The portrait in greys [H, W]; hair [H, W] and nothing else worn."""
    rgb = np.broadcast_to(bright[..., None], (512, 512, 3)).astype(np.float32)
    view = View(replace(portrait, rgb=rgb, matte=np.ones((512, 512), np.float32)), pipeline.head)
    view.parts = Parts(hair, np.zeros_like(hair))
    return view


def combed(waves_px: float, strength: float = 0.1) -> np.ndarray:
    """[512, 512] upright strands."""
    row = 0.4 * np.exp(strength * np.sqrt(2) * np.sin(2 * np.pi * np.arange(512) / waves_px))
    return np.broadcast_to(row, (512, 512))


def curly() -> np.ndarray:
    """[512, 512] the same in all directions."""
    noise = gaussian_filter(np.random.default_rng(3).standard_normal((512, 512)), 1.5)
    return 0.4 * np.exp(0.1 * noise / noise.std())


@pytest.fixture(scope="module")
def hair() -> np.ndarray:
    mask = np.zeros((512, 512), bool)
    mask[40:140, 150:350] = True
    return mask


def row_behind(pipeline, lower_m: float = 0.0) -> np.ndarray:
    """[N, 3] places of the hidden scalp from side to side, metres."""
    scalp = pipeline.head.v_template.numpy()[pipeline.head.regions["scalp"].numpy()]
    angles = np.linspace(-0.3, 0.3, 400)
    aside, back = SCALP_M * np.sin(angles), -SCALP_M * np.cos(angles)
    return scalp.mean(0) + np.stack([aside, np.full(400, -0.03 - lower_m), back], axis=1)


def logs(grain: HairGrain, places: np.ndarray) -> np.ndarray:
    return np.log(grain.at(places)[:, 0])


def alike_lower(grain: HairGrain, pipeline, lower_m: float) -> float:
    """How strands at a height correlate with those so many metres below."""
    rows = [logs(grain, row_behind(pipeline, metres)) for metres in (0.0, lower_m)]
    return float(np.corrcoef(rows)[0, 1])


def test_strands_are_as_strong_as_shown_and_neither_lighten_nor_darken(portrait, pipeline, hair):
    rows = np.concatenate([row_behind(pipeline, lower_m) for lower_m in np.linspace(0, 0.03, 7)])
    for strength in (0.05, 0.1):
        view = with_hair(portrait, pipeline, hair, combed(8.0, strength))
        found = logs(HairGrain(view), rows)
        assert 0.8 * strength < found.std() < 2 * strength
        assert abs(found.mean()) < 0.03


def test_straight_strands_go_on_downwards_and_curls_do_not(portrait, pipeline, hair):
    straight = HairGrain(with_hair(portrait, pipeline, hair, combed(8.0)))
    curls = HairGrain(with_hair(portrait, pipeline, hair, curly()))
    assert alike_lower(straight, pipeline, 0.003) > 0.5
    assert alike_lower(curls, pipeline, 0.003) < 0.35


def test_coarser_hair_has_coarser_strands(portrait, pipeline, hair) -> None:
    def crossings(waves_px: float) -> int:
        grain = HairGrain(with_hair(portrait, pipeline, hair, combed(waves_px)))
        return int((np.diff(np.sign(logs(grain, row_behind(pipeline)))) != 0).sum())

    assert crossings(6.0) > 1.3 * crossings(30.0)


def test_a_strip_of_short_hair_that_ends_in_skin_has_no_waves(portrait, pipeline) -> None:
    """Long hair that goes on as the strip's shade does has them: over the same noise."""
    columns = np.arange(512)
    fade = np.interp(np.abs(columns - 180), (0, 10, 30), (0.15, 0.15, 0.5))
    wavy = fade[150 + (columns - 150) % 60]
    spread = []
    for right, bright in ((210, fade), (450, wavy)):
        hair = np.zeros((512, 512), bool)
        hair[60:440, 150:right] = True
        view = with_hair(portrait, pipeline, hair, np.broadcast_to(bright, (512, 512)))
        spread.append(logs(HairGrain(view), row_behind(pipeline)).std())
    assert spread[0] < 0.75 * spread[1]


def test_who_shows_no_hair_has_none(portrait, pipeline, hair) -> None:
    grain = HairGrain(with_hair(portrait, pipeline, np.zeros_like(hair), combed(5.0)))
    np.testing.assert_array_equal(grain.at(row_behind(pipeline)), np.ones((400, 1)))


def test_a_strip_that_is_all_edge_tells_nothing(portrait, pipeline) -> None:
    """Nothing of it is farther inside than skin and backdrop reach."""
    strip = np.zeros((512, 512), bool)
    strip[40:440, 150:159] = True
    grain = HairGrain(with_hair(portrait, pipeline, strip, combed(5.0)))
    np.testing.assert_array_equal(grain.at(row_behind(pipeline)), np.ones((400, 1)))


def test_it_never_changes_brightness_by_more_than_half(portrait, pipeline, hair) -> None:
    grain = HairGrain(with_hair(portrait, pipeline, hair, combed(6.0, 1.0)))
    found = logs(grain, row_behind(pipeline))
    assert 0.3 < np.abs(found).max() <= 0.5 + 1e-6
