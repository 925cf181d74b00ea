"""Beards are told from the creases of a smile, as dark and nearly as broad."""

from __future__ import annotations

import pytest
import torch

from backend.avatar.beards import bearded
from backend.head import Head
from tests.unit.avatar.painted import SHADE, SKIN, on_vertices, vertices

LIT = SKIN.sum()


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


@pytest.fixture(scope="module")
def lip(head: Head) -> torch.Tensor:
    """[V] bool: skin above the lips, where a moustache is."""
    rest, lips = vertices(head), vertices(head)[head.regions["lips"]]
    above = rest[:, 1] - lips[:, 1].max()
    return skin(head) & (rest[:, 0].abs() < 0.03) & (above > 0) & (above < 0.014)


@pytest.fixture(scope="module")
def creases(head: Head) -> torch.Tensor:
    """[V] bool: dark stripes 10 mm broad beside both corners of the mouth."""
    rest, lips = vertices(head), vertices(head)[head.regions["lips"]]
    aside = rest[:, 0].abs() - lips[:, 0].max()
    near = (rest[:, 1] > lips[:, 1].min()) & (rest[:, 1] < lips[:, 1].max() + 0.02)
    return skin(head) & near & (aside > 0) & (aside < 0.01)


def skin(head: Head) -> torch.Tensor:
    """[V] bool: the front of a face without its lips."""
    return head.regions["face"] & ~head.regions["lips"] & (vertices(head)[:, 2] > 0)


def found(head: Head, dark: torch.Tensor, lit: torch.Tensor = LIT) -> torch.Tensor:
    """[V] where a face is bearded, 0 off its skin, of which so much is dark."""
    rest, index = vertices(head), torch.nonzero(skin(head))[:, 0]
    colours = torch.where(dark[:, None], SHADE, SKIN)
    cloud = on_vertices(rest, colours, torch.arange(len(rest), dtype=torch.int32))
    hair = bearded(cloud, index, index, rest, head.regions["lips"], lit.expand(len(index)))
    return torch.zeros(len(rest)).index_add_(0, index, hair)


def test_a_moustache_is_hair_and_the_skin_around_it_is_not(head, lip):
    hair = found(head, lip)
    assert hair[lip].mean() > 0.8
    away = skin(head) & (torch.cdist(vertices(head), vertices(head)[lip]).amin(1) > 0.008)
    assert hair[away].max() == 0


def test_creases_as_dark_and_as_broad_are_none_on_a_shaved_face(head, creases):
    assert creases.sum() > 10
    assert found(head, creases).max() == 0


def test_beside_a_moustache_they_are_taken_for_a_beard(head, lip, creases):
    assert found(head, lip | creases)[creases].mean() > 0.3


def test_where_all_skin_around_is_as_dark_nothing_stands_out(head, lip):
    assert found(head, lip, SHADE.sum()).max() == 0


def test_a_head_without_lips_has_no_beard(head, lip):
    rest, index = vertices(head), torch.nonzero(skin(head))[:, 0]
    cloud = on_vertices(rest, SHADE.expand(len(rest), 3), torch.arange(len(rest)).int())
    none = torch.zeros(len(rest), dtype=torch.bool)
    hair = bearded(cloud, index, index, rest, none, LIT.expand(len(index)))
    assert hair.max() == 0
