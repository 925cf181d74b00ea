"""What a trained network makes of people it has never seen, as the product draws them.

    python scripts/measure_network.py FOLDER --weights RUN/weights.safetensors ... [--sheet FILE]

FOLDER has the photographs, of which every tenth was held out of all learning. Each makes one round
trip: its avatar of the untrained network is drawn in another pose, that picture is made an avatar
by every network, and driven back. All see the same pictures. Rows: as drawn, and retouched.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

tune_process()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from backend.assets import RETOUCHER  # noqa: E402
from backend.avatar.create import CreateOptions  # noqa: E402
from backend.avatar.pipeline import Pipeline  # noqa: E402
from backend.avatar.retouch import STRENGTH  # noqa: E402
from backend.avatar.weights import UNTRAINED  # noqa: E402
from backend.data.held_out import judged  # noqa: E402
from backend.data.retouch_sample import Sample  # noqa: E402
from backend.model.retoucher import PICTURE  # noqa: E402
from backend.round_trips.trip import another_pose, known_portrait, seen  # noqa: E402
from backend.tracking.pictures import picture_files  # noqa: E402
from backend.training.retoucher.objective import Objective  # noqa: E402
from scripts.measure_retoucher import HEADING, loaded, planes_of, row  # noqa: E402
from shared.atomic import write_bytes  # noqa: E402
from shared.errors import AvatarError  # noqa: E402
from shared.progress import silent  # noqa: E402

_OPTIONS = CreateOptions(iterations=0)
_FIRST = "untrained"


@dataclass(frozen=True)
class Person:
    """One round trip.

    Args:
        name: Of the photograph's file.
        source: [512, 512, 4] uint8 the picture that went round, straight alpha.
        samples: What came back, by network.
    """

    name: str
    source: np.ndarray
    samples: dict[str, Sample]


@torch.no_grad()
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measures a trained network on unseen people.")
    parser.add_argument("portraits", type=Path, help="folder of photographs")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="checkpoints")
    parser.add_argument("--preset", default="open", help="theirs: a name, or a .toml file")
    parser.add_argument("--people", type=int, help="the first so many only")
    parser.add_argument("--seed", type=int, default=7, help="of poses and expressions")
    parser.add_argument("--sheet", type=Path, help="PNG: what went round, what came back, photo")
    args = parser.parse_args()
    untrained = Pipeline("open", device="cpu", weights=UNTRAINED)
    networks = {_FIRST: untrained}
    for path in args.weights:
        networks[path.parent.name] = Pipeline(args.preset, device="cpu", weights=path)
    people = []
    for file in judged(picture_files(args.portraits))[: args.people]:
        try:
            people.append(_round_trip(file, untrained, networks, args.seed))
        except AvatarError as error:
            print(f"{file.name}: {error.message}", file=sys.stderr)
    _print_table(people)
    if args.sheet:
        write_bytes(args.sheet, cv2.imencode(".png", _sheet(people))[1].tobytes())


def _round_trip(
    file: Path, untrained: Pipeline, networks: dict[str, Pipeline], seed: int
) -> Person:
    chance = np.random.default_rng([seed, *file.stem.encode()])
    portrait = untrained.portrait(file.read_bytes(), _OPTIONS, silent)
    avatar = untrained.create_from(portrait, _OPTIONS, silent)
    track = another_pose(chance, avatar)
    picture = untrained.picture(avatar, track, avatar.camera).rgba8()
    again = known_portrait(untrained, avatar, track, picture)
    samples = {}
    for name, pipeline in networks.items():
        back = pipeline.create_from(again, _OPTIONS, silent)
        samples[name] = seen(pipeline, back, avatar, portrait)
    return Person(file.stem, picture, samples)


def _print_table(people: list[Person]) -> None:
    objective, retoucher = Objective(), loaded(RETOUCHER)
    target = torch.stack([planes_of(p.samples[_FIRST].target) for p in people])
    print(HEADING)
    firsts: list[dict[str, Tensor]] = []
    for name in people[0].samples:
        drawn = torch.stack([planes_of(person.samples[name].drawn) for person in people])
        plain = drawn[:, :PICTURE]
        added = torch.cat([retoucher(part) for part in drawn.split(8)])
        for place, shown in enumerate((plain, plain + STRENGTH * added)):
            found = objective.judge(shown, target)
            if name == _FIRST:
                firsts.append(found)
            label = f"{name}, retouched" if place else name
            print(row(label, found, firsts[place]))


def _sheet(people: list[Person]) -> np.ndarray:
    """[H, W, 3] uint8 BGR: a row for every person."""
    rows = []
    for person in people:
        samples = list(person.samples.values())
        side = samples[0].target.shape[0]
        source = cv2.resize(person.source, (side, side), interpolation=cv2.INTER_AREA)
        source = (source[..., :3] * (source[..., 3:] / 255)).astype(np.uint8)
        tiles = [sample.drawn[..., :3] for sample in samples]
        rows.append(np.concatenate([source, *tiles, samples[0].target[..., :3]], axis=1))
    return np.concatenate(rows)[..., ::-1]


if __name__ == "__main__":
    main()
