"""The bytes on the wire, and what is refused before anything is allocated."""

import json
from typing import Any

import numpy as np
import pytest

from shared import wire
from shared.errors import AvatarError

GOLDEN_HEADER = (
    b'{"v":3,"id":"7","reply_to":"","type":"avatar.drive","body":{"name":"\xc3\xa9"},'
    b'"arrays":[{"name":"a","dtype":"float32","shape":[2]},'
    b'{"name":"b","dtype":"uint8","shape":[0,3]}]}'
)
GOLDEN_FRAMES = [GOLDEN_HEADER, bytes.fromhex("0000803f000020c0"), b""]


def golden_message() -> wire.Envelope:
    arrays = {"a": np.array([1.0, -2.5], np.float32), "b": np.zeros((0, 3), np.uint8)}
    return wire.Envelope("avatar.drive", {"name": "é"}, arrays, id="7")


def refused(frames: list[bytes]) -> str:
    with pytest.raises(AvatarError) as found:
        wire.decode(frames)
    assert found.value.code == "bad_request"
    return found.value.message


def header(**changes: Any) -> bytes:
    content = {"v": 3, "id": "", "reply_to": "", "type": "x", "body": {}, "arrays": []}
    return json.dumps({**content, **changes}).encode()


def described(**changes: Any) -> bytes:
    return header(arrays=[{"name": "a", "dtype": "float32", "shape": [2], **changes}])


def test_a_message_has_exactly_the_golden_bytes() -> None:
    assert [bytes(frame) for frame in wire.encode(golden_message())] == GOLDEN_FRAMES


def test_the_golden_bytes_decode_to_the_message() -> None:
    found = wire.decode(GOLDEN_FRAMES)
    assert (found.v, found.id, found.type, found.body) == (3, "7", "avatar.drive", {"name": "é"})
    assert found.arrays["a"].tolist() == [1.0, -2.5]
    assert found.arrays["b"].shape == (0, 3)


def test_arrays_travel_little_endian_and_c_contiguous_whatever_they_were() -> None:
    array = np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3))
    found = wire.decode(wire.encode(wire.Envelope("x", arrays={"a": array}))).arrays["a"]
    assert found.dtype == np.dtype("<f4")
    np.testing.assert_array_equal(found, array)


def test_encoding_copies_no_array() -> None:
    array = np.zeros(1000, np.float32)
    _, buffer = wire.encode(wire.Envelope("x", arrays={"a": array}))
    array[3] = 5
    assert np.frombuffer(buffer, np.float32)[3] == 5


def test_decoding_copies_no_aligned_array() -> None:
    content = bytearray(np.zeros(1000, np.float32).tobytes())
    found = wire.decode([described(shape=[1000]), content]).arrays["a"]
    content[0:4] = np.float32(5).tobytes()
    assert found[0] == 5


def test_an_unaligned_frame_becomes_an_aligned_array() -> None:
    shifted = memoryview(b"\0" + np.arange(2, dtype=np.float32).tobytes())[1:]
    found = wire.decode([described(), shifted]).arrays["a"]
    assert found.flags.aligned
    assert found.tolist() == [0, 1]


def test_a_scalar_array_keeps_its_shape() -> None:
    sent = wire.Envelope("x", arrays={"a": np.array(3.0)})
    assert wire.decode(wire.encode(sent)).arrays["a"].shape == ()


@pytest.mark.parametrize("dtype", ["complex64", "float128", "bool", "object", "<U4", "uint64"])
def test_other_array_types_are_neither_sent_nor_taken(dtype: str) -> None:
    if dtype != "float128":
        with pytest.raises(AvatarError, match="dtype"):
            wire.encode(wire.Envelope("x", arrays={"a": np.zeros(2, dtype)}))
    assert "dtype" in refused([described(dtype=dtype), b"\0" * 8])


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"\xff\xfe"],
        [b"[]"],
        [b"{}"],
        [b"[" * 100_000],
        [header(v="1")],
        [header(v=True)],
        [header(body=[])],
        [header(extra=1)],
        [header(), b"unannounced"],
        [described()],
        [described(), b"1234"],
        [described(shape=[-2]), b""],
        [described(shape=[1.5]), b""],
        [described(shape=[True]), b""],
        [described(shape="2"), b""],
        [described(name=5), b"\0" * 8],
        [described(shape=[1] * 9), b"\0" * 4],
        [b" " * (wire.MAX_HEADER_BYTES + 1)],
        [header(arrays=[{"name": "a", "dtype": "uint8", "shape": [0]}] * 65), *[b""] * 65],
        [header(arrays=[{"name": "a", "dtype": "uint8", "shape": [0]}] * 2), b"", b""],
    ],
)  # fmt: skip
def test_malformed_frames_are_refused(frames: list[bytes]) -> None:
    assert "expected" in refused(frames)


@pytest.mark.parametrize("shape", [[2**30, 2**30, 2**30], [2**40], [2**30]])
def test_an_announced_giant_is_refused_without_allocating_it(shape: list[int]) -> None:
    refused([described(shape=shape), b"\0" * 8])


def test_a_message_over_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_MESSAGE_BYTES", 1000)
    with pytest.raises(AvatarError, match="at most 1000"):
        wire.encode(wire.Envelope("x", arrays={"a": np.zeros(1001, np.uint8)}))


def test_nan_in_the_body_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire.encode(wire.Envelope("x", {"value": float("nan")}))
