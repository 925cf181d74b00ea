"""Makes backend/assets/retoucher.safetensors: round trips of portraits, and training on them.

python scripts/make_retoucher.py SAMPLES --portraits FOLDER --run FOLDER [--minutes 120]

Without --portraits the samples that are there are learned from, on another machine too: samples and
the run's folder are all that it needs. --resume goes on with the run. --ship makes its weights what
ships; look at them first (python -m backend evaluate PORTRAITS --suite portraits).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

if __name__ == "__main__":
    tune_process()

import torch  # noqa: E402

from backend.assets import RETOUCHER  # noqa: E402
from backend.commands.console import Console  # noqa: E402
from backend.training.retoucher.learning import WEIGHTS, Learning, Settings  # noqa: E402
from backend.training.retoucher.samples import read_samples  # noqa: E402
from scripts.archive import record_hash  # noqa: E402

HASH = ROOT / "backend" / "avatar" / "retoucher_hash.py"


def main() -> None:
    args = _arguments().parse_args()
    console = Console()
    if args.portraits:
        # Only this needs the tracker: samples are learned from on machines that have none.
        from backend.round_trips.make import TripRecipe, make_trips

        told = make_trips(args.portraits, args.samples, TripRecipe(), console.progress)
        print(told)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True  # all batches are alike
    settings = Settings(args.iterations, args.minutes, batch=args.batch, rate=args.rate)
    learning = Learning(settings, *read_samples(args.samples), args.run, device)
    if args.start:
        learning.begin_with(args.start)
    if args.resume:
        learning.resume()
    for line in learning.run(console.progress):
        print(line)
    if args.ship:
        ship(args.run / WEIGHTS)


def ship(weights: Path) -> None:
    """Makes weights those that come with the backend."""
    shutil.copyfile(weights, RETOUCHER)
    record_hash(RETOUCHER, HASH, "RETOUCHER_SHA256", "scripts/make_retoucher.py")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path, help="folder of the round trips")
    parser.add_argument("--portraits", type=Path, help="photographs to make round trips of first")
    parser.add_argument("--run", type=Path, required=True, help="folder of the training")
    parser.add_argument("--iterations", type=int, default=Settings.iterations)
    parser.add_argument("--minutes", type=float, help="no longer than that")
    parser.add_argument("--rate", type=float, default=Settings.rate, help="the learning rate")
    parser.add_argument("--batch", type=int, default=Settings.batch, help="samples of a step")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--resume", action="store_true", help="go on with the run")
    parser.add_argument("--ship", action="store_true", help="its weights ship")
    return parser


if __name__ == "__main__":
    main()
