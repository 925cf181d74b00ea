"""FLAME files of every kind: the golden numbers, what is refused, damage, what lies beside them."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from backend.head import Head, flame, load_head
from backend.head.flame_file import read_flame
from shared.errors import AvatarError
from shared.flame import Track
from tests.unit.head.flame_files import (
    as_npz,
    as_pickle,
    as_torch,
    small_flame,
    synthetic_flame,
    tensors,
)
from tests.unit.shared.restricted.pickles import Call, flame_pickle

GOLDEN = Path(__file__).resolve().parents[2] / "data/golden_flame.npz"
MODEL_UNITS_PER_METRE = 5.0

KINDS: dict[str, Callable[[dict[str, np.ndarray]], bytes]] = {
    "generic_model.pkl": as_pickle,
    "flame.npz": as_npz,
    "FLAME_with_eye.pt": as_torch,
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(AvatarError) as caught:
        read_flame(path)
    assert caught.value.code == "bad_file"
    assert str(path) in caught.value.message
    return caught.value.message


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Head:
    folder = tmp_path_factory.mktemp("flame")
    return load_head("flame2020", written(folder / "generic_model.pkl", as_pickle(small_flame())))


def test_vertices_and_landmarks_equal_the_golden_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sites and regions take seconds, and the numbers do not depend on them: left out here."""
    model, landmarks, codes = synthetic_flame()
    count = len(model["v_template"])
    empty = (np.zeros((count, 14), int), np.zeros((count, 14, 3)), np.ones(count))
    monkeypatch.setattr(flame, "make_sites", lambda *_: empty)
    monkeypatch.setattr(flame, "lay_over", lambda head, _: head.v_template.double().numpy())
    path = written(tmp_path / "FLAME_with_eye.pt", as_torch(model, landmarks))
    head = load_head("flame_with_eye", path)
    rows = {name: torch.from_numpy(code)[None] for name, code in codes.items()}
    jaw, eyes = rows["posecode"][:, 3:], rows["eyecode"]
    vertices = head.vertices(rows["shapecode"], rows["expcode"], jaw, eyes[:, :3], eyes[:, 3:])
    with np.load(GOLDEN) as golden:
        for name, ours in (("vertices", vertices), ("landmarks", head.flame_landmarks(vertices))):
            found = ours[0].numpy() * MODEL_UNITS_PER_METRE
            np.testing.assert_allclose(found, golden[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_model(tmp_path: Path, name: str) -> None:
    model = small_flame()
    found = read_flame(written(tmp_path / "any name", KINDS[name](model)))
    np.testing.assert_array_equal(found.faces, model["f"])
    for theirs, ours in (
        ("v_template", found.v_template),
        ("posedirs", found.posedirs),
        ("J_regressor", found.J_regressor),
        ("weights", found.lbs_weights),
        ("shapedirs", np.concatenate([found.shapedirs, found.exprdirs], axis=2)),
    ):
        np.testing.assert_allclose(ours, model[theirs], rtol=1e-6, atol=1e-9)


def test_posed_vertices_equal_an_independent_evaluation(small: Head) -> None:
    """FLAME by loops over vertices in float64, with SciPy's rotations."""
    model, rng = small_flame(), np.random.default_rng(5)
    betas, expression = rng.normal(size=300), rng.normal(size=100)
    pose = rng.normal(size=(5, 3)) * 0.2
    shaped = model["v_template"] + model["shapedirs"] @ np.concatenate([betas, expression])
    joints = model["J_regressor"] @ shaped
    turns = Rotation.from_rotvec(pose).as_matrix()
    features = np.concatenate([(turn - np.eye(3)).ravel() for turn in turns[1:]])
    shaped = shaped + model["posedirs"] @ features
    world = []
    for joint, parent in enumerate((-1, 0, 1, 1, 1)):
        own = np.eye(4)
        own[:3, :3] = turns[joint]
        own[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(own if parent < 0 else world[parent] @ own)
    wanted = np.zeros_like(shaped)
    for vertex, point in enumerate(shaped):
        for joint, matrix in enumerate(world):
            moved = matrix[:3, :3] @ (point - joints[joint]) + matrix[:3, 3]
            wanted[vertex] += model["weights"][vertex, joint] * moved
    rows = [torch.from_numpy(row).float()[None] for row in (betas, expression, *pose)]
    betas_row, expression_row, root, neck, jaw, left, right = rows
    turned = (root, neck, jaw, left, right)
    found = small.lbs(betas_row, expression_row, *turned, torch.zeros(1, 3))[0]
    np.testing.assert_allclose(found.numpy(), wanted, atol=2e-6)


def test_a_flame_head_has_all_that_the_network_and_the_rig_need(small: Head) -> None:
    open_head = Head.load("open")
    count = len(small.v_template)
    assert count == 80
    assert len(small.edges) == count + len(small.faces) - 2, "Euler: a closed surface"
    assert (small.site_bary >= 0).all()
    np.testing.assert_allclose(small.site_bary.sum(-1), 1, atol=1e-5)
    own = torch.arange(count)[:, None, None]
    assert (small.faces[small.site_faces] == own).any(-1).all(), "in the vertex's own triangles"
    assert (small.site_spacing > 0).all()
    assert set(small.regions) == set(open_head.regions)
    assert int(small.regions["left_eyeball"].sum()) == 3
    assert not small.regions["teeth_upper"].any()
    frames = small.local_frames(small.v_template[None])
    np.testing.assert_allclose(torch.linalg.det(frames), 1, atol=1e-4)
    assert small.embed_landmarks(small.v_template).shape == (478, 3)


def test_sites_regions_and_landmarks_are_kept_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "generic_model.pkl", as_pickle(small_flame()))
    first = load_head("flame2020", path)
    kept = path.with_name("generic_model.pkl.derived.npz")

    def again(*_: object) -> None:
        raise AssertionError("worked out again")

    with monkeypatch.context() as patch:
        patch.setattr(flame, "make_sites", again)
        second = load_head("flame2020", path)
        np.testing.assert_array_equal(first.site_faces, second.site_faces)
        other = written(
            path, as_npz({**small_flame(), "v_template": small_flame()["posedirs"][..., 0]})
        )
        with pytest.raises(AssertionError, match="worked out again"):
            load_head("flame2020", other)
    written(path, as_pickle(small_flame()))
    kept.write_bytes(kept.read_bytes()[:1000])
    assert torch.equal(load_head("flame2020", path).site_faces, first.site_faces)


def test_masks_and_landmarks_beside_the_file_are_used(tmp_path: Path) -> None:
    path = written(tmp_path / "flame2023_Open.pkl", as_pickle(small_flame()))
    ears = {"left_ear": np.array([1, 2]), "right_ear": np.array([3]), "lips": np.array([9, 10])}
    written(tmp_path / "FLAME_masks.pkl", pickle.dumps(ears, protocol=2))
    embedding = {
        "full_lmk_faces_idx": np.array([[4, 5]]),
        "full_lmk_bary_coords": np.array([[[1.0, 0, 0], [0, 0.5, 0.5]]]),
    }
    np.save(tmp_path / "landmark_embedding.npy", np.array(embedding, dtype=object))
    np.savez(
        tmp_path / "mediapipe_landmark_embedding.npz",
        lmk_face_idx=np.array([7]),
        lmk_b_coords=np.array([[0.0, 1, 0]]),
        landmark_indices=np.array([13]),
    )
    head = load_head("flame2023_open", path)
    assert torch.nonzero(head.regions["ears"]).ravel().tolist() == [1, 2, 3]
    assert torch.nonzero(head.regions["lips"]).ravel().tolist() == [9, 10]
    found = head.flame_landmarks(head.v_template[None])[0]
    corners = head.v_template[head.faces[[4, 5]]]
    wanted = torch.stack([corners[0, 0], corners[1, 1:].mean(0)])
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    place = head.embed_landmarks(head.v_template)[13]
    np.testing.assert_array_equal(place, head.v_template[head.faces[7, 1]])


def test_a_head_without_landmarks_of_its_own_says_so(small: Head) -> None:
    with pytest.raises(AvatarError, match=r"landmark_embedding\.npy") as caught:
        small.flame_landmarks(small.v_template[None])
    assert caught.value.code == "missing_weights"


def test_codes_of_another_version_are_refused(small: Head) -> None:
    for name in ("open", "flame2023", "flame2023_open"):
        with pytest.raises(AvatarError, match=f"{name}.*flame2020"):
            small.vertices_of(Track.neutral(1, head=name))
    assert small.vertices_of(Track.neutral(2, head="flame2020")).shape == (2, 80, 3)


def test_gagavatars_file_takes_tracks_of_flame_2020(tmp_path: Path) -> None:
    head = load_head("flame_with_eye", written(tmp_path / "F.pt", as_torch(small_flame())))
    assert head.name == "flame_with_eye"
    assert head.vertices_of(Track.neutral(1, head="flame2020")).shape == (1, 80, 3)


def test_a_missing_file_is_named_with_its_place_and_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    for name, file in flame.FLAME_FILES.items():
        with pytest.raises(AvatarError) as caught:
            load_head(name)
        assert caught.value.code == "missing_weights"
        assert str(tmp_path / file) in caught.value.message
        assert "github.com" in caught.value.remedy or "flame.is.tue.mpg.de" in caught.value.remedy
    (tmp_path / "flame2020").mkdir()
    written(tmp_path / "flame2020/generic_model.pkl", as_pickle(small_flame()))
    assert len(load_head("flame2020").v_template) == 80
    with pytest.raises(AvatarError, match="Unknown head 'flame3000'"):
        load_head("flame3000")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("v_template", None, "lacks 'v_template'"),
        ("shapedirs", np.zeros((80, 3, 110)), "110 shape and expression directions; expected 400"),
        ("posedirs", np.zeros((80, 3, 27)), r"'posedirs' of shape \(80, 3, 27\)"),
        ("weights", np.full((80, 5), np.nan), "NaN or infinity in 'weights'"),
        ("f", np.full((4, 3), 80), "'f'.*outside 0..79"),
        ("kintree_table", np.array([[-1, 0, 1, 2, 3], range(5)]), "parents"),
        ("J_regressor", np.array(["a"]), "'J_regressor' of type"),
    ],
)
@pytest.mark.parametrize("kind", ["generic_model.pkl", "flame.npz"])
def test_a_wrong_array_is_named(
    tmp_path: Path, name: str, value: np.ndarray | None, reason: str, kind: str
) -> None:
    model = {**small_flame(), name: value}
    if value is None:
        del model[name]
    content = flame_pickle(model) if kind.endswith("pkl") else as_npz(model)  # type: ignore[arg-type]
    with pytest.raises(AvatarError, match=reason):
        read_flame(written(tmp_path / kind, content))


def test_hostile_files_are_refused_by_name(tmp_path: Path) -> None:
    hostile = {**small_flame(), "bs_style": Call(os.system, "true")}
    assert "posix.system" in refusal(written(tmp_path / "a.pkl", flame_pickle(hostile)))
    buffer = io.BytesIO()
    torch.save({"flame_model": {**tensors(small_flame()), "x": Call(os.system, "true")}}, buffer)
    assert "posix.system" in refusal(written(tmp_path / "a.pt", buffer.getvalue()))
    buffer = io.BytesIO()
    np.savez(buffer, v_template=np.array([Call(os.system, "true")], dtype=object))
    assert "allow_pickle" in refusal(written(tmp_path / "a.npz", buffer.getvalue()))
    for junk in (b"", b"\x7fELF", b"PK\x03\x04", pickle.dumps([1, 2]), pickle.dumps({"f": 1})):
        refusal(written(tmp_path / "junk", junk))
    refusal(tmp_path / "absent.pkl")
    header = as_npz(small_flame(12)).replace(b"{'descr'", b"{('desc'", 1)  # never closed
    refusal(written(tmp_path / "header.npz", header))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_give_a_model_or_one_clear_error(tmp_path: Path, name: str) -> None:
    """Torch and NumPy may warn about a damaged header; only what they raise matters here."""
    rng = np.random.default_rng(0)
    data = KINDS[name](small_flame(12))
    path, interesting = tmp_path / name, np.r_[0:3000, len(data) - 3000 : len(data)]
    for end in np.unique(np.r_[0:200:3, rng.integers(0, len(data), 60)]):
        refusal(written(path, data[:end]))
    for _ in range(150):
        broken = bytearray(data)
        for place in rng.choice(interesting, rng.integers(1, 4)):
            broken[place] = rng.integers(0, 256)
        try:
            read_flame(written(path, bytes(broken)))
        except AvatarError as error:
            if error.code != "bad_file":
                raise
