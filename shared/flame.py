"""FLAME-interface parameters: names, sizes, the 52 expression units, and the `Track` of frames.

Names are smplx's. Rotations are axis-angle radians about each shape-dependent joint in FLAME's
frame (metres, +Y up, +Z out of the face, +X to the subject's left). Jaw x > 0 opens.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np

from .atomic import write_bytes
from .errors import AvatarError, said
from .restricted.damage import ARCHIVE_DAMAGE

BETAS_SIZE = 300
EXPRESSION_SIZE = 100

FRAME_SIZES = {
    "expression": EXPRESSION_SIZE,
    "global_orient": 3,
    "neck_pose": 3,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "transl": 3,
}
"""Per-frame parameters and their lengths."""

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
"""Order of FLAME's full pose."""

ARKIT_NAMES = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The open head's expression coefficients 0..51, in order; 52..99 stay zero."""


@dataclass(frozen=True)
class Track:
    """FLAME parameters of T frames. A single frame is a track with T = 1.

    Args:
        expression: [T, 100] coefficients (the open head: 52 ARKit weights, then zeros).
        global_orient: [T, 3] axis-angle, radians.
        neck_pose: [T, 3] axis-angle, radians.
        jaw_pose: [T, 3] axis-angle, radians.
        leye_pose: [T, 3] axis-angle, radians, the subject's left eye.
        reye_pose: [T, 3] axis-angle, radians.
        transl: [T, 3] metres.
        betas: [300] identity coefficients, or None where the driver's identity is not wanted.
        fps: Frames per second, > 0.
        head: Name of the head the codes belong to (`open`, `flame2020`, `flame2023`, ...).
    """

    expression: np.ndarray
    global_orient: np.ndarray
    neck_pose: np.ndarray
    jaw_pose: np.ndarray
    leye_pose: np.ndarray
    reye_pose: np.ndarray
    transl: np.ndarray
    betas: np.ndarray | None = None
    fps: float = 25.0
    head: str = "open"

    def __post_init__(self) -> None:
        length = len(self.expression)
        for name, size in FRAME_SIZES.items():
            value = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            _require(value.shape == (length, size), name, value.shape, (length, size))
            _require(bool(np.isfinite(value).all()), name, "NaN or infinity", "finite numbers")
            object.__setattr__(self, name, value)
        if self.betas is not None:
            betas = np.ascontiguousarray(self.betas, dtype=np.float32)
            _require(betas.shape == (BETAS_SIZE,), "betas", betas.shape, (BETAS_SIZE,))
            _require(bool(np.isfinite(betas).all()), "betas", "NaN or infinity", "finite numbers")
            object.__setattr__(self, "betas", betas)
        _require(0 < self.fps < 1000, "fps", self.fps, "a number above 0 and below 1000")

    def __len__(self) -> int:
        return len(self.expression)

    @classmethod
    def neutral(cls, length: int = 1, **settings: object) -> Self:
        """`length` frames with every per-frame parameter zero; `settings` replace fields."""
        zeros = {name: np.zeros((length, size)) for name, size in FRAME_SIZES.items()}
        return cls(**{**zeros, **settings})  # type: ignore[arg-type]

    @classmethod
    def from_arkit(cls, weights: dict[str, float], **settings: object) -> Self:
        """One frame of the open head from ARKit weights by name (0..1)."""
        expression = np.zeros((1, EXPRESSION_SIZE), np.float32)
        for name, value in weights.items():
            _require(name in ARKIT_NAMES, "weights", name, "one of the 52 ARKit names")
            expression[0, ARKIT_NAMES.index(name)] = value
        return cls.neutral(1, expression=expression, **settings)

    def frame(self, index: int) -> Self:
        """Frame `index` as a track of its own."""
        return self.slice(index, index + 1)

    def slice(self, start: int, stop: int) -> Self:
        """Frames start..stop-1."""
        return replace(self, **{name: getattr(self, name)[start:stop] for name in FRAME_SIZES})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Named arrays for the wire or a file; `from_arrays` reverses it."""
        arrays = {name: getattr(self, name) for name in FRAME_SIZES}
        if self.betas is not None:
            arrays["betas"] = self.betas
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], **settings: object) -> Track:
        """A track from named arrays; a missing or misshapen one raises `bad_request`."""
        for name in FRAME_SIZES:
            _require(name in arrays, name, "nothing", "an array of this name")
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in arrays.items() if k in known}, **settings)  # type: ignore[arg-type]

    def save(self, path: Path) -> None:
        """Writes a `.flame.npz`, atomically."""
        buffer = io.BytesIO()
        facts = {"fps": np.float64(self.fps), "head": np.str_(self.head), "version": np.int32(1)}
        np.savez_compressed(buffer, **facts, **self.to_arrays())  # pyright: ignore[reportArgumentType]
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Track:
        """Reads a `.flame.npz`.

        Raises:
            AvatarError: `bad_file`, naming the file, the key, what was found and expected.
        """
        try:
            # NumPy leaves a damaged file open
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
                stored = {name: archive[name] for name in archive.files}
            settings = {"fps": float(stored.pop("fps")), "head": str(stored.pop("head"))}
            return cls.from_arrays(stored, **settings)
        except AvatarError as error:
            raise AvatarError("bad_file", f"{path}: {error.message}", error.remedy) from error
        except ARCHIVE_DAMAGE as error:
            raise AvatarError(
                "bad_file",
                f"{path} is not a readable .flame.npz ({said(error)}).",
                "Expected the keys " + ", ".join(FRAME_SIZES) + ", fps and head.",
            ) from error


def _require(condition: bool, key: str, found: object, expected: object) -> None:
    if not condition:
        raise AvatarError(
            "bad_request",
            f"Track key {key!r}: found {found}, expected {expected}.",
            "Correct the track and send it again.",
        )
