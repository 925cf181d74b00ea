"""What a shared library of Linux, Windows or macOS offers and needs, read from its bytes."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ObjectFile:
    """A 64-bit little-endian shared library.

    Args:
        system: linux, windows or macos.
        processor: x64 or arm64.
        exports: Names that others can look up.
        needs: Libraries that the system must have.
        symbol_versions: Linux: versions of symbols that those must offer, such as GLIBC_2.17.
        signed: macOS: there is a code signature; without one arm64 refuses to load.
    """

    system: str
    processor: str
    exports: frozenset[str]
    needs: frozenset[str]
    symbol_versions: frozenset[str] = field(default_factory=frozenset)
    signed: bool = False


def read(path: Path) -> ObjectFile:
    """Reads a library's headers.

    Raises:
        ValueError: It is no ELF, PE or Mach-O library of a processor known here.
    """
    data = path.read_bytes()
    for magic, reader in ((b"\x7fELF\x02\x01", _elf), (b"MZ", _pe), (b"\xcf\xfa\xed\xfe", _macho)):
        if data.startswith(magic):
            return reader(data)
    raise ValueError(f"{path.name} starts with {data[:4].hex()}; expected ELF, PE or Mach-O")


def _processor(number: int, names: dict[int, str]) -> str:
    if number not in names:
        raise ValueError(f"processor number {number:#x}; expected one of {sorted(names.values())}")
    return names[number]


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


# ---- Linux


def _elf(data: bytes) -> ObjectFile:
    kind, machine = struct.unpack_from("<HH", data, 16)
    if kind != 3:
        raise ValueError(f"ELF type {kind}; expected 3, a shared library")
    sections = _elf_sections(data)
    symbols, strings = sections[".dynsym"], sections[".dynstr"]

    def name(offset: int) -> str:
        return _text(data, strings[0] + offset)

    exports = set()
    for at in range(symbols[0], symbols[0] + symbols[1], 24):
        offset, _, _, section = struct.unpack_from("<IBBH", data, at)
        if section and offset:
            exports.add(name(offset))
    needs = set()
    start, size = sections[".dynamic"]
    for at in range(start, start + size, 16):
        tag, value = struct.unpack_from("<QQ", data, at)
        if tag == 1:  # DT_NEEDED
            needs.add(name(value))
    return ObjectFile(
        "linux",
        _processor(machine, {62: "x64", 183: "arm64"}),
        frozenset(exports),
        frozenset(needs),
        frozenset(name(offset) for offset in _elf_versions(data, sections)),
    )


def _elf_sections(data: bytes) -> dict[str, tuple[int, int]]:
    """Name -> (offset, size)."""
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    headers = [struct.unpack_from("<IIQQQQ", data, table + size * i) for i in range(count)]
    return {_text(data, headers[names][4] + h[0]): (h[4], h[5]) for h in headers}


def _elf_versions(data: bytes, sections: dict[str, tuple[int, int]]) -> list[int]:
    """Offsets of the names of wanted symbol versions."""
    found, at = [], sections.get(".gnu.version_r", (0, 0))[0]
    while at:
        _, count, _, first, following = struct.unpack_from("<HHIII", data, at)
        entry = at + first
        for _ in range(count):
            _, _, _, name, step = struct.unpack_from("<IHHII", data, entry)
            found.append(name)
            entry += step
        at = at + following if following else 0
    return found


# ---- Windows


def _pe(data: bytes) -> ObjectFile:
    (header,) = struct.unpack_from("<I", data, 60)
    machine, count = struct.unpack_from("<HH", data, header + 4)
    (optional_size,) = struct.unpack_from("<H", data, header + 20)
    optional = header + 24
    sections = [
        struct.unpack_from("<IIII", data, optional + optional_size + 40 * i + 8)
        for i in range(count)
    ]

    def offset(address: int) -> int:
        for size, start, raw_size, raw in sections:
            if start <= address < start + max(size, raw_size):
                return raw + address - start
        raise ValueError(f"address {address:#x} lies in no section")

    exported, _, imported, _ = struct.unpack_from("<IIII", data, optional + 112)
    exports = set()
    (names,) = struct.unpack_from("<I", data, offset(exported) + 24)
    (table,) = struct.unpack_from("<I", data, offset(exported) + 32)
    for i in range(names):
        (address,) = struct.unpack_from("<I", data, offset(table) + 4 * i)
        exports.add(_text(data, offset(address)))
    needs, at = set(), offset(imported)
    while address := struct.unpack_from("<I", data, at + 12)[0]:
        needs.add(_text(data, offset(address)).lower())
        at += 20
    processor = _processor(machine, {0x8664: "x64", 0xAA64: "arm64"})
    return ObjectFile("windows", processor, frozenset(exports), frozenset(needs))


# ---- macOS


def _macho(data: bytes) -> ObjectFile:
    machine, _, _, count = struct.unpack_from("<IIII", data, 4)
    exports, needs, signed, at = set(), set(), False, 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", data, at)
        if command == 0x2:  # LC_SYMTAB
            symbols, n, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for entry in range(symbols, symbols + 16 * n, 16):
                name, kind = struct.unpack_from("<IB", data, entry)
                if kind & 0x01 and kind & 0x0E:  # external and defined
                    exports.add(re.sub("^_", "", _text(data, strings + name)))
        elif command & 0x7FFFFFFF in (0xC, 0x18):  # LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB
            needs.add(_text(data, at + struct.unpack_from("<I", data, at + 8)[0]))
        elif command == 0x1D:  # LC_CODE_SIGNATURE
            signed = True
        at += size
    processor = _processor(machine, {0x01000007: "x64", 0x0100000C: "arm64"})
    return ObjectFile("macos", processor, frozenset(exports), frozenset(needs), signed=signed)
