"""Readers of avatars, heads, networks and their settings."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from backend.avatar.file import Avatar
from backend.commands.info import avatar_facts
from backend.configs.network import ModelConfig
from backend.configs.presets import CONFIGS
from backend.gagavatar.convert import read_checkpoint
from backend.gagavatar.parity import INPUTS, read_inputs
from backend.head import flame_file
from backend.head.archive import read_head
from backend.model.checkpoint import load_checkpoint, read_config, save_checkpoint
from backend.model.residuals import LayerResiduals
from backend.model.splitavatar import SplitAvatar
from backend.splat.gaussians import Gaussians
from backend.tracking.surround import wider
from backend.training import checkpoints
from backend.training.settings import load_settings
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track
from tests.fakes.small_head import small_head
from tests.unit.head import flame_files
from tests.unit.training.tiny_run import state

from .reader import Reader, one

_FACES = 150
_VERTICES = 5


def _avatar(folder: Path, photo: bool) -> Path:
    camera = Camera(np.diag([1.0, -1, -1, 1]), portrait_intrinsics(16), 16, 16)
    wide = wider(camera)
    cloud = Gaussians(
        means=torch.zeros(3, 3),
        quats=torch.tensor([[1.0, 0, 0, 0]]).repeat(3, 1),
        scales=torch.full((3, 3), 0.01),
        opacities=torch.ones(3),
        features=torch.rand(3, 8),
    )
    layers = [LayerResiduals(torch.zeros(n * _VERTICES, 3)) for n in (1, 2)]
    layers[1].opacity = torch.zeros(2 * _VERTICES)
    avatar = Avatar(
        identity=cloud,
        g0_raw=torch.zeros(1, _VERTICES, 19),
        layers=tuple(layers),
        source=Track.neutral(1, betas=np.zeros(300)),
        camera=camera,
        preset="open",
        model_hash="m",
        head_hash="h",
        image_hash="i",
        photo=torch.zeros((wide.height, wide.width, 4), dtype=torch.uint8) if photo else None,
    )
    avatar.save(folder / "me.savatar")
    return folder / "me.savatar"


@cache
def _network() -> SplitAvatar:
    config = replace(ModelConfig(), image_size=64, grid=16, adapter_width=8)
    return SplitAvatar(config, small_head(), seed=5).eval()


def _checkpoint(folder: Path) -> Path:
    save_checkpoint(folder / "weights.safetensors", _network())
    return folder / "weights.safetensors"


def _run(folder: Path) -> Path:
    model = torch.nn.Linear(2, 2)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2)).sum().backward()
    optimiser.step()
    model.stores_encoder = True  # pyright: ignore[reportArgumentType]
    return checkpoints.save(folder, 1, model, optimiser, state())  # pyright: ignore[reportArgumentType]


def _landmarks() -> bytes:
    stored = {
        "static_lmk_faces_idx": np.arange(51),
        "static_lmk_bary_coords": np.full((51, 3), 1 / 3, np.float32),
    }
    buffer = io.BytesIO()
    np.save(buffer, stored, allow_pickle=True)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    return flame_files.as_npz(arrays)


def _mediapipe() -> bytes:
    weights = np.full((3, 3), 1 / 3)
    return _npz(lmk_face_idx=np.arange(3), lmk_b_coords=weights, landmark_indices=np.arange(3))


def _masks() -> bytes:
    return flame_files.flame_pickle({"face": np.arange(9), "neck": np.arange(9, 12)})


def _head() -> bytes:
    """A head of one triangle; only its sites and landmarks have their full number."""
    zeros, ints = partial(np.zeros, dtype=np.float32), partial(np.zeros, dtype=np.int32)
    return _npz(
        v_template=zeros((3, 3)), faces=np.array([[0, 1, 2]], np.int32), edges=ints((3, 2)),
        mirror=ints(3), shapedirs=zeros((3, 3, 2)), exprdirs=zeros((3, 3, 2)),
        J_regressor=zeros((5, 3)), lbs_weights=zeros((3, 5)), parents=ints(5),
        landmark_faces=ints(478), landmark_barycentric=zeros((478, 3)),
        region_names=np.array(["face"]), regions=np.ones((1, 3), bool),
        site_faces=ints((3, 14)), site_barycentric=zeros((3, 14, 3)), site_spacing=zeros(3),
        name=np.array("small"),
    )  # fmt: skip


def _inputs() -> bytes:
    shapes = {name: tuple(size or 7 for size in shape) for name, shape in INPUTS.items()}
    arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return _npz(**arrays | {"plane_idx": arrays["plane_idx"].astype(np.int64)})


def _torch(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _preset(**values: object) -> bytes:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()).encode()


_FLAME = flame_files.small_flame(12)

READERS = [
    Reader(
        "savatar",
        lambda path: (avatar_facts(path), Avatar.load(path)),
        {"photo": partial(_avatar, photo=True), "none": partial(_avatar, photo=False)},
    ),
    Reader(
        "flame",
        flame_file.read_flame,
        {
            "pkl": one("flame.pkl", lambda: flame_files.as_pickle(_FLAME)),
            "npz": one("flame.npz", lambda: flame_files.as_npz(_FLAME)),
            "pt": one("FLAME_with_eye.pt", lambda: flame_files.as_torch(_FLAME)),
        },
    ),
    Reader(
        "flame-masks",
        partial(flame_file.read_masks, vertices=12),
        {"pkl": one("FLAME_masks.pkl", _masks)},
    ),
    Reader(
        "flame-landmarks",
        partial(flame_file.read_landmarks, faces=_FACES),
        {"npy": one("landmark_embedding.npy", _landmarks)},
    ),
    Reader(
        "flame-mediapipe",
        partial(flame_file.read_mediapipe, faces=_FACES),
        {"npz": one("mediapipe_landmark_embedding.npz", _mediapipe)},
    ),
    Reader("head", partial(read_head, sha256=None), {"npz": one("head.npz", _head)}),
    Reader(
        "checkpoint",
        lambda path: (read_config(path), load_checkpoint(path, small_head())),
        {"tiny": _checkpoint},
    ),
    Reader("run-state", checkpoints.read_state, {"run": _run}),
    Reader(
        "gagavatar-pt",
        read_checkpoint,
        {"pt": one("GAGAvatar.pt", lambda: _torch({"model": {"head_base": torch.zeros(3, 4)}}))},
    ),
    Reader("parity-inputs", read_inputs, {"npz": one("inputs.npz", _inputs)}),
    Reader(
        "preset",
        load_settings,
        {
            "whole": one("my.toml", (CONFIGS / "open.toml").read_bytes),
            "base": one("my.toml", lambda: _preset(base="paper", lr=1e-4)),
        },
        named=False,
    ),
]
