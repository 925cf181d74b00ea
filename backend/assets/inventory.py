"""What works on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata, util
from typing import Any

from backend.assets import APPEARANCE, FACE_LANDMARKER, OPEN_HEAD, SELFIE_SEGMENTATION
from backend.assets.downloads import DOWNLOADS, assets_folder
from shared.version import VERSION

PACKAGES = ("torch", "numpy", "cv2", "zmq", "safetensors", "mediapipe", "torch_geometric", "av")
"""What the backend imports, by import name."""

_DISTRIBUTIONS = {"cv2": "opencv-python-headless", "zmq": "pyzmq"}


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
    files = (OPEN_HEAD, APPEARANCE, FACE_LANDMARKER, SELFIE_SEGMENTATION)
    return {path.name: path.is_file() for path in files}


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
