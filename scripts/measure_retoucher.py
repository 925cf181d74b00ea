"""What the retoucher makes of round trips of people it has never seen: a table, and a sheet.

    python -m backend synthesise --from-portraits FOLDER --held-out --trips 1 --out SAMPLES
    python scripts/measure_retoucher.py SAMPLES [--weights FILE ...] [--sheet FILE]

Each file of weights is a column beside the untouched pictures; without any, what ships.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

tune_process()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from backend.assets import RETOUCHER  # noqa: E402
from backend.avatar.retouch import STRENGTH  # noqa: E402
from backend.data.retouch_sample import SUFFIX, read_sample  # noqa: E402
from backend.export.contact_sheet import write_contact_sheet  # noqa: E402
from backend.model.retoucher import PICTURE, Retoucher  # noqa: E402
from backend.training.retoucher.objective import Objective  # noqa: E402
from backend.training.retoucher.samples import TRIP, kind_of  # noqa: E402

_CELL_PX = 256

HEADING = """\
| | PSNR | features | sharpness | PSNR better | features better |
|---|---|---|---|---|---|"""


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the retoucher on held-out round trips.")
    parser.add_argument("samples", type=Path, help="folder of the round trips")
    parser.add_argument("--weights", type=Path, nargs="*", default=[RETOUCHER])
    parser.add_argument("--sheet", type=Path, help="PNG to write: as drawn, retouched, photograph")
    args = parser.parse_args()
    files = [f for f in sorted(args.samples.glob(f"*{SUFFIX}")) if kind_of(f) == TRIP]
    samples = [read_sample(file) for file in files]
    drawn = torch.stack([planes_of(sample.drawn) for sample in samples])
    target = torch.stack([planes_of(sample.target) for sample in samples])
    pictures = {"as drawn": drawn[:, :PICTURE]}
    for path in args.weights:
        network = loaded(path)
        added = torch.cat([network(part) for part in drawn.split(8)])
        pictures[path.stem] = drawn[:, :PICTURE] + STRENGTH * added
    objective = Objective()
    measured = {name: objective.judge(shown, target) for name, shown in pictures.items()}
    first = measured["as drawn"]
    print(HEADING)
    for name, found in measured.items():
        print(row(name, found, first))
    if args.sheet:
        shown = [*pictures.items(), ("photograph", target)]
        tiles = [
            (f"{file.stem} {name}", _as_bytes(planes[i]))
            for i, file in enumerate(files)
            for name, planes in shown
        ]
        write_contact_sheet(args.sheet, tiles, 3 * len(shown), _CELL_PX)


def row(name: str, found: dict[str, Tensor], first: dict[str, Tensor]) -> str:
    """A row of the table: means of what `Objective.judge` found of people, and for how many of them
    it is better than what was found first."""
    means = " | ".join(f"{float(values.mean()):.3f}" for values in found.values())
    nearer = float((found["psnr"] > first["psnr"]).float().mean())
    liker = float((found["features"] < first["features"]).float().mean())
    return f"| {name} | {means} | {nearer:.0%} | {liker:.0%} |"


def loaded(path: Path) -> Retoucher:
    """The retoucher of a file, in evaluation mode."""
    network = Retoucher()
    network.load(path.read_bytes())
    return network.eval()


def planes_of(picture: np.ndarray) -> Tensor:
    """[C, H, W] 0..1 of [H, W, C] uint8."""
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255


def _as_bytes(planes: Tensor) -> np.ndarray:
    """[S, S, 4] uint8, straight alpha, of a picture [4, S, S]."""
    alpha = planes[3:].clamp(0, 1)
    colours = planes[:3].clamp_min(0).minimum(alpha) / alpha.clamp_min(1e-4)
    rgba = torch.cat([colours, alpha]).permute(1, 2, 0)
    return (rgba * 255 + 0.5).to(torch.uint8).numpy()


if __name__ == "__main__":
    main()
