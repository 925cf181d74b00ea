"""The pages of an LMDB's file, read without its library, which believes whatever they say.

LMDB maps its file into memory and follows what its pages say, so a damaged page, or a file that
ends early, kills the process. Here every number of a page is compared with the page and with the
file before it is followed. Nothing is kept open: threads and forked processes may read at once.

Source: LMDB 0.9's mdb.c (MDB_meta, MDB_db, MDB_page, MDB_node), 64-bit little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.errors import AvatarError
from shared.os_errors import os_error

FILE = "data.mdb"

_PAGE = struct.Struct("<QHHHH")  # number, pad, flags, lower, upper; of overflow pages: ... count
_COUNT = struct.Struct("<QHHI")  # number, pad, flags, count of pages
_META = struct.Struct("<IIQQ")  # magic, version, address, map size
_TREE = struct.Struct("<IHHQQQQQ")  # pad, flags, depth, 3 page counts, entries, root
_END = struct.Struct("<QQ")  # last page, transaction
_NODE = struct.Struct("<HHHH")  # size low, size high, flags, key's size
_NUMBER = struct.Struct("<Q")

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _IS_META = 0x01, 0x02, 0x04, 0x08
_ELSEWHERE = 0x01  # a node whose value lies in overflow pages
_LEAST_PAGE, _LARGEST_PAGE = 256, 65536
_FIRST = 2  # behind the two meta pages
_NONE = 2**64 - 1  # root of an empty tree
_DEEPEST = 32  # as LMDB's cursors


@dataclass(frozen=True)
class _Tree:
    """A B+ tree: depth and root page."""

    flags: int
    depth: int
    root: int

    @property
    def empty(self) -> bool:
        return self.root == _NONE


@dataclass(frozen=True)
class _Meta:
    """What one of the two first pages says of the file."""

    page_bytes: int
    transaction: int
    last: int
    free: _Tree
    values: _Tree


@dataclass(frozen=True)
class _Node:
    """An entry of a page: a key, and a child (branch) or a value (leaf), here or elsewhere."""

    key: bytes
    number: int
    size: int
    value: bytes | None


class _Damage(Exception):
    """What a page says that cannot be."""


class Pages:
    """The newest state of an open LMDB file.

    Args:
        file: Its data.mdb, unbuffered.

    Attributes:
        page_bytes: Size of a page.
        last: Number of the last page in use.
        values: The tree of the user's keys.
        free: The tree of pages that may be used again.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        first = self._bytes(0, _LEAST_PAGE)
        older = self._meta(first)
        self.page_bytes = older.page_bytes
        newer = self._meta(self._bytes(self.page_bytes, _LEAST_PAGE))
        if newer.page_bytes != self.page_bytes:
            raise _Damage(f"its pages are of {self.page_bytes} or of {newer.page_bytes} bytes")
        newest = max((older, newer), key=lambda meta: meta.transaction)
        self.last, self.free, self.values = newest.last, newest.free, newest.values
        length = file.seek(0, 2)
        if length < (self.last + 1) * self.page_bytes:
            raise _Damage(f"its header says {(self.last + 1) * self.page_bytes} bytes")

    @staticmethod
    def _meta(data: bytes) -> _Meta:
        flags = _PAGE.unpack_from(data)[2]
        magic, version, _, _ = _META.unpack_from(data, at := _PAGE.size)
        trees = [_TREE.unpack_from(data, at := at + size) for size in (_META.size, _TREE.size)]
        last, transaction = _END.unpack_from(data, at + _TREE.size)
        page_bytes = trees[0][0]
        known = magic == _MAGIC and version == _VERSION and flags & _IS_META
        if not known or not _LEAST_PAGE <= page_bytes <= _LARGEST_PAGE:
            raise _Damage("its first pages carry no LMDB mark")
        free, values = (_Tree(tree[1], tree[2], tree[7]) for tree in trees)
        if values.flags or values.depth > _DEEPEST or free.depth > _DEEPEST:
            raise _Damage("its keys are kept in a way that is not read (or its header is damaged)")
        return _Meta(page_bytes, transaction, last, free, values)

    def find(self, tree: _Tree, key: bytes) -> bytes | None:
        """The value of a key, or None."""
        if tree.empty:
            return None
        number = tree.root
        for level in range(tree.depth):
            nodes = self._nodes(number, leaf=level == tree.depth - 1)
            if level == tree.depth - 1:
                return next((self._value(node) for node in nodes if node.key == key), None)
            if len(nodes) < 2:
                raise _Damage(f"page {number} leads to one page only")
            number = [n.number for i, n in enumerate(nodes) if i == 0 or n.key <= key][-1]
        raise _Damage("its tree has no leaves")

    def entries(self, tree: _Tree) -> Iterator[_Node]:
        """All entries of a tree, in its order."""
        if tree.empty:
            return
        seen: set[int] = set()
        waiting = [(tree.root, 1)]
        while waiting:
            number, level = waiting.pop()
            if number in seen or level > tree.depth:
                raise _Damage(f"page {number} is reached twice, or too deep")
            seen.add(number)
            nodes = self._nodes(number, leaf=level == tree.depth)
            if level == tree.depth:
                yield from nodes
            else:
                waiting += [(node.number, level + 1) for node in reversed(nodes)]

    def check_free(self) -> None:
        """Compares what is said of free pages with the file."""
        seen: set[int] = set()
        for node in self.entries(self.free):
            data = self._value(node)
            numbers = [number for (number,) in _NUMBER.iter_unpack(data[: len(data) // 8 * 8])]
            # LMDB reserves room before it knows how much it needs
            if len(node.key) != 8 or not numbers or numbers[0] >= len(numbers):
                raise _Damage("its list of free pages is of a wrong length")
            listed = numbers[1 : 1 + numbers[0]]
            if sorted(listed, reverse=True) != listed or seen & set(listed):
                raise _Damage("its list of free pages is out of order")
            if any(not _FIRST <= number <= self.last for number in listed):
                raise _Damage("its list of free pages names pages beyond its end")
            seen.update(listed)

    def _nodes(self, number: int, leaf: bool) -> list[_Node]:
        data = self._page(number)
        found, _, flags, lower, upper = _PAGE.unpack_from(data)
        expected = _LEAF if leaf else _BRANCH
        if found != number or flags != expected or not 16 < lower <= upper <= len(data):
            raise _Damage(f"page {number} is not what its place in the tree says")
        at = sorted(struct.unpack_from(f"<{(lower - 16) // 2}H", data, 16))
        if lower % 2 or at[0] < upper:
            raise _Damage(f"page {number} has entries in its head")
        nodes = {}
        for place, end in zip(at, [*at[1:], len(data)]):
            nodes[place], size = self._node(data, place, leaf)
            if place + size > end:
                raise _Damage(f"entries of page {number} run into each other")
        return [nodes[place] for place in struct.unpack_from(f"<{(lower - 16) // 2}H", data, 16)]

    def _node(self, data: bytes, at: int, leaf: bool) -> tuple[_Node, int]:
        """An entry and the bytes that it takes."""
        if at + _NODE.size > len(data):
            raise _Damage("an entry runs over its page")
        low, high, flags, key_bytes = _NODE.unpack_from(data, at)
        at += _NODE.size
        key = data[at : at + key_bytes]
        if not leaf:
            return _Node(key, low | high << 16 | flags << 32, 0, None), _NODE.size + key_bytes
        size, at = low | high << 16, at + key_bytes
        if flags == _ELSEWHERE and at + 8 <= len(data):
            (number,) = _NUMBER.unpack_from(data, at)
            return _Node(key, number, size, None), _NODE.size + key_bytes + _NUMBER.size
        if flags:
            raise _Damage("an entry is of a kind that is not read")
        return _Node(key, 0, size, data[at : at + size]), _NODE.size + key_bytes + size

    def _value(self, node: _Node) -> bytes:
        if node.value is not None:
            return node.value
        count = -(-(_PAGE.size + node.size) // self.page_bytes)
        if not _FIRST <= node.number <= self.last + 1 - count:
            raise _Damage(f"a value lies beyond its end, on page {node.number}")
        data = self._bytes(node.number * self.page_bytes, _PAGE.size + node.size)
        number, _, flags, pages = _COUNT.unpack_from(data)
        most = self.last + 1 - node.number
        # LMDB leaves a value that becomes shorter the pages that it has
        if number != node.number or flags != _OVERFLOW or not count <= pages <= most:
            raise _Damage(f"page {node.number} does not hold the value that it should")
        return data[_PAGE.size :]

    def _page(self, number: int) -> bytes:
        if not _FIRST <= number <= self.last:
            raise _Damage(f"page {number} lies beyond its end")
        return self._bytes(number * self.page_bytes, self.page_bytes)

    def _bytes(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        data = self._file.read(size)
        if len(data) < size:
            raise _Damage(f"it ends at {at + len(data)} bytes")
        return data


@contextmanager
def opened(folder: Path) -> Iterator[Pages]:
    """The pages of an LMDB folder.

    Raises:
        AvatarError: `bad_file`, also for damage that is found inside the block.
    """
    path = folder / FILE
    size = 0
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            yield Pages(file)
    except OSError as error:
        raise os_error(error, path) from error
    except _Damage as damage:
        raise AvatarError(
            "bad_file",
            f"{path} ({size} bytes) is damaged or truncated, or no LMDB of 64-bit little-endian "
            f"machines: {damage}.",
            "Copy it again from where it is whole, or prepare it again.",
        ) from damage
