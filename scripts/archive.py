"""Writes an asset's npz so that the same arrays always give the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """A compressed .npz with sorted names and fixed dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(arrays):
            stream = io.BytesIO()
            np.lib.format.write_array(stream, np.asarray(arrays[name]), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, stream.getvalue())
    path.write_bytes(buffer.getvalue())


def record_hash(asset: Path, module: Path, constant: str, script: str) -> None:
    """Writes the Python module that says which bytes of an asset the backend takes.

    Args:
        asset: The file.
        module: To write.
        constant: Its one name, for the file's sha256.
        script: Who makes both, by its path in the repository.
    """
    digest = hashlib.sha256(asset.read_bytes()).hexdigest()
    module.write_text(f'"""Written by {script}."""\n\n{constant} = "{digest}"\n', encoding="utf-8")


def quantised(values: np.ndarray, step: float) -> np.ndarray:
    """float32 multiples of `step`, a power of two, which compress well; no negative zeros."""
    return (np.round(np.asarray(values, dtype=np.float64) / step) * step + 0.0).astype(np.float32)
