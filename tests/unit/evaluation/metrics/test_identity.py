"""CSIM: faces aligned as ArcFace wants them, any ONNX network of the user's, dlib's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.evaluation.metrics import Shot
from backend.evaluation.metrics.faces import FaceReader
from backend.evaluation.metrics.identity import Csim, CsimDlib, aligned
from shared.errors import AvatarError


@pytest.fixture
def reader() -> Iterator[FaceReader]:
    reader = FaceReader()
    yield reader
    reader.close()


def shot(pixels: np.ndarray) -> Shot:
    return Shot(np.ascontiguousarray(pixels), Path("x.png"), Path())


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protobuf message: the format of ONNX files."""
    if isinstance(content, int):
        return bytes([number << 3]) + varint(content)
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def write_network(path: Path, weights: np.ndarray) -> None:
    """An ONNX file that averages the picture's channels and multiplies them by [3, D]."""

    def value(name: str, *sizes: int) -> bytes:
        shape = b"".join(field(1, field(1, size)) for size in sizes)
        return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, shape)))

    def node(kind: str, inputs: list[str], output: str) -> bytes:
        names = b"".join(field(1, name.encode()) for name in inputs)
        return field(1, names + field(2, output.encode()) + field(4, kind.encode()))

    tensor = b"".join(field(1, size) for size in weights.shape) + field(2, 1)
    tensor += field(8, b"weights") + field(9, weights.astype("<f4").tobytes())
    graph = node("GlobalAveragePool", ["image"], "mean") + node("Flatten", ["mean"], "flat")
    graph += node("MatMul", ["flat", "weights"], "feature") + field(2, b"tiny") + field(5, tensor)
    graph += field(11, value("image", 1, 3, 112, 112))
    graph += field(12, value("feature", 1, weights.shape[1]))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13)))


def test_aligned_faces_look_alike_however_they_were_turned(sample: np.ndarray):
    reader = FaceReader()
    turn = cv2.getRotationMatrix2D((128, 128), 15, 0.85)
    turned = cv2.warpAffine(sample, turn, (256, 256))
    faces = []
    for pixels in (sample, turned):
        face = reader.face(shot(pixels))
        assert face is not None
        faces.append(aligned(pixels, face).astype(float))
    reader.close()
    assert faces[0].shape == (112, 112, 3)
    assert np.abs(faces[0] - faces[1])[20:92, 20:92].mean() < 12


def test_csim_is_the_cosine_of_the_users_network(
    tmp_path: Path, sample: np.ndarray, reader: FaceReader
):
    weights = np.random.default_rng(1).normal(size=(3, 4))
    write_network(tmp_path / "net.onnx", weights)
    metric = Csim(reader, tmp_path / "net.onnx")
    pictures = [shot(sample), shot(sample // 2)]
    found = [metric.describe(picture) for picture in pictures]
    expected = []
    for picture in pictures:
        face = reader.face(picture)
        assert face is not None
        feature = (aligned(picture.pixels, face) / 127.5 - 1).mean((0, 1)) @ weights
        expected.append(feature / np.linalg.norm(feature))
    assert found[0] is not None
    assert found[1] is not None
    cosine = expected[0] @ expected[1]
    assert metric.compare(found[0], found[1]) == pytest.approx(cosine, abs=1e-5)
    assert metric.describe(shot(np.zeros((256, 256, 3), np.uint8))) is None


def test_another_file_than_a_face_network_is_refused(tmp_path: Path, reader: FaceReader):
    (tmp_path / "net.onnx").write_bytes(b"not a network")
    with pytest.raises(AvatarError, match=r"net\.onnx is not an ONNX network"):
        Csim(reader, tmp_path / "net.onnx")


def test_dlibs_cosine_is_one_for_the_same_picture(sample: np.ndarray, reader: FaceReader):
    pytest.importorskip("dlib")
    metric = CsimDlib(reader)
    first = metric.describe(shot(sample))
    mirrored = metric.describe(shot(sample[:, ::-1]))
    assert first is not None
    assert mirrored is not None
    assert metric.compare(first, first) == pytest.approx(1)
    assert 0.9 < metric.compare(first, mirrored) < 1
