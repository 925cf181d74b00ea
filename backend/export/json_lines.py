"""Files of a JSON object a line, which grow while a program works and may end in a torn line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.errors import AvatarError
from shared.restricted.damage import TEXT_DAMAGE


def whole_lines(path: Path, what: str, remedy: str) -> tuple[list[dict[str, Any]], str]:
    """The objects of a file's whole lines, and their text; nothing where there is no file.

    What a killed process half wrote at the end is left out.

    Args:
        path: The file.
        what: What a line is, for messages: `score`.
        remedy: What to do where one is not.

    Raises:
        AvatarError: `bad_file`, naming the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except TEXT_DAMAGE as error:
        raise AvatarError("bad_file", f"{path} cannot be read ({error}).", remedy) from error
    text = text[: text.rfind("\n") + 1]
    found = []
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            entry = json.loads(line)
        except TEXT_DAMAGE as error:
            raise no_line(path, number, what, str(error), remedy) from error
        if not isinstance(entry, dict):
            raise no_line(path, number, what, type(entry).__name__, remedy)
        found.append(entry)
    return found, text


def no_line(path: Path, number: int, what: str, why: str, remedy: str) -> AvatarError:
    """The error for a line that is not what it should be."""
    return AvatarError("bad_file", f"{path}, line {number} is not a {what} ({why}).", remedy)
