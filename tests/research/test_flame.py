"""A FLAME head in use: the open head, written as a FLAME file, is tracked and driven."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from backend.assets import SAMPLE_PORTRAIT
from backend.avatar.create import CreateOptions
from backend.avatar.pipeline import Pipeline
from backend.configs.network import ModelConfig
from backend.head import Head, load_head
from backend.model.splitavatar import SplitAvatar
from backend.tracking.embedding import embedded
from backend.tracking.lid_edges import on_lid_edges
from backend.tracking.portrait import Portrait, Tracker
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, Track
from shared.progress import silent
from tests.unit.head.flame_files import as_pickle, open_head_as_flame


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Head:
    path = tmp_path_factory.mktemp("flame") / "generic_model.pkl"
    path.write_bytes(as_pickle(open_head_as_flame(Head.load("open"))))
    return load_head("flame2020", path)


@pytest.fixture(scope="module")
def tracker(flame: Head) -> Iterator[Tracker]:
    with Tracker(flame) as tracker:
        yield tracker


@pytest.fixture(scope="module")
def portrait(tracker: Tracker) -> Portrait:
    return tracker.portrait(SAMPLE_PORTRAIT.read_bytes(), None, silent)


def test_a_flame_file_s_regions_and_landmarks_lie_where_the_open_head_s_do(flame: Head) -> None:
    own = Head.load("open")
    for name in ("lips", "nose", "ears", "eyeballs", "brows", "scalp"):
        known, carried = own.regions[name][: len(flame.v_template)], flame.regions[name]
        both, either = (known & carried).sum(), (known | carried).sum()
        assert both / either > 0.95, name
    landmarks = flame.embed_landmarks(flame.v_template)
    np.testing.assert_allclose(landmarks, own.embed_landmarks(own.v_template), atol=1e-4)


def test_landmarks_found_in_its_painted_portrait_lie_on_the_known_ones(tracker: Tracker) -> None:
    own = Head.load("open")
    found, known = (head.embed_landmarks(head.v_template) for head in (tracker.head, own))
    away = (found - known).norm(dim=1)
    assert away.mean() < 0.0015, "metres"
    assert away.max() < 0.010


def test_the_landmarks_are_kept_beside_the_file(flame: Head, tracker: Tracker) -> None:
    again = embedded(flame, None)  # type: ignore[arg-type]  # no detector: it must not be asked
    assert torch.equal(on_lid_edges(again).landmark_faces, tracker.head.landmark_faces)


def test_a_portrait_is_fitted_within_four_pixels(flame: Head, portrait: Portrait) -> None:
    fit = portrait.fit
    assert fit.error_px < 4
    track = fit.track
    assert track.head == "flame2020"
    assert track.betas is not None
    assert np.abs(track.betas).max() < 4
    assert np.abs(track.expression).max() < 4
    vertices = flame.vertices_of(track)[0]
    assert torch.isfinite(vertices).all()
    forward = -fit.camera.viewmat[2, :3]
    assert forward[2] > 0.95, "seen from the front"


def test_the_reported_error_is_that_of_the_head_posed_by_the_track(
    tracker: Tracker, portrait: Portrait
) -> None:
    """The eyes' turn moves no lid here: the 468 landmarks are on skin."""
    vertices = tracker.head.vertices_of(portrait.fit.track)[0]
    points = tracker.head.embed_landmarks(vertices).double().numpy()
    away = portrait.fit.camera.project(points) - portrait.landmarks
    assert abs(np.linalg.norm(away, axis=1)[:468].mean() - portrait.fit.error_px) < 0.1


def test_the_network_runs_on_a_flame_head(flame: Head, portrait: Portrait) -> None:
    model = SplitAvatar(ModelConfig(), flame).eval()
    with torch.no_grad():
        image = torch.from_numpy(portrait.matted).permute(2, 0, 1)[None]
        encoded = model.encode(image, portrait.fit.camera)
        vertices = flame.vertices_of(portrait.fit.track)
        layers = model.expression(encoded.g0_raw, vertices, flame.local_frames(vertices))
    means = [layer.means for layer in layers.layers]
    assert [layer.shape[1] for layer in means] == [len(flame.v_template) * 2**i for i in range(4)]
    assert all(torch.isfinite(layer).all() for layer in means)


def test_arkit_units_are_translated_into_its_codes(flame: Head) -> None:
    """By the open head itself: what the unit does there, in metres, skin and eyeballs."""
    own = Head.load("open")
    count = len(flame.v_template)  # the same vertices, but for teeth
    shown = (own.regions["skin"] | own.regions["eyeballs"])[:count]
    for unit, most in (
        ("jawOpen", 0.005), ("mouthSmileLeft", 0.005), ("eyeBlinkRight", 0.003),
        ("browInnerUp", 0.002), ("mouthPucker", 0.003), ("eyeLookInLeft", 0.003),
        ("eyeLookOutRight", 0.003), ("eyeLookUpLeft", 0.003), ("eyeLookDownRight", 0.003),
    ):  # fmt: skip
        track = Track.from_arkit({unit: 1.0})
        wanted = (own.vertices_of(track)[0] - own.v_template)[:count]
        found = flame.vertices_of(flame.translated(track))[0] - flame.v_template
        away = (found - wanted).norm(dim=1)[shown]
        assert away.max() < most, unit
        assert away.mean() < 0.1 * wanted.norm(dim=1)[shown].max(), unit


def test_its_rig_has_the_units_that_the_add_on_names(flame: Head) -> None:
    rig, own = flame.rig(None), Head.load("open").rig(None)
    assert rig.keys() == own.keys()
    count, units = len(flame.v_template), len(ARKIT_NAMES)
    assert rig["expression_deltas"].shape == (units, count, 3)
    assert rig["skin_weights"].shape == (count, 5)
    jaw = ARKIT_NAMES.index("jawOpen")
    moved = np.abs(rig["expression_deltas"][jaw] - own["expression_deltas"][jaw, :count])
    assert moved[flame.regions["skin"].numpy()].max() < 0.005


def test_an_avatar_is_made_and_driven_by_arkit_weights(flame: Head, portrait: Portrait) -> None:
    """Projection, masks and a driven frame, with the FLAME head in the open head's place."""
    pipeline = Pipeline(device="cpu")
    pipeline.head = pipeline._portrait_head = flame
    avatar = pipeline.create_from(portrait, CreateOptions(iterations=0), silent)
    assert avatar.source.head == "flame2020"
    rest = Track.from_arkit({})
    cloud = pipeline.drive(avatar, rest)
    opened = pipeline.drive(avatar, Track.from_arkit({"jawOpen": 0.8}))
    frames = [pipeline.render(found, portrait.fit.camera) for found in (cloud, opened)]
    covered = np.abs(frames[0].alpha - portrait.matte)[:400]  # above the shoulders
    assert covered.mean() < 0.06
    assert np.abs(frames[0].rgb - frames[1].rgb).mean() > 0.002
    with pytest.raises(AvatarError, match="flame2023"):
        pipeline.drive(avatar, Track.neutral(1, head="flame2023"))
