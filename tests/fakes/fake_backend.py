"""A backend process with the fake pipeline: `python -m tests.fakes.fake_backend serve ...`.

A test that needs another pipeline has a script of its own, which calls `main` with it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from backend.serving.server import Handle, Server, serve, watch_stdin
from shared.errors import AvatarError
from tests.fakes.fake_pipeline import FakeAvatar, FakeCreateOptions, FakePipeline


def main(open_pipeline: Callable[[str, str], FakePipeline] = FakePipeline) -> int:
    """Serves until it is told to stop.

    Args:
        open_pipeline: The pipeline from a fault and a preset.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--connection", type=Path, required=True)
    parser.add_argument("--preset", default="open")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--fault", default="")
    args = parser.parse_args()
    if args.fault == "start":
        print("the reason why it cannot start")
        return 7

    def load(phase: Callable[[str], None]) -> tuple[Handle, str]:
        if args.fault == "load":
            raise AvatarError("missing_weights", "No weights.", "Download them.")
        phase("loading")
        from backend.avatar.engines import Engine
        from backend.serving.requests import Handlers

        pipeline = open_pipeline(args.fault, args.preset)
        return Handlers(Engine(pipeline, FakeCreateOptions, FakeAvatar.load)), pipeline.device

    server = Server(args.connection, load, args.preset, args.device)
    watch_stdin(server)
    return serve(server)


if __name__ == "__main__":
    sys.exit(main())
