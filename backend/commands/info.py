"""`info`: the program, a preset, or an avatar file."""

from __future__ import annotations

import argparse
import json
import platform
import struct
from pathlib import Path
from typing import Any

from backend.configs import presets
from shared.errors import AvatarError
from shared.restricted.damage import TEXT_DAMAGE
from shared.version import PROTOCOL, VERSION

from .console import Console

_MAX_HEADER_BYTES = 100_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `info`."""
    parser.add_argument("subject", nargs="?", help="a preset's name, or a .savatar file")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Tells the facts."""
    if args.subject is None:
        return {
            "version": VERSION,
            "protocol": PROTOCOL,
            "python": platform.python_version(),
            "system": platform.platform(),
            "presets": presets.presets(),
        }
    if args.subject.endswith(".savatar"):
        return avatar_facts(Path(args.subject))
    return preset_facts(args.subject)


def preset_facts(preset: str) -> dict[str, Any]:
    """A preset's network and settings. FLAME's files are not needed: its size is known.

    Raises:
        AvatarError: As `load_preset`.
    """
    values = presets.load_preset(preset)
    from backend.configs.network import model_config
    from backend.head import load_head
    from backend.model.cost import network_facts
    from backend.model.made_head import made_head

    network = model_config(values)
    head = load_head() if network.head == "open" else made_head()
    facts = network_facts(network, head)
    return {"preset": network.preset, "head": network.head, **facts, "settings": values}


def avatar_facts(path: Path) -> dict[str, Any]:
    """Metadata and array shapes of an avatar file, read from its header only.

    Raises:
        AvatarError: `bad_file`.
    """
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _MAX_HEADER_BYTES:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(stream.read(length))
        metadata = header.pop("__metadata__", {})
        arrays = {name: entry["shape"] for name, entry in sorted(header.items())}
        facts = {"path": path, **metadata, "bytes": path.stat().st_size, "arrays": arrays}
    except (*TEXT_DAMAGE, struct.error, LookupError, TypeError, AttributeError) as error:
        raise AvatarError(
            "bad_file", f"{path} is not an avatar file ({error}).", "Choose a .savatar file."
        ) from error
    return facts
