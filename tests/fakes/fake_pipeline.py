"""A pipeline of NumPy that behaves like the real one: 40 Gaussians, a second of nothing.

Faults are chosen by name and strike while the work is being done.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from shared.camera import Camera, portrait_intrinsics
from shared.errors import AvatarError, about
from shared.flame import Track
from shared.photos import Photo, check_photos
from shared.progress import Progress, silent

FACELESS = b"no face"
"""How a photo begins that shows none."""

IDENTITY, VERTICES = 10, 6
FAULTS = ("", "crash", "hang", "deaf", "slow", "error", "memory", "disk", "bug", "exit", "abort")


@dataclass
class FakeGaussians:
    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    features: np.ndarray
    layers: np.ndarray
    vertices: np.ndarray

    def __len__(self) -> int:
        return len(self.means)


@dataclass(frozen=True)
class FakeFrame:
    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray

    def rgba8(self) -> np.ndarray:
        rgba = np.concatenate([self.rgb, self.alpha[..., None]], axis=-1)
        return (rgba * 255).astype(np.uint8)


@dataclass(frozen=True)
class FakeCreateOptions:
    face: int | None = None
    iterations: int = 3


class FakeAvatar:
    """Its file is the portrait's bytes."""

    def __init__(self, image: bytes) -> None:
        self.image = image
        self.source = Track.neutral(1, betas=np.zeros(300, np.float32))
        viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
        viewmat[2, 3] = 1.8
        self.camera = Camera(viewmat, portrait_intrinsics(512), 512, 512)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.image)

    @classmethod
    def load(cls, path: Path) -> FakeAvatar:
        return cls(path.read_bytes())


class Faults:
    """A fault and the gate that slow work waits at.

    Args:
        name: One of `FAULTS`.
    """

    def __init__(self, name: str = "") -> None:
        assert name in FAULTS, name
        self.name = name

    def look(self, image: bytes) -> None:
        """What happens when a photo is looked at."""
        if self.name == "error" or image.startswith(FACELESS):
            raise AvatarError("no_face_found", "No face in the picture.", "Use a frontal one.")

    def strike(self, progress: Progress) -> None:
        """What happens in the middle of work."""
        if self.name == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.name == "abort":  # as MediaPipe does: from C, past Python
            ctypes.CDLL(None).perror(b"F0000 a check of native code failed")
            ctypes.CDLL(None).abort()
        elif self.name == "exit":
            raise SystemExit(3)
        elif self.name == "memory":
            raise MemoryError("8 TiB wanted")
        elif self.name == "disk":
            raise OSError(28, "No space left on device", "/full/file")
        elif self.name == "bug":
            raise ZeroDivisionError("a mistake")
        elif self.name == "hang":
            step = 0
            while True:  # until it is cancelled
                progress("hanging", step, step + 1000)
                step += 1
                threading.Event().wait(0.005)
        elif self.name == "deaf":
            threading.Event().wait()  # never asks whether it was cancelled


@dataclass(frozen=True)
class FakePortrait:
    """A photo's bytes and what there is to note of it."""

    image: bytes
    notes: tuple[str, ...]


class FakePipeline:
    """See `backend.avatar.pipeline.Pipeline`."""

    image_kind = "detailed"

    def __init__(self, fault: str = "", preset: str = "open") -> None:
        self.preset, self.device = preset, "fake"
        self.faults = Faults(fault)
        self.drives = 0

    def create(self, image: bytes, options: FakeCreateOptions, progress: Progress) -> FakeAvatar:
        return self.create_from(self.portrait(image, options, progress), options, progress)

    def portrait(self, image: bytes, _: FakeCreateOptions, __: Progress) -> FakePortrait:
        return FakePortrait(image, ("It is drawn.",))

    def portraits(
        self, photos: Sequence[Photo], _: FakeCreateOptions, __: Progress
    ) -> list[FakePortrait]:
        check_photos(photos)
        for photo in photos:
            with about(photo.name):
                self.faults.look(photo.data)
        names = [f"{photo.name}: " if len(photos) > 1 else "" for photo in photos]
        return [
            FakePortrait(photo.data, (f"{name}It is drawn.",))
            for photo, name in zip(photos, names, strict=True)
        ]

    def create_from(
        self,
        portrait: FakePortrait,
        options: FakeCreateOptions,
        progress: Progress,
        others: Sequence[FakePortrait] = (),
    ) -> FakeAvatar:
        for step in range(options.iterations):
            progress("personalise", step, options.iterations)
        self.faults.strike(progress)
        return FakeAvatar(b"".join(p.image for p in (portrait, *others)))

    def check(self, avatar: FakeAvatar) -> None:
        if avatar.image.startswith(b"other head"):
            raise AvatarError("head_mismatch", "Another head.", "Create the avatar again.")

    def drive(
        self, avatar: FakeAvatar, frame: Track, ablate: frozenset[str] = frozenset()
    ) -> FakeGaussians:
        self.drives += 1
        if self.faults.name == "slow":
            threading.Event().wait(0.05)
        counts = [IDENTITY // 2, IDENTITY // 2, *(VERTICES * 2**i for i in range(3))]
        layers = np.repeat(np.arange(len(counts)), counts).astype(np.uint8)
        if "gsn" in ablate:
            layers = layers[layers <= 2]
        count = len(layers)
        rng = np.random.default_rng(1)
        means = rng.normal(0, 0.05, (count, 3)).astype(np.float32)
        means += frame.transl[0]
        means[layers >= 2, 1] -= 0.02 * frame.expression[0, 24]
        quats = rng.normal(size=(count, 4)).astype(np.float32)
        quats /= np.linalg.norm(quats, axis=1, keepdims=True)
        opacities = rng.uniform(0.1, 0.99, count).astype(np.float32)
        if "masks" not in ablate:
            opacities[layers == 4] *= np.arange(np.count_nonzero(layers == 4)) % 3 > 0
        return FakeGaussians(
            means,
            quats,
            rng.uniform(1e-4, 5e-3, (count, 3)).astype(np.float32),
            opacities,
            rng.uniform(-0.1, 1.1, (count, 5)).astype(np.float32),
            layers,
            np.where(layers < 2, -1, np.arange(count) % VERTICES).astype(np.int32),
        )

    def picture(
        self,
        avatar: FakeAvatar,
        frame: Track,
        camera: Camera,
        ablate: frozenset[str] = frozenset(),
    ) -> FakeFrame:
        return self.render(self.drive(avatar, frame, ablate), camera)

    def render(self, gaussians: FakeGaussians, camera: Camera) -> FakeFrame:
        shape = (camera.height, camera.width)
        alpha = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
        value = float(np.clip(0.5 + gaussians.means.mean() * 10, 0, 1))
        return FakeFrame(np.full((*shape, 3), value, np.float32), alpha, alpha * 2)

    def layers(
        self,
        avatar: FakeAvatar,
        frame: Track,
        camera: Camera,
        ablate: frozenset[str] = frozenset(),
    ) -> np.ndarray:
        """Stripes of 1 to 6 where something is, the wider the more the jaw is open."""
        width = 1 + round(10 * float(frame.expression[0, 24]))
        stripes = (1 + np.arange(camera.width) // width % 6).astype(np.uint8)
        return stripes * (self.picture(avatar, frame, camera, ablate).depth > 0)

    def rig(self, avatar: FakeAvatar) -> dict[str, np.ndarray]:
        return {
            "vertices": np.zeros((VERTICES, 3), np.float32),
            "faces": np.zeros((4, 3), np.int64),
            "expression_deltas": np.zeros((52, VERTICES, 3), np.float32),
            "joints": np.zeros((5, 3), np.float32),
            "skin_weights": np.zeros((VERTICES, 5), np.float32),
        }

    def binding(self, avatar: FakeAvatar) -> dict[str, np.ndarray] | None:
        return None

    def track_image(self, image: bytes, face: int | None = None) -> Track:
        return Track.from_arkit({"jawOpen": len(image) / 100}, betas=np.zeros(300, np.float32))

    def track_frames(
        self, frames: Iterable[np.ndarray], fps: float, progress: Progress = silent
    ) -> SimpleNamespace:
        cameras, brightness = [], []
        viewmat = FakeAvatar(b"").camera.viewmat
        for frame in frames:
            progress("tracking", len(cameras), 0)
            height, width = frame.shape[:2]
            intrinsics = portrait_intrinsics(512) * [[width / 512], [height / 512], [1]]
            cameras.append(Camera(viewmat, intrinsics, width, height))
            brightness.append(frame.mean() / 255)
        track = Track.neutral(len(cameras), fps=fps, betas=np.zeros(300, np.float32))
        expression = track.expression.copy()
        expression[:, 24] = brightness
        track = replace(track, expression=expression)
        return SimpleNamespace(
            track=track,
            cameras=cameras,
            missing=[],
            notes=[],
            body=np.zeros((len(cameras), 3)),
        )

    def motion(self, avatar: FakeAvatar, tracked: SimpleNamespace) -> Track:
        return tracked.track

    def kept_framing(
        self, avatar: FakeAvatar, tracked: SimpleNamespace, progress: Progress = silent
    ) -> list[Camera]:
        return tracked.cameras

    def close(self) -> None:
        pass
