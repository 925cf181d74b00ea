"""Blender as a process of its own, for what runs or dies in it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from house.environments import ROOT
from house.profile import profile_environment


@dataclass(frozen=True)
class InBlender:
    """Runs parts of `in_blender.py`.

    Args:
        python: Blender's interpreter.
        profile: Blender's user resources, kept from run to run: the backend's bytecode is there.
        avatar: The .savatar file.
    """

    python: Path
    profile: Path
    avatar: Path

    def start(self, part: str, out: Path, **task: Any) -> subprocess.Popen[str]:
        """A process that does a part; its log goes to OUT/PART.log."""
        given = {"out": str(out), "avatar": str(self.avatar), "backend_python": sys.executable}
        (out / "task.json").write_text(json.dumps({**given, **task}))
        command = [str(self.python), "-m", "tests.acceptance.in_blender", part]
        with (out / f"{part}.log").open("w") as log:
            return subprocess.Popen(
                [*command, str(out / "task.json")],
                cwd=ROOT,
                env=profile_environment(self.profile),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run(self, part: str, out: Path, **task: Any) -> dict[str, Any]:
        """What a part told."""
        process = self.start(part, out, **task)
        try:
            code = process.wait(timeout=170)
        finally:
            process.kill()
            process.wait()
        assert code == 0, (out / f"{part}.log").read_text()[-4000:]
        return json.loads((out / f"{part}.json").read_text())
