"""How long the parts of the main job take: python -m tests.benchmarks.pipeline [--json FILE].

Medians of several runs in one process; absolute times mean little on a busy or shared machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.process import tune_process

tune_process()

from backend.assets import SAMPLE_PORTRAIT  # noqa: E402 - after the process is tuned
from backend.avatar.create import CreateOptions  # noqa: E402
from backend.avatar.pipeline import Pipeline  # noqa: E402
from backend.serving.memory import process_memory_mb  # noqa: E402
from shared.flame import Track  # noqa: E402
from shared.progress import silent  # noqa: E402
from tests.benchmarks.clock import now  # noqa: E402

_RUNS = 7
_FRAMES = 50


def main() -> None:
    """Prints a table and, when asked, writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    started = time.perf_counter()
    pipeline = Pipeline(device=args.device)
    _ = pipeline.model
    rows: dict[str, Any] = {"load the network, s": _since(started)}
    started = time.perf_counter()
    portrait = pipeline.tracker.portrait(SAMPLE_PORTRAIT.read_bytes(), None, silent)
    rows["track the portrait, s"] = _since(started)
    started = time.perf_counter()
    avatar = pipeline.create_from(portrait, CreateOptions(), silent)
    rows["project and personalise, s"] = _since(started)
    frame = Track.from_arkit({"jawOpen": 0.5}, betas=avatar.source.betas)
    cloud = pipeline.drive(avatar, frame)
    rows["drive a frame, ms"] = _median(lambda: pipeline.drive(avatar, frame), pipeline.device)
    rows["rasterise 512x512, ms"] = _median(lambda: pipeline.render(cloud, avatar.camera))
    rows["picture with detail, ms"] = _median(
        lambda: pipeline.picture(avatar, frame, avatar.camera)
    )
    frames = [_shifted(SAMPLE_PORTRAIT, pixels) for pixels in range(_FRAMES)]
    started = time.perf_counter()
    pipeline.track_frames(frames, 25.0)
    rows["track a video 512x512, frames/s"] = round(_FRAMES / (time.perf_counter() - started), 1)
    rows["memory, MiB"] = round(process_memory_mb())
    rows["device"] = pipeline.device
    pipeline.close()
    for name, value in rows.items():
        print(f"{name:28} {value}")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _shifted(path: Path, pixels: int) -> np.ndarray:
    """[H, W, 3] uint8 BGR."""
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.roll(picture, pixels, axis=1)


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)


def _median(work: Callable[[], object], device: str = "cpu") -> float:
    """Milliseconds; what ends in a picture has waited for its device itself."""
    times = []
    for _ in range(_RUNS):
        started = now(device)
        work()
        times.append(now(device) - started)
    return round(1000 * statistics.median(times), 1)


if __name__ == "__main__":
    main()
