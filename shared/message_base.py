"""What a message is: its base class, and fields that say what they hold.

The words given to a field stand in docs/protocol.md too; a test compares them.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True, eq=False)
class Message:
    """Base of all messages.

    `WIRE` is the name on the wire; replies take `<request>.ok`, so theirs is empty.
    `REPLY` is the class that answers a request. `CONTROL` requests go to the control socket,
    which answers while work is running.
    """

    WIRE: ClassVar[str] = ""
    REPLY: ClassVar[type[Message] | None] = None
    CONTROL: ClassVar[bool] = False

    @property
    def redundancy_key(self) -> str:
        """Requests with an equal, non-empty key: only the newest waiting one is worked on."""
        return ""


def value(doc: str, default: Any = MISSING) -> Any:
    """A field; without a default a sender must give it."""
    return field(default=default, metadata={"doc": doc})


def listed(doc: str) -> Any:
    """A field that is a list, empty by default."""
    return field(default_factory=list, metadata={"doc": doc})


def array(dtype: str, shape: str, doc: str, default: Any = MISSING) -> Any:
    """A field that is an array of this type and shape; `packing` checks both."""
    return field(default=default, metadata={"doc": doc, "dtype": dtype, "shape": shape})


def arrays(dtype: str, shape: str, doc: str) -> Any:
    """A field that is arrays of this type and shape by name, none by default."""
    return field(default_factory=dict, metadata={"doc": doc, "dtype": dtype, "shape": shape})


def optional_fields(cls: type[Message]) -> set[str]:
    """Names of fields that a sender may leave out."""
    return {
        f.name for f in fields(cls) if f.default is not MISSING or f.default_factory is not MISSING
    }
