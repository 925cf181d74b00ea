"""Data sets on disk: LMDB of JPEG, tracks as safetensors, splits as JSON. No pickle.

Source: baseline.md, Tracking and Training (the layout of GAGAvatar's stores).
Deviates: tracks are safetensors, splits name clips, mattes may be kept; layout.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import safe_open

from backend.data import layout, lmdb_file, store_files
from backend.data.frame import Frame
from backend.tracking.decode import decode
from shared.errors import AvatarError


class Store:
    """Reads a store: a `FrameSource`. Any number of threads and processes may read at once.

    Attributes:
        path: Its folder.
        head: Name of the head its parameters belong to.
        image_size: Side of its pictures, pixels.

    Raises:
        AvatarError: `bad_file` where parts are missing, damaged or contradict each other.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.head, self.image_size = store_files.read_meta(self.path)
        self._keys = store_files.read_keys(self.path)
        self._rows = store_files.rows_by_clip(self._keys)
        self._splits = store_files.read_splits(self.path, self._rows)
        self._mattes = (self.path / layout.MATTES).is_dir()
        self._tracks: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What another process opens anew is left out."""
        return {**self.__dict__, "_tracks": None}

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._keys)

    def splits(self) -> Sequence[str]:
        """Names of the splits there are."""
        return tuple(self._splits)

    def clips(self, split: str) -> Sequence[str]:
        """Names of a split's clips, sorted.

        Raises:
            AvatarError: `bad_request` for a split there is not.
        """
        if split not in self._splits:
            raise AvatarError(
                "bad_request",
                f"{self.path} has no split {split!r}.",
                f"Choose one of {', '.join(self._splits)}.",
            )
        return self._splits[split]

    def frames(self, clip: str) -> Sequence[int]:
        """Numbers of a clip's frames, ascending.

        Raises:
            AvatarError: `bad_request` for an unknown clip.
        """
        if clip not in self._rows:
            raise AvatarError(
                "bad_request",
                f"{self.path} has no clip {clip!r} among its {len(self._rows)}.",
                "Choose a clip of its split.json.",
            )
        return tuple(self._rows[clip])

    def read(self, clip: str, index: int) -> Frame:
        """One frame.

        Raises:
            AvatarError: `bad_file`, naming the clip, the frame and what is wrong.
        """
        where = f"{self.path}: clip {clip!r}, frame {index}"
        number = self._rows.get(clip, {}).get(index)
        if number is None:
            raise AvatarError(
                "bad_file", f"{where}: there is no track of it.", "Choose a frame that is there."
            )
        row = self._row(number, where)
        key = self._keys[number]
        image = self._picture(layout.IMAGES, key, where)
        matte = None
        if self._mattes:
            matte = np.ascontiguousarray(self._picture(layout.MATTES, key, where)[..., 0])
        return Frame(
            clip=clip,
            index=index,
            image=image,
            camera=layout.camera_of(row, self.image_size),
            track=layout.track_of(row, self.head),
            box=row["box"],
            alpha=matte,
        )

    def encoded(self, clip: str, index: int) -> bytes:
        """The picture's file as it is stored."""
        key = self._keys[self._rows[clip][index]]
        return self._bytes(layout.IMAGES, key, f"{self.path}: clip {clip!r}, frame {index}")

    def _row(self, number: int, where: str) -> layout.Row:
        if self._tracks is None:
            self._tracks = safe_open(self.path / layout.TRACKS, framework="np")
        row = {name: self._tracks.get_slice(name)[number : number + 1][0] for name in layout.SHAPES}
        row = {name: np.asarray(value) for name, value in row.items()}
        layout.check_row(row, where)
        return row

    def _bytes(self, database: str, key: str, where: str) -> bytes:
        data = lmdb_file.get(self.path / database, key)
        if data is None:
            raise AvatarError(
                "bad_file",
                f"{where}: {database} has no picture under the key {key!r}.",
                "Prepare this clip again, or leave it out of split.json.",
            )
        return data

    def _picture(self, database: str, key: str, where: str) -> np.ndarray:
        data = self._bytes(database, key, where)
        rgb = decode(data, f"{where} (in {database})").rgb
        size = self.image_size
        if rgb.shape != (size, size, 3):
            raise AvatarError(
                "bad_file",
                f"{where}: the picture in {database} is {rgb.shape[1]}x{rgb.shape[0]} pixels; "
                f"the store's are {size}x{size}.",
                "Prepare this clip again.",
            )
        return rgb


class StoreWriter:
    """Writes a store, or goes on with one. A frame that `add` took stays, whatever comes.

    Args:
        path: Its folder; made where missing.
        head: Name of the head of all its parameters.
        image_size: Side of its pictures, pixels.

    Raises:
        AvatarError: `bad_request` or `head_mismatch` where another store is there.
    """

    def __init__(self, path: str | Path, head: str, image_size: int) -> None:
        self.path = Path(path)
        self.head, self.image_size = head, image_size
        store_files.begin(self.path, head, image_size)
        self._finished = set(store_files.read_keys(self.path, missing_ok=True))
        self._images = lmdb_file.Writer(self.path / layout.IMAGES)
        self._rows = lmdb_file.Writer(self.path / layout.UNFINISHED)
        self._mattes: lmdb_file.Writer | None = None
        self._done = self._finished | set(self._rows.keys())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the files; what was added stays for the next writer."""
        for database in (self._images, self._rows, self._mattes):
            if database is not None:
                database.close()

    def has(self, clip: str, index: int) -> bool:
        """Whether the frame was added, now or by an earlier writer."""
        return layout.key_of(clip, index) in self._done

    def add(self, frame: Frame) -> None:
        """Stores a frame; one that is there already stays as it is.

        Raises:
            AvatarError: `bad_request`, `bad_file` or `head_mismatch` for a wrong frame,
                `disk_full`.
        """
        if not self.has(frame.clip, frame.index):
            self.add_encoded(store_files.encode(frame, self.head, self.image_size))

    def add_encoded(self, frame: store_files.EncodedFrame) -> None:
        """`add` for a frame that another process has encoded."""
        mattes = self.path / layout.MATTES
        if self._done and (frame.matte is not None) != mattes.is_dir():
            raise AvatarError(
                "bad_request",
                f"The frame {frame.key!r} has {'a' if frame.matte else 'no'} matte, unlike the "
                f"{len(self._done)} others of {self.path}.",
                "Give mattes for all frames or for none.",
            )
        if frame.matte is not None:
            if self._mattes is None:
                self._mattes = lmdb_file.Writer(mattes)
            self._mattes.put(frame.key, frame.matte)
        self._images.put(frame.key, frame.image)
        self._rows.put(frame.key, layout.pack_row(frame.row))  # last: now the frame counts
        self._done.add(frame.key)

    def finish(self, splits: Mapping[str, Sequence[str]]) -> None:
        """Makes all that was ever added readable, and closes the writer.

        Args:
            splits: Names of the clips of train, val, test (those there are).

        Raises:
            AvatarError: `bad_request` for a clip without frames or in two splits.
        """
        new = {key: self._rows.get(key) or b"" for key in self._rows.keys() - self._finished}
        clips = store_files.rows_by_clip(sorted(self._done))
        checked = store_files.check_splits(splits, clips, "bad_request", str(self.path))
        if new or not self._finished:
            store_files.add_tracks(
                self.path, {key: layout.unpack_row(data, key) for key, data in new.items()}
            )
        store_files.write_splits(self.path, checked)
        self.close()
        shutil.rmtree(self.path / layout.UNFINISHED)
