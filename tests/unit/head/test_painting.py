"""The painted head, seen by the real face landmarker, shows the expressions it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from backend.assets import FACE_LANDMARKER
from backend.head import Head
from backend.head.painting import Model, paint, portrait_camera
from scripts.open_head.landmarks import Detector
from shared.flame import Track

Look = Callable[[dict[str, float]], tuple[np.ndarray, dict[str, float]]]


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


@pytest.fixture(scope="module")
def look(head: Head) -> Iterator[Look]:
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    template = head.v_template.double().numpy()
    model = Model(template, head.faces.numpy(), regions, head.joints_of(None)[3:])
    detector = Detector(FACE_LANDMARKER)

    def seen(weights: dict[str, float]) -> tuple[np.ndarray, dict[str, float]]:
        vertices = head.vertices_of(Track.from_arkit(weights))[0].double().numpy()
        return detector(paint(model, vertices, portrait_camera(512))[0])

    yield seen
    detector.close()


@pytest.mark.parametrize(
    ("given", "least"),
    [
        ({"jawOpen": 0.8}, 0.6),
        ({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, 0.7),
        ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, 0.6),
        ({"mouthPucker": 1.0}, 0.7),
        ({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, 0.6),
        ({"browInnerUp": 1.0}, 0.4),
        ({"browDownLeft": 1.0, "browDownRight": 1.0}, 0.4),
    ],
)
def test_a_driven_expression_reads_back(look: Look, given: dict[str, float], least: float):
    _, scores = look(given)
    read = {name: scores[name] for name in given}
    assert min(read.values()) >= least, read


def test_the_neutral_head_reads_as_relaxed(look: Look):
    _, scores = look({})
    quiet = (
        "jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight",
        "browInnerUp", "browDownLeft", "browDownRight",
    )  # fmt: skip
    assert max(scores[name] for name in quiet) < 0.25, {name: scores[name] for name in quiet}


@pytest.mark.parametrize(
    "given", [{}, {"jawOpen": 0.5}, {"mouthSmileLeft": 1, "mouthSmileRight": 1}]
)
def test_embedded_landmarks_project_onto_the_detected_ones(head: Head, look: Look, given):
    detected, _ = look(given)
    vertices = head.vertices_of(Track.from_arkit(given))[0]
    embedded = head.embed_landmarks(vertices).double().numpy()
    miss = np.linalg.norm(portrait_camera(512).project(embedded) - detected, axis=1)
    assert miss.mean() < 5.0, "pixels of 512"
    if not given:
        assert miss.mean() < 2.2, "the painting is not quite the average face"
