"""A script of this folder in a fresh Blender: a test starts it, and it tells one JSON object."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from house.environments import ROOT
from house.profile import profile_environment
from tests.blender_script import leave_after

_MARK = "@@"  # begins the line that tells; Blender prints lines of its own


def told_by(
    script: str, python: Path, *arguments: object, profile: Path, timeout_s: float
) -> tuple[dict, str]:
    """Runs a script and waits for it.

    Args:
        script: Its name.
        python: Blender's interpreter.
        arguments: What the script takes.
        profile: Blender's user resources, an empty folder.
        timeout_s: How long it may take.

    Returns:
        What the script told, and all it printed.
    """
    done = subprocess.run(
        [str(python), "-m", f"tests.package.{script}", *map(str, arguments)],
        cwd=ROOT,
        env=profile_environment(profile),
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert lines, done.stdout[-3000:]
    return json.loads(lines[-1].removeprefix(_MARK)), done.stdout + done.stderr


# ---- inside Blender


def hide_site_packages() -> None:
    """The test environment has a pyzmq of its own; the extension must bring one."""
    sys.path[:] = [p for p in sys.path if not p.rstrip("/\\").endswith("site-packages")]


def tell(look: Callable[[], Mapping[str, object]]) -> None:
    """Tells the test what `look` returns, and ends the process."""
    leave_after(lambda: print(f"\n{_MARK}{json.dumps(look())}"))
