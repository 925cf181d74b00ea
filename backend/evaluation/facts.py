"""What is measured of a person beside pictures: units read back, the matte's error, holes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.tracking.decode import decode
from backend.tracking.portrait import Portrait
from shared.atomic import write_bytes

from .holes import holes_of
from .mattes import MatteScore, reference, score
from .readback import markdown, readings, rows


def write_facts(
    path: Path, pipeline: Pipeline, avatar: Avatar, portrait: Portrait, data: bytes
) -> None:
    """Writes one person's facts as JSON.

    Args:
        path: The file.
        pipeline: Drives, renders and detects.
        avatar: The person's.
        portrait: What it was made of.
        data: The photograph's bytes; only one before an even background tells the matte's error.
    """
    picture = decode(data)
    crop = portrait.crop
    rgb = crop.apply(picture.rgb).astype(np.float32) / 255
    truth = reference(rgb, crop.inside(*picture.size))
    facts = {
        "readback": {unit: list(map(float, read)) for unit, read in
                     readings(pipeline, avatar).items()},
        "holes": holes_of(pipeline, avatar),
        "matte": None if truth is None else asdict(score(portrait.matte, truth)),
    }  # fmt: skip
    write_bytes(path, json.dumps(facts).encode())


def facts_report(paths: Sequence[Path]) -> list[str]:
    """Lines of Markdown on several people's facts."""
    people: list[dict[str, Any]] = [json.loads(path.read_bytes()) for path in paths]
    table = rows([{u: np.array(v) for u, v in p["readback"].items()} for p in people])
    lines = ["## Units driven at .5 and 1, and what the landmarker reads", "", *markdown(table)]
    open_at = {yaw: np.mean([p["holes"][yaw] for p in people]) for yaw in people[0]["holes"]}
    told = ", ".join(f"{share:.2f} at {yaw}" for yaw, share in open_at.items())
    lines += ["", "## Holes", "", "Per cent of the outline's inside that shows through, by yaw in"]
    lines += [f"degrees: {told}."]
    scores = [MatteScore(**p["matte"]) for p in people if p["matte"] is not None]
    if scores:
        means = {name: np.mean([asdict(s)[name] for s in scores]) for name in asdict(scores[0])}
        lines += [
            "",
            f"## Mattes of {len(scores)} portraits before an even background",
            "",
            f"SAD {means['sad']:.2f} (band {means['sad_band']:.2f}) thousand pixels, gradient "
            f"error {means['gradient']:.3f} thousand.",
        ]
    return lines
