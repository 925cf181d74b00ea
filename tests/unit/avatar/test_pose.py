"""Head pose is rigid; shoulders blend out of it; weights of blending add up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from backend.avatar.pose import Follow, neck_follows, posed, torso_follows
from backend.splat.blending import blending_weights
from backend.splat.gaussians import Gaussians
from backend.splat.quaternions import to_matrix
from backend.splat.rasterise import rasterise
from shared.camera import Camera, portrait_intrinsics


def cloud(count: int = 60, seed: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)
    quats = Rotation.from_quat(rng.normal(size=(count, 4))).as_quat(scalar_first=True)

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32))

    return Gaussians(
        tensor(rng.normal(0, 0.1, (count, 3))),
        tensor(quats),
        tensor(rng.uniform(0.002, 0.01, (count, 3))),
        tensor(rng.uniform(0.2, 1, count)),
        tensor(rng.random((count, 3))),
    )


def evenly(share: float, count: int = 60) -> Follow:
    return Follow(torch.full((count,), share), torch.zeros(count))


def motion(rotvec_deg: tuple[float, float, float], shift: tuple[float, float, float]):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(rotvec_deg, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return torch.from_numpy(matrix.astype(np.float32))


def as_scipy(quats: torch.Tensor) -> Rotation:
    return Rotation.from_quat(quats.double().numpy(), scalar_first=True)


MOTIONS = [
    ((0, 0, 0), (0, 0, 0)),
    ((0, 35, 0), (0.01, 0.02, -0.03)),
    ((50, -120, 20), (0.1, 0, 0)),
    ((0, 179, 0), (0, 0, 0.2)),
]


@pytest.mark.parametrize(("turn", "shift"), MOTIONS)
def test_a_pose_moves_everything_rigidly(turn, shift):
    given, pose = cloud(), motion(turn, shift)
    moved = posed(given, pose)
    expected = given.means.double() @ pose[:3, :3].T.double() + pose[:3, 3]
    torch.testing.assert_close(moved.means.double(), expected, atol=1e-6, rtol=0)
    before, after = pdist(given.means.double()), pdist(moved.means.double())
    np.testing.assert_allclose(after, before, atol=1e-6)
    gap = (
        as_scipy(moved.quats)
        * (Rotation.from_rotvec(turn, degrees=True) * as_scipy(given.quats)).inv()
    )
    assert gap.magnitude().max() < 1e-4
    for name in ("scales", "opacities", "features", "layers", "vertices"):
        assert getattr(moved, name) is getattr(given, name)


@pytest.mark.parametrize(("turn", "shift"), MOTIONS)
def test_turned_quaternions_are_the_turned_matrices(turn, shift):
    given, pose = cloud(), motion(turn, shift)
    expected = pose[:3, :3] @ to_matrix(given.quats)
    torch.testing.assert_close(to_matrix(posed(given, pose).quats), expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize(("turn", "shift"), MOTIONS)
def test_following_wholly_equals_no_weights_and_not_at_all_stays(turn, shift):
    given, pose = cloud(), motion(turn, shift)
    whole = posed(given, pose, evenly(1.0))
    torch.testing.assert_close(whole.means, posed(given, pose).means, atol=1e-6, rtol=0)
    gap = as_scipy(whole.quats) * as_scipy(posed(given, pose).quats).inv()
    assert gap.magnitude().max() < 1e-4
    none = posed(given, pose, evenly(0.0))
    torch.testing.assert_close(none.means, given.means)
    torch.testing.assert_close(none.quats, given.quats)


def test_a_torso_that_does_not_follow_takes_its_own_pose():
    given, head, torso = cloud(), motion((0, 40, 0), (0.02, 0, 0)), motion((0, 0, 5), (0, 0.01, 0))
    still = posed(given, head, evenly(0.0), torso)
    upright = posed(given, torso)
    torch.testing.assert_close(still.means, upright.means)
    assert (as_scipy(still.quats) * as_scipy(upright.quats).inv()).magnitude().max() < 1e-3
    same = posed(given, torso, evenly(0.3), torso)
    torch.testing.assert_close(
        same.means, upright.means, msg="both go there, and so do all between"
    )


def test_following_half_turns_about_half():
    given, pose = cloud(), motion((0, 40, 0), (0.02, 0, 0))
    half = posed(given, pose, evenly(0.5))
    turned = (as_scipy(half.quats) * as_scipy(given.quats).inv()).magnitude()
    np.testing.assert_allclose(np.degrees(turned), 20, atol=0.5)
    torch.testing.assert_close(half.means, (given.means + posed(given, pose).means) / 2)
    torch.testing.assert_close(half.quats.norm(dim=1), torch.ones(len(given)))


def test_gaussians_are_stretched_as_what_they_stand_for():
    """Against the finite differences of where their neighbours go."""
    given, pose = cloud(), motion((5, 30, 20), (0.02, 0, 0.01))
    slope, middle, step = 12.0, 0.4, 1e-3

    def at(means: torch.Tensor) -> Gaussians:
        share = middle + slope * (means[:, 1] - given.means[:, 1])
        moving = dataclasses.replace(given, means=means)
        return posed(moving, pose, Follow(share, torch.full_like(share, slope)))

    steps = torch.eye(3) * step
    sides = [at(given.means + move).means - at(given.means - move).means for move in steps]
    jacobian = torch.stack(sides, dim=-1) / (2 * step)
    turned = to_matrix(at(given.means).quats) * at(given.means).scales[:, None]
    rest = to_matrix(given.quats) * given.scales[:, None]
    # Means are blended straight, which shrinks what turns; Gaussians are turned whole.
    along = turned @ turned.mT
    expected = (jacobian @ rest) @ (jacobian @ rest).mT
    assert (along.diagonal(dim1=1, dim2=2) > 0.93 * expected.diagonal(dim1=1, dim2=2)).all()
    torch.testing.assert_close(along, expected, atol=0.12 * float(expected.max()), rtol=0)
    assert torch.linalg.det(to_matrix(at(given.means).quats)).min() > 0.99


def column(count: int = 400) -> torch.Tensor:
    heights = torch.linspace(-0.3, 0.2, count)
    return torch.stack([torch.zeros(count), heights, torch.zeros(count)], -1)


def test_torso_weights_grow_from_below_the_chin_to_the_neck_s_joint():
    means, neck, up = column(), torch.tensor([0, -0.05, 0]), torch.tensor([0, 1.0, 0])
    heights, weights = means[:, 1], torso_follows(means, neck, up, means[:, 0] > 0).share
    assert (weights.diff() >= 0).all()
    assert weights[heights >= -0.05].min() == 1
    assert weights[heights <= -0.08].max() == 0
    assert weights.diff().max() < 0.1, "smooth"
    middle = torso_follows(torch.tensor([[0.4, -0.065, 0.1]]), neck, up, torch.zeros(1) > 0).share
    assert float(middle) == pytest.approx(0.5, abs=1e-5)


def test_torso_weights_grow_along_the_torso_below_a_tilted_head():
    """Of one height beside an upright torso, and of very different ones in a tilted head."""
    neck, up = torch.tensor([0.01, -0.05, 0.02]), torch.tensor([0.6, 0.8, 0.0])
    across = torch.tensor([0.8, -0.6, 0.0])
    means = neck - 0.015 * up + torch.linspace(-0.2, 0.2, 9)[:, None] * across
    weights = torso_follows(means, neck, up, torch.zeros(9) > 0).share
    torch.testing.assert_close(weights, torch.full((9,), 0.5))


def test_clothes_stay_however_high():
    means, neck, up = column(), torch.tensor([0, -0.05, 0]), torch.tensor([0, 1.0, 0])
    follow = torso_follows(means, neck, up, means[:, 1] < 0.1)
    assert follow.share[means[:, 1] < 0.1].max() == follow.slope[means[:, 1] < 0.1].max() == 0
    assert follow.share[means[:, 1] >= 0.1].min() == 1


def test_only_the_neck_bends_and_its_lower_end_stays():
    means, region = column(), torch.zeros(400, dtype=torch.bool)
    region[:200] = True  # below -.05
    neck, up = torch.tensor([0, -0.05, 0]), torch.tensor([0, 1.0, 0])
    weights = neck_follows(means, neck, up, region).share
    heights = means[:, 1]
    assert (weights[~region] == 1).all()
    assert weights[heights <= -0.14].max() == 0
    assert (weights.diff() >= 0).all()


def test_a_throat_goes_with_the_chin_that_it_meets_however_low_that_is():
    means, neck, up = column(), torch.tensor([0, -0.05, 0]), torch.tensor([0, 1.0, 0])
    chin = torch.tensor([[0.0, -0.12, 0.0]])
    region = torch.ones(401, dtype=torch.bool)
    region[-1] = False
    alone = neck_follows(means, neck, up, region[:-1])
    met = neck_follows(torch.cat([means, chin]), neck, up, region).first(400)
    away = (means - chin).norm(dim=1)
    assert alone.share[away < 0.002].max() < 0.3
    assert met.share[away < 0.002].min() > 0.9
    torch.testing.assert_close(met.share[away > 0.016], alone.share[away > 0.016])
    assert met.slope[away < 0.002].max() < 0.1 * alone.slope[away < 0.002].min()


def camera(size_px: int = 64) -> Camera:
    viewmat = np.diag([1.0, -1, -1, 1])
    viewmat[2, 3] = 2.0
    return Camera(viewmat, portrait_intrinsics(size_px), size_px, size_px)


def test_blending_weights_add_up_to_the_pictures_alpha():
    given = cloud(40)
    weights = blending_weights(given, camera())
    assert (weights >= 0).all()
    alpha = rasterise(given, camera()).alpha
    assert float(weights.sum()) == pytest.approx(float(alpha.sum()), rel=1e-4)


def test_what_lies_behind_something_opaque_has_no_weight():
    flat = cloud(2)
    flat.means[:] = torch.tensor([[0.0, 0, 0.05], [0, 0, -0.05]])
    flat.scales[:] = torch.tensor([[0.03, 0.03, 0.03], [0.002, 0.002, 0.002]])
    flat.opacities[:] = torch.tensor([0.999, 0.9])
    front, behind = blending_weights(flat, camera()).tolist()
    assert front > 10
    assert behind < 0.5
    flat.opacities[0] = 0.0
    assert blending_weights(flat.kept(), camera())[0] > 2


def test_blending_weights_work_where_gradients_are_off():
    with torch.no_grad():
        assert blending_weights(cloud(5), camera()).sum() > 0
