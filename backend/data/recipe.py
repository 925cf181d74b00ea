"""What a made store was made by, so that no other recipe goes on with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.atomic import write_bytes
from shared.errors import AvatarError
from shared.restricted.damage import TEXT_DAMAGE

_RECIPE = "recipe.json"


def claim(path: Path, recipe: dict[str, Any]) -> None:
    """Writes the recipe beside the store, or compares with the one that is there.

    Args:
        path: The store's folder; made where missing.
        recipe: Plain values.

    Raises:
        AvatarError: `bad_request` where a store of another recipe is there, `bad_file` where
            nobody can tell.
    """
    file = path / _RECIPE
    if file.is_file():
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except TEXT_DAMAGE as error:
            raise AvatarError(
                "bad_file", f"{file} is no JSON ({error}).", "Delete the store and make it again."
            ) from error
        if there != recipe:
            raise AvatarError(
                "bad_request",
                f"{path} was made by {there}; asked for is {recipe}.",
                "Choose another folder, or the same numbers.",
            )
        return
    path.mkdir(parents=True, exist_ok=True)
    write_bytes(file, json.dumps(recipe, indent=1).encode())
