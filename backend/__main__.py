"""The command line: `python -m backend COMMAND`.

Each command is a module of `backend.commands` with `add_arguments(parser)` and `run(args,
console)`, imported only when it is asked for, so that help is instant.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from backend.process import tune_process

COMMANDS = {
    "serve": "run the backend for Blender",
    "create": "make an avatar (.savatar) from a portrait",
    "drive": "pose an avatar by a track: PLY files, quick PNG or MP4",
    "render": "render frames of a job to files; resumable",
    "track": "read a track (.flame.npz) from an image, a video or a folder of images",
    "reenact": "show a portrait's person doing what a video or folder of images shows",
    "prepare": "make a data set of videos: crop, matte and track every 5th frame; resumable",
    "convert-tracks": "other programs' tracks into .flame.npz; GAGAvatar's data sets into ours",
    "synthesise": "make a store of made-up people to train and test with",
    "train": "train a network on a data set; resumable",
    "evaluate": "metrics of a network or of folders of results, beside the paper's",
    "ablations": "train the paper's variants alike and compare them; resumable",
    "figures": "the paper's Figs. 4 to 6 from results, avatars and networks",
    "info": "what this is; a preset's settings; an avatar's facts",
    "convert": "turn GAGAvatar.pt into a checkpoint of ours (.safetensors)",
    "parity": "compute GAGAvatar's numbers with our modules, to compare them",
    "doctor": "what works on this machine, and what is missing",
    "support": "a zip with logs and facts to send for help, without personal paths",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 done, 1 failed (message and remedy on stderr), 2 wrong usage, 130 cancelled.
    """
    tune_process()
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in given if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog="python -m backend", description="SplitAvatar: portrait to drivable 3D Gaussian head."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    command: Any = None
    for name, words in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=words, description=_sentence(words))
        if name == chosen:
            command = importlib.import_module("backend.commands." + name.replace("-", "_"))
            command.add_arguments(subparser)
            subparser.add_argument(
                "--json", action="store_true", help="print one JSON object and nothing else"
            )
    try:
        args = parser.parse_args(given)
    except SystemExit as stop:  # argparse's way: 0 after help, 2 after wrong usage
        return int(stop.code or 0)
    console = importlib.import_module("backend.commands.console")
    return console.run(command.run, args)


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


if __name__ == "__main__":
    sys.exit(main())
