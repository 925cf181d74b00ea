"""A backend process whose avatars have the made-up head: `python -m tests.blender.fake_backend`."""

import argparse
import sys
from pathlib import Path

import numpy as np

from backend.avatar.engines import Engine
from backend.serving.requests import Handlers
from backend.serving.server import Server, serve, watch_stdin
from tests.blender.fake_head import rig_arrays
from tests.fakes.fake_pipeline import FakeAvatar, FakeCreateOptions, FakePipeline


class RigPipeline(FakePipeline):
    """The fake pipeline with a rig that can be posed."""

    def rig(self, avatar: FakeAvatar) -> dict[str, np.ndarray]:
        return rig_arrays()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--connection", type=Path, required=True)
    parser.add_argument("--preset")
    parser.add_argument("--device")
    parser.add_argument("--fault", default="")
    args = parser.parse_args()

    def load(phase: object) -> tuple[Handlers, str]:
        pipeline = RigPipeline(args.fault)
        return Handlers(Engine(pipeline, FakeCreateOptions, FakeAvatar.load)), pipeline.device

    server = Server(args.connection, load, args.preset, args.device)
    watch_stdin(server)
    return serve(server)


if __name__ == "__main__":
    sys.exit(main())
