"""Made-up people: the same seed gives the same picture, in the frame's own words."""

from __future__ import annotations

import numpy as np
import pytest

from backend.data.store import Store
from backend.data.synthetic.noise import Noise
from backend.data.synthetic.painter import Painter
from backend.data.synthetic.person import draw_light, draw_person
from backend.data.synthetic.pose import draw_camera, draw_track
from backend.data.synthetic.synthesise import Recipe, clip_name, make_frame, splits, synthesise
from backend.head import Head
from backend.tracking.detect import Detector
from shared.errors import AvatarError
from shared.progress import silent

RECIPE = Recipe(identities=3, frames=2, size_px=64, seed=5)


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(Head.load())


def test_the_same_seed_paints_the_same_frame_and_another_does_not(painter):
    first, again = (make_frame(painter, RECIPE, 1, 1) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.camera.viewmat, again.camera.viewmat)
    other = make_frame(painter, Recipe(3, 2, 64, seed=6), 1, 1)
    assert not np.array_equal(first.image, other.image)


def test_a_person_keeps_their_looks_and_changes_what_they_do(painter):
    calm, acting = (make_frame(painter, RECIPE, 0, index) for index in range(2))
    assert calm.track.betas is not None
    assert acting.track.betas is not None
    np.testing.assert_array_equal(calm.track.betas, acting.track.betas)
    assert not np.array_equal(calm.track.expression, acting.track.expression)


def test_pictures_are_black_outside_their_matte_and_the_box_holds_the_head(painter):
    frame = make_frame(painter, RECIPE, 2, 0)
    assert frame.alpha is not None
    assert not frame.image[frame.alpha == 0].any()
    assert 0.15 < (frame.alpha > 127).mean() < 0.8
    x0, y0, x1, y1 = frame.box
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert frame.track.head == "open"
    assert not frame.track.global_orient.any()


def test_the_camera_turns_the_head_by_at_most_thirty_degrees_and_stays_rigid():
    rng = np.random.default_rng(0)
    for _ in range(200):
        view = draw_camera(rng, 64, portrait=False).viewmat
        np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.eye(3), atol=1e-12)
        assert np.linalg.det(view[:3, :3]) == pytest.approx(1)
        towards = -view[2, :3]  # from the head to the camera
        yaw = np.degrees(np.arctan2(towards[0], towards[2]))
        assert abs(yaw) < 35
        assert 1.65 < view[2, 3] < 2.05


def test_expressions_are_weights_and_nobody_sticks_out_their_tongue():
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [draw_track(rng, np.zeros(300), portrait=False).expression for _ in range(200)]
    )
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert not rows[:, 51:].any()
    assert (rows[:, :51] > 0).any(0).sum() > 35


def test_lights_come_from_the_front_and_hardly_differ_in_strength():
    rng = np.random.default_rng(0)
    lights = [draw_light(rng) for _ in range(100)]
    for light in lights:
        assert np.linalg.norm(light.direction) == pytest.approx(1)
        assert light.direction[2] < 0  # OpenCV: the camera is at -z of the face
        assert 0.7 < float((light.key + light.ambient).mean()) < 1.3


def test_identities_are_spread_as_the_heads_components_are():
    rng = np.random.default_rng(0)
    betas = np.stack([draw_person(rng, 80).betas for _ in range(100)])
    assert 0.7 < betas[:, :80].std() < 0.9
    assert not betas[:, 80:].any()


def test_noise_has_no_mean_and_unit_spread():
    field = Noise.draw(np.random.default_rng(3), 0.01)
    values = field(np.random.default_rng(4).uniform(-1, 1, (20000, 3)))
    assert abs(float(values.mean())) < 0.05
    assert float(values.std()) == pytest.approx(1, abs=0.05)


def test_no_person_is_in_two_splits():
    parts = splits(Recipe(identities=25, frames=2))
    names = [name for part in parts.values() for name in part]
    assert sorted(names) == [clip_name(i) for i in range(25)]
    assert [len(parts[name]) for name in ("test", "val", "train")] == [2, 2, 21]


def test_a_store_is_made_read_back_and_gone_on_with(tmp_path):
    made = synthesise(tmp_path / "store", RECIPE, silent, processes=0)
    assert made == {"frames": 6, "resumed": 0}
    assert synthesise(tmp_path / "store", RECIPE, silent, processes=0)["resumed"] == 6
    store = Store(tmp_path / "store")
    assert (store.head, store.image_size) == ("open", 64)
    assert list(store.clips("train")) == [clip_name(2)]
    frame = store.read(clip_name(2), 1)
    assert frame.alpha is not None


def test_a_store_of_another_recipe_is_refused(tmp_path):
    (tmp_path / "recipe.json").write_text('{"identities": 9}')
    with pytest.raises(AvatarError, match="was made by"):
        synthesise(tmp_path, RECIPE, silent, processes=0)


def test_a_face_detector_takes_the_picture_for_a_face(painter):
    frame = make_frame(painter, Recipe(3, 2, 256, seed=5), 0, 0)
    with Detector() as detector:
        faces = detector.detect(frame.image)
    assert len(faces) == 1
    vertices = painter.head.vertices_of(frame.track)[0]
    landmarks = frame.camera.project(painter.head.embed_landmarks(vertices).numpy())
    error = np.linalg.norm(faces[0].landmarks[:468, :2] - landmarks[:468], axis=1)
    assert error.mean() < 6  # of 256 pixels


@pytest.mark.parametrize(("field", "value"), [("identities", 2), ("frames", 1), ("size_px", 8)])
def test_too_little_is_refused(field, value):
    with pytest.raises(AvatarError, match=field):
        Recipe(**{"identities": 3, "frames": 2, field: value})
