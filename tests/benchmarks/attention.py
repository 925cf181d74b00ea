"""Graph attention's two forms: python -m tests.benchmarks.attention [--json FILE].

All layers of the GSN on the open head, forward and with backward. Both forms run in turns in one
process; the ratio of their medians means something on a busy machine too, the times do not.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from backend.head import Head
from backend.model.gat import ReferenceAttention, StructuredAttention
from backend.model.graph import MeshGraph, mesh_edges
from backend.model.neighbours import NeighbourTables
from tests.benchmarks.clock import now

HEADS, SPLIT, LAYERS = 4, 2, 3
WIDTHS = {"open": 64, "paper": 256}
RUNS = 5


def main() -> None:
    """Prints a table and, when asked, writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    head = Head.load("open")
    edges = mesh_edges(head.faces)
    vertices = len(head.v_template)
    graphs: dict[str, nn.Module] = {
        "reference": MeshGraph(vertices, edges, SPLIT, LAYERS).to(args.device),
        "structured": NeighbourTables(vertices, edges, SPLIT, LAYERS, HEADS).to(args.device),
    }
    rows = []
    for preset, width in WIDTHS.items():
        for batch in (1, 4):
            for backward in (False, True):
                sizes = [(batch, vertices * SPLIT**i, width) for i in range(LAYERS)]
                works = {n: _work(n, g, sizes, backward, args.device) for n, g in graphs.items()}
                times = _alternating(works, args.device)
                ratio = times["reference"] / times["structured"]
                rows.append(
                    {"preset": preset, "batch": batch, "backward": backward}
                    | {f"{name}_ms": round(1000 * t, 1) for name, t in times.items()}
                    | {"ratio": round(ratio, 2)}
                )
                print(rows[-1], flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _work(
    form: str, graph: Any, sizes: list[tuple[int, int, int]], backward: bool, device: str
) -> Callable[[], None]:
    """Runs all layers of one form once."""
    make = ReferenceAttention if form == "reference" else StructuredAttention
    torch.manual_seed(0)
    attention = make(sizes[0][2], HEADS, sizes[0][2] // HEADS).to(device)
    inputs = [torch.randn(size, device=device) for size in sizes]

    def run() -> None:
        with torch.set_grad_enabled(backward):
            for layer, x in enumerate(inputs):
                out = attention(x.requires_grad_(backward), graph, layer)
                if backward:
                    out.sum().backward()

    return run


def _alternating(works: dict[str, Callable[[], Any]], device: str) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(RUNS + 1):
        for name, work in works.items():
            started = now(device)
            work()
            if number:  # the first run warms up
                times[name].append(now(device) - started)
    return {name: statistics.median(values) for name, values in times.items()}


if __name__ == "__main__":
    main()
