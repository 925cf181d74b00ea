"""Starts the demo: builds the zip, then runs scripts/demo inside Blender with an empty profile."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .environments import ROOT, ensure
from .package import build_for
from .profile import profile_environment

BLENDER = (4, 5)


def run_demo(out: Path) -> int:
    """Make what is missing and run the demo; its exit code.

    Args:
        out: The folder that receives everything the demo makes.
    """
    started = time.monotonic()
    backend = ensure("backend")
    blender = ensure(f"blender-{BLENDER[0]}.{BLENDER[1]}")
    set_up = time.monotonic()
    zip_path = build_for(BLENDER)
    print(
        f"environments {set_up - started:.0f} s, zip {time.monotonic() - set_up:.1f} s: {zip_path}"
    )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="splitavatar-profile-") as profile:
        command = [str(blender), "-m", "demo", "--zip", str(zip_path), "--out", str(out.resolve())]
        command += ["--backend-python", str(backend)]
        sys.stdout.flush()
        return subprocess.run(command, cwd=ROOT, env=profile_environment(Path(profile))).returncode
