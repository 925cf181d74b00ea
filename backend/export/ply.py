"""3D Gaussian splatting PLY files, as every viewer reads them.

The file shows the coarse image: the refined one exists only as rendered frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.atomic import write_bytes
from shared.errors import AvatarError
from shared.os_errors import os_error
from shared.version import VERSION

from .arrays import GaussianArrays, as_numpy

SH_C0 = 0.28209479177387814
"""Degree-0 spherical harmonic: colour = 0.5 + SH_C0 * f_dc."""

OPACITY_LIMIT = 1e-3
"""Opacities are kept this far from 0 and 1, where their logit ends."""

SMALLEST_SCALE = 1e-6
"""Metres; also the scale of a masked Gaussian that keeps its place."""

COLUMNS = (
    "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip

_REST = tuple(f"f_rest_{i}" for i in range(45))
SH_DEGREES = {0: COLUMNS, 3: (*COLUMNS[:9], *_REST, *COLUMNS[9:])}
"""Degree of spherical harmonics -> columns. Our colours have degree 0; 3 adds zeros for the readers
that insist on 62 numbers: INRIA's viewer, SIBR, older ones for Unity."""

_HALF = np.sqrt(0.5)
AXES = {
    "blender": (np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([_HALF, _HALF, 0, 0])),
    "flame": (np.eye(3), np.array([1.0, 0, 0, 0])),
    "opencv": (np.diag([1, -1, -1]), np.array([0, 1.0, 0, 0])),
}
"""Rotation from head space (Y up) to the file's axes, as a matrix and as a wxyz quaternion."""

_AXES_WORDS = {"blender": "Z up", "flame": "Y up", "opencv": "Y down"}
_DIGEST = "digest "


@dataclass(frozen=True, eq=False)
class PlyCloud:
    """A PLY file's Gaussians, activated and back in head space.

    Args:
        means: [N, 3] float32 metres.
        quats: [N, 4] float32 wxyz, normalised.
        scales: [N, 3] float32 linear metres.
        opacities: [N] float32, 1e-3..1 - 1e-3.
        rgb: [N, 3] float32 display sRGB, 0..1.
        comments: The header's comment lines.
    """

    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    rgb: np.ndarray
    comments: tuple[str, ...]


def write_ply(
    path: Path,
    gaussians: GaussianArrays,
    axes: str = "blender",
    compact: bool = False,
    comments: Sequence[str] = (),
    digest: str = "",
    sh: int = 0,
) -> None:
    """Writes Gaussians as a binary PLY, atomically.

    Args:
        path: The file; its folder is made when missing.
        gaussians: In head space; opacity 0 means masked.
        axes: `blender` (Z up), `flame` (Y up) or `opencv` (Y down).
        compact: Drops masked Gaussians; else they keep their places with the smallest opacity
            and scale, so that all frames have one length and order.
        comments: More comment lines for the header.
        digest: Written as a comment; `read_digest` finds it.
        sh: Degree of spherical harmonics, see `SH_DEGREES`.
    """
    check_settings(axes, sh)
    opacities = as_numpy(gaussians.opacities).astype(np.float64)
    masked = opacities <= 0
    scales = np.maximum(as_numpy(gaussians.scales).astype(np.float64), SMALLEST_SCALE)
    scales[masked] = SMALLEST_SCALE
    clamped = np.clip(opacities, OPACITY_LIMIT, 1 - OPACITY_LIMIT)
    rgb = np.clip(as_numpy(gaussians.features)[:, :3].astype(np.float64), 0, 1)
    rotation, turn = AXES[axes]
    quats = _product(turn, as_numpy(gaussians.quats).astype(np.float64))
    table = np.zeros((len(opacities), len(COLUMNS)), "<f4")
    table[:, 0:3] = as_numpy(gaussians.means).astype(np.float64) @ rotation.T
    table[:, 6:9] = (rgb - 0.5) / SH_C0
    table[:, 9] = np.log(clamped / (1 - clamped))
    table[:, 10:13] = np.log(scales)
    table[:, 13:17] = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    layers = as_numpy(gaussians.layers)
    if compact:
        table, layers = table[~masked], layers[~masked]
    lines = [*_comments(axes, layers), *comments]
    if digest:
        lines.append(_DIGEST + digest)
    if sh:
        table = np.insert(table, [9] * len(_REST), 0, axis=1)
    write_bytes(path, _header(lines, len(table), SH_DEGREES[sh]) + table.tobytes())


def check_settings(axes: str, sh: int) -> None:
    """Refuses axes and degrees that there are not.

    Raises:
        AvatarError: `bad_request`.
    """
    if axes not in AXES:
        raise AvatarError("bad_request", f"Unknown axes {axes!r}.", f"Choose one of {list(AXES)}.")
    if sh not in SH_DEGREES:
        raise AvatarError(
            "bad_request", f"Degree {sh} was asked for.", f"Choose one of {list(SH_DEGREES)}."
        )


def read_ply(path: Path) -> PlyCloud:
    """Reads a file that `write_ply` wrote.

    Raises:
        AvatarError: `bad_file`, naming what was found and what was expected.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from error
    head, mark, body = content.partition(b"\nend_header\n")
    lines = head.decode("utf-8", errors="replace").splitlines()
    names = tuple(line.split()[-1] for line in lines if line.startswith("property float "))
    counts = [line.split()[2:] for line in lines if line.startswith("element vertex ")]
    count = counts[0][0] if len(counts) == 1 and len(counts[0]) == 1 else ""
    if not mark or names not in SH_DEGREES.values() or not re.fullmatch("[0-9]{1,12}", count):
        raise AvatarError(
            "bad_file", f"{path} has the columns {names}.", f"Expected {COLUMNS}, one vertex list."
        )
    expected = int(count) * len(names) * 4
    if len(body) != expected:
        raise AvatarError(
            "bad_file", f"{path} has {len(body)} bytes of data.", f"Expected {expected}: truncated?"
        )
    table = np.frombuffer(body, "<f4").reshape(-1, len(names)).astype(np.float64)
    table = table[:, [names.index(name) for name in COLUMNS]]
    comments = tuple(line[8:] for line in lines if line.startswith("comment "))
    rotation, turn = AXES[_axes_of(comments)]
    back = turn * [1, -1, -1, -1]
    return PlyCloud(
        means=(table[:, 0:3] @ rotation).astype(np.float32),
        quats=_product(back, table[:, 13:17]).astype(np.float32),
        scales=np.exp(table[:, 10:13]).astype(np.float32),
        opacities=(1 / (1 + np.exp(-table[:, 9]))).astype(np.float32),
        rgb=(table[:, 6:9] * SH_C0 + 0.5).astype(np.float32),
        comments=comments,
    )


def read_digest(path: Path) -> str:
    """The digest of a file that `write_ply` wrote; empty for any other or missing file."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4096).partition(b"\nend_header\n")[0].decode("utf-8", "replace")
    except OSError:
        return ""
    mark = "comment " + _DIGEST
    return next((line[len(mark) :] for line in head.splitlines() if line.startswith(mark)), "")


def _comments(axes: str, layers: np.ndarray) -> list[str]:
    names = {0: "identity front", 1: "identity back"}
    starts = np.flatnonzero(np.diff(layers, prepend=-1)) if len(layers) else []
    runs = [names.get(int(layers[i]), f"G{int(layers[i]) - 2}") for i in starts]
    ends = [*starts[1:], len(layers)] if len(layers) else []
    order = ", ".join(
        f"{name} {end - start}" for name, start, end in zip(runs, starts, ends, strict=True)
    )
    return [
        f"generator SplitAvatar {VERSION}",
        "shows the coarse image",
        f"axes {axes} ({_AXES_WORDS[axes]})",
        "units metres",
        f"layers {order}",
    ]


def _header(comments: Sequence[str], count: int, columns: Sequence[str]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0"]
    lines += [f"comment {' '.join(line.split())}" for line in comments]
    lines += [f"element vertex {count}", *(f"property float {name}" for name in columns)]
    return ("\n".join([*lines, "end_header"]) + "\n").encode()


def _axes_of(comments: Sequence[str]) -> str:
    found = [line.split()[1:2] for line in comments if line.startswith("axes ")]
    return found[0][0] if found and found[0] and found[0][0] in AXES else "blender"


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Hamilton product of one wxyz quaternion with [N, 4]; the right rotation comes first."""
    w, x, y, z = left
    matrix = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    return right @ matrix.T
