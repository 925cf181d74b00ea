"""Detection in awkward pictures, and a task that survives its graph."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from backend.tracking.crop import Crop, crop_around
from backend.tracking.detect import Face
from backend.tracking.faces import search
from backend.tracking.matte import guided_filter
from backend.tracking.task import OpenTask
from shared.errors import AvatarError


class FragileTask:
    """Fails for black pictures and, once that has happened, for all others."""

    opened = 0

    def __init__(self) -> None:
        FragileTask.opened += 1
        self.broken = self.closed = False
        self._handle: object = self
        self._dispatcher = self._lib = self

    def close(self) -> None:
        if self.broken and self._handle is not None:
            raise RuntimeError("Graph has errors")
        self.closed = True

    def mean(self, image) -> float:
        self.broken |= not image.numpy_view().any()
        if self.broken:
            raise RuntimeError("CalculatorGraph::Run() failed:\nand much more")
        return float(image.numpy_view().mean())


def test_a_graph_that_failed_is_opened_anew():
    FragileTask.opened = 0
    white, black = np.full((16, 16, 3), 255, np.uint8), np.zeros((16, 16, 3), np.uint8)
    with OpenTask(FragileTask) as task:
        assert task.run(FragileTask.mean, white) == 255
        with pytest.raises(AvatarError) as caught:
            task.run(FragileTask.mean, black)
        assert caught.value.code == "bad_file"
        assert "16x16" in caught.value.message
        assert "much more" not in caught.value.message
        assert task.run(FragileTask.mean, white) == 255
        assert FragileTask.opened == 2
    with pytest.raises(ValueError, match="closed"):
        task.run(FragileTask.mean, white)


def test_a_task_is_closed_once_and_also_when_forgotten():
    made: list[FragileTask] = []

    def create() -> FragileTask:
        made.append(FragileTask())
        return made[-1]

    task = OpenTask(create)
    task.close()
    task.close()
    assert made[0].closed
    task = OpenTask(create)
    del task
    assert made[1].closed


def test_a_task_refuses_pictures_that_break_mediapipe():
    with OpenTask(FragileTask) as task, pytest.raises(ValueError, match="2x30"):
        task.run(FragileTask.mean, np.ones((30, 2, 3), np.uint8))


def test_a_closed_tracker_leaves_no_thread(open_head):
    from backend.tracking.portrait import Tracker

    before = threading.active_count()
    with Tracker(open_head):
        pass
    assert threading.active_count() <= before


def test_tiny_frames_show_no_face(tracker):
    for size in ((1, 1), (7, 400), (400, 7)):
        assert search(tracker.detector, np.zeros((*size, 3), np.uint8)) == []


def test_faces_of_a_shrunk_picture_come_in_the_pictures_own_pixels(tracker, portrait):
    rgb = (portrait.rgb * 255).astype(np.uint8)
    large = cv2.resize(rgb, (4096, 4096), interpolation=cv2.INTER_CUBIC)
    small_face, large_face = tracker.detector.detect(rgb)[0], tracker.detector.detect(large)[0]
    gap = large_face.landmarks[:, :2] / 8 - small_face.landmarks[:, :2]
    assert np.linalg.norm(gap, axis=1).mean() < 1.5


def face(box: tuple[float, float, float, float]) -> Face:
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0, 0], [x1, y1, 0]], np.float32)
    return Face(corners[np.arange(478) % 2], {}, np.eye(4))


def test_the_crop_is_square_and_turns_with_no_parameter():
    crop = crop_around(face((100, 100, 200, 240)))
    assert crop.side == pytest.approx(1.65 * np.sqrt(130 * 1.42 * 140), rel=1e-6)
    middle = crop.points(np.array([150.0, 240 - 0.71 * 140]))
    np.testing.assert_allclose(middle, 256)


@pytest.mark.parametrize("crop", [Crop(20.5, 31.25, 128), Crop(-40, -60.5, 700), Crop(90, 5, 64)])
def test_a_crop_shows_pixels_where_it_says(crop):
    """A colour ramp tells each pixel's own place."""
    y, x = np.mgrid[0:300, 0:400].astype(np.float32) + 0.5
    shown = crop.apply(np.dstack([x, y]))
    rows, columns = np.mgrid[0:512, 0:512] + 0.5
    place = np.dstack([columns, rows]) * (crop.side / 512) + [crop.x, crop.y]
    well_inside = ((place > 4) & (place < [396, 296])).all(-1)
    np.testing.assert_allclose(shown[well_inside], place[well_inside], atol=0.05)
    outside = ~crop.inside(400, 300)
    assert (outside == ((place < 0) | (place >= [400, 300])).any(-1)).all()


@pytest.mark.parametrize("crop", [Crop(-40.3, -60.5, 700), Crop(-30.2, 180.4, 300)])
def test_what_lies_outside_darkens_nothing_inside(crop):
    shown = crop.apply(np.ones((300, 400, 3), np.float32))
    np.testing.assert_allclose(shown, crop.inside(400, 300)[..., None].repeat(3, -1), atol=1e-6)


def test_a_crop_of_a_large_picture_equals_the_crop_of_all_of_it():
    """Only the part that matters is blurred; the rest must not be missed."""
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.random((1500, 2000, 3), np.float32), (0, 0), 3)
    crop = Crop(600.3, 410.7, 900)
    scale = 512 / crop.side
    whole = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    matrix = crop.matrix()
    matrix[:, 2] += 0.5 * scale - 0.5
    expected = cv2.warpAffine(whole, matrix, (512, 512), flags=cv2.INTER_LINEAR)
    np.testing.assert_allclose(crop.apply(picture), expected, atol=2e-3)


def test_a_crop_beside_the_picture_is_black():
    assert not Crop(5000, 100, 900).apply(np.ones((200, 200, 3), np.float32)).any()


def test_the_guided_filter_keeps_a_constant_and_follows_the_guides_edge():
    guide = np.zeros((60, 60, 3), np.float32)
    guide[:, 30:] = 0.8
    np.testing.assert_allclose(
        guided_filter(guide, np.full((60, 60), 0.4, np.float32), 6, 1e-4), 0.4, atol=1e-4
    )
    rough = np.zeros((60, 60), np.float32)
    rough[:, 33:] = 1  # three pixels beside the guide's edge
    fine = guided_filter(guide, rough, 6, 1e-4)
    assert fine[:, 29].max() < 0.3
    assert fine[:, 36].min() > 0.7
    assert (fine[:, 30] - fine[:, 29]).min() > 0.3, "the step lies on the guide's edge"
