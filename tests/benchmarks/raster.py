"""Times the rasterisers on one scene, in turns, and prints a table.

    python tests/benchmarks/raster.py --json raster.json

Ratios between columns of one run mean something; milliseconds depend on the machine and on what
else runs there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from backend.splat import cpu, reference
from backend.splat.gaussians import Gaussians
from backend.splat.projection import project
from backend.splat.speed import head_like_scene
from shared.camera import Camera
from tests.benchmarks.clock import now

_GPU = "gsplat"
SETTINGS = {"mask_gradient": False, "alpha_max": 0.999, "near_m": 0.01}


def _time(function, cloud: Gaussians, camera: Camera, backward: bool) -> tuple[float, float]:
    leaves = [cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.features]
    for leaf in leaves:
        leaf.requires_grad_(backward)
    started = now(cloud.means.device)
    outputs = function(cloud, camera, **SETTINGS)
    drawn = now(cloud.means.device)
    if backward:
        torch.autograd.grad(outputs, leaves, [torch.ones_like(o) for o in outputs])
    return 1e3 * (drawn - started), 1e3 * (now(cloud.means.device) - drawn)


def _variants() -> dict:
    variants = {"reference": reference.rasterise}
    state = cpu.status()
    for name in state.instruction_sets:
        variants[f"C++ {name}"] = lambda *args, _name=name, **kw: cpu.rasterise(
            *args, **kw, instruction_set=_name
        )
    if torch.cuda.is_available():
        from backend.splat import cuda

        variants[_GPU] = cuda.rasterise
    return variants


def main() -> None:
    parser = argparse.ArgumentParser(description="Times the rasterisers in turns.")
    parser.add_argument("--count", type=int, default=250_000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--channels", type=int, nargs="+", default=[3, 32])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--reference-backward", action="store_true", help="slow: tens of seconds")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(f"{options.count:,} Gaussians, {options.size}x{options.size}, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    print(f"{'channels':>8} {'rasteriser':<14} {'forward ms':>10} {'backward ms':>11} {'x ref':>6}")
    for channels in options.channels:
        cloud, camera = head_like_scene(options.count, channels, options.size)
        clouds = {"cpu": cloud, "cuda": cloud.to("cuda") if torch.cuda.is_available() else cloud}
        variants = _variants()
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
        for turn in range(options.rounds):
            for name, function in variants.items():
                if name == "reference" and turn > 1:
                    continue
                backward = name != "reference" or options.reference_backward
                drawn = clouds["cuda" if name == _GPU else "cpu"]
                times[name].append(_time(function, drawn, camera, backward))
        found = project(cloud, camera)
        area = float((found.extents.detach().prod(-1) * torch.pi).sum())
        baseline = statistics.median(t[0] for t in times["reference"])
        for name, taken in times.items():
            forward = statistics.median(t[0] for t in taken)
            backward = statistics.median(t[1] for t in taken)
            row = {
                "channels": channels,
                "rasteriser": name,
                "forward_ms": forward,
                "forward_min_ms": min(t[0] for t in taken),
                "backward_ms": backward,
                "backward_min_ms": min(t[1] for t in taken),
                "times_faster_than_reference": baseline / forward,
                "ellipse_pixels": area,
            }
            rows.append(row)
            print(f"{channels:>8} {name:<14} {forward:>10.1f} {backward:>11.1f} "
                  f"{baseline / forward:>6.1f}")  # fmt: skip
    if options.json:
        report = {"count": options.count, "size_px": options.size, "rows": rows,
                  "threads": torch.get_num_threads(), "torch": torch.__version__}  # fmt: skip
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
