"""Presets: one flat TOML file each, read into frozen dataclasses.

A preset that differs from another in a few things says `base = "paper"` and holds only those.
"""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from backend.configs.network import ModelConfig
from backend.configs.training import TrainConfig
from shared.errors import AvatarError
from shared.restricted.damage import TEXT_DAMAGE

CONFIGS = Path(__file__).resolve().parent

T = TypeVar("T")


def presets() -> list[str]:
    """Names of the presets that come with the program."""
    return sorted(path.stem for path in CONFIGS.glob("*.toml"))


def load_preset(preset: str | Path) -> dict[str, Any]:
    """The values of a preset, those of its base included.

    Args:
        preset: A name out of `presets()`, or the path of a `.toml` file.

    Raises:
        AvatarError: `bad_request` for an unknown name or key, `bad_file` for other content.
    """
    values = _with_base(preset, ())
    resolve(values, ModelConfig, TrainConfig)  # refuses unknown keys
    return values


def _with_base(preset: str | Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """The values of a preset over those of its base.

    Args:
        preset: As in `load_preset`.
        above: The presets that led here through their bases.
    """
    path = Path(preset) if str(preset).endswith(".toml") else CONFIGS / f"{preset}.toml"
    if above and not path.is_absolute():
        path = above[-1].parent / path  # a base named by a path lies beside its preset
    chain = (*above, path.resolve())
    if path.resolve() in above:
        names = " -> ".join(step.name for step in chain)
        raise AvatarError(
            "bad_file",
            f"Presets are each other's base: {names}.",
            "Take the key base out of one of them.",
        )
    values = _read(preset, path)
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise AvatarError(
            "bad_file",
            f"{path.name} has the base {base!r}; expected the name of a preset.",
            f"Expected one of {', '.join(presets())} or the path of a .toml file.",
        )
    return _with_base(base, chain) | values


def _read(preset: str | Path, path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AvatarError(
            "bad_request",
            f"There is no preset {str(preset)!r}.",
            f"Expected one of {', '.join(presets())} or the path of a .toml file.",
        ) from error
    except TEXT_DAMAGE as error:
        raise AvatarError(
            "bad_file", f"{path} is not a readable TOML file ({error}).", "Correct the file."
        ) from error
    nested = [key for key, value in values.items() if isinstance(value, dict)]
    if nested:
        raise AvatarError("bad_file", f"{path} has tables {nested}.", "Presets are flat: no [x].")
    return values


def resolve(values: Mapping[str, Any], *classes: type[Any]) -> tuple[Any, ...]:
    """Frozen dataclasses from the values of one preset; missing keys keep their defaults.

    Args:
        values: Flat values by name.
        classes: Dataclasses that share the file; each takes the keys that are its fields.

    Raises:
        AvatarError: `bad_request` naming a key that no class has, or a value of another type.
    """
    known = {f.name for cls in classes for f in dataclasses.fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise AvatarError(
            "bad_request",
            f"Unknown preset keys {unknown}.",
            f"Expected some of {', '.join(sorted(known))}.",
        )
    return tuple(_build(cls, values) for cls in classes)


def _build(cls: type[T], values: Mapping[str, Any]) -> T:
    hints = get_type_hints(cls)
    own = {}
    for item in dataclasses.fields(cls):  # type: ignore[arg-type]
        if item.name in values:
            own[item.name] = _converted(item.name, values[item.name], hints[item.name])
    return cls(**own)


def _converted(name: str, value: Any, hint: Any) -> Any:
    if get_origin(hint) is tuple and isinstance(value, list):
        inner = get_args(hint)[0]
        return tuple(_converted(name, entry, inner) for entry in value)
    if hint is float and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    if hint in (str, int, float, bool) and type(value) is not hint:
        raise AvatarError(
            "bad_request",
            f"Preset key {name!r}: found {value!r}, expected {hint.__name__}.",
            "Correct the preset.",
        )
    return value
