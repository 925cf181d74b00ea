"""What works on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

from shared.version import VERSION

PACKAGES = ("torch", "numpy", "cv2", "zmq", "safetensors", "mediapipe", "torch_geometric", "av")
"""What the backend imports, by import name."""

_DISTRIBUTIONS = {"cv2": "opencv-python-headless", "zmq": "pyzmq"}


@dataclass(frozen=True)
class Download:
    """A file that the user may fetch; nothing is downloaded by us.

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


DOWNLOADS = (
    Download("flame/flame2023_Open.pkl", "the FLAME head", "CC BY 4.0", "flame.is.tue.mpg.de"),
    Download(
        "flame2020/generic_model.pkl",
        "the FLAME 2020 head (codes differ from 2023's)",
        "research only",
        "flame.is.tue.mpg.de",
    ),
    Download(
        "gagavatar/GAGAvatar.pt",
        "the gagavatar preset's weights",
        "its authors' terms",
        "github.com/xg-chu/GAGAvatar",
    ),
    Download(
        "gagavatar/FLAME_with_eye.pt",
        "the gagavatar preset's head",
        "FLAME's licence, research only",
        "github.com/xg-chu/GAGAvatar",
    ),
    Download(
        "dinov2/dinov2_vitb14_pretrain.pth",
        "the paper preset's image encoder",
        "Apache-2.0",
        "github.com/facebookresearch/dinov2",
    ),
    Download("arcface/*.onnx", "the CSIM metric", "its authors' terms", "an ArcFace model's site"),
    Download("lpips/vgg16.pth", "the LPIPS metric", "its authors' terms", "LPIPS and VGG sites"),
    Download("deep3d/*", "the AED and APD metrics", "its authors' terms", "Deep3DFaceRecon"),
    Download("matting/*.onnx", "another matting network", "its authors' terms", "its site"),
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


def report() -> dict[str, Any]:
    """Everything, as plain values; `ok` tells whether what is needed is there."""
    packages = {name: _version(name) for name in PACKAGES}
    bundled = _bundled()
    missing = [name for name, version in packages.items() if not version]
    missing += [name for name, there in bundled.items() if not there]
    return {
        "ok": not missing,
        "version": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count() or 1,
        "memory_gib": _memory_gib(),
        "disk_free_gib": _disk_free_gib(),
        "compiler": _compiler(),
        "devices": _devices() if packages["torch"] else [],
        "packages": {name: version or "missing" for name, version in packages.items()},
        "bundled": {name: "found" if there else "missing" for name, there in bundled.items()},
        "missing": missing,
        "remedy": "Press Install Backend, or run build_addon.py again." if missing else "",
        "assets_folder": str(assets_folder()),
        "downloads": [
            {
                "file": d.file,
                "found": any(assets_folder().glob(d.file)),
                "enables": d.enables,
                "licence": d.licence,
                "where": d.where,
            }
            for d in DOWNLOADS
        ],
    }


def _version(name: str) -> str:
    """The installed version of a package, empty when it cannot be imported."""
    if util.find_spec(name) is None:
        return ""
    try:
        return metadata.version(_DISTRIBUTIONS.get(name, name))
    except metadata.PackageNotFoundError:
        return "found"


def _bundled() -> dict[str, bool]:
    from . import assets

    files = (assets.OPEN_HEAD, assets.FACE_LANDMARKER, assets.SELFIE_SEGMENTATION)
    return {path.name: path.is_file() for path in files}


def _compiler() -> str:
    """The C++ compiler that builds the fast rasteriser; without one it is slower, not other."""
    names = ("cl",) if sys.platform == "win32" else (os.environ.get("CXX", "c++"), "g++", "clang++")
    found = next((path for name in names if (path := shutil.which(name))), None)
    return found or "none: the rasteriser runs in plain PyTorch, slower"


def _devices() -> list[dict[str, Any]]:
    import torch

    found: list[dict[str, Any]] = [{"device": "cpu", "threads": torch.get_num_threads()}]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        memory = round(facts.total_memory / 2**30, 1)
        found.append({"device": f"cuda:{index}", "name": facts.name, "memory_gib": memory})
    return found


def _memory_gib() -> float | None:
    """Memory of the machine; None where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)


def _disk_free_gib() -> float:
    folder = assets_folder()
    while not folder.exists():
        folder = folder.parent
    return round(shutil.disk_usage(folder).free / 2**30, 1)
