"""What the shaders draw, against the formulas in NumPy."""

from dataclasses import fields

import bpy
import numpy as np
import pytest

from blender_addon.drawing import splat_picture
from blender_addon.scene import splats
from blender_addon.scene.rig import to_blender
from shared.camera import Camera
from tests.blender.drawing import made_up, numpy_raster
from tests.blender.drawing.on_gpu import on_gpu


def expected(
    contents: list[splats.Splats],
    camera: Camera,
    moves: list[np.ndarray] | None = None,
    nearest: np.ndarray | None = None,
    low_pass: float = 0.3,
) -> np.ndarray:
    turn = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # head space to Blender's
    half = np.array([1, 1, 0, 0]) / np.sqrt(2)
    quats, means = [], []
    for number, content in enumerate(contents):
        q = np.asarray(content.quats, np.float64)
        w = half[0] * q[:, 0] - half[1] * q[:, 1]
        u = half[0] * q[:, 1:] + q[:, :1] * half[1:] + np.cross(half[1:], q[:, 1:])
        quats.append(np.column_stack([w, u]))
        means.append(content.means @ turn.T + (moves[number] if moves else 0))
    return numpy_raster.rasterise(
        np.concatenate(means),
        np.concatenate(quats),
        np.concatenate([content.scales for content in contents]),
        np.concatenate([content.opacities for content in contents]),
        np.concatenate([content.rgb for content in contents]) / 255,
        camera,
        nearest,
        low_pass,
    )


def close(drawn: np.ndarray, wanted: np.ndarray) -> None:
    """Up to half floats blended hundreds of times, and two Gaussians at one 16-bit depth."""
    assert wanted[..., 3].max() > 0.9
    assert np.abs(drawn - wanted).mean() < 1e-3
    assert np.percentile(np.abs(drawn - wanted), 99.5) < 0.01


def test_a_cloud_is_drawn_as_the_formulas_say() -> None:
    content, camera = made_up.some(300, 1), made_up.world_camera()
    objects = [made_up.cloud(content)]
    numbers, view = made_up.gather(objects), made_up.view_of(camera, objects)
    close(on_gpu(lambda: made_up.draw(numbers, view)), expected([content], camera))


@pytest.mark.parametrize(("times", "low_pass"), [(2.0, 1.2), (0.5, 0.075), (0.1, 0.05)])
def test_a_head_is_blurred_as_in_its_portrait(times: float, low_pass: float) -> None:
    content, camera = made_up.some(300, 1), made_up.world_camera()
    objects = [made_up.cloud(content)]
    portrait = camera.K[1, 1] / camera.viewmat[2, 3] / times
    numbers, view = made_up.gather(objects), made_up.view_of(camera, objects, (portrait,))
    wanted = expected([content], camera, low_pass=low_pass)
    close(on_gpu(lambda: made_up.draw(numbers, view)), wanted)
    assert np.abs(wanted - expected([content], camera)).mean() > 2e-3


def test_two_avatars_are_sorted_as_one() -> None:
    contents, camera = [made_up.some(150, 2), made_up.some(200, 3)], made_up.world_camera()
    moves = [np.zeros(3), np.array([0.03, 0.01, -0.02])]
    objects = [made_up.cloud(content, str(n)) for n, content in enumerate(contents)]
    objects[1].parent.location = moves[1]
    bpy.context.view_layer.update()
    numbers, view = made_up.gather(objects), made_up.view_of(camera, objects)
    wanted = expected(contents, camera, moves)
    close(on_gpu(lambda: made_up.draw(numbers, view)), wanted)
    behind = expected(contents[:1], camera, moves)
    assert np.abs(wanted - behind).mean() > 0.02  # the second one matters


def test_a_mesh_hides_what_is_behind_it_and_nothing_else() -> None:
    content, camera = made_up.some(300, 4), made_up.world_camera()
    objects = [made_up.cloud(content)]
    numbers, view = made_up.gather(objects), made_up.view_of(camera, objects)
    away = np.full((camera.height, camera.width), 9.0)
    away[:, : camera.width // 2] = 0.97  # a wall through the cloud's middle
    flipped = away[::-1]
    ndc = (view.window[2, 2] * -flipped + view.window[2, 3]) / flipped
    drawn = on_gpu(lambda: made_up.draw(numbers, view, covered=lambda _: (ndc + 1) / 2))
    wanted = expected([content], camera, nearest=away)
    close(drawn, wanted)
    assert np.abs(expected([content], camera) - wanted)[:, :20].mean() > 0.02


def test_a_viewport_without_depth_hides_nothing() -> None:
    objects = [made_up.cloud(made_up.some(300, 4))]
    numbers = made_up.gather(objects)
    view = made_up.view_of(made_up.world_camera(), objects)

    def both() -> tuple[np.ndarray, np.ndarray]:
        nothing = np.zeros(view.size[::-1])
        return made_up.draw(numbers, view, covered=lambda _: nothing), made_up.draw(numbers, view)

    np.testing.assert_array_equal(*on_gpu(both))


def test_an_orthographic_view_is_one_from_far_away() -> None:
    content, near = made_up.some(300, 5), made_up.world_camera()
    objects = [made_up.cloud(content)]
    far = 1000.0
    viewmat, K = near.viewmat.copy(), near.K.copy()
    viewmat[2, 3] += far
    K[0, 0] = K[1, 1] = 160.0 * far
    wanted = expected([content], Camera(viewmat, K, near.width, near.height))
    view = made_up.view_of(near, objects)
    scale = 2 * 160.0 * far / (far + near.viewmat[2, 3])
    window = view.window
    middle = -window[0, 2], -window[1, 2]
    window[:] = np.diag([scale / near.width, scale / near.height, -0.1, 1])
    window[:2, 3] = middle
    numbers = made_up.gather(objects)
    close(on_gpu(lambda: made_up.draw(numbers, view)), wanted)


def test_the_order_is_renewed_when_the_view_turns_or_the_cloud_changes() -> None:
    content, camera = made_up.some(60, 6), made_up.world_camera()
    objects = [made_up.cloud(content)]
    numbers, view = made_up.gather(objects), made_up.view_of(camera, objects)

    def orders() -> list[object]:
        picture = splat_picture.SplatPicture(numbers)
        found = []
        for nearer, turned in ((0.0, 0.0), (0.3, 0.0), (0.3, 0.2), (0.3, 0.2)):
            objects_now = view.objects.copy()
            objects_now[:, 2, 3] += nearer
            cos, sin = np.cos(turned), np.sin(turned)
            around = np.array([[cos, 0, sin, 0], [0, 1, 0, 0], [-sin, 0, cos, 0], [0, 0, 0, 1]])
            picture.sort(type(view)(view.size, view.window, objects_now @ around), coarse=False)
            found.append(picture._order)
        numbers.version += 1
        picture.sort(type(view)(view.size, view.window, objects_now @ around), coarse=False)
        return [*found, picture._order]

    first, nearer, turned, still, changed = on_gpu(orders)
    assert nearer is first
    assert turned is not first
    assert still is turned
    assert changed is not turned


def test_a_coarse_picture_has_every_fourth_gaussian_grown_and_half_the_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(splat_picture, "BUDGET", 300)
    content, camera = made_up.some(1400, 7), made_up.world_camera()
    objects = [made_up.cloud(content)]
    numbers, view = made_up.gather(objects), made_up.view_of(camera, objects)
    few = np.flatnonzero(content.opacities)[::4]
    assert len(few) == 300
    thinned = splats.Splats(*(getattr(content, field.name)[few] for field in fields(content)))
    thinned.scales = thinned.scales * 4**splat_picture.GROWTH
    wanted = expected([thinned], camera.resized(camera.width // 2, camera.height // 2))
    close(on_gpu(lambda: made_up.draw(numbers, view, coarse=True)), wanted)


def test_nothing_visible_draws_nothing() -> None:
    content = made_up.some(40, 8)
    content.opacities[:] = 0
    objects = [made_up.cloud(content)]
    numbers = made_up.gather(objects)
    view = made_up.view_of(made_up.world_camera(), objects)
    assert not on_gpu(lambda: made_up.draw(numbers, view)).any()
    assert view.rectangle([(part.low, part.high) for part in numbers.parts]) is None


def test_positions_are_blenders() -> None:
    content = made_up.some(5, 9)
    numbers = made_up.gather([made_up.cloud(content)])
    np.testing.assert_allclose(numbers.places[:5, :3], to_blender(content.means), atol=1e-7)
