"""Looks at what the demo made: numbers into demo.json, pictures onto a contact sheet."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.export.arrays import gaussian_counts
from backend.export.contact_sheet import write_contact_sheet
from backend.export.png import over_background, read_png
from backend.losses.pixels import psnr, ssim
from backend.tracking.detect import Detector, Face
from backend.tracking.portrait import Portrait
from demo import motion
from shared.progress import silent

PORTRAIT = Path(__file__).resolve().parents[1] / "backend" / "assets" / "astronaut.png"
READ = ("mouthSmileLeft", "mouthSmileRight", "jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
_SAME_PERSON = 0.55


def main() -> int:
    """Adds what can be measured to DIR/demo.json and writes DIR/contact-sheet.png."""
    parser = argparse.ArgumentParser(prog="python -m demo.report", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    started = time.monotonic()
    facts = json.loads((out / "demo.json").read_text(encoding="utf-8"))
    pipeline = Pipeline()
    try:
        measured, tiles = _measure(out, facts, pipeline)
    finally:
        pipeline.close()
    write_contact_sheet(out / "contact-sheet.png", tiles, columns=5)
    facts |= measured | {"contact_sheet": "contact-sheet.png"}
    facts["steps"].append({"name": "report", "seconds": round(time.monotonic() - started, 2)})
    (out / "demo.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    _print(out, facts)
    return 0


def _measure(
    out: Path, facts: dict[str, Any], pipeline: Pipeline
) -> tuple[dict[str, Any], list[tuple[str, np.ndarray]]]:
    portrait = pipeline.tracker.portrait(PORTRAIT.read_bytes(), None, silent)
    avatar = Avatar.load(out / facts["avatar"])
    cloud = pipeline.drive(avatar, avatar.source)
    own = pipeline.picture(avatar, avatar.source, avatar.camera)
    frames = [_on_black(out / name) for name in facts["png"]]
    tiles = [("portrait", _bytes(portrait.matted)), ("own pose", _bytes(own.rgb))]
    detector, readback = pipeline.tracker.detector, {}
    for key in motion.KEYS:
        if key.name:
            picture = frames[key.frame - 1]
            readback[key.name] = _read(detector, picture)
            tiles.append((f"{key.name} (frame {key.frame})", picture))
    spoken = range(motion.SPEECH_START, motion.LAST_FRAME + 1, 3)
    tiles += [(f"speech (frame {number})", frames[number - 1]) for number in spoken][:8]
    missing = [i + 1 for i, picture in enumerate(frames) if not detector.detect(picture)]
    inside = portrait.matte > 0.5
    measured: dict[str, Any] = {
        "gaussians": gaussian_counts(cloud),
        "self_psnr": round(psnr(own.rgb, portrait.matted, inside), 2),
        "self_ssim": round(ssim(own.rgb, portrait.matted), 4),
        "readback": readback,
        "frames_without_face": missing,
        "identity_distance": _identity(portrait, detector, frames),
    }
    return measured, tiles


def _read(detector: Detector, picture: np.ndarray) -> dict[str, float]:
    """What MediaPipe reads from a rendered frame: scores 0..1 and the yaw in degrees."""
    faces = detector.detect(picture)
    if not faces:
        return {}
    scores = {name: round(faces[0].blendshapes[name], 3) for name in READ}
    return scores | {"yaw_deg": round(float(faces[0].yaw_pitch_roll_deg[0]), 1)}


def _identity(
    portrait: Portrait, detector: Detector, frames: list[np.ndarray]
) -> dict[str, float] | None:
    """dlib's distance between portrait and frames; None where its weights are not installed."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or importlib.util.find_spec("dlib") is None or not spec.origin:
        return None
    dlib: Any = importlib.import_module("dlib")
    models = Path(spec.origin).parent / "models"
    shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(
        str(models / "dlib_face_recognition_resnet_model_v1.dat")
    )

    def embed(picture: np.ndarray) -> np.ndarray | None:
        faces: list[Face] = detector.detect(picture)
        if not faces:
            return None
        x0, y0, x1, y1 = (int(v) for v in faces[0].box)
        points = shape(picture, dlib.rectangle(x0, y0, x1, y1))
        return np.array(network.compute_face_descriptor(picture, points))

    source = embed(_bytes(portrait.matted))
    found = [embed(picture) for picture in frames]
    if source is None or not any(code is not None for code in found):
        return None
    distances = [float(np.linalg.norm(code - source)) for code in found if code is not None]
    return {
        "mean": round(float(np.mean(distances)), 3),
        "largest": round(max(distances), 3),
        "same_person_below": _SAME_PERSON,
    }


def _on_black(path: Path) -> np.ndarray:
    """[H, W, 3] uint8 RGB of an RGBA file over black."""
    return over_background(read_png(path), (0.0, 0.0, 0.0))


def _bytes(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _print(out: Path, facts: dict[str, Any]) -> None:
    print(f"\nWhat you see: {out / facts['contact_sheet']}")
    print(f"  frames   {out / Path(facts['png'][0]).parent} ({len(facts['png'])} PNG)")
    print(f"  video    {out / facts['mp4']}")
    print(f"  splats   {out / Path(facts['ply'][0]).parent} ({len(facts['ply'])} PLY)")
    print(f"  avatar   {out / facts['avatar']}, scene {out / facts['blend']}")
    print(f"  likeness {facts['self_psnr']} dB, SSIM {facts['self_ssim']}")
    print("  seconds  " + ", ".join(f"{s['name']} {s['seconds']:.0f}" for s in facts["steps"]))


if __name__ == "__main__":
    raise SystemExit(main())
