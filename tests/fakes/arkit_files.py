"""Files of ARKit weights as people bring them; NumPy only, for Blender's tests make them, too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from shared.flame import ARKIT_NAMES

NAMES = list(ARKIT_NAMES)
ANGLES = [
    "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
    "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
]  # fmt: skip
T, FPS = 20, 24.0


def weights(seed: int = 1) -> np.ndarray:
    """[T, 52] between 0 and 1."""
    return np.random.default_rng(seed).uniform(0, 1, (T, 52)).round(6)


W = weights()
"""What every file here says, in its own way."""


def content(rows: Any = W, step: float = 1 / FPS, **changes: Any) -> dict[str, Any]:
    """The plain JSON: a list of weights in the order of names, times, a rate."""
    frames = [
        {"weights": row if isinstance(row, (list, dict)) or row is None else list(map(float, row)),
         "time": i * step, "rotation": []}
        for i, row in enumerate(rows)
    ]  # fmt: skip
    return {"names": NAMES, "metadata": {"fps": FPS}, "frames": frames, **changes}


def written(path: Path, stored: Any, encoding: str = "utf-8") -> Path:
    """The file, as JSON unless it is text already."""
    text = stored if isinstance(stored, str) else json.dumps(stored)
    path.write_text(text, encoding=encoding, newline="")
    return path


def pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def short(name: str) -> str:
    return name.replace("Left", "_L").replace("Right", "_R")


def csv(separator: str = ",", decimal: str = ".", rows: np.ndarray = W, angles: Any = None) -> str:
    """Live Link Face's 61 columns; 24 frames a second, over the end of a second."""
    nine = np.zeros((len(rows), 9)) if angles is None else np.broadcast_to(angles, (len(rows), 9))
    lines = [separator.join(["Timecode", "BlendShapeCount", *map(pascal, NAMES), *ANGLES])]
    for i, row in enumerate(np.concatenate([rows, nine], 1)):
        second, frame = divmod(i + 10, 24)
        cells = [f"{value:.6f}".replace(".", decimal) for value in row]
        code = f"11:22:{33 + second:02d}:{frame:02d}.000"
        lines.append(separator.join([code, "61", *cells]))
    return "\r\n".join(lines) + "\r\n"


def objects(row: np.ndarray, name: str = "categoryName", score: str = "score") -> list[dict]:
    return [{name: n, score: float(v)} for n, v in zip(NAMES, row, strict=True)]


def neutral_first(row: np.ndarray) -> list[float]:
    return [0.97, *map(float, row)]


SAME: dict[str, Callable[[Path], Path]] = {
    "MediaPipe's 52 with _neutral": lambda p: written(
        p / "a.json", content([neutral_first(r) for r in W], names=["_neutral", *NAMES])
    ),
    "a byte order mark": lambda p: written(p / "a.json", content(), "utf-8-sig"),
    "eyeBlink_L": lambda p: written(p / "a.json", content(names=[short(n) for n in NAMES])),
    "snake case": lambda p: written(p / "a.json", content(names=[snake(n) for n in NAMES])),
    "Unreal's names": lambda p: written(p / "a.json", content(names=[pascal(n) for n in NAMES])),
    "names behind a mesh": lambda p: written(
        p / "a.json", content(names=[f"blendShapes.{pascal(n)}" for n in NAMES])
    ),
    "61 columns in JSON": lambda p: written(
        p / "a.json", content([[*map(float, r), *[0.0] * 9] for r in W], names=NAMES + ANGLES)
    ),
    "weights by name": lambda p: written(
        p / "a.json", content([dict(zip(NAMES, map(float, r), strict=True)) for r in W])
    ),
    "a list of objects": lambda p: written(p / "a.json", content([objects(r) for r in W])),
    "objects of name and value": lambda p: written(
        p / "a.json", content([objects(r, "name", "value") for r in W], names=None)
    ),
    "MediaPipe's results, frame by frame": lambda p: written(
        p / "a.json",
        [{"faceBlendshapes": [{"categories": objects(r)}], "timestampMs": 1000 * i / FPS}
         for i, r in enumerate(W)],
    ),
    "Audio2Face's JSON": lambda p: written(
        p / "a.json", {"exportFps": FPS, "facsNames": [pascal(n) for n in NAMES],
                       "weightMat": W.tolist()},
    ),
    "per cent": lambda p: written(p / "a.json", content(W * 100)),
    "milliseconds": lambda p: written(p / "a.json", content(step=1000 / FPS)),
    "milliseconds without a rate": lambda p: written(
        p / "a.json", content(step=1000 / FPS, metadata={})
    ),
    "Live Link Face's CSV": lambda p: written(p / "a.csv", csv()),
    "semicolons and decimal commas": lambda p: written(p / "a.csv", csv(";", ",")),
    "a CSV with a byte order mark": lambda p: written(p / "a.csv", csv(), "utf-8-sig"),
    "Excel's first line": lambda p: written(p / "a.csv", "sep=;\r\n" + csv(";", ",")),
    "comments before the names": lambda p: written(p / "a.csv", "# of a take\n#\n" + csv()),
    "bars": lambda p: written(p / "a.csv", csv("|")),
    "line ends of old Macs": lambda p: written(p / "a.csv", csv().replace("\r\n", "\r")),
    "spaces beside commas": lambda p: written(p / "a.csv", csv().replace(",", " , ")),
    "decimal commas in quotes": lambda p: written(
        p / "a.csv", re.sub(r"([^;\r\n]+)", r'"\1"', csv(";", ",")).replace(";", ","),
    ),
    "signs of per cent": lambda p: written(
        p / "a.csv", re.sub(r"(?<=[,;])(\d+)\.(\d{6})", r"\1.\2%", csv(rows=W * 100))
    ),
    "a JSON object a line": lambda p: written(
        p / "a.jsonl", "\n".join(json.dumps({"blend_shapes": objects(r), "time": i / FPS})
                                 for i, r in enumerate(W)),
    ),
    "Blender's .L": lambda p: written(
        p / "a.json", content(names=[re.sub(r"_([LR])$", r".\1", short(n)) for n in NAMES])
    ),
    "Excel's Unicode text": lambda p: written(p / "a.txt", csv("\t", ","), "utf-16"),
}  # fmt: skip
"""Ways to write down `W` at `FPS`, by what is special in them; each writes a file to a folder."""


def with_nulls(folder: Path) -> Path:
    """Frames 0, 5, 6, 13 and the last without a face, each told in another way."""
    stored = content()
    stored["frames"][0] = None
    stored["frames"][5]["weights"] = None
    stored["frames"][6]["weights"] = []
    stored["frames"][13]["weights"] = [float("nan")] * 52
    stored["frames"][T - 1]["weights"] = [None] * 52
    return written(folder / "nulls.json", stored)


def bridged() -> np.ndarray:
    """[T, 52] `W` with `with_nulls`'s frames in between, or held at the ends."""
    rows = W.copy()
    rows[0], rows[T - 1] = W[1], W[T - 2]
    rows[13] = (W[12] + W[14]) / 2
    rows[5] = W[4] + (W[7] - W[4]) / 3
    rows[6] = W[4] + (W[7] - W[4]) * 2 / 3
    return rows


def with_gap(folder: Path, fps: float | None = FPS) -> Path:
    """jawOpen's peak in frame 12, after a gap of one second: 1.5 s after the first frame."""
    rows = np.zeros((T, 52))
    rows[12, NAMES.index("jawOpen")] = 1
    stored = content(rows, metadata={} if fps is None else {"fps": fps})
    for i, frame in enumerate(stored["frames"]):
        frame["time"] += 1.0 * (i >= 8)
    return written(folder / "gap.json", stored)


GAP_PEAK_S = 12 / FPS + 1
