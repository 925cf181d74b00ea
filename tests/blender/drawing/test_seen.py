"""Which pixels an avatar can cover."""

import numpy as np

from blender_addon.drawing.seen import Rectangle, View
from tests.blender.drawing import made_up

BOX = np.array([-0.1, -0.05, -0.02]), np.array([0.05, 0.1, 0.08])


def _corners() -> np.ndarray:
    return np.stack(np.meshgrid(*zip(*BOX), indexing="ij"), axis=-1).reshape(-1, 3)


def _view(**changes: object) -> View:
    nobody = type("Placed", (), {"matrix_world": np.eye(4)})()
    view = made_up.view_of(made_up.world_camera(), [nobody])
    return View(**(vars(view) | changes))  # pyright: ignore[reportArgumentType]


def test_the_rectangle_holds_the_projected_box_and_two_pixels_more_at_most() -> None:
    pixels = made_up.world_camera().project(_corners())
    height = made_up.SIZE[1]
    found = _view().rectangle([BOX])
    assert found is not None
    left, right = found.x, found.x + found.width
    top, bottom = height - found.y - found.height, height - found.y
    wanted = [pixels[:, 0].min(), pixels[:, 0].max(), pixels[:, 1].min(), pixels[:, 1].max()]
    assert min(wanted) > 0
    for edge, end, sign in zip((left, right, top, bottom), wanted, (-1, 1, -1, 1)):
        assert 0 <= sign * (edge - end) <= 2


def test_a_box_around_the_eye_can_cover_everything() -> None:
    view = _view()
    assert view.rectangle([(np.full(3, -2.0), np.full(3, 2.0))]) == Rectangle(0, 0, *view.size)


def test_boxes_behind_beside_and_of_nothing_cover_nothing() -> None:
    behind = np.array([0, -3, 0.9]) * np.ones(3)
    assert _view().rectangle([(behind - 0.1, behind + 0.1)]) is None
    beside = np.array([9.0, 5, 0])
    assert _view().rectangle([(beside - 0.1, beside + 0.1)]) is None
    assert _view().rectangle([(np.full(3, np.inf), np.full(3, -np.inf))]) is None
    assert _view(objects=np.zeros((0, 4, 4))).rectangle([]) is None


def test_splats_are_blurred_by_how_large_a_head_is_in_the_viewport() -> None:
    camera = made_up.world_camera()
    portrait = camera.K[1, 1] / camera.viewmat[2, 3] / 2  # half as large as here
    objects = np.stack([np.diag([size, size, size, 1]) for size in (1.0, 2.0, 1.0, 1.0)])
    objects[:, 2, 3] = [-camera.viewmat[2, 3], -camera.viewmat[2, 3], 1.0, -camera.viewmat[2, 3]]
    view = _view(objects=objects, portraits=(portrait, portrait, portrait, 0.0))
    usual = 0.3  # behind the viewer, and of a portrait that is not known
    np.testing.assert_allclose(view.low_passes(1), [4 * usual, 16 * usual, usual, usual])
    np.testing.assert_allclose(view.low_passes(2), [usual, 4 * usual, usual, usual])
    np.testing.assert_allclose(_view().low_passes(1), [usual])


def test_two_boxes_are_covered_together() -> None:
    view = _view()
    both = View(view.size, view.window, np.concatenate([view.objects, view.objects]))
    low, high = BOX
    parts = [view.rectangle([(low, (low + high) / 2)]), view.rectangle([((low + high) / 2, high)])]
    found = both.rectangle([(low, (low + high) / 2), ((low + high) / 2, high)])
    assert found is not None
    assert found.x == min(part.x for part in parts if part)
    assert found.y + found.height == max(part.y + part.height for part in parts if part)
