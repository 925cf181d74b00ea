"""The retoucher learns what it is shown, and goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from backend.data.retouch_sample import SIDE_PX, Sample, write_sample
from backend.model.retoucher import CLUES, PICTURE, PLANES, Retoucher
from backend.training.retoucher.learning import WEIGHTS, Learning, Settings
from backend.training.retoucher.samples import OWN, TRIP, Samples, read_samples
from backend.training.retoucher.variation import varied
from shared.errors import AvatarError

_DARKER = 0.6
_TRUST = PICTURE + CLUES.index("trust")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Patterns that were drawn too dark in their left half, which is not trusted."""
    folder = tmp_path_factory.mktemp("samples")
    rng = np.random.default_rng(0)
    for person in range(3):
        for number in range(2):
            colours = np.kron(
                rng.integers(60, 250, (8, 8, 3)), np.ones((SIDE_PX // 8, SIDE_PX // 8, 1))
            )
            target = np.dstack([colours, np.full((SIDE_PX, SIDE_PX), 255)]).astype(np.uint8)
            drawn = np.zeros((SIDE_PX, SIDE_PX, PLANES), np.uint8)
            drawn[..., :4] = target
            drawn[:, : SIDE_PX // 2, :3] = _DARKER * target[:, : SIDE_PX // 2, :3]
            drawn[:, SIDE_PX // 2 :, _TRUST] = 255
            write_sample(folder / f"p{person}_{number}.webp", Sample(drawn, target))
    return folder


def _learning(folder: Path, out: Path, **settings: float) -> Learning:
    return Learning(Settings(batch=2, **settings), *read_samples(folder), out, "cpu")  # pyright: ignore[reportArgumentType]


def test_every_tenth_person_is_only_looked_at(folder) -> None:
    learned, looked_at = read_samples(folder)
    assert (len(learned), len(looked_at)) == (4, 2)
    assert learned.kinds.tolist() == [OWN, TRIP, OWN, TRIP]
    assert not any(torch.equal(a, b) for a in learned.target for b in looked_at.target)


def test_it_learns(folder, tmp_path) -> None:
    measures = _learning(folder, tmp_path, iterations=40, rate=2e-3).run()
    first, last = measures[0], measures[-1]
    assert last["psnr"] > first["psnr"] + 1
    assert last["features"] < first["features"]
    network = Retoucher()
    weights = safetensors.torch.load_file(tmp_path / WEIGHTS)
    network.load_state_dict({name: value.float() for name, value in weights.items()})


def test_a_training_that_was_cut_off_gives_the_same_as_one_that_was_not(folder, tmp_path) -> None:
    whole = _learning(folder, tmp_path / "whole", iterations=4)
    whole.run()
    parts = _learning(folder, tmp_path / "parts", iterations=4)
    parts.run(stop=lambda: parts.step == 2)
    again = _learning(folder, tmp_path / "parts", iterations=4)
    again.resume()
    assert again.step == 2
    again.run()
    found = (tmp_path / "parts" / WEIGHTS).read_bytes()
    assert found == (tmp_path / "whole" / WEIGHTS).read_bytes()


def test_variations_change_picture_and_photograph_alike() -> None:
    chance = torch.Generator().manual_seed(0)
    colours = torch.rand(6, 3, 32, 32, generator=chance)
    alpha = torch.ones(6, 1, 32, 32)
    clues = torch.rand(6, PLANES - 4, 32, 32, generator=chance)
    samples = torch.cat([colours * alpha, alpha, clues, colours * alpha, alpha], dim=1)
    changed = varied(samples, torch.Generator().manual_seed(1))
    torch.testing.assert_close(changed[:, :4], changed[:, PLANES:])
    assert (changed[:, :3] <= changed[:, 3:4]).all()
    moved = (changed[:, 4:PLANES] - clues).abs().mean((1, 2, 3))
    assert (moved > 0.05).any()


def test_resuming_nothing_and_learning_from_nobody_are_refused(folder, tmp_path) -> None:
    with pytest.raises(AvatarError, match="does not exist"):
        _learning(folder, tmp_path, iterations=1).resume()
    with pytest.raises(AvatarError, match="samples of 0 people"):
        read_samples(tmp_path / "nowhere")
    assert isinstance(read_samples(folder)[0], Samples)
