"""`synthesise`: pictures to train with: made-up people, or round trips of real photographs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backend.data.synthetic.synthesise import Recipe, synthesise
from backend.round_trips.make import TripRecipe, make_trips
from backend.round_trips.store import StoreRecipe, make_store
from shared.errors import AvatarError

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `synthesise`."""
    parser.add_argument("--out", type=Path, required=True, help="folder of what is made")
    parser.add_argument("--seed", type=int, default=0, help="of everything (default: 0)")
    parser.add_argument(
        "--size", type=int, default=256, help="side of a store's pictures, pixels (default: 256)"
    )
    parser.add_argument("--processes", type=int, help="at once (default: one per core)")
    people = parser.add_argument_group("made-up people on the open head, a store")
    people.add_argument("--identities", type=int, help="people, one clip each")
    people.add_argument("--frames", type=int, help="frames of every person")
    trips = parser.add_argument_group("round trips of photographs, samples for the retoucher")
    trips.add_argument(
        "--from-portraits", type=Path, metavar="FOLDER", help="photographs, one person each"
    )
    trips.add_argument("--trips", type=int, default=2, help="of each (default: 2)")
    trips.add_argument(
        "--held-out", action="store_true", help="of every tenth photograph, not of all others"
    )
    trips.add_argument(
        "--as-store", action="store_true", help="a store for `train` in place of samples"
    )
    trips.add_argument("--people", type=int, help="to learn from, of a store (default: all)")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Makes the store, or the round trips."""
    if args.from_portraits is not None and args.as_store:
        recipe = StoreRecipe(args.trips, args.size, args.people, args.seed)
        made = make_store(args.from_portraits, args.out, recipe, console.progress, args.processes)
        return {"store": args.out, **made, "seconds": console.seconds}
    if args.from_portraits is not None:
        recipe = TripRecipe(count=args.trips, seed=args.seed, held_out=args.held_out)
        made = make_trips(args.from_portraits, args.out, recipe, console.progress, args.processes)
        return {"samples": args.out, **made, "seconds": console.seconds}
    if args.identities is None or args.frames is None:
        raise AvatarError(
            "bad_request",
            "Neither made-up people nor round trips were asked for.",
            "Give --identities and --frames, or --from-portraits FOLDER.",
        )
    recipe = Recipe(args.identities, args.frames, args.size, args.seed)
    made = synthesise(args.out, recipe, console.progress, args.processes)
    return {"store": args.out, **made, "seconds": console.seconds}
