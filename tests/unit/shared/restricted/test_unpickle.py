"""The restricted unpickler: what it reads, what it refuses by name, and damage."""

from __future__ import annotations

import builtins
import collections
import functools
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from shared.errors import AvatarError
from shared.restricted.inert import Inert, Refused, array_of
from shared.restricted.unpickle import load_pickle
from tests.unit.shared.restricted.pickles import Call, fake_chumpy, flame_pickle


def refusal(data: bytes) -> str:
    with pytest.raises(AvatarError) as caught:
        load_pickle(data, "the file")
    assert caught.value.code == "bad_file"
    assert caught.value.message.startswith("the file")
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_and_arrays_come_back_as_pickle_gives_them(protocol: int) -> None:
    values = {
        "text": "über", "bytes": b"\x00\xff", "number": 3, "big": 2**70, "real": 1.5, "no": None,
        "flags": [True, False], "pair": (1, (2, 3)), "set": {1, 2}, "ordered":
        collections.OrderedDict(a=1), "complex": 1 + 2j, "frozen": frozenset({3}),
        "buffer": bytearray(b"ab"), ("x", 1): "tuple key",
    }  # fmt: skip
    assert load_pickle(pickle.dumps(values, protocol=protocol)) == values
    for array in (
        np.arange(12, dtype="<f4").reshape(3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">i8"),
        np.array(["ab", "c"]),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.float64(2.5),
        np.array(7),
    ):
        data = pickle.dumps(array, protocol=protocol)
        again = load_pickle(data)
        np.testing.assert_array_equal(again, array)
        assert again.dtype == pickle.loads(data).dtype


def test_names_of_numpy_1_are_known() -> None:
    data = pickle.dumps(np.arange(3.0), protocol=2)
    assert b"numpy._core.multiarray" in data
    old = data.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")
    np.testing.assert_array_equal(load_pickle(old), np.arange(3.0))


def test_a_pickle_of_python_2_comes_back() -> None:
    """As Python 2 and NumPy 1 wrote FLAME: raw bytes are text, the dtype's name too."""
    raw = np.arange(2, dtype="<f8").tobytes()
    data = (
        b"\x80\x02}U\x01vcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U" + bytes([len(raw)]) + raw + b"tbs."
    )
    again = load_pickle(data)
    np.testing.assert_array_equal(again["v"], [0.0, 1.0])
    wanted = pickle.loads(data, encoding="latin1")  # ours is the data; nothing hostile in it
    np.testing.assert_array_equal(again["v"], wanted["v"])


def test_chumpy_objects_give_their_values_and_chumpy_is_never_imported() -> None:
    values = np.arange(6.0).reshape(2, 3)
    model = load_pickle(flame_pickle({"a": values, "b": values}, chumpy=("a",)))
    assert isinstance(model["a"], Inert)
    assert model["a"].kind == "chumpy.ch.Ch"
    np.testing.assert_array_equal(array_of(model["a"]), values)
    np.testing.assert_array_equal(array_of(model["b"]), values)
    assert "chumpy" not in sys.modules
    with fake_chumpy() as Ch:
        oldest = pickle.dumps(Ch(Ch(values)), protocol=0)  # by copy_reg._reconstructor
    assert b"_reconstructor" in oldest
    np.testing.assert_array_equal(array_of(load_pickle(oldest)), values)


def test_a_selection_of_a_chumpy_object_is_worked_out() -> None:
    inner = Inert("chumpy.ch.Ch", {"x": np.arange(10.0)})
    state = {"a": inner, "idxs": np.array([4, 2, 0, 9]), "preferred_shape": (2, 2)}
    selected = array_of(Inert("chumpy.reordering.Select", state))
    np.testing.assert_array_equal(selected, [[4, 2], [0, 9]])


@pytest.mark.parametrize("kind", ["csc_matrix", "csr_matrix", "coo_matrix", "csc_array"])
def test_sparse_matrices_become_what_scipy_makes_of_them(kind: str) -> None:
    dense = np.random.default_rng(0).random((5, 40)) * (np.arange(200).reshape(5, 40) % 3 == 0)
    matrix = getattr(scipy.sparse, kind)(dense)
    for protocol in (0, 2, 4):
        loaded = load_pickle(pickle.dumps(matrix, protocol=protocol))
        np.testing.assert_array_equal(array_of(loaded), matrix.toarray())
    old = pickle.dumps(matrix, protocol=2).replace(b"scipy.sparse._", b"scipy.sparse.")
    np.testing.assert_array_equal(array_of(load_pickle(old)), dense)


HOSTILE: list[tuple[Any, str]] = [
    (Call(os.system, "true"), "posix.system" if os.name == "posix" else "nt.system"),
    (Call(builtins.eval, "1"), "builtins.eval"),
    (Call(builtins.exec, "1"), "builtins.exec"),
    (Call(builtins.getattr, "a", "upper"), "builtins.getattr"),
    (Call(builtins.__import__, "os"), "builtins.__import__"),
    (Call(subprocess.Popen, ["true"]), "subprocess.Popen"),
    (functools.partial(print), "functools.partial"),
    (Call(np.load, "x"), "numpy.load"),
    (Call(np.fromfile, "x"), "numpy.fromfile"),
    ({"deep": [Call(os.system, "true")]}, "system"),
    (torch.zeros(2), "torch._utils._rebuild_tensor_v2"),
    (np.array([Call(os.system, "true")], dtype=object), "system"),
    (np.array([1, "x"], dtype=object), "an array of Python objects"),
    (Path("x"), "pathlib"),
    (range(3), "builtins.range"),
]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(("value", "name"), HOSTILE)
def test_what_could_run_code_is_refused_by_name(value: Any, name: str, protocol: int) -> None:
    if isinstance(value, torch.Tensor) and protocol < 2:
        pytest.skip("torch writes no such pickle")
    message = refusal(pickle.dumps(value, protocol=protocol))
    assert "refused" in message
    assert name in message


WRITTEN_BY_HAND = {
    "os.system": b"cos\nsystem\n(S'true'\ntR.",
    "builtins.eval": b"(ibuiltins\neval\n.",
    "numpy.f2py.compile": b"cnumpy.f2py\ncompile\n.",
    "chumpy.ch.os.system": b"\x80\x04\x8c\tchumpy.ch\x8c\tos.system\x93.",
    "the extension code 7": b"\x80\x02\x82\x07.",
    "the extension code 300": b"\x80\x02\x83\x2c\x01.",
    "the extension code 70000": b"\x80\x02\x84\x70\x11\x01\x00.",
    "a persistent id": b"\x80\x02K\x01Q.",
    "a call of an object str": b"\x80\x02X\x01\x00\x00\x00a)R.",
    "an object of numpy.ndarray": b"\x80\x02cnumpy\nndarray\nK\x05\x85\x81.",
    "copyreg._reconstructor of builtins.object":
        b"ccopyreg\n_reconstructor\n(cbuiltins\nobject\ncbuiltins\nobject\nNtR.",
    "a state of type dict for an object list": b"\x80\x02]}b.",
    "an instance of numpy.dtype": b"(cnumpy\ndtype\no.",
    "a buffer outside the file": b"\x80\x05\x97.",
    "a dictionary key or set member of type list": b"\x80\x02}]K\x01s.",
    "the bare name numpy.ndarray": b"cnumpy\nndarray\n.",
    "_codecs.encode other than of text to latin1": b"c_codecs\nencode\n(VTQ==\nVbase64\ntR.",
    "arrays of the type 'M8'": b"cnumpy\ndtype\n(S'M8'\nI0\nI1\ntR.",
    "items for an object ndarray":
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntRI1\na.",
}  # fmt: skip


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_pickles_made_by_hand_are_refused_by_name(what: str) -> None:
    assert what in refusal(WRITTEN_BY_HAND[what]).replace("posix.", "os.")


def test_setstate_is_never_called_on_inert_objects() -> None:
    with fake_chumpy() as Ch:
        Ch.__getstate__ = lambda self: [1, 2]  # type: ignore[attr-defined]
        data = pickle.dumps(Ch(np.zeros(1)), protocol=2)
    assert "a state of type list" in refusal(data)


def test_a_small_file_cannot_become_huge() -> None:
    deep: tuple[Any, ...] = ()
    for _ in range(200):
        deep = (deep, deep)  # hashing this would take for ever
    assert "dictionary key" in refusal(b"\x80\x02}" + pickle.dumps(deep, 2)[2:-1] + b"K\x01s.")
    assert "not a sound pickle" in refusal(b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x00abc.")
    assert "not a sound pickle" in refusal(b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00abc.")
    assert load_pickle(b"\x80\x02Nr\xff\xff\xff\xff.") is None  # a memo's number costs nothing
    many = pickle.dumps(np.zeros(100_000))
    assert load_pickle(many).shape == (100_000,)


def test_an_array_that_is_repeated_without_end_is_refused() -> None:
    raw = bytes(60_000)
    data = io.BytesIO()
    data.write(b"\x80\x03B" + len(raw).to_bytes(4, "little") + raw + b"q\x000")
    data.write(b"cnumpy\ndtype\nX\x02\x00\x00\x00u1K\x00K\x01\x87Rq\x010")
    data.write(b"cnumpy.core.numeric\n_frombuffer\nq\x020")
    one = b"h\x02(h\x00h\x01M" + (60_000).to_bytes(2, "little") + b"\x85X\x01\x00\x00\x00CtR0"
    assert "far larger than the file" in refusal(data.getvalue() + one * 100 + b"N.")


def test_what_is_no_pickle_is_said_to_be_none(tmp_path: Path) -> None:
    archive = io.BytesIO()
    torch.save({"a": torch.zeros(1)}, archive)
    assert "zip archive" in refusal(archive.getvalue())
    for data in (b"", b"hello, world", b"\xff\xd8\xff\xe0 JFIF", b"\x80\x04", b"."):
        assert "not a sound pickle" in refusal(data)
    assert "more bytes follow" in refusal(pickle.dumps(1) + b"x")
    with pytest.raises(AvatarError, match="does not exist"):
        load_pickle(tmp_path / "none.pkl")


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_damaged_files_give_a_value_or_one_clear_error(protocol: int) -> None:
    rng = np.random.default_rng(protocol)
    with fake_chumpy() as Ch:
        model = {
            "v": Ch(rng.random((4, 3))), "f": np.arange(6, dtype=np.uint32).reshape(2, 3),
            "J": scipy.sparse.csc_matrix(np.eye(3)), "name": "x", "list": [1, 2.5, (None, b"a")],
        }  # fmt: skip
        data = pickle.dumps(model, protocol=protocol)
    for end in range(0, len(data), 3):
        refusal(data[:end])
    refused = 0
    for _ in range(1500):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            broken[place] = rng.integers(0, 256)
        try:
            load_pickle(bytes(broken), "the file")
        except AvatarError as error:
            refused += error.code == "bad_file"
    assert refused > 300


def test_lists_that_share_their_parts_without_end_make_no_array() -> None:
    shared: list[Any] = [1.0, 2.0]
    for _ in range(60):
        shared = [shared, shared]
    for value in (shared, [[1.0] * 70_000] * 70_000, [None], ["a"]):
        with pytest.raises(Refused):
            array_of(value)
    np.testing.assert_array_equal(array_of([[1, 2], [3, 4]]), [[1, 2], [3, 4]])
