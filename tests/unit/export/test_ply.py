"""PLY files: exactly the columns that viewers expect, and equal in readers we did not write."""

from pathlib import Path

import gaussforge
import gsply
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.export import ply
from shared.errors import AvatarError
from shared.flame import Track
from tests.fakes.fake_pipeline import FakeAvatar, FakeGaussians, FakePipeline

HEADER = """ply
format binary_little_endian 1.0
comment generator SplitAvatar 0.1.0
comment shows the coarse image
comment axes blender (Z up)
comment units metres
comment layers identity front 5, identity back 5, G0 6, G1 12, G2 24
comment frame 7
comment digest abc
element vertex 52
property float x
property float y
property float z
property float nx
property float ny
property float nz
property float f_dc_0
property float f_dc_1
property float f_dc_2
property float opacity
property float scale_0
property float scale_1
property float scale_2
property float rot_0
property float rot_1
property float rot_2
property float rot_3
end_header
"""
ROTATION_TO_AXES = {
    "blender": Rotation.from_euler("x", 90, degrees=True),
    "flame": Rotation.identity(),
    "opencv": Rotation.from_euler("x", 180, degrees=True),
}


@pytest.fixture
def gaussians() -> FakeGaussians:
    return FakePipeline().drive(FakeAvatar(b""), Track.neutral())


def rotations(quats_wxyz: np.ndarray) -> np.ndarray:
    return Rotation.from_quat(np.roll(quats_wxyz, -1, axis=1)).as_matrix()


def kept(gaussians: FakeGaussians) -> np.ndarray:
    return gaussians.opacities > 0


def test_the_header_is_exactly_this(tmp_path: Path, gaussians: FakeGaussians) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians, comments=["frame 7"], digest="abc")
    content = path.read_bytes()
    assert content.startswith(HEADER.encode())
    assert len(content) == len(HEADER) + 52 * 17 * 4


def test_normals_are_zero(tmp_path: Path, gaussians: FakeGaussians) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians)
    body = path.read_bytes().partition(b"end_header\n")[2]
    assert not np.frombuffer(body, "<f4").reshape(-1, 17)[:, 3:6].any()


@pytest.mark.parametrize("axes", ply.AXES)
def test_gsply_reads_the_same_values_after_activation(
    tmp_path: Path, gaussians: FakeGaussians, axes: str
) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians, axes=axes)
    read = gsply.plyread(str(path))
    turn = ROTATION_TO_AXES[axes]
    np.testing.assert_allclose(read.means, turn.apply(gaussians.means), atol=1e-6)
    shown = kept(gaussians)
    np.testing.assert_allclose(np.exp(read.scales)[shown], gaussians.scales[shown], rtol=1e-5)
    opacities = 1 / (1 + np.exp(-read.opacities.ravel()))
    np.testing.assert_allclose(opacities[shown], gaussians.opacities[shown], atol=1e-5)
    colors = 0.5 + ply.SH_C0 * read.sh0
    np.testing.assert_allclose(colors, np.clip(gaussians.features[:, :3], 0, 1), atol=1e-6)
    expected = turn.as_matrix() @ rotations(gaussians.quats)
    np.testing.assert_allclose(rotations(read.quats), expected, atol=1e-6)


def test_gaussforge_reads_the_same_values(tmp_path: Path, gaussians: FakeGaussians) -> None:
    """Through its conversion to .splat: 32-byte records of position, scale, RGBA, quaternion."""
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians, axes="flame", compact=True)
    converted = gaussforge.GaussForge().convert(path.read_bytes(), "ply", "splat")
    data = converted["data"] if isinstance(converted, dict) else converted
    record = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("q", "u1", 4)])
    table = np.frombuffer(bytes(data), record)
    shown = kept(gaussians)
    assert len(table) == np.count_nonzero(shown)

    def by_place(means: np.ndarray) -> np.ndarray:
        return np.lexsort(np.round(means, 5).T)

    mine, theirs = by_place(gaussians.means[shown]), by_place(table["mean"])
    np.testing.assert_allclose(table["mean"][theirs], gaussians.means[shown][mine], atol=1e-5)
    np.testing.assert_allclose(table["scale"][theirs], gaussians.scales[shown][mine], rtol=1e-5)
    colors = np.clip(gaussians.features[shown, :3], 0, 1)
    rgba = np.column_stack([colors, gaussians.opacities[shown]])[mine] * 255
    np.testing.assert_allclose(table["rgba"][theirs], rgba, atol=1.01)


def test_our_own_reader_gives_back_head_space(tmp_path: Path, gaussians: FakeGaussians) -> None:
    for axes in ply.AXES:
        path = tmp_path / f"{axes}.ply"
        ply.write_ply(path, gaussians, axes=axes)
        read = ply.read_ply(path)
        np.testing.assert_allclose(read.means, gaussians.means, atol=1e-6)
        np.testing.assert_allclose(rotations(read.quats), rotations(gaussians.quats), atol=1e-6)
        np.testing.assert_allclose(read.rgb, np.clip(gaussians.features[:, :3], 0, 1), atol=1e-6)
        shown = kept(gaussians)
        np.testing.assert_allclose(read.scales[shown], gaussians.scales[shown], rtol=1e-5)


def test_a_masked_gaussian_keeps_its_place_with_the_smallest_opacity_and_scale(
    tmp_path: Path, gaussians: FakeGaussians
) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians)
    read = ply.read_ply(path)
    masked = ~kept(gaussians)
    assert masked.sum() == 8
    assert len(read.means) == 52
    np.testing.assert_allclose(read.opacities[masked], 1e-3, rtol=1e-4)
    np.testing.assert_allclose(read.scales[masked], 1e-6, rtol=1e-4)


def test_compact_drops_masked_gaussians_and_keeps_the_order(
    tmp_path: Path, gaussians: FakeGaussians
) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians, compact=True)
    read = ply.read_ply(path)
    np.testing.assert_allclose(read.means, gaussians.means[kept(gaussians)], atol=1e-6)
    assert "layers identity front 5, identity back 5, G0 6, G1 12, G2 16" in read.comments


@pytest.mark.parametrize(("opacity", "stored"), [(1e-9, 1e-3), (1.0, 1 - 1e-3)])
def test_opacities_are_clamped_to_where_their_logit_is_finite(
    tmp_path: Path, gaussians: FakeGaussians, opacity: float, stored: float
) -> None:
    gaussians.opacities[:] = opacity
    ply.write_ply(tmp_path / "a.ply", gaussians)
    np.testing.assert_allclose(ply.read_ply(tmp_path / "a.ply").opacities, stored, rtol=1e-4)


def test_tensors_are_written_like_arrays(tmp_path: Path, gaussians: FakeGaussians) -> None:
    torch = pytest.importorskip("torch")
    ply.write_ply(tmp_path / "arrays.ply", gaussians)
    tensors = FakeGaussians(**{k: torch.from_numpy(v) for k, v in vars(gaussians).items()})
    ply.write_ply(tmp_path / "tensors.ply", tensors)  # type: ignore[arg-type]
    assert (tmp_path / "tensors.ply").read_bytes() == (tmp_path / "arrays.ply").read_bytes()


def test_writing_changes_nothing_of_the_gaussians(tmp_path: Path, gaussians: FakeGaussians) -> None:
    before = {name: values.copy() for name, values in vars(gaussians).items()}
    ply.write_ply(tmp_path / "a.ply", gaussians, axes="opencv")
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(gaussians, name), values)


def test_a_line_break_in_a_comment_cannot_end_the_header(
    tmp_path: Path, gaussians: FakeGaussians
) -> None:
    ply.write_ply(tmp_path / "a.ply", gaussians, comments=["a\nend_header"])
    assert "a end_header" in ply.read_ply(tmp_path / "a.ply").comments


def test_the_digest_is_found_only_in_our_files(tmp_path: Path, gaussians: FakeGaussians) -> None:
    ply.write_ply(tmp_path / "a.ply", gaussians, digest="abc")
    (tmp_path / "b.ply").write_bytes(b"\x00\xff")
    assert ply.read_digest(tmp_path / "a.ply") == "abc"
    assert ply.read_digest(tmp_path / "b.ply") == ""
    assert ply.read_digest(tmp_path / "none.ply") == ""


def test_a_truncated_file_is_refused(tmp_path: Path, gaussians: FakeGaussians) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(AvatarError, match="truncated") as found:
        ply.read_ply(path)
    assert found.value.code == "bad_file"


@pytest.mark.parametrize("content", [b"", b"ply\nend_header\n", b"\xff" * 100])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    with pytest.raises(AvatarError, match="has the columns"):
        ply.read_ply(tmp_path / "a.ply")


def test_unknown_axes_are_refused(tmp_path: Path, gaussians: FakeGaussians) -> None:
    with pytest.raises(AvatarError, match="Unknown axes 'unity'"):
        ply.write_ply(tmp_path / "a.ply", gaussians, axes="unity")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", ["²", "9" * 5000, "-1", "", "7 7", "1e1"])
def test_a_count_that_is_none_is_refused(
    tmp_path: Path, gaussians: FakeGaussians, count: str
) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians)
    old = f"element vertex {len(gaussians)}".encode()
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, f"element vertex {count}".encode()))
    with pytest.raises(AvatarError, match=r"a\.ply has") as found:
        ply.read_ply(path)
    assert found.value.code == "bad_file"


def test_axes_without_a_name_are_blenders(tmp_path: Path, gaussians: FakeGaussians) -> None:
    path = tmp_path / "a.ply"
    ply.write_ply(path, gaussians)
    whole = ply.read_ply(path)
    path.write_bytes(path.read_bytes().replace(b"axes blender (Z up)", b"axes "))
    np.testing.assert_array_equal(ply.read_ply(path).means, whole.means)
