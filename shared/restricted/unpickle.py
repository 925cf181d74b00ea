"""The one place where a pickle is read: plain values, arrays and inert objects, nothing else.

Python's own interpreter of pickles runs with every opcode that could reach code replaced: a name
is looked up in `pickled.allowed` and never imported, a call goes to one of our own functions. Its
pure Python form is used because the compiled one allocates what a file claims to need.
"""

from __future__ import annotations

import _compat_pickle
import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from ..errors import AvatarError
from ..os_errors import os_error
from .inert import Refused
from .pickled import Budget, Maker, allowed, build, check_key

MOST_BYTES = 2 << 30
_DAMAGE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What Python's interpreter raises where a file is damaged."""


def load_pickle(
    source: Path | bytes, label: str = "", storages: Callable[[Any], Any] | None = None
) -> Any:
    """The value in a pickle.

    Allowed: None, numbers, text, bytes, lists, tuples, dicts, sets; NumPy arrays and numbers
    (names of NumPy 1 and 2; protocols 0 to 5, Python 2's included); chumpy and scipy.sparse
    objects, which come as `Inert` (`inert.array_of` gives their values).

    Args:
        source: The file, or its bytes.
        label: What to call it in messages; the path by default.
        storages: What a persistent id stands for (files of torch.save, see `torch_file`); without
            it they are refused, and so are tensors.

    Raises:
        AvatarError: `bad_file`, naming what was refused or what is damaged.
    """
    named = label or (str(source) if isinstance(source, Path) else "the pickle")
    content = _read(source, named) if isinstance(source, Path) else source
    if content[:4] == b"PK\x03\x04":
        raise _bad(named, "is a zip archive (a file of torch.save?), not a pickle")
    try:
        return _Unpickler(content, storages).value()
    except Refused as refusal:
        raise AvatarError(
            "bad_file",
            f"{named}: refused {refusal}.",
            "Only numbers, text, containers and arrays are read. Do not open this file with "
            "other programs unless you trust who made it.",
        ) from None
    except _DAMAGE as error:
        reason = str(error).strip("'\"") or "the end is missing"
        raise _bad(named, f"is not a sound pickle ({reason:.80})") from error


def _bad(named: str, what: str) -> AvatarError:
    return AvatarError("bad_file", f"{named} {what}.", "Get the file again from its owners.")


def _read(path: Path, named: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise _bad(named, f"has {size:,} bytes; at most {MOST_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from error


_PurePython: Any = vars(pickle)["_Unpickler"]


class _Unpickler(_PurePython):
    """Python's interpreter, its powers taken away."""

    dispatch: ClassVar[dict[int, Any]] = dict(_PurePython.dispatch)

    def __init__(self, content: bytes, storages: Callable[[Any], Any] | None) -> None:
        self._storages = storages
        self._file = io.BytesIO(content)
        super().__init__(self._file, encoding="latin1")
        self._budget = Budget(len(content))

    def value(self) -> Any:
        result = self.load()
        frame = self._unframer.current_frame
        if self._file.read(1) or (frame is not None and frame.read(1)):
            raise ValueError("more bytes follow its end")
        if isinstance(result, Maker):
            raise Refused(f"the bare name {result.label}")
        return result

    def find_class(self, module: str, name: str) -> Maker:
        if self.proto < 3:  # Python 2's names: so that messages and `allowed` know one name each
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        maker = allowed(module, name, tensors=self._storages is not None)
        if maker is None:
            raise Refused(f"{module:.80}.{name:.80}")
        return maker

    def get_extension(self, code: int) -> None:
        raise Refused(f"the extension code {code}")

    def persistent_load(self, pid: Any) -> Any:
        if self._storages is None:
            raise Refused("a persistent id")
        return self._storages(pid)

    def _call(self, function: Any, args: Any) -> None:
        if not isinstance(function, Maker) or not isinstance(args, tuple):
            raise Refused(f"a call of an object {type(function).__name__}")
        self.stack.append(function.make(args, self._budget))

    def _reduce(self) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        self._call(function, args)

    def _new_object(self) -> None:
        args, owner = self.stack.pop(), self.stack.pop()
        if isinstance(owner, Maker) and not owner.inert:
            raise Refused(f"an object of {owner.label}")
        self._call(owner, args)

    def _new_object_with_names(self) -> None:
        names, args, owner = self.stack.pop(), self.stack.pop(), self.stack.pop()
        if names:
            raise Refused("an object made with named arguments")
        self.stack.extend((owner, args))
        self._new_object()

    def _build(self) -> None:
        state, value = self.stack.pop(), self.stack.pop()
        self.stack.append(build(value, state, self._budget))

    def _old_instance(self) -> None:
        module, name = (self.readline()[:-1].decode("latin1") for _ in range(2))
        raise Refused(f"an instance of {module:.80}.{name:.80}")

    def _old_object(self) -> None:
        items = self.pop_mark()
        label = items[0].label if items and isinstance(items[0], Maker) else "a class"
        raise Refused(f"an instance of {label}")

    def _outside_buffer(self) -> None:
        raise Refused("a buffer outside the file")

    def _bytearray(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        data = self.read(min(size, MOST_BYTES))
        if len(data) != size:
            raise EOFError("the end is missing")
        self.stack.append(bytearray(data))

    def _add_items(self, items: list[Any], kind: type) -> None:
        target = self.stack[-1]
        if type(target) is not kind:
            raise Refused(f"items for an object {type(target).__name__}")
        if kind is list:
            target.extend(items)
            return
        for key in items if kind is set else items[::2]:
            check_key(key)
        if kind is set:
            target.update(items)
        else:
            target.update(zip(items[::2], items[1::2], strict=True))

    def _append_one(self) -> None:
        self._add_items([self.stack.pop()], list)

    def _append_many(self) -> None:
        self._add_items(self.pop_mark(), list)

    def _set_one(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._add_items([key, value], dict)

    def _set_many(self) -> None:
        self._add_items(self.pop_mark(), dict)

    def _add_many(self) -> None:
        self._add_items(self.pop_mark(), set)

    def _dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self._add_items(items, dict)

    def _frozenset(self) -> None:
        items = self.pop_mark()
        self.stack.append(set())
        self._add_items(items, set)
        self.stack[-1] = frozenset(self.stack[-1])


for _opcode, _method in (
    (pickle.REDUCE, "_reduce"),
    (pickle.NEWOBJ, "_new_object"),
    (pickle.NEWOBJ_EX, "_new_object_with_names"),
    (pickle.BUILD, "_build"),
    (pickle.INST, "_old_instance"),
    (pickle.OBJ, "_old_object"),
    (pickle.NEXT_BUFFER, "_outside_buffer"),
    (pickle.READONLY_BUFFER, "_outside_buffer"),
    (pickle.BYTEARRAY8, "_bytearray"),
    (pickle.APPEND, "_append_one"),
    (pickle.APPENDS, "_append_many"),
    (pickle.SETITEM, "_set_one"),
    (pickle.SETITEMS, "_set_many"),
    (pickle.ADDITEMS, "_add_many"),
    (pickle.DICT, "_dict"),
    (pickle.FROZENSET, "_frozenset"),
):
    _Unpickler.dispatch[_opcode[0]] = getattr(_Unpickler, _method)
