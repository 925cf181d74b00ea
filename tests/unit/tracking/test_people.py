"""Whether photos show the same person."""

from __future__ import annotations

import numpy as np
import pytest

from backend.tracking.fitter import Fitter
from backend.tracking.joint_fit import Sighting
from backend.tracking.people import perhaps_others
from tests.unit.tracking.heads import Subject


@pytest.fixture(scope="module")
def fitter(open_head) -> Fitter:
    return Fitter(open_head)


def seen(fitter: Fitter, head, person: int, yaw: float, picture: int) -> Sighting:
    betas = np.random.default_rng(person).normal(0, 1, 80)
    subject = Subject(head, betas, {"jawOpen": 0.1 * picture}, (yaw, 0, 0))
    noise = np.random.default_rng(100 + picture).normal(0, 1, (478, 2))
    landmarks = subject.landmarks + noise
    return Sighting(landmarks, subject.weights, fitter.fit(landmarks, subject.weights))


def test_another_persons_photo_is_told_from_the_same_ones(fitter, open_head):
    photos = [
        seen(fitter, open_head, 1, 0, 0),
        seen(fitter, open_head, 1, 20, 1),
        seen(fitter, open_head, 2, 0, 2),
    ]
    assert perhaps_others(fitter, photos) == [2]
