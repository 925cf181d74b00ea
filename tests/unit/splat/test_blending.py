"""Which layer makes up most of a pixel, as numpy has it from the formulas of splatting."""

import numpy as np
import pytest
import torch

from backend.splat.blending import most_seen_layers
from backend.splat.gaussians import Gaussians
from shared.camera import Camera

_SIZE = _WIDTH, _HEIGHT = 60, 44
_EPS2D = 0.5
_ALPHA_MAX = 0.99


def _camera() -> Camera:
    """From the front, 1 m before the origin, which lies in the middle of the picture."""
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[2, 3] = 1.0
    k = np.array([[150.0, 0, _WIDTH / 2], [0, 150.0, _HEIGHT / 2], [0, 0, 1]])
    return Camera(view, k, *_SIZE)


def _balls(*given: tuple[float, float, int]) -> Gaussians:
    """Balls behind each other in the middle: z in metres, opacity, layer."""
    z_m, opacities, layers = zip(*given, strict=True)
    count = len(given)
    return Gaussians(
        torch.tensor([[0.0, 0.0, z] for z in z_m]),
        torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        torch.full((count, 3), 0.02),
        torch.tensor(opacities),
        torch.zeros(count, 3),
        torch.tensor(layers, dtype=torch.uint8),
    )


def _middle(cloud: Gaussians) -> int:
    return int(most_seen_layers(cloud, _camera(), _ALPHA_MAX)[_HEIGHT // 2, _WIDTH // 2])


@pytest.mark.parametrize(
    ("balls", "wanted"),
    [
        ([(0.1, 0.9, 0)], 1),
        ([(0.1, 0.9, 5)], 6),
        ([(0.1, 0.4, 2), (-0.1, 0.95, 0)], 1),  # 0.4, and 0.6 x 0.95 behind it
        ([(0.1, 0.4, 2), (0.05, 0.4, 2), (-0.1, 0.95, 0)], 3),  # 0.64, and 0.36 x 0.95
        ([(0.1, 0.9, 1), (-0.1, 0.9, 0)], 2),
        ([(0.1, 0.0, 3), (-0.1, 0.9, 0)], 1),  # masked out
        ([(0.1, 0.0, 3)], 0),
    ],
)
def test_a_pixel_has_the_layer_that_makes_up_most_of_it(balls, wanted):
    assert _middle(_balls(*balls)) == wanted


def test_where_there_is_nothing_no_layer_is():
    ball = _balls((0.1, 0.9, 0))
    layers = most_seen_layers(ball, _camera(), _ALPHA_MAX)
    assert (layers.dtype, layers.shape) == (torch.uint8, (_HEIGHT, _WIDTH))
    assert (layers[0] == 0).all()
    assert (most_seen_layers(ball.select(slice(0)), _camera(), _ALPHA_MAX) == 0).all()


def test_every_pixel_has_what_numpy_finds():
    rng = np.random.default_rng(3)
    count = 40
    means = rng.uniform(-1, 1, (count, 3)) * [0.2, 0.15, 0.2]
    axes, _ = np.linalg.qr(rng.normal(size=(count, 3, 3)))
    axes *= np.linalg.det(axes)[:, None, None]
    scales, opacities = rng.uniform(0.003, 0.04, (count, 3)), rng.uniform(0.2, 1.0, count)
    layers = rng.integers(0, 6, count)
    cloud = Gaussians(
        torch.tensor(means, dtype=torch.float32),
        torch.tensor(_quaternions(axes), dtype=torch.float32),
        torch.tensor(scales, dtype=torch.float32),
        torch.tensor(opacities, dtype=torch.float32),
        torch.zeros(count, 3),
        torch.tensor(layers, dtype=torch.uint8),
    )
    shares = _shares(means, axes, scales, opacities, layers)
    found = most_seen_layers(cloud, _camera(), _ALPHA_MAX, _EPS2D).numpy()
    first, second = np.sort(shares, axis=-1)[..., :-3:-1].transpose(2, 0, 1)
    clear = first - second > 1e-3  # else the last digits say which
    assert clear.mean() > 0.9
    assert len(np.unique(found[clear])) == 6
    np.testing.assert_array_equal(found[clear], shares.argmax(-1)[clear] + 1)
    np.testing.assert_array_equal(found > 0, first > 0)


def _quaternions(axes: np.ndarray) -> np.ndarray:
    """[N, 4] wxyz of rotations [N, 3, 3]: the eigenvector to 1 turns into itself."""
    found = []
    for turn in axes:
        angle = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
        axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        axis /= np.linalg.norm(axis)
        found.append([np.cos(angle / 2), *(np.sin(angle / 2) * axis)])
    return np.array(found)


def _shares(
    means: np.ndarray,
    axes: np.ndarray,
    scales: np.ndarray,
    opacities: np.ndarray,
    layers: np.ndarray,
) -> np.ndarray:
    """[H, W, 6] how much of a pixel each layer makes up, one Gaussian after the other."""
    camera = _camera()
    turn, focal = camera.viewmat[:3, :3], camera.K[0, 0]
    x, y = np.meshgrid(np.arange(_WIDTH) + 0.5, np.arange(_HEIGHT) + 0.5)
    left, shares = np.ones((_HEIGHT, _WIDTH)), np.zeros((_HEIGHT, _WIDTH, 6))
    seen = means @ turn.T + camera.viewmat[:3, 3]
    for g in np.argsort(seen[:, 2]):
        u, v, z = seen[g]
        jacobian = focal / z * np.array([[1, 0, -u / z], [0, 1, -v / z]])
        spread = jacobian @ turn @ axes[g] @ np.diag(scales[g])
        inverse = np.linalg.inv(spread @ spread.T + _EPS2D * np.eye(2))
        off = np.stack([x - focal * u / z - _WIDTH / 2, y - focal * v / z - _HEIGHT / 2], axis=-1)
        alpha = opacities[g] * np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", off, inverse, off))
        alpha = np.where(alpha < 1 / 255, 0, alpha.clip(max=_ALPHA_MAX))
        shares[..., layers[g]] += left * alpha
        left *= 1 - alpha
    return shares
