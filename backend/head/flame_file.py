"""Reads FLAME's model files, and what lies beside them, into plain checked arrays."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shared.errors import AvatarError, said
from shared.flame import BETAS_SIZE, EXPRESSION_SIZE, JOINTS
from shared.os_errors import os_error
from shared.restricted.damage import ARCHIVE_DAMAGE
from shared.restricted.inert import Refused, array_of
from shared.restricted.unpickle import load_pickle

_CODES = BETAS_SIZE + EXPRESSION_SIZE
_POSE_FEATURES = 9 * (len(JOINTS) - 1)
_TREE = (-1, 0, 1, 1, 1)
_MOST_VERTICES = 1_000_000
_MOST_BYTES = 2 << 30
_REMEDY = "Get the file again from its owners; docs/flame.md says which files are read."


@dataclass(frozen=True)
class FlameFile:
    """A FLAME model as it is stored; float32, metres, head space.

    Args:
        hash: sha256 of the file, hexadecimal.
        v_template: [V, 3].
        faces: [F, 3] int64.
        shapedirs: [V, 3, 300] identity.
        exprdirs: [V, 3, 100] expression.
        posedirs: [V, 3, 36].
        J_regressor: [5, V].
        lbs_weights: [V, 5].
        landmarks: Triangles [N] int64 and weights [N, 3] of its own landmarks, where it has some.
    """

    hash: str
    v_template: np.ndarray
    faces: np.ndarray
    shapedirs: np.ndarray
    exprdirs: np.ndarray
    posedirs: np.ndarray
    J_regressor: np.ndarray
    lbs_weights: np.ndarray
    landmarks: tuple[np.ndarray, np.ndarray] | None


def read_flame(path: Path) -> FlameFile:
    """A FLAME model file: .pkl (2020, 2023, 2023 Open), .npz, or GAGAvatar's .pt.

    Which kind it is shows in the content, not in the name.

    Raises:
        AvatarError: `bad_file`, naming what is wrong.
    """
    content = read_bytes(path)
    values = _values(path, content)
    model = values.get("flame_model", values)
    embeddings = values.get("lmk_embeddings")
    if not isinstance(model, dict):
        raise _bad(path, "does not hold a FLAME model")
    template = _array(path, model, "v_template", (None, 3))
    vertices = len(template)
    directions = _array(path, model, "shapedirs", (vertices, 3, None))
    if directions.shape[2] < _CODES:
        raise _bad(
            path,
            f"has {directions.shape[2]} shape and expression directions; expected {_CODES} "
            "(300 and 100)",
        )
    tree = _array(path, model, "kintree_table", (2, len(JOINTS)))[0].astype(np.int64)
    tree[tree == 2**32 - 1] = -1  # as an unsigned number
    if tuple(tree) != _TREE:
        raise _bad(path, f"has the joints' parents {tuple(tree)}; expected {_TREE}")
    faces = _indices(path, model, "f", vertices, (None, 3))
    landmarks = None
    if isinstance(embeddings, dict):
        landmarks = landmarks_from(path, embeddings, len(faces))
    return FlameFile(
        hash=hashlib.sha256(content).hexdigest(),
        v_template=template,
        faces=faces,
        shapedirs=directions[..., :BETAS_SIZE],
        exprdirs=directions[..., BETAS_SIZE:_CODES],
        posedirs=_array(path, model, "posedirs", (vertices, 3, _POSE_FEATURES)),
        J_regressor=_array(path, model, "J_regressor", (len(JOINTS), vertices)),
        lbs_weights=_array(path, model, "weights", (vertices, len(JOINTS))),
        landmarks=landmarks,
    )


def read_bytes(path: Path) -> bytes:
    """A file's content; `bad_file` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from error


def read_masks(path: Path, vertices: int) -> dict[str, np.ndarray]:
    """FLAME_masks.pkl: vertex numbers by name -> [V] bool by name."""
    stored = load_pickle(path)
    if not isinstance(stored, dict):
        raise _bad(path, "does not hold masks by name")
    masks = {}
    for name in stored:
        mask = np.zeros(vertices, dtype=bool)
        mask[_indices(path, stored, name, vertices, (None,))] = True
        masks[str(name)] = mask
    return masks


def read_landmarks(path: Path, faces: int) -> tuple[np.ndarray, np.ndarray]:
    """landmark_embedding.npy (a pickled dictionary in an array): triangles [N], weights [N, 3]."""
    content = read_bytes(path)
    stream = io.BytesIO(content)
    try:
        major, _ = np.lib.format.read_magic(stream)
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        read[major](stream)
    except ARCHIVE_DAMAGE as error:
        raise _bad(path, f"is not a .npy file ({error})") from error
    stored = load_pickle(content[stream.tell() :], str(path))
    if not isinstance(stored, dict):
        raise _bad(path, "does not hold landmarks by name")
    found = landmarks_from(path, stored, faces)
    if found is None:
        raise _bad(path, f"has none of the landmarks {[pair[0] for pair in _LANDMARKS]}")
    return found


def read_mediapipe(path: Path, faces: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mediapipe_landmark_embedding.npz.

    Returns:
        Numbers of MediaPipe's landmarks [N], their triangles [N] and weights [N, 3].
    """
    stored = _values(path, read_bytes(path))
    triangles = _indices(path, stored, "lmk_face_idx", faces, (None,))
    weights = _array(path, stored, "lmk_b_coords", (len(triangles), 3))
    return _indices(path, stored, "landmark_indices", 478, (len(triangles),)), triangles, weights


_LANDMARKS = (
    ("full_lmk_faces_idx_with_eye", "full_lmk_bary_coords_with_eye"),
    ("full_lmk_faces_idx", "full_lmk_bary_coords"),
    ("static_lmk_faces_idx", "static_lmk_bary_coords"),
)
"""Names of triangles and weights; the fullest set first."""


def landmarks_from(
    path: Path, stored: dict[str, Any], faces: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The fullest set of landmarks among a file's embeddings, None where there is none."""
    for name, weights_name in _LANDMARKS:
        if name in stored and weights_name in stored:
            flat = {name: _as_array(path, stored, name).ravel()}
            triangles = _indices(path, flat, name, faces, (None,))
            weights = _as_array(path, stored, weights_name).reshape(-1, 3)
            flat = {weights_name: weights}
            return triangles, _array(path, flat, weights_name, (len(triangles), 3))
    return None


def _values(path: Path, content: bytes) -> dict[str, Any]:
    if content[:4] != b"PK\x03\x04":
        values = load_pickle(content, str(path))
    elif _is_torch(content):
        values = _torch_values(path, content)
    else:
        values = _npz_values(path, content)
    if not isinstance(values, dict):
        raise _bad(path, "does not hold values by name")
    return values


def _is_torch(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except ARCHIVE_DAMAGE:
        return False  # the reader of .npz will say what is wrong


def _torch_values(path: Path, content: bytes) -> Any:
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except ARCHIVE_DAMAGE as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named:
            raise _bad(path, f": refused {named.group(1)}") from None
        raise _damaged(path, error) from error


def _npz_values(path: Path, content: bytes) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > _MOST_BYTES:
            raise _bad(path, f"unpacks to {size:,} bytes; at most {_MOST_BYTES:,} are read")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except ARCHIVE_DAMAGE as error:
        raise _damaged(path, error) from error


def _as_array(path: Path, stored: dict[str, Any], name: str) -> np.ndarray:
    if name not in stored:
        raise _bad(path, f"lacks {name!r}")
    value = stored[name]
    if isinstance(value, torch.Tensor):
        dense = value.detach().to("cpu")
        value = (dense.to_dense() if dense.layout != torch.strided else dense).numpy()
    try:
        array = array_of(value)
    except (Refused, ValueError, TypeError, LookupError, OverflowError, MemoryError) as error:
        raise _bad(path, f"has damaged {name!r} ({error})") from None
    if array.dtype.kind not in "biuf":
        raise _bad(path, f"has {name!r} of type {array.dtype}; expected numbers")
    return array


def _array(
    path: Path, stored: dict[str, Any], name: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    array = _as_array(path, stored, name)
    sound = array.ndim == len(shape) and 0 < len(array) <= _MOST_VERTICES
    sound &= all(want in (None, have) for have, want in zip(array.shape, shape, strict=False))
    if not sound:
        wanted = tuple("any" if size is None else size for size in shape)
        raise _bad(path, f"has {name!r} of shape {array.shape}; expected {wanted}")
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.ascontiguousarray(array, dtype=np.float64 if name == "kintree_table" else "f4")
    if not np.isfinite(array).all():
        raise _bad(path, f"has NaN or infinity in {name!r}")
    return array


def _indices(
    path: Path, stored: dict[str, Any], name: str, size: int, shape: tuple[int | None, ...]
) -> np.ndarray:
    array = _as_array(path, stored, name)
    sound = array.ndim == len(shape) and all(
        want in (None, have) for have, want in zip(array.shape, shape, strict=False)
    )
    whole = array.dtype.kind in "iu" or (np.isfinite(array).all() and (array % 1 == 0).all())
    if not sound or not whole or (array.size and not 0 <= array.min() <= array.max() < size):
        raise _bad(path, f"has {name!r} of shape {array.shape} that points outside 0..{size - 1}")
    return np.ascontiguousarray(array, dtype=np.int64)


def _bad(path: Path, what: str) -> AvatarError:
    return AvatarError("bad_file", f"{path} {what}.", _REMEDY)


def _damaged(path: Path, error: BaseException) -> AvatarError:
    return _bad(path, f"is damaged ({said(error)})")
