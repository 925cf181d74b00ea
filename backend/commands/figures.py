"""`figures`: the paper's Figs. 4, 5 and 6 from results, avatars and networks."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from backend.evaluation.results import TASKS
from shared.errors import AvatarError

from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `figures`."""
    parser.add_argument(
        "number", type=int, choices=(4, 5, 6), help="4: all methods; 5: ablations; 6: Gaussians"
    )
    parser.add_argument("--out", type=Path, required=True, help="the PNG; 6: a .json beside it")
    parser.add_argument("--side", type=int, help="side of each picture, pixels")
    parser.add_argument("--results", type=Path, help="4, 5: a results folder")
    parser.add_argument("--task", choices=TASKS, help="4, 5: default cross, where there is one")
    parser.add_argument("--systems", nargs="+", help="4, 5: folders to show, in this order")
    parser.add_argument("--rows", nargs="+", metavar="CLIP/FRAME", help="4, 5: default: four")
    parser.add_argument("--avatar", type=Path, help="6: a .savatar")
    parser.add_argument("--track", type=Path, help="6: with --avatar: a track that drives it")
    parser.add_argument("--preset", default="open", help="6: the network's preset (default: open)")
    parser.add_argument("--weights", type=Path, help="6: the network's checkpoint")
    parser.add_argument("--data", type=Path, help="6: a store: its network animates a clip of it")
    parser.add_argument("--clip", help="6: with --data: which (default: the first to test with)")
    parser.add_argument(
        "--frames", type=int, nargs="+", default=[1], metavar="N",
        help="6: numbers of the driving frames, one row each, from 1 (default: 1)",
    )  # fmt: skip
    parser.add_argument("--blender", type=Path, help="6: an interpreter with Blender's bpy")
    parser.add_argument("--device", default="auto", help="6: auto, cpu or cuda (default: auto)")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Draws one figure."""
    from backend.export.png import write_png

    size = {} if args.side is None else {"side_px": args.side}
    if args.number != 6:
        write_png(args.out, _systems(args, size))
        return {"figure": args.out, "seconds": console.seconds}
    from backend.figures.gaussians import BLENDER, gaussian_figure

    scenes = _scenes(args, console)
    write_png(
        args.out, gaussian_figure(scenes, console.progress, blender=args.blender or BLENDER, **size)
    )
    numbers = [dataclasses.asdict(scene.density()) for scene in scenes]
    facts = args.out.with_suffix(".json")
    facts.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    beside = {
        name: f"{area['share']:.0%} kept, {area['share_beside_scalp']:.2f} x the scalp's share, "
        f"{area['density_beside_scalp']:.2f} x its density"
        for name, area in numbers[0]["areas"].items()
    }
    layers = {f"G{i}": f"{share:.0%} kept" for i, share in enumerate(numbers[0]["layers"], 1)}
    return {"figure": args.out, "numbers": facts, **layers, **beside, "seconds": console.seconds}


def _systems(args: argparse.Namespace, size: dict[str, int]) -> Any:
    from backend.evaluation.results import open_results
    from backend.figures.systems import system_figure

    if args.results is None:
        raise _lacks(args.number, "--results, a folder as docs/evaluation.md describes it")
    results = open_results(args.results, args.task)[-1]  # self comes before cross
    return system_figure(results, args.number, args.systems, args.rows, **size)


def _scenes(args: argparse.Namespace, console: Console) -> list[Any]:
    if args.avatar is not None:
        return _avatar_scenes(args, console)
    if args.data is None:
        raise _lacks(6, "--avatar, or --data with the network's --preset and --weights")
    return _network_scenes(args, console)


def _avatar_scenes(args: argparse.Namespace, console: Console) -> list[Any]:
    from backend.avatar import engines
    from backend.figures.scene import avatar_scene
    from backend.head.foreign_tracks import load_track

    with engines.load_engine(args.preset, args.device, args.weights, console.phase) as engine:
        avatar = engine.open(args.avatar)
        driver = load_track(args.track, avatar.source.head)[0] if args.track else avatar.source
        _check_frames(args.frames, len(driver))
        pipeline = engine.pipeline
        return [avatar_scene(pipeline, avatar, driver.slice(n - 1, n)) for n in args.frames]


def _network_scenes(args: argparse.Namespace, console: Console) -> list[Any]:
    from backend.data.store import Store
    from backend.evaluation.network import open_network
    from backend.evaluation.run import PORTRAITS, chosen_device
    from backend.figures.scene import network_scene

    console.phase("load the network")
    cache, store = args.out.parent / PORTRAITS, Store(args.data)
    network = open_network(args.preset, args.weights, cache, chosen_device(args.device))
    clip = args.clip or store.clips("test")[0]
    numbers = store.frames(clip)
    _check_frames(args.frames, len(numbers))
    source = (clip, numbers[0])
    return [network_scene(network, store, source, (clip, numbers[n - 1])) for n in args.frames]


def _check_frames(asked: list[int], count: int) -> None:
    if wrong := [number for number in asked if not 1 <= number <= count]:
        raise AvatarError(
            "bad_request",
            f"Frame {wrong[0]} was asked for; there are {count}.",
            f"Give --frames out of 1 to {count}.",
        )


def _lacks(number: int, what: str) -> AvatarError:
    return AvatarError("bad_request", f"Fig. {number} needs {what}.", "See figures --help.")
