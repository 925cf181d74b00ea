"""`parity`: GAGAvatar's numbers from our modules, under the names that its numbers bear."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `parity`."""
    parser.add_argument(
        "--weights", type=Path, required=True, help="the .safetensors file that `convert` wrote"
    )
    parser.add_argument("--inputs", type=Path, required=True, help="an .npz of inputs")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Computes every array and writes them to one file."""
    import numpy as np

    from backend.gagavatar.parity import load_model, parity, read_inputs
    from shared.atomic import replacing

    inputs = read_inputs(args.inputs)
    console.phase("reading weights")
    model = load_model(args.weights, len(inputs["t_points"]))
    arrays = parity(model, inputs, console.progress)
    out = args.out if args.out.suffix == ".npz" else args.out.with_name(args.out.name + ".npz")
    with replacing(out) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
    return {"out": out, "arrays": len(arrays), "seconds": console.seconds}
