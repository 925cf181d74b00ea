"""`serve`: the backend process."""

from __future__ import annotations

import argparse
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.serving.server import Handle, Server, serve, watch_stdin

from . import options
from .console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `serve`."""
    parser.add_argument(
        "--connection", type=Path, required=True, help="where to write the connection file"
    )
    parser.add_argument(
        "--keep-running",
        action="store_true",
        help="stay when stdin closes (else the backend ends with whoever started it)",
    )
    options.add_engine(parser)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Serves until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    def load(phase: Callable[[str], None]) -> tuple[Handle, str]:
        phase("importing")
        from backend.avatar.engines import load_engine
        from backend.serving.requests import Handlers

        engine = load_engine(args.preset, args.device, args.weights, phase)
        return Handlers(engine), engine.pipeline.device_words

    server = Server(args.connection, load, args.preset, args.device)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    if not args.keep_running:
        watch_stdin(server)
    serve(server)
    return {"stopped": True}
