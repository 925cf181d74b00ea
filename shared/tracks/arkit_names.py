"""The 52 ARKit names as programs spell them, and the nine angles that Live Link Face adds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..flame import ARKIT_NAMES
from .checks import bad_key

ANGLES = (
    "headyaw", "headpitch", "headroll", "lefteyeyaw", "lefteyepitch", "lefteyeroll",
    "righteyeyaw", "righteyepitch", "righteyeroll",
)  # fmt: skip
"""Live Link Face's angles as `plain` spells them."""

IGNORED = frozenset({"neutral"})
"""MediaPipe's `_neutral` says how little the others say; nothing moves by it."""


def plain(name: str) -> str:
    """A name without case, separators and what stands before its last dot, slash or colon.

    `eyeBlink_L`, `eyeBlink.L`, `EyeBlinkLeft`, `eye_blink_left` and `blendShapes.EyeBlinkLeft` are
    one.
    """
    joined = re.sub(r"\.(L|R|left|right)$", r"\1", name.strip(), flags=re.I)
    bare = re.split(r"[./:|]", joined)[-1]
    return re.sub(r"[^a-z0-9]", "", bare.lower())


def _spellings(name: str) -> set[str]:
    short = re.sub(r"Left$", "L", re.sub(r"Right$", "R", name))
    return {plain(name), plain(short)}


_BY_SPELLING = {
    spelling: index for index, name in enumerate(ARKIT_NAMES) for spelling in _spellings(name)
}


def index_of(name: str) -> int | None:
    """Number of an ARKit name, however it is spelt; None for any other."""
    return _BY_SPELLING.get(plain(name))


def columns(path: Path, names: Sequence[str], key: str = "names") -> tuple[dict[int, int], list]:
    """Which column of a file is which ARKit name.

    Args:
        path: The file, for messages.
        names: What the file calls its columns.
        key: Where it does so, for messages.

    Returns:
        {column: number of the ARKit name}, and the names that are none, angles and `_neutral`
        not among them.

    Raises:
        AvatarError: `bad_file` where a name comes twice, or hardly any is known.
    """
    known: dict[int, int] = {}
    unknown = []
    for column, name in enumerate(names):
        index = index_of(name)
        if index is None:
            if plain(name) not in (*ANGLES, *IGNORED):
                unknown.append(name)
        elif index in known.values():
            raise bad_key(path, key, f"{ARKIT_NAMES[index]} twice", "each name once")
        else:
            known[column] = index
    if len(known) <= len(unknown):
        found = ", ".join(unknown[:3]) or "no name"
        raise bad_key(path, key, found, f"ARKit names such as {ARKIT_NAMES[24]}")
    return known, unknown


def left_out(unknown: Sequence[str]) -> str:
    """The note on names that are not of the 52."""
    shown = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
    return f"Left out, as they are no ARKit names: {shown}."
