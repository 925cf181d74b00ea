"""Ways to damage a file: its bytes, its words, what lies in zips, PNG, LMDB and safetensors."""

from __future__ import annotations

import io
import json
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from shared.restricted.damage import ARCHIVE_DAMAGE

Mutation = Callable[[bytes, Random], bytes]

_AT_ONCE = (1, 1, 1, 2, 4)
_TOKENS_WITHIN = 1 << 16
_TOKEN = re.compile(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z_][A-Za-z_0-9]{2,}")
_ODD_TOKENS = [
    b"NaN", b"-Infinity", b"nan", b"1e999", b"-1", b"0", b"2147483648", b"18446744073709551616",
    b"9" * 400, b"9" * 5000, b"null", b"true", b'"x"', b"[]", b"{}", b"[[[1]]]", b"{'a': 1}",
    b"[" * 100_000, b'{"a":' * 100_000, b"[1, [2]]", b"", b"1_0", "²".encode(), b"\0", b"\xff\xfe",
    b"../../outside", b"/", b"\\ud800", b"0.1", b"|O", b"object", b"<f2",
]  # fmt: skip
_ODD_NUMBERS = [0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_ODD_NUMBERS += [1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
_ODD_VALUES: list[Any] = [
    None, True, -1, 0, 1 << 31, 1 << 64, 10**400, 1e308, float("nan"), float("inf"), "", "x", "\0",
    "../../outside", "\ud800", [], {}, [[[]]], [1, [2]], {"a": None}, "9" * 5000, ["x", None, 1.5],
]  # fmt: skip
_CALLS = [b"cposix\nsystem\n", b"cbuiltins\neval\n", b"csubprocess\ncall\n", b"cos\nremove\n"]


def mutated(content: bytes, rng: Random) -> bytes:
    """A file's content, damaged in one to four ways that its kind allows."""
    for _ in range(rng.choice(_AT_ONCE)):
        content = rng.choice(_fitting(content))(content, rng)
    return content


def _fitting(content: bytes) -> list[Mutation]:
    """Ways for this kind of content; those that know it are taken as often as all others."""
    plain: list[Mutation] = [_flip, _cut, _repeat, _swap, _drop, _insert, _number, _token, _token]
    if content[:4] == b"PK\x03\x04":
        return [*plain, *[_in_zip] * 12]
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return [*plain, *[_in_png] * 9]
    if content[8:9] == b"{" and len(content) > 16:
        return [*plain, *[_in_safetensors] * 9]
    if content[16:20] == b"\xde\xc0\xef\xbe":
        return [*plain, *[_in_page] * 9]
    if content[:1] == b"\x80" or content[:1] == b"(":
        return [*plain, *[_call] * 4]
    if content.lstrip()[:1] in (b"{", b"["):
        return [*plain, *[_in_json] * 9]
    return plain


def _place(content: bytes, rng: Random) -> int:
    """Anywhere, but as often near the beginning, where headers stand."""
    end = len(content) if rng.random() < 0.5 else min(len(content), 200)
    return rng.randrange(end + 1)


def _block(content: bytes, rng: Random) -> slice:
    start = _place(content, rng)
    return slice(start, start + rng.choice((1, 2, 4, 16, 64, 1000, len(content) // 4 + 1)))


def _flip(content: bytes, rng: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 32))):
        if changed:
            changed[min(_place(content, rng), len(changed) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(content: bytes, rng: Random) -> bytes:
    return content[: _place(content, rng)]


def _repeat(content: bytes, rng: Random) -> bytes:
    block = _block(content, rng)
    return content[: block.stop] + content[block] * rng.choice((1, 2, 20)) + content[block.stop :]


def _swap(content: bytes, rng: Random) -> bytes:
    one, two = sorted((_block(content, rng), _block(content, rng)), key=lambda block: block.start)
    if one.stop > two.start:
        return content
    middle = content[one.stop : two.start]
    return content[: one.start] + content[two] + middle + content[one] + content[two.stop :]


def _drop(content: bytes, rng: Random) -> bytes:
    block = _block(content, rng)
    return content[: block.start] + content[block.stop :]


def _insert(content: bytes, rng: Random) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.randbytes(rng.choice((1, 4, 100))) + content[at:]


def _number(content: bytes, rng: Random) -> bytes:
    """Another length, count or offset in the file's binary numbers."""
    at, size = _place(content, rng), rng.choice((1, 2, 4, 8))
    value = rng.choice(_ODD_NUMBERS) & ((1 << 8 * size) - 1)
    written = value.to_bytes(size, rng.choice(("little", "big")))
    return content[:at] + written + content[at + size :]


def _token(content: bytes, rng: Random) -> bytes:
    """Another number or word in the file's text."""
    found = list(_TOKEN.finditer(content[:_TOKENS_WITHIN]))
    if not found:
        return content
    one = rng.choice(found)
    new = rng.choice([*_ODD_TOKENS, rng.choice(found)[0]])
    return content[: one.start()] + new + content[one.end() :]


def _call(content: bytes, rng: Random) -> bytes:
    """A pickle that calls something on its way."""
    at = rng.randrange(2, len(content)) if len(content) > 2 else 0
    return content[:at] + rng.choice(_CALLS) + b"(S'fuzz_canary'\ntR0" + content[at:]


def _in_zip(content: bytes, rng: Random) -> bytes:
    """Members changed, renamed, doubled or left out; the zip itself is sound."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except ARCHIVE_DAMAGE:
        return _flip(content, rng)  # damaged by the way before
    if not members or sum(len(data) for _, data in members) > 1 << 26:
        return content
    at = rng.randrange(len(members))
    name, data = members[at]
    odd = rng.choice((f"../{name}", f"/{name}", name.upper(), f"{name}.npy", "x", members[0][0]))
    changes = [[(name, mutated(data, rng))]] * 5
    changes += [[(odd, data)], [(name, data), (name, mutated(data, rng))], []]
    members[at : at + 1] = rng.choice(changes)
    written = io.BytesIO()
    kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(written, "w", kind) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, kind)
    return written.getvalue()


def _in_png(content: bytes, rng: Random) -> bytes:
    """A chunk changed, doubled or left out; its check sum is right again."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return content
    at = rng.randrange(len(chunks))
    kind, data = chunks[at]
    chunks[at : at + 1] = rng.choice(
        [[(kind, _plainly(data, rng))]] * 4 + [[(kind, data)] * 2, [], [chunks[0], (kind, data)]]
    )
    return content[:8] + b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )


def _in_page(content: bytes, rng: Random) -> bytes:
    """Another number in the head, the entries or the rest of one of an LMDB's pages."""
    at = rng.randrange(len(content) // 4096 + 1) * 4096
    at += rng.choice((rng.randrange(16), rng.randrange(160), rng.randrange(4096)))
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice((*_ODD_NUMBERS, rng.randrange(1 << 16), rng.randrange(16)))
    written = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return content[:at] + written + content[at + size :]


def _in_safetensors(content: bytes, rng: Random) -> bytes:
    """Another header, of the right length."""
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length]
    changed = rng.choice((_in_json, _in_json, _token))(header, rng)
    return len(changed).to_bytes(8, "little") + changed + content[8 + length :]


def _in_json(content: bytes, rng: Random) -> bytes:
    """A value anywhere in it made another one, left out or renamed; still JSON."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return _token(content, rng)
    inner, holder = whole, {"": whole}
    key: Any = ""
    while isinstance(inner, dict | list) and inner and rng.random() < 0.85:
        holder, key = inner, rng.choice([*inner] if isinstance(inner, dict) else range(len(inner)))
        inner = holder[key]
    if isinstance(inner, str) and inner[:1] in "{[" and rng.random() < 0.8:  # JSON within
        holder[key] = _in_json(inner.encode(), rng).decode(errors="replace")
    elif isinstance(holder, dict) and rng.random() < 0.15:
        holder[rng.choice(("x", "", "a\0", "fps"))] = holder.pop(key)
    elif isinstance(holder, dict | list) and rng.random() < 0.1:
        del holder[key]
    else:
        holder[key] = rng.choice(_ODD_VALUES)
    whole = holder[""] if isinstance(holder, dict) and holder.keys() == {""} else whole
    return json.dumps(whole).encode()


def _plainly(content: bytes, rng: Random) -> bytes:
    return rng.choice((_flip, _cut, _repeat, _insert, _number))(content, rng)
