"""The open head against an independent NumPy evaluation of its file, in float64."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from backend.assets import OPEN_HEAD
from backend.head import Head
from backend.head.open_head_hash import OPEN_HEAD_SHA256
from backend.head.painting import portrait_camera
from backend.head.zbuffer import rasterise_mesh
from backend.lifting.teeth import CROWNS_MM
from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, BETAS_SIZE, Track

JAW, LEFT, RIGHT = 2, 3, 4


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(OPEN_HEAD, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def random_track(seed: int = 0, frames: int = 3) -> Track:
    rng = np.random.default_rng(seed)
    expression = np.zeros((frames, 100))
    expression[:, :52] = rng.uniform(0, 1, (frames, 52))
    betas = np.zeros(BETAS_SIZE)
    betas[:80] = rng.normal(size=80)
    names = ("global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose")
    poses = {name: rng.normal(scale=0.3, size=(frames, 3)) for name in names}
    transl = rng.normal(scale=0.1, size=(frames, 3))
    return Track.neutral(frames, expression=expression, betas=betas, transl=transl, **poses)


def turn(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrix by the matrix exponential's series, not by Rodrigues' formula."""
    x, y, z = axis_angle
    generator = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    total, term = np.eye(3), np.eye(3)
    for order in range(1, 30):
        term = term @ generator / order
        total = total + term
    return total


def vertex_areas(vertices: torch.Tensor, faces: torch.Tensor) -> np.ndarray:
    """[V] a third of the triangles around each vertex."""
    a, b, c = vertices[faces].double().unbind(1)
    areas = torch.linalg.cross(b - a, c - a).norm(dim=1) / 6
    around = torch.zeros(len(vertices), dtype=torch.double)
    return around.index_add_(0, faces.flatten().long(), areas.repeat_interleave(3)).numpy()


def numpy_neutral(stored: dict[str, np.ndarray], track: Track) -> np.ndarray:
    betas = np.asarray(track.betas, np.float64)[: stored["shapedirs"].shape[2]]
    return stored["v_template"].astype(np.float64) + stored["shapedirs"].astype(np.float64) @ betas


def numpy_vertices(stored: dict[str, np.ndarray], track: Track, frame: int) -> np.ndarray:
    neutral = numpy_neutral(stored, track)
    joints = stored["J_regressor"].astype(np.float64) @ neutral
    weights = stored["lbs_weights"].astype(np.float64)
    codes = track.expression[frame, :52].astype(np.float64)
    points = neutral + stored["exprdirs"].astype(np.float64) @ codes
    result = (weights[:, 0] + weights[:, 1])[:, None] * points
    poses = ((JAW, track.jaw_pose), (LEFT, track.leye_pose), (RIGHT, track.reye_pose))
    for joint, pose in poses:
        turned = (points - joints[joint]) @ turn(pose[frame].astype(np.float64)).T + joints[joint]
        result += weights[:, joint, None] * turned
    return result


def test_vertices_equal_an_independent_numpy_evaluation_to_1e_6(head, stored):
    track = random_track()
    vertices = head.vertices_of(track).numpy()
    for frame in range(len(track)):
        expected = numpy_vertices(stored, track, frame)
        assert np.abs(vertices[frame] - expected).max() < 1e-6


def test_the_recorded_hash_is_the_files_own(head):
    digest = hashlib.sha256(OPEN_HEAD.read_bytes()).hexdigest()
    assert digest == OPEN_HEAD_SHA256 == head.hash


def test_counts_are_those_of_makehumans_head(head):
    assert (len(head.v_template), len(head.faces)) == (5418, 10440)
    assert head.exprdirs.shape == (5418, 3, 100)
    assert not head.exprdirs[..., 52:].any()
    assert head.exprdirs[..., :52].norm(dim=1).amax(0).min() > 1e-4, "every unit moves something"


def test_axes_are_flames(head):
    joints = head.joints_of(None)
    np.testing.assert_allclose(joints[3:].mean(0), (0, 0.03, 0.055), atol=1e-4)
    assert joints[LEFT, 0] > 0.025, "the subject's left eye lies at +X"
    nose_tip = head.v_template[head.v_template[:, 2].argmax()]
    assert 0.08 < nose_tip[2] < 0.1
    assert head.v_template[:, 1].max() > 0.1, "+Y is up"


def test_normals_point_outwards(head):
    normals = head.normals(head.v_template[None])[0]
    skin = head.regions["skin"] & (head.lbs_weights[:, 0] < 0.5) & ~head.regions["ears"]
    outwards = head.v_template - torch.tensor([0.0, 0.02, -0.01])
    assert ((normals * outwards).sum(-1)[skin] > 0).float().mean() > 0.9


def test_joints_come_from_the_vertices_and_eyes_turn_in_place(head):
    track = random_track(seed=4, frames=1)
    neutral = head.shape(torch.from_numpy(track.betas)[None])[0]
    joints = head.joints_of(track.betas)
    for joint, name in ((LEFT, "left_eyeball"), (RIGHT, "right_eyeball")):
        ball = neutral[head.regions[name]].double().numpy()
        # A sphere's centre by least squares: |p|^2 = 2 p.c + k. Vertices are denser in front.
        even = np.sqrt(vertex_areas(neutral, head.faces)[head.regions[name]])[:, None]
        system = np.c_[2 * ball, np.ones(len(ball))]
        goal = (ball**2).sum(1, keepdims=True)
        centre = np.linalg.lstsq(even * system, even * goal, rcond=None)[0][:3, 0]
        assert np.linalg.norm(centre - joints[joint]) < 1e-3


def test_head_pose_equals_skinning_of_points_that_follow_the_neck_alone(head):
    track = random_track(seed=1)
    betas = torch.from_numpy(track.betas)[None].expand(3, -1)
    arguments = [
        torch.from_numpy(getattr(track, name))
        for name in ("global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose", "transl")
    ]
    rest = torch.zeros(3, 100)
    skinned = head.lbs(betas, rest, *arguments)
    own = head.lbs_weights[:, 1] == 1
    assert own.sum() > 1000
    pose = head.head_pose(betas, arguments[0], arguments[1], arguments[5])
    rigid = head.shape(betas) @ pose[:, :3, :3].mT + pose[:, None, :3, 3]
    assert (skinned - rigid)[:, own].abs().max() < 1e-6


def test_an_unposed_head_is_the_neutral_identity(head):
    track = Track.neutral(1, betas=random_track().betas)
    neutral = head.shape(torch.from_numpy(track.betas)[None])
    assert (head.vertices_of(track) - neutral).abs().max() < 1e-6
    assert (head.head_pose_of(track) - torch.eye(4)).abs().max() < 1e-7


def test_local_frames_are_rotations(head):
    frames = head.local_frames(head.vertices_of(random_track(seed=2)))
    assert (frames.mT @ frames - torch.eye(3)).abs().max() < 1e-5
    assert (torch.linalg.det(frames) - 1).abs().max() < 1e-5


def test_local_frames_turn_with_the_head(head):
    vertices = head.vertices_of(random_track(seed=3, frames=1))
    rotation = torch.from_numpy(turn(np.array([0.4, -0.9, 0.2]))).float()
    turned = head.local_frames(vertices @ rotation.T + torch.tensor([0.1, -0.2, 0.05]))
    assert (turned - rotation @ head.local_frames(vertices)).abs().max() < 1e-3


def test_local_frames_keep_their_direction_under_expressions(head):
    weights = {"jawOpen": 0.8, "mouthSmileLeft": 1.0, "eyeBlinkRight": 1.0}
    before = head.local_frames(head.v_template[None])[0]
    after = head.local_frames(head.vertices_of(Track.from_arkit(weights)))[0]
    cosine = ((before.mT @ after).diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2
    # Folds of the lids and the mouth corners roll over; nothing else does.
    assert (cosine > 0).float().mean() > 0.99


def test_vertices_and_frames_have_finite_gradients_at_rest(head):
    betas = torch.zeros(1, 80, requires_grad=True)
    expression = torch.zeros(1, 100, requires_grad=True)
    poses = [torch.zeros(1, 3, requires_grad=True) for _ in range(3)]
    vertices = head.vertices(betas, expression, *poses)
    (vertices.square().sum() + head.local_frames(vertices)[..., 0].sum()).backward()
    for tensor in (betas, expression, *poses):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().max() > 0


def test_lower_teeth_and_tongue_follow_the_jaw_and_upper_teeth_do_not(head):
    for unit in ("jawOpen", "jawForward", "jawLeft", "jawRight"):
        moves = head.exprdirs[..., ARKIT_NAMES.index(unit)].norm(dim=1)
        chin = moves[head.regions["chin"]].max()
        assert moves[head.regions["teeth_lower"]].mean() > 0.5 * chin
        assert moves[head.regions["tongue"]].mean() > 0.3 * chin
        assert moves[head.regions["teeth_upper"]].max() == 0


def test_a_tongue_comes_out_over_the_lower_teeth_and_lip(head):
    track = Track.from_arkit({"jawOpen": 0.35, "tongueOut": 1.0})
    places = head.vertices_of(track)[0].numpy()
    tongue = places[head.regions["tongue"].numpy()]
    middle = np.abs(places[:, 0]) < 0.01
    lip = places[head.regions["lower_lip"].numpy() & middle]
    edge = lip[lip[:, 1].argmax()]
    teeth = places[head.regions["teeth_lower"].numpy() & middle]
    assert 0.010 < tongue[:, 2].max() - lip[:, 2].max() < 0.020
    for front, height in ((edge[2], edge[1]), (teeth[:, 2].max(), teeth[:, 1].max())):
        over = np.abs(tongue[:, 2] - front) < 0.004
        assert over.any()
        assert tongue[over, 1].min() > height - 0.003
    assert tongue[tongue[:, 2].argmax(), 1] < edge[1]


def test_the_jaw_bone_opens_the_mouth_that_jaw_open_opens(head):
    pose = np.array([[0.25, 0.0, 0.0]])
    bone = head.vertices_of(Track.neutral(1, jaw_pose=pose))[0] - head.v_template
    unit = head.exprdirs[..., ARKIT_NAMES.index("jawOpen")]
    chin = head.regions["chin"]
    assert bone[chin, 1].mean() < -0.01
    cosine = torch.nn.functional.cosine_similarity(bone[chin], unit[chin], dim=-1)
    assert cosine.mean() > 0.95


def test_the_eyes_look_where_their_units_say(head):
    for name, axis, sign in (
        ("eyeLookOutLeft", 0, 1), ("eyeLookInLeft", 0, -1), ("eyeLookUpLeft", 1, 1),
        ("eyeLookDownLeft", 1, -1), ("eyeLookOutRight", 0, -1), ("eyeLookInRight", 0, 1),
    ):  # fmt: skip
        side = "left" if name.endswith("Left") else "right"
        ball = head.regions[f"{side}_eyeball"]
        pupil = head.v_template[:, 2].masked_fill(~ball, -1).argmax()
        move = head.exprdirs[pupil, axis, ARKIT_NAMES.index(name)]
        assert sign * move > 0.003


def test_lashes_follow_the_lids_of_a_blink(head):
    for side, sign in (("Left", 1), ("Right", -1)):
        unit = head.exprdirs[:, 1, ARKIT_NAMES.index(f"eyeBlink{side}")]
        own = head.regions["lashes"] & (sign * head.v_template[:, 0] > 0)
        assert unit[own].min() < -0.005
        assert not unit[head.regions["lashes"] & ~own].any()


def test_closed_lips_hide_the_teeth_for_every_identity(head):
    teeth = (head.regions["teeth_upper"] | head.regions["teeth_lower"])[head.faces].all(1).numpy()
    rng = np.random.default_rng(7)
    faces = head.faces.numpy()
    for count in range(6):
        betas = np.zeros(BETAS_SIZE)
        betas[:80] = rng.normal(size=80) * (count > 0)
        vertices = head.vertices_of(Track.neutral(1, betas=betas))[0].numpy()
        seen = rasterise_mesh(vertices, faces, portrait_camera(512))
        assert teeth[seen.face[seen.face >= 0]].sum() <= 4, "pixels of 512 x 512"


@pytest.mark.parametrize("jaw", ["upper", "lower"])
def test_teeth_are_as_wide_as_people_s_and_look_outwards(head, jaw):
    teeth = head.regions[f"teeth_{jaw}"].numpy()
    places = head.v_template.numpy()[teeth] * 1000
    heights = places[:, 1].reshape(4, -1)
    row = places.reshape(4, -1, 3)[1]  # just above the cutting edges
    assert np.ptp(heights, axis=0).min() > 9, "crowns and what holds them"
    length = np.linalg.norm(np.diff(row[:, [0, 2]], axis=0), axis=1).sum()  # seen from above
    assert length == pytest.approx(2 * sum(CROWNS_MM[jaw]), rel=0.06)
    normals = head.normals(head.v_template[None])[0].numpy()[teeth].reshape(4, -1, 3)
    assert (normals[1:3, np.abs(row[:, 0]) < 15, 2] > 0.4).all()
    assert (normals[1:3, row[:, 0] > 25, 0] > 0.4).all()


def test_rows_of_teeth_rise_towards_their_sides(head):
    """As on 36 people who smile: at .15 and .21 of the eyes' distance by .020 and .033 of it."""
    eyes = head.embed_landmarks(head.v_template)[[33, 263]].double().numpy() * 1000
    apart = np.linalg.norm(eyes[1] - eyes[0])
    edge = head.v_template.numpy()[head.regions["teeth_upper"]][:45] * 1000
    longest = edge[:, 1].min()
    for aside, risen in ((0.15, 0.020), (0.21, 0.033)):
        at = np.abs(np.abs(edge[:, 0]) / apart - aside) < 0.02
        assert (edge[at, 1].min() - longest) / apart == pytest.approx(risen, abs=0.008)


def test_eyeballs_are_round_and_dense_around_the_iris(head):
    for name in ("left_eyeball", "right_eyeball"):
        ball = head.regions[name]
        places = head.v_template[ball].double().numpy() * 1000
        middle = (places.max(0) + places.min(0)) / 2
        radius = np.linalg.norm(places - middle, axis=1)
        assert np.ptp(radius) < 1
        ahead = np.degrees(np.arccos((places - middle)[:, 2] / radius))
        spacing = head.site_spacing[ball].numpy() * 1000
        assert spacing[(ahead > 10) & (ahead < 30)].max() < 0.7
        normals = head.normals(head.v_template[None])[0][ball].numpy()
        assert (normals * (places - middle) / radius[:, None]).sum(1).min() > 0.9, "outwards"


def test_upper_teeth_bite_over_lower_ones_behind_the_lips(head):
    places = head.v_template.numpy() * 1000
    middle = np.abs(places[:, 0]) < 8
    upper, lower, lips = (
        places[head.regions[name].numpy() & middle]
        for name in ("teeth_upper", "teeth_lower", "lips")
    )
    assert 1 < lower[:, 1].max() - upper[:, 1].min() < 5, "overbite"
    assert lower[:, 2].max() < upper[:, 2].max() < lips[:, 2].max() - 5


def test_landmarks_lie_on_the_parts_they_are_named_for(head):
    corners = head.faces[head.landmark_faces]
    assert head.regions["eyeballs"][corners[468:]].all()
    assert head.regions["lips"][corners[[13, 14, 78, 308]]].all()
    assert head.regions["nose"][corners[[1, 4]]].any(1).all()
    assert not head.regions["lashes"][corners].any()
    points = head.embed_landmarks(head.v_template)
    left_eye, right_eye = points[473], points[468]
    assert left_eye[0] > 0.02
    np.testing.assert_allclose(left_eye * torch.tensor([-1, 1, 1]), right_eye, atol=2e-5)
    np.testing.assert_allclose(points[[10, 152, 1, 13], 0], 0, atol=1e-3)


def test_mirror_pairs_vertices_of_the_two_sides(head):
    assert (head.mirror[head.mirror] == torch.arange(len(head.mirror))).all()
    flipped = head.v_template[head.mirror] * torch.tensor([-1.0, 1, 1])
    assert (flipped - head.v_template).norm(dim=1).max() < 2e-3


def test_sites_lie_evenly_around_their_vertex(head):
    corners = head.v_template[head.faces[head.site_faces]]
    sites = (corners * head.site_bary[..., None]).sum(2)  # [V, 14, 3]
    assert (head.site_bary >= 0).all()
    np.testing.assert_allclose(head.site_bary.sum(-1), 1, atol=1e-4)
    own = torch.arange(len(sites))[:, None, None]
    assert (head.faces[head.site_faces] == own).any(-1).all(), "in the vertex's own triangles"
    face = head.regions["face"]
    points = torch.cat([head.v_template[:, None], sites], 1)[face].flatten(0, 1)
    nearest = KDTree(points.numpy()).query(points.numpy(), k=2)[0][:, 1]
    spacing = head.site_spacing[face].repeat_interleave(15).numpy()
    assert 0.4e-3 < np.median(spacing) < 1.2e-3, "about a millimetre"
    assert np.quantile(nearest / spacing, 0.05) > 0.4, "points keep their distance"


def test_betas_beyond_the_heads_components_are_refused(head):
    betas = np.zeros(BETAS_SIZE, np.float32)
    betas[200] = 0.5
    with pytest.raises(AvatarError, match="has 86 identity components") as caught:
        head.vertices_of(Track.neutral(1, betas=betas))
    assert caught.value.code == "head_mismatch"


def test_a_track_of_another_head_is_refused(head):
    with pytest.raises(AvatarError, match="belong to the head 'flame2020'") as caught:
        head.vertices_of(Track.neutral(1, head="flame2020"))
    assert caught.value.code == "head_mismatch"


def test_the_rig_of_an_identity_is_the_backends_own(head):
    track = random_track(seed=5, frames=1)
    rig = head.rig(track.betas)
    neutral = head.shape(torch.from_numpy(track.betas)[None])[0].numpy()
    np.testing.assert_array_equal(rig["vertices"], neutral)
    assert rig["expression_deltas"].shape == (52, 5418, 3)
    assert rig["faces"].dtype == np.int32
    np.testing.assert_allclose(rig["joints"], head.joints_of(track.betas), atol=1e-6)
    np.testing.assert_allclose(rig["skin_weights"].sum(1), 1, atol=1e-7)
