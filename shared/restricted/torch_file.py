"""Arrays in files of torch.save, read without torch and without running anything in them.

Such a file is a zip: data.pkl, a pickle whose tensors are calls of torch's own functions on
storages, and the storages' bytes beside it. The pickle goes through the restricted unpickler.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AvatarError, said
from .damage import ARCHIVE_DAMAGE
from .inert import Refused
from .tensors import STORAGES
from .unpickle import MOST_BYTES, load_pickle


def is_torch(archive: zipfile.ZipFile) -> bool:
    """Whether a zip is one of torch.save."""
    return any(name.endswith("data.pkl") for name in archive.namelist())


def load_torch(path: Path, archive: zipfile.ZipFile) -> Any:
    """The value in a file of torch.save; its tensors come as arrays.

    Raises:
        AvatarError: `bad_file`, naming what was refused or what is damaged.
    """
    name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
    folder = name.removesuffix("data.pkl")
    try:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise Refused(f"more than {MOST_BYTES:,} bytes")
        if archive.namelist().count(f"{folder}byteorder"):
            order = archive.read(f"{folder}byteorder")
            if order != b"little":
                raise Refused(f"numbers of byte order {order!r}")
        content = archive.read(name)
        return load_pickle(content, str(path), _Storages(archive, folder).array)
    except Refused as refusal:
        raise AvatarError(
            "bad_file", f"{path}: refused {refusal}.", "Save it again with a current torch."
        ) from None
    except ARCHIVE_DAMAGE as error:
        raise AvatarError(
            "bad_file",
            f"{path} is no sound file of torch.save ({said(error)}).",
            "Get the file again.",
        ) from error


class _Storages:
    """The bytes beside data.pkl, by the persistent ids that tensors name them with."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        self._archive, self._folder = archive, folder
        self._read: dict[str, np.ndarray] = {}

    def array(self, identifier: Any) -> np.ndarray:
        """The flat array of one persistent id: ("storage", type, key, device, length)."""
        if not isinstance(identifier, tuple) or len(identifier) != 5:
            raise Refused("a persistent id that is no storage")
        kind, storage, key, _, _ = identifier
        label = getattr(storage, "label", "")
        dtype = STORAGES.get(label.removeprefix("torch."))
        if kind != "storage" or dtype is None or not isinstance(key, str) or "/" in key:
            raise Refused(f"a storage of {label or 'an unknown type'}")
        if key not in self._read:
            raw = self._archive.read(f"{self._folder}data/{key}")
            self._read[key] = np.frombuffer(io.BytesIO(raw).getbuffer(), dtype)
        return self._read[key]
