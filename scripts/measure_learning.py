"""Measures what a network has learnt, on people it has never seen, and paints it.

python scripts/measure_learning.py --data STORE --run RUN --portraits FOLDER --out FOLDER

Every held-out pair is drawn by the same network three times: with random weights and no portrait
(what the paper's training starts from), with the portrait's start alone (step 0 of the preset),
and trained. The bundled photograph is drawn too, in its own pose and in three others. Writes
learning.json, learning-curve.png, learning-strip.png and learning-photo.png.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

mpl.use("Agg")

from matplotlib import pyplot  # noqa: E402

from backend.assets import SAMPLE_PORTRAIT  # noqa: E402
from backend.configs.network import ModelConfig  # noqa: E402
from backend.data.frame import Frame, Pair  # noqa: E402
from backend.data.store import Store  # noqa: E402
from backend.figures.density import AREAS, Density, kept_density  # noqa: E402
from backend.head import Head  # noqa: E402
from backend.losses.pixels import psnr, ssim  # noqa: E402
from backend.model.checkpoint import load_checkpoint  # noqa: E402
from backend.model.pictures import Pictures  # noqa: E402
from backend.model.splitavatar import SplitAvatar  # noqa: E402
from backend.tracking.portrait import Tracker  # noqa: E402
from backend.training.batch import collate  # noqa: E402
from backend.training.forward import forward  # noqa: E402
from backend.training.log import METRICS, read_lines  # noqa: E402
from backend.training.portrait_start import PortraitStart  # noqa: E402
from backend.training.sampling import validation_names  # noqa: E402
from shared.flame import Track  # noqa: E402
from shared.progress import silent  # noqa: E402

_ROWS, _TILE_PX = 5, 160
WAYS = ("random init", "portrait init", "trained")


@dataclass
class Found:
    """Measured over all pairs for one way of drawing."""

    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    densities: list[Density] = field(default_factory=list)
    shown: dict[int, np.ndarray] = field(default_factory=dict)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measures a trained network on unseen people.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of a `train` run")
    parser.add_argument("--portraits", type=Path, required=True, help="keeps portraits' starts")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=64, help="held-out pairs (default: 64)")
    parser.add_argument("--weights", help="file in the run (default: weights.safetensors)")
    options = parser.parse_args()
    data = Store(options.data)
    head = Head.load(data.head)
    trained = load_checkpoint(options.run / (options.weights or "weights.safetensors"), head)
    names = validation_names(data, "test", options.pairs)
    pairs = [Pair(data.read(clip, s), data.read(clip, t)) for clip, s, t in names]
    start = PortraitStart(trained, head, options.portraits)
    start.prepare([pair.source for pair in pairs])
    networks = {
        "random init": random_network(trained.config, head),
        "portrait init": SplitAvatar(trained.config, head),
        "trained": trained,
    }
    found = {way: measure(network, way, pairs, start, head) for way, network in networks.items()}
    options.out.mkdir(parents=True, exist_ok=True)
    report = summary(found, len(pairs), options.run)
    copied = [psnr(pair.source.image / 255, pair.target.image / 255) for pair in pairs]
    report["the source itself, psnr"] = round(float(np.mean(copied)), 3)
    report["photo"] = paint_photo(networks, start, head, options.out / "learning-photo.png")
    (options.out / "learning.json").write_text(json.dumps(report, indent=1) + "\n")
    paint_strip(pairs, found, options.out / "learning-strip.png")
    paint_curve(options.run / METRICS, options.out / "learning-curve.png")
    print(json.dumps(report, indent=1))
    return 0


def random_network(config: ModelConfig, head: Head) -> SplitAvatar:
    """The network as PyTorch initialises it: also the layers that ours starts at zero.

    The masks keep their start, which method.md asks for: all open.
    """
    model = SplitAvatar(config, head)
    torch.manual_seed(0)
    for name, module in model.named_modules():
        if not isinstance(module, nn.Linear | nn.Conv2d) or name.startswith("masks"):
            continue
        if not bool(module.weight.any()):
            module.reset_parameters()
    return model


@torch.no_grad()
def measure(
    model: SplitAvatar, way: str, pairs: list[Pair], start: PortraitStart, head: Head
) -> Found:
    """Every pair drawn once."""
    model.eval()
    found = Found()
    for number, pair in enumerate(pairs):
        own = None if way == "random init" else [start.of(pair.source)]
        batch = collate([pair], head)
        pictures = forward(model, batch, own)
        image = pictures.coarse[0].clamp(0, 1).permute(1, 2, 0).double().numpy()
        target = batch.target_images[0].permute(1, 2, 0).double().numpy()
        found.psnr.append(psnr(image, target))
        found.ssim.append(ssim(image, target))
        found.densities.append(density(pictures, batch.vertices[0].numpy(), head))
        if number < _ROWS:
            found.shown[number] = image
        print(f"{way} {number + 1}/{len(pairs)} {found.psnr[-1]:.2f} dB", file=sys.stderr)
    return found


def density(pictures: Pictures, vertices: np.ndarray, head: Head) -> Density:
    """Where the masks keep G1..GL in one picture."""
    cloud = pictures.clouds[0]
    owners, layers = cloud.vertices.numpy(), cloud.layers.numpy()
    expression = pictures.expression[0]
    planes = len(cloud) - sum(layer.mask.shape[1] for layer in expression.layers)
    masks = torch.cat([layer.mask[0] for layer in expression.layers]) > 0
    kept = np.concatenate([np.ones(planes, bool), masks.numpy()])
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    return kept_density(layers, owners, kept, vertices, head.faces.numpy(), regions)


def summary(found: dict[str, Found], pairs: int, run: Path) -> dict[str, object]:
    """What the page's table holds."""
    steps = read_lines(run / METRICS)
    seconds = [line["seconds"] for line in steps if "seconds" in line]
    report: dict[str, object] = {
        "pairs": pairs,
        "steps": len(steps),
        "seconds_per_step": round(float(np.median(seconds)), 3),
        "minutes": round(float(np.sum(seconds)) / 60, 2),
    }
    for way, one in found.items():
        report[way] = {
            "psnr": round(float(np.mean(one.psnr)), 3),
            "ssim": round(float(np.mean(one.ssim)), 4),
            "better_than_portrait": round(
                float(np.mean(np.greater(one.psnr, found["portrait init"].psnr))), 3
            ),
            "kept_layers": _mean([d.layers for d in one.densities]),
            "kept_share": _areas(one, "share"),
            "kept_per_cm2": _areas(one, "per_cm2"),
            "share_beside_scalp": _areas(one, "share_beside_scalp"),
            "density_beside_scalp": _areas(one, "density_beside_scalp"),
        }
    return report


def _mean(rows: list[tuple[float, ...]]) -> list[float]:
    return [round(float(value), 4) for value in np.mean(rows, axis=0)]


def _areas(found: Found, name: str) -> dict[str, float]:
    return {
        area: round(float(np.mean([getattr(d.areas[area], name) for d in found.densities])), 3)
        for area in AREAS
    }


def photo_frame(head: Head, size: int) -> Frame:
    """The bundled photograph, tracked as the product does, at the network's size."""
    with Tracker(head) as tracker:
        portrait = tracker.portrait(SAMPLE_PORTRAIT.read_bytes(), None, silent)
    matted = cv2.resize(portrait.matted, (size, size), interpolation=cv2.INTER_AREA)
    matte = cv2.resize(portrait.matte, (size, size), interpolation=cv2.INTER_AREA)
    return Frame(
        clip="photo",
        index=0,
        image=(matted * 255 + 0.5).astype(np.uint8),
        camera=portrait.fit.camera.resized(size, size),
        track=portrait.fit.track,
        box=np.array([0, 0, 1, 1], np.float32),
        alpha=(matte * 255 + 0.5).astype(np.uint8),
    )


@torch.no_grad()
def paint_photo(
    networks: dict[str, SplitAvatar], start: PortraitStart, head: Head, path: Path
) -> dict[str, float]:
    """A real face: row 1 the portrait's start, row 2 trained; own pose, turned, smile, open jaw.

    Returns:
        PSNR in its own pose, dB.
    """
    frame = photo_frame(head, networks["trained"].config.image_size)
    poses = [frame, *(_turned(frame, degrees) for degrees in (-20, 20))]
    for weights in ({"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9}, {"jawOpen": 0.7}):
        expression = Track.from_arkit(weights).expression
        poses.append(replace(frame, track=replace(frame.track, expression=expression)))
    rows, quality = [], {}
    for way in WAYS[1:]:
        networks[way].eval()
        shown = []
        for pose in poses:
            batch = collate([Pair(frame, pose)], head)
            drawn = forward(networks[way], batch, [start.of(frame)]).coarse[0]
            shown.append(drawn.clamp(0, 1).permute(1, 2, 0).double().numpy())
        quality[way] = round(psnr(shown[0], frame.image / 255), 2)
        rows.append([frame.image / 255, *shown])
    write_grid(rows, path)
    return quality


def _turned(frame: Frame, degrees: float) -> Frame:
    """The same frame from a camera that walked around the head."""
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[[0, 0, 2, 2], [0, 2, 0, 2]] = np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)
    return replace(frame, camera=replace(frame.camera, viewmat=frame.camera.viewmat @ turn))


def paint_strip(pairs: list[Pair], found: dict[str, Found], path: Path) -> None:
    """Source, target and the three ways, a row for every person."""
    rows = []
    for number in sorted(found["trained"].shown):
        images = [pairs[number].source.image / 255, pairs[number].target.image / 255]
        rows.append([*images, *(found[way].shown[number] for way in WAYS)])
    write_grid(rows, path)


def write_grid(rows: list[list[np.ndarray]], path: Path) -> None:
    """Pictures [S, S, 3] 0..1 beside and below each other, small enough for a page."""
    tile = (_TILE_PX, _TILE_PX)
    small = [[cv2.resize(image, tile, interpolation=cv2.INTER_AREA) for image in r] for r in rows]
    grid = np.concatenate([np.concatenate(row, axis=1) for row in small])
    cv2.imwrite(str(path), (grid[..., ::-1] * 255 + 0.5).astype(np.uint8))


def paint_curve(metrics: Path, path: Path) -> None:
    """Training loss, validation PSNR and kept parts over the steps."""
    lines = read_lines(metrics)
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(13, 3.6))
    steps = np.array([line["step"] for line in lines])
    loss = np.array([line["image"] for line in lines])
    window = max(1, len(loss) // 40)
    smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
    left.plot(steps, loss, color="0.8", linewidth=0.7)
    left.plot(steps[window - 1 :], smooth, color="C0")
    left.set(title="image loss (Eq. 15)", xlabel="step", ylim=(0, float(np.percentile(loss, 99.5))))
    looked = [line for line in lines if "val_psnr" in line]
    middle.plot([v["step"] for v in looked], [v["val_psnr"] for v in looked], marker="o", ms=3)
    middle.set(title="PSNR on validation people, dB", xlabel="step")
    for name in sorted({key for key in lines[0] if key.startswith("kept_")}):
        right.plot(steps, [line[name] for line in lines], label=name.replace("kept_", "G"), lw=0.8)
    right.set(title="kept part of G1..G3", xlabel="step", ylim=(0, 1))
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
