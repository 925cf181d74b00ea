"""A backend process whose avatars have the made-up head: `python -m tests.blender.fake_backend`."""

import sys

import numpy as np

from tests.blender.fake_binding import binding_arrays
from tests.blender.fake_head import rig_arrays
from tests.fakes.fake_backend import main
from tests.fakes.fake_pipeline import FakeAvatar, FakePipeline

BOUND = b"bound"
"""How the portrait of an avatar begins whose head moves its splats."""


class RigPipeline(FakePipeline):
    """The fake pipeline with a rig that can be posed."""

    def rig(self, avatar: FakeAvatar) -> dict[str, np.ndarray]:
        return rig_arrays()

    def binding(self, avatar: FakeAvatar) -> dict[str, np.ndarray] | None:
        return binding_arrays(rig_arrays()) if avatar.image.startswith(BOUND) else None


if __name__ == "__main__":
    sys.exit(main(RigPipeline))
