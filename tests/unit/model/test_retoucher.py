"""The retoucher: a picture's own pose stays as it is, and what it adds reaches everything else."""

from __future__ import annotations

import pytest
import torch

from backend.model.retoucher import (
    CLUES,
    FAR_PX,
    PICTURE,
    PLANES,
    STRIDE,
    Retoucher,
    doubt,
    likely,
)

TRUST, MOVED = (PICTURE + CLUES.index(name) for name in ("trust", "moved"))


@pytest.fixture
def network() -> Retoucher:
    torch.manual_seed(0)
    network = Retoucher()
    for parameter in network.parameters():  # its last layers start at zero
        torch.nn.init.normal_(parameter, std=0.05)
    return network.eval()


def _planes(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, PLANES, 3 * STRIDE, 2 * STRIDE, generator=torch.manual_seed(seed))


def test_untrained_it_adds_nothing():
    assert not Retoucher()(_planes()).any()


@torch.no_grad()
def test_it_adds_to_colours_and_alpha_everywhere(network):
    added = network(_planes())
    assert added.shape == (2, PICTURE, 3 * STRIDE, 2 * STRIDE)
    assert (added.abs().amax(1) > 0).all()


@torch.no_grad()
def test_what_the_portrait_shows_unmoved_stays(network):
    planes = _planes()
    planes[:, TRUST, :10], planes[:, MOVED, :10] = 1, 0
    added = network(planes)
    assert not added[:, :, :10].any()
    assert added[:, :, 10:].any()


def test_doubt_grows_with_what_moved_and_with_what_is_not_trusted():
    planes = torch.zeros(1, PLANES, 1, 4)
    planes[0, TRUST, 0] = torch.tensor([1.0, 1.0, 0.5, 0.0])
    planes[0, MOVED, 0] = torch.tensor([0.0, 2 / FAR_PX, 0.0, 0.0])
    found = doubt(planes)[0, 0, 0]
    assert found[0] == 0
    assert found[1] > 0.95, "two pixels of the portrait"
    torch.testing.assert_close(found[2:], torch.tensor([0.5, 1.0]))


@torch.no_grad()
def test_a_samples_neighbours_in_a_batch_change_nothing(network):
    planes = _planes()
    torch.testing.assert_close(network(planes)[1:], network(planes[1:]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("part", "drawn", "added", "wanted"),
    [
        ("mouth", (0.5, 0.48, 0.46), (0.2, 0.3, 0.3), (0.7, 0.658, 0.658)),  # teal
        ("mouth", (0.3, 0.12, 0.1), (0.4, 0.4, 0.38), (0.7, 0.52, 0.48)),  # a dark mouth
        ("mouth", (0.4, 0.5, 0.5), (0.1, 0.0, 0.0), (0.5, 0.5, 0.5)),  # green light was there
        ("eyes", (0.2, 0.2, 0.2), (0.0, 0.1, 0.2), (0.3, 0.3, 0.3)),  # grey irises are not blue
        ("head", (0.5, 0.5, 0.5), (0.0, 0.1, 0.2), (0.5, 0.6, 0.7)),
    ],
)
def test_teeth_and_eyes_turn_to_no_hue_that_they_have_not(part, drawn, added, wanted):
    planes, change = torch.zeros(1, PLANES, 1, 1), torch.zeros(1, PICTURE, 1, 1)
    planes[0, :3, 0, 0], change[0, :3, 0, 0] = torch.tensor(drawn), torch.tensor(added)
    planes[0, PICTURE + CLUES.index(part)], change[0, 3] = 1, 0.25
    found = likely(planes, change)[0, :, 0, 0]
    torch.testing.assert_close(planes[0, :3, 0, 0] + found[:3], torch.tensor(wanted))
    assert found[3] == 0.25
