"""docs/protocol.md says exactly what the code does."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from shared import messages as m
from shared import packing, wire
from shared.camera import Camera
from shared.cloud import CLOUD_ARRAYS, Cloud
from shared.errors import CODES
from shared.flame import Track
from shared.message_base import Message, optional_fields

COMPOUND = {
    Track: "Track",
    Camera: "Camera",
    Cloud: "Cloud",
    tuple[Camera, ...]: "cameras",
    dict[str, np.ndarray]: "arrays",
    list[str]: "list of str",
    list[int]: "list of int",
    list[float]: "list of float",
    dict: "object",
}
Rows = list[tuple[str, ...]]


def document(repository: Path) -> str:
    return (repository / "docs" / "protocol.md").read_text(encoding="utf-8")


def rows(text: str) -> Rows:
    """Cells of the first table in a text, without its two head lines."""
    found: Rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            found.append(tuple(cell.strip() for cell in line.strip("|").split(" | ")))
        elif found:
            break
    return found[2:]


def sections(text: str, mark: str) -> Iterator[tuple[str, str]]:
    for part in re.split(rf"^{mark} ", text, flags=re.MULTILINE)[1:]:
        title, _, content = part.partition("\n")
        yield title.strip("`"), content


def chapter(text: str, title: str) -> str:
    return dict(sections(text, "##"))[title]


def expected_rows(cls: type[Message]) -> Rows:
    return [(f"`{f.name}`", kind(cls, f), f.metadata["doc"]) for f in fields(cls)]


def kind(cls: type[Message], item: Any) -> str:
    hint = packing._bare(packing._hints(cls)[item.name])
    if "dtype" in item.metadata:
        text = f"{item.metadata['dtype']} {item.metadata['shape']}"
        text = f"arrays of {text}" if hint == dict[str, np.ndarray] else text
    else:
        text = COMPOUND.get(hint) or hint.__name__
    return text + ", optional" * (item.name in optional_fields(cls))


def test_it_lists_every_request_with_its_fields_reply_and_class(repository: Path) -> None:
    listed = dict(sections(chapter(document(repository), "Requests and their replies"), "###"))
    assert list(listed) == [*m.REQUESTS, "error"]
    for name, cls in m.REQUESTS.items():
        request, _, reply = listed[name].partition(f"Reply `{name}.ok`")
        assert cls.REPLY is not None
        assert rows(request) == expected_rows(cls), name
        assert rows(reply) == expected_rows(cls.REPLY), name
        assert f"class `{cls.__name__}`" in request
        assert f"class `{cls.REPLY.__name__}`" in reply
        assert ("control socket" in request) == cls.CONTROL, name
        assert ("newest wins" in request) == ("redundancy_key" in vars(cls)), name
    assert rows(listed["error"]) == expected_rows(m.ErrorReply)


def test_it_lists_every_event_with_its_fields(repository: Path) -> None:
    listed = dict(sections(chapter(document(repository), "Events"), "###"))
    assert {name: rows(text) for name, text in listed.items()} == {
        name: expected_rows(cls) for name, cls in m.EVENTS.items()
    }


def test_it_lists_every_error_code(repository: Path) -> None:
    listed = [row[0].strip("`") for row in rows(chapter(document(repository), "Error codes"))]
    assert len(listed) == len(CODES)
    assert set(listed) == CODES


def test_it_lists_every_state(repository: Path) -> None:
    listed = [row[0].strip("`") for row in rows(chapter(document(repository), "States"))]
    assert tuple(listed) == m.STATES


def test_it_lists_the_envelope_and_the_array_types(repository: Path) -> None:
    text = chapter(document(repository), "A message")
    assert {row[0].strip("`") for row in rows(text)} == wire._HEADER_KEYS
    types = re.search(r"Array types: (.*?)\.", text)
    assert types is not None
    assert set(re.findall(r"`(\w+)`", types[1])) == set(wire.DTYPES)


def test_it_lists_the_arrays_of_a_cloud(repository: Path) -> None:
    text = chapter(document(repository), "A message")
    found = re.findall(r"`FIELD\.(\w+)` (\w+) \[N(?:,(\d))?\]", text)
    assert {name: (dtype, int(n or 0)) for name, dtype, n in found} == CLOUD_ARRAYS
