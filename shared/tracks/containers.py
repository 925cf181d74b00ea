"""What a file holds, whatever its name: JSON, CSV, npz, npy, pickles, files of torch.save, .mat.

Nothing of a file is run: pickles go through `restricted.unpickle`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AvatarError, said
from ..os_errors import os_error
from ..restricted import mat_file
from ..restricted.damage import ARCHIVE_DAMAGE
from ..restricted.torch_file import is_torch, load_torch
from ..restricted.unpickle import MOST_BYTES, load_pickle

EXTENSIONS = (".json", ".csv", ".npz", ".npy", ".pkl", ".pt", ".frame", ".mat")
"""What files of these kinds are usually called; the content decides."""

_BINARY = EXTENSIONS[2:]
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_BEFORE_A_TABLE = r"(?:#[^,;\t|\n]*\n)*(?:sep=(.)\n)?"
"""Comments, and what Excel takes for the separator."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Table:
    """Rows of a CSV file: the cells of its first line, and those of the others, as text."""

    columns: list[str]
    rows: list[list[str]]


class Npz(Mapping[str, Any]):
    """The arrays of an .npz, unpacked when asked for: trackers keep pictures beside parameters."""

    def __init__(self, path: Path, content: bytes, names: list[str]) -> None:
        self._path, self._content, self._names = path, content, names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        try:
            with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
                return _array(self._path, archive.read(f"{name}.npy"))
        except ARCHIVE_DAMAGE as error:
            reason = said(error)
            raise damaged(self._path, f"is damaged at {name!r} ({reason})") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load(path: Path) -> Any:
    """What a file holds: values by name, a list, an array, a `Table`; bytes of unknown kinds.

    Raises:
        AvatarError: `bad_file` where it cannot be read or is damaged.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise damaged(path, f"has more than {MOST_BYTES:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from error
    if not content.strip():
        raise damaged(path, "is empty")
    if content[:4] == b"PK\x03\x04":
        return _zipped(path, content)
    if content[:6] == b"\x93NUMPY":
        return _array(path, content)
    if content.startswith(_OLD_TORCH):
        raise damaged(path, "is of torch's old format; load it and save it with a current torch")
    if content[:1] == b"\x80":
        return load_pickle(content, str(path))
    if content.startswith(mat_file.MAGIC):
        try:
            return mat_file.read_mat(content)
        except mat_file.Damaged as error:
            raise damaged(path, f"is a damaged .mat file ({error})") from error
    return _text(path, content)


def damaged(path: Path, what: str) -> AvatarError:
    """The error for a file that cannot be read."""
    return AvatarError("bad_file", f"{path} {what}.", "Export it again, or choose another file.")


def _zipped(path: Path, content: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if is_torch(archive):
                return load_torch(path, archive)
            names = archive.namelist()
            size = sum(entry.file_size for entry in archive.infolist())
            if not names or not all(name.endswith(".npy") for name in names):
                raise damaged(path, "is a zip, but neither .npz nor a file of torch.save")
            if size > MOST_BYTES:
                raise damaged(path, f"unpacks to {size:,} bytes")
            return Npz(path, content, [name.removesuffix(".npy") for name in names])
    except ARCHIVE_DAMAGE as error:
        raise damaged(path, f"is damaged ({said(error)})") from error


def _array(path: Path, content: bytes) -> Any:
    """An .npy; of arrays of objects only a single one (np.save of a dict) is read."""
    stream = io.BytesIO(content)
    try:
        major, _ = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0
        header = reader if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if not dtype.hasobject:
            return np.load(io.BytesIO(content), allow_pickle=False)
    except ARCHIVE_DAMAGE as error:
        raise damaged(path, f"is a damaged array ({said(error)})") from error
    if shape != ():
        raise damaged(path, f"holds an array {shape} of objects; only numbers are read")
    return load_pickle(stream.read(), str(path))


def _text(path: Path, content: bytes) -> Any:
    encoding = "utf-16" if content[:2] in _UTF16 else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if path.suffix.lower() in _BINARY:
        also = " or other .npz" if path.suffix.lower() == ".npz" else ""
        kind = f".flame{path.suffix}" if also else path.suffix
        raise damaged(path, f"is not a readable {kind}{also}")
    if "\0" in text and path.suffix.lower() == ".json":
        raise damaged(path, "is not readable JSON (it is no text)")
    if "\0" in text:
        return content
    if text.lstrip()[:1] in ("{", "[") or path.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            if (lines := _json_lines(text)) is not None:
                return lines
            raise damaged(path, f"is not readable JSON ({error})") from error
    return _table(path, text)


def _json_lines(text: str) -> list[Any] | None:
    """What JSON of one value a line holds; None where it is none."""
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def _table(path: Path, text: str) -> Table:
    text = re.sub(r"\r\n?", "\n", text)
    start = re.match(_BEFORE_A_TABLE, text)
    told = start[1] if start else None
    text = text[start.end() if start else 0 :]
    separator = told or max(",;\t|", key=text.split("\n", 1)[0].count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(row)]
    except csv.Error as error:
        raise damaged(path, f"is not a readable CSV ({error})") from error
    if not rows:
        raise damaged(path, "holds no rows")
    return Table([cell.strip() for cell in rows[0]], rows[1:])
